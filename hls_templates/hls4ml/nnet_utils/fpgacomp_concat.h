#ifndef FPGACOMP_CONCAT_H_
#define FPGACOMP_CONCAT_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Concat: two tensors joined along their channels, a first.
//
// CONFIG_T states n_pixels, channels_a, channels_b and reuse_factor (the initiation
// interval per call for arrays, per pixel for streams).
namespace fpgacomp {

template <class a_T, class b_T, class res_T, typename CONFIG_T>
void concat(a_T a[CONFIG_T::n_pixels * CONFIG_T::channels_a], b_T b[CONFIG_T::n_pixels * CONFIG_T::channels_b],
            res_T res[CONFIG_T::n_pixels * (CONFIG_T::channels_a + CONFIG_T::channels_b)]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    const unsigned channels = CONFIG_T::channels_a + CONFIG_T::channels_b;

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS UNROLL
    ChannelsA:
        for (unsigned c = 0; c < CONFIG_T::channels_a; c++) {
            #pragma HLS UNROLL
            res[p * channels + c] = a[p * CONFIG_T::channels_a + c];
        }
    ChannelsB:
        for (unsigned c = 0; c < CONFIG_T::channels_b; c++) {
            #pragma HLS UNROLL
            res[p * channels + CONFIG_T::channels_a + c] = b[p * CONFIG_T::channels_b + c];
        }
    }
}

template <class a_T, class b_T, class res_T, typename CONFIG_T>
void concat(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<res_T> &res) {
Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        a_T in_a = a.read();
        b_T in_b = b.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    ChannelsA:
        for (unsigned c = 0; c < CONFIG_T::channels_a; c++) {
            #pragma HLS UNROLL
            out[c] = in_a[c];
        }
    ChannelsB:
        for (unsigned c = 0; c < CONFIG_T::channels_b; c++) {
            #pragma HLS UNROLL
            out[CONFIG_T::channels_a + c] = in_b[c];
        }
        res.write(out);
    }
}

} // namespace fpgacomp

#endif
