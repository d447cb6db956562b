#ifndef FPGACOMP_SUMS_H_
#define FPGACOMP_SUMS_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Sums of products by constants as additions that they share (firmware/sums_<layer>.h), where
// hls4ml's own layer has a loop over products. Streams of a convolution take hls4ml's line buffer,
// which calls the kernel of CONFIG_T::mult_config itself.
//
// CONFIG_T is hls4ml's, with such sums as its kernel. No weight is read: they are in the additions.
namespace fpgacomp {

template <class data_T, class res_T, typename CONFIG_T>
void dense(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out],
           typename CONFIG_T::weight_t weights[CONFIG_T::n_in * CONFIG_T::n_out],
           typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    CONFIG_T::template kernel<data_T, res_T, CONFIG_T>::dense(data, res, weights, biases);
}

template <class data_T, class res_T, typename CONFIG_T>
void dense(hls::stream<data_T> &data, hls::stream<res_T> &res,
           typename CONFIG_T::weight_t weights[CONFIG_T::n_in * CONFIG_T::n_out],
           typename CONFIG_T::bias_t biases[CONFIG_T::n_out]) {
    typename data_T::value_type in[CONFIG_T::n_in];
    #pragma HLS ARRAY_PARTITION variable=in complete
    typename res_T::value_type sums[CONFIG_T::n_out];
    #pragma HLS ARRAY_PARTITION variable=sums complete

Words:
    for (unsigned w = 0; w < CONFIG_T::n_in / data_T::size; w++) {
        #pragma HLS PIPELINE II=1
        data_T word = data.read();
    Elements:
        for (unsigned c = 0; c < data_T::size; c++) {
            #pragma HLS UNROLL
            in[w * data_T::size + c] = word[c];
        }
    }

    dense<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(in, sums, weights, biases);

    res_T out;
    PRAGMA_DATA_PACK(out)
Outputs:
    for (unsigned c = 0; c < CONFIG_T::n_out; c++) {
        #pragma HLS UNROLL
        out[c] = sums[c];
    }
    res.write(out);
}

// A convolution on arrays: hls4ml's fill_buffer copies the windows of each partition.
template <class data_T, class res_T, typename CONFIG_T>
void windows(data_T *data, res_T *res, typename CONFIG_T::weight_t *weights, typename CONFIG_T::bias_t *biases) {
    #pragma HLS INLINE
    typedef typename CONFIG_T::mult_config mult_config;
    data_T window[CONFIG_T::n_pixels][mult_config::n_in];
    #pragma HLS ARRAY_PARTITION variable=window complete dim=0
    res_T sums[mult_config::n_out];
    #pragma HLS ARRAY_PARTITION variable=sums complete

Partitions:
    for (unsigned p = 0; p < CONFIG_T::n_partitions; p++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor rewind
        CONFIG_T::template fill_buffer<data_T, CONFIG_T>::fill_buffer(data, window, p);
    Pixels:
        for (unsigned i = 0; i < CONFIG_T::n_pixels; i++) {
            #pragma HLS UNROLL
            mult_config::template kernel<data_T, res_T, mult_config>::dense(window[i], sums, weights, biases);
        Outputs:
            for (unsigned c = 0; c < mult_config::n_out; c++) {
                #pragma HLS UNROLL
                *(res++) = sums[c];
            }
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void conv_1d_cl(data_T data[CONFIG_T::in_width * CONFIG_T::n_chan], res_T res[CONFIG_T::out_width * CONFIG_T::n_filt],
                typename CONFIG_T::weight_t weights[CONFIG_T::mult_config::n_in * CONFIG_T::n_filt],
                typename CONFIG_T::bias_t biases[CONFIG_T::n_filt]) {
    #pragma HLS INLINE
    windows<data_T, res_T, CONFIG_T>(data, res, weights, biases);
}

template <class data_T, class res_T, typename CONFIG_T>
void conv_2d_cl(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_chan],
                res_T res[CONFIG_T::out_height * CONFIG_T::out_width * CONFIG_T::n_filt],
                typename CONFIG_T::weight_t weights[CONFIG_T::mult_config::n_in * CONFIG_T::n_filt],
                typename CONFIG_T::bias_t biases[CONFIG_T::n_filt]) {
    #pragma HLS INLINE
    windows<data_T, res_T, CONFIG_T>(data, res, weights, biases);
}

} // namespace fpgacomp

#endif
