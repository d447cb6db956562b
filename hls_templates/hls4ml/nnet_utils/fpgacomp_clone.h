#ifndef FPGACOMP_CLONE_H_
#define FPGACOMP_CLONE_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Clone: one tensor to two readers, so that every array and every FIFO has exactly one
// writer and one reader (what a DATAFLOW region requires). More readers are a chain.
//
// CONFIG_T states n_pixels, n_channels and reuse_factor (the initiation interval per call
// for arrays, per pixel for streams).
namespace fpgacomp {

template <class data_T, class res_T, typename CONFIG_T>
void clone(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels], res_T res1[CONFIG_T::n_pixels * CONFIG_T::n_channels],
           res_T res2[CONFIG_T::n_pixels * CONFIG_T::n_channels]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor

Elements:
    for (unsigned i = 0; i < CONFIG_T::n_pixels * CONFIG_T::n_channels; i++) {
        #pragma HLS UNROLL
        res1[i] = data[i];
        res2[i] = data[i];
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void clone(hls::stream<data_T> &data, hls::stream<res_T> &res1, hls::stream<res_T> &res2) {
Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        data_T in = data.read();
        res_T out1;
        res_T out2;
        PRAGMA_DATA_PACK(out1)
        PRAGMA_DATA_PACK(out2)
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            out1[c] = in[c];
            out2[c] = in[c];
        }
        res1.write(out1);
        res2.write(out2);
    }
}

} // namespace fpgacomp

#endif
