#ifndef FPGACOMP_ARGMAX_H_
#define FPGACOMP_ARGMAX_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// ArgMax: the index of the largest of n_channels at each of n_pixels, the lowest of equal ones.
//
// CONFIG_T states
//   n_pixels, n_channels   positions and channels of the data; the result has one channel
//   reuse_factor           initiation interval per call (arrays) or per pixel (streams)
//   value_t, index_t       hold an element of the data, and an index
namespace fpgacomp {

template <class value_T, class index_T> struct candidate {
    value_T value;
    index_T index;
};

// The left one has the lower index: it also wins where both are equal.
template <class T> struct Op_larger {
    T operator()(T left, T right) { return right.value > left.value ? right : left; }
};

// A balanced tree over the channels of one position.
template <typename CONFIG_T>
typename CONFIG_T::index_t largest(const typename CONFIG_T::value_t values[CONFIG_T::n_channels]) {
    #pragma HLS INLINE
    typedef candidate<typename CONFIG_T::value_t, typename CONFIG_T::index_t> candidate_t;
    candidate_t candidates[CONFIG_T::n_channels];
    #pragma HLS ARRAY_PARTITION variable=candidates complete
Number:
    for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
        #pragma HLS UNROLL
        candidates[c].value = values[c];
        candidates[c].index = c;
    }
    Op_larger<candidate_t> op;
    return nnet::reduce<candidate_t, CONFIG_T::n_channels, Op_larger<candidate_t> >(candidates, op).index;
}

template <class data_T, class res_T, typename CONFIG_T>
void argmax(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels], res_T res[CONFIG_T::n_pixels]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS UNROLL
        typename CONFIG_T::value_t values[CONFIG_T::n_channels];
        #pragma HLS ARRAY_PARTITION variable=values complete
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            values[c] = data[p * CONFIG_T::n_channels + c];
        }
        res[p] = largest<CONFIG_T>(values);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void argmax(hls::stream<data_T> &data, hls::stream<res_T> &res) {

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        data_T in = data.read();
        typename CONFIG_T::value_t values[CONFIG_T::n_channels];
        #pragma HLS ARRAY_PARTITION variable=values complete
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            values[c] = in[c];
        }
        res_T out;
        PRAGMA_DATA_PACK(out)
        out[0] = largest<CONFIG_T>(values);
        res.write(out);
    }
}

} // namespace fpgacomp

#endif
