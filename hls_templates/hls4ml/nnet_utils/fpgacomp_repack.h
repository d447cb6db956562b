#ifndef FPGACOMP_REPACK_H_
#define FPGACOMP_REPACK_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Repack: the same elements in the same order under another shape; also a plain copy.
// In a stream, the elements of one word (one pixel's channels) change in number.
//
// CONFIG_T states n_elements and reuse_factor (the initiation interval per call for
// arrays, per word or element for streams).
namespace fpgacomp {

template <class data_T, class res_T, typename CONFIG_T>
void repack(data_T data[CONFIG_T::n_elements], res_T res[CONFIG_T::n_elements]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor

Elements:
    for (unsigned i = 0; i < CONFIG_T::n_elements; i++) {
        #pragma HLS UNROLL
        res[i] = data[i];
    }
}

// Several words in make one word out.
template <class data_T, class res_T, typename CONFIG_T>
void repack_gather(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    res_T out;
    PRAGMA_DATA_PACK(out)
    unsigned filled = 0;
Words:
    for (unsigned i = 0; i < CONFIG_T::n_elements / data_T::size; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        data_T in = data.read();
    Channels:
        for (unsigned c = 0; c < data_T::size; c++) {
            #pragma HLS UNROLL
            out[filled + c] = in[c];
        }
        filled += data_T::size;
        if (filled == res_T::size) {
            res.write(out);
            filled = 0;
        }
    }
}

// One word in makes several words out.
template <class data_T, class res_T, typename CONFIG_T>
void repack_scatter(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    data_T in;
    unsigned taken = data_T::size;
Words:
    for (unsigned i = 0; i < CONFIG_T::n_elements / res_T::size; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        if (taken == data_T::size) {
            in = data.read();
            taken = 0;
        }
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channels:
        for (unsigned c = 0; c < res_T::size; c++) {
            #pragma HLS UNROLL
            out[c] = in[taken + c];
        }
        taken += res_T::size;
        res.write(out);
    }
}

// Neither size divides the other: element by element.
template <class data_T, class res_T, typename CONFIG_T>
void repack_serial(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    data_T in;
    res_T out;
    PRAGMA_DATA_PACK(out)
    unsigned taken = data_T::size;
    unsigned filled = 0;
Elements:
    for (unsigned i = 0; i < CONFIG_T::n_elements; i++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        if (taken == data_T::size) {
            in = data.read();
            taken = 0;
        }
        out[filled++] = in[taken++];
        if (filled == res_T::size) {
            res.write(out);
            filled = 0;
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void repack(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    #pragma HLS INLINE
    if (res_T::size % data_T::size == 0) {
        repack_gather<data_T, res_T, CONFIG_T>(data, res);
    } else if (data_T::size % res_T::size == 0) {
        repack_scatter<data_T, res_T, CONFIG_T>(data, res);
    } else {
        repack_serial<data_T, res_T, CONFIG_T>(data, res);
    }
}

} // namespace fpgacomp

#endif
