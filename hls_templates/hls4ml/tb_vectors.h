#ifndef FPGACOMP_TB_VECTORS_H_
#define FPGACOMP_TB_VECTORS_H_

#include "hls_stream.h"
#include <cstddef>
#include <cstdint>

// Moves plain integers into and out of the ports of the top function, for testbenches only.
namespace fpgacomp_tb {

template <class port_T> void feed(const int64_t *values, port_T *port, size_t size) {
    for (size_t i = 0; i < size; i++) {
        port[i] = port_T((long long)values[i]);
    }
}

template <class port_T> void feed(const int64_t *values, hls::stream<port_T> &port, size_t size) {
    for (size_t i = 0; i < size; i += port_T::size) {
        port_T word;
        for (size_t c = 0; c < port_T::size; c++) {
            word[c] = typename port_T::value_type((long long)values[i + c]);
        }
        port.write(word);
    }
}

template <class port_T> void drain(port_T *port, int64_t *values, size_t size) {
    for (size_t i = 0; i < size; i++) {
        values[i] = port[i].to_int64();
    }
}

template <class port_T> void drain(hls::stream<port_T> &port, int64_t *values, size_t size) {
    for (size_t i = 0; i < size; i += port_T::size) {
        port_T word = port.read();
        for (size_t c = 0; c < port_T::size; c++) {
            values[i + c] = word[c].to_int64();
        }
    }
}

} // namespace fpgacomp_tb

#endif
