#ifndef FPGACOMP_ADD_H_
#define FPGACOMP_ADD_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Add: res = multiplier_a[c] * a + multiplier_b[c] * b, exact in res_T.
//
// CONFIG_T states
//   n_pixels, n_channels   positions and channels; a and b are [n_pixels][n_channels]
//   multiplier_a_rows, multiplier_b_rows   n_channels, or 1 where all channels share one
//   reuse_factor           initiation interval per call (arrays) or per pixel (streams)
//   multiplier_a_t, multiplier_b_t
namespace fpgacomp {

template <class a_T, class b_T, class res_T, typename CONFIG_T>
void add(a_T a[CONFIG_T::n_pixels * CONFIG_T::n_channels], b_T b[CONFIG_T::n_pixels * CONFIG_T::n_channels],
         res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
         typename CONFIG_T::multiplier_a_t multiplier_a[CONFIG_T::multiplier_a_rows],
         typename CONFIG_T::multiplier_b_t multiplier_b[CONFIG_T::multiplier_b_rows]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=multiplier_a complete
    #pragma HLS ARRAY_PARTITION variable=multiplier_b complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS UNROLL
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            const unsigned i = p * CONFIG_T::n_channels + c;
            res[i] = a[i] * multiplier_a[CONFIG_T::multiplier_a_rows == 1 ? 0 : c] +
                     b[i] * multiplier_b[CONFIG_T::multiplier_b_rows == 1 ? 0 : c];
        }
    }
}

template <class a_T, class b_T, class res_T, typename CONFIG_T>
void add(hls::stream<a_T> &a, hls::stream<b_T> &b, hls::stream<res_T> &res,
         typename CONFIG_T::multiplier_a_t multiplier_a[CONFIG_T::multiplier_a_rows],
         typename CONFIG_T::multiplier_b_t multiplier_b[CONFIG_T::multiplier_b_rows]) {
    #pragma HLS ARRAY_PARTITION variable=multiplier_a complete
    #pragma HLS ARRAY_PARTITION variable=multiplier_b complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        a_T in_a = a.read();
        b_T in_b = b.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            out[c] = in_a[c] * multiplier_a[CONFIG_T::multiplier_a_rows == 1 ? 0 : c] +
                     in_b[c] * multiplier_b[CONFIG_T::multiplier_b_rows == 1 ? 0 : c];
        }
        res.write(out);
    }
}

} // namespace fpgacomp

#endif
