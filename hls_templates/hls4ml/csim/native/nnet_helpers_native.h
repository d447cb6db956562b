// In the place of hls4ml's nnet_helpers.h, for C-simulation on native integers.
//
// That header is what moves weights and traces in and out of a C-simulation; nothing of it is
// synthesized but its three constexpr functions. g++ includes this one before the firmware (with
// -include), so that the firmware stays as it is emitted and hls4ml's is skipped by its guard.
#ifndef FPGACOMP_CSIM_NNET_HELPERS_NATIVE_H
#define FPGACOMP_CSIM_NNET_HELPERS_NATIVE_H

#define NNET_HELPERS_H

#include <assert.h>
#include <hls_stream.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

namespace fpgacomp_csim {

// `count` integers of weights/NAME, each handed to set(weights, number, value).
void read_weights(const char *name, size_t count, void *weights,
                  void (*set)(void *weights, size_t number, long long value));
// Where the `size` integers of a traced layer go.
int64_t *traced(const char *layer, size_t size);

template <class T> void set_weight(void *weights, size_t number, long long value) {
    static_cast<T *>(weights)[number] = T(value);
}

} // namespace fpgacomp_csim

namespace nnet {

template <class T, size_t SIZE> void load_weights_from_txt(T *w, const char *fname) {
    fpgacomp_csim::read_weights(fname, SIZE, w, fpgacomp_csim::set_weight<T>);
}

template <class data_T> void save_layer_output(data_T *data, const char *layer_name, size_t layer_size) {
    int64_t *const to = fpgacomp_csim::traced(layer_name, layer_size);
    for (size_t i = 0; i < layer_size; i++) {
        to[i] = int64_t(data[i].v);
    }
}

template <class data_T> void save_layer_output(hls::stream<data_T> &data, const char *layer_name, size_t layer_size) {
    int64_t *const to = fpgacomp_csim::traced(layer_name, layer_size);
    const data_T *const words = data.look(layer_size / data_T::size);
    for (size_t i = 0; i < layer_size; i++) {
        to[i] = int64_t(words[i / data_T::size].data[i % data_T::size].v);
    }
}

constexpr int ceillog2(int x) { return (x <= 2) ? 1 : 1 + ceillog2((x + 1) / 2); }

constexpr int floorlog2(int x) { return (x < 2) ? 0 : 1 + floorlog2(x / 2); }

constexpr int pow2(int x) { return x == 0 ? 1 : 2 * pow2(x - 1); }

} // namespace nnet

#endif
