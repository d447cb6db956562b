#ifndef FPGACOMP_THRESHOLDS_H_
#define FPGACOMP_THRESHOLDS_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Thresholds: res = base[c] + step[c] * (number of thresholds[c] that are <= data).
//
// CONFIG_T states
//   n_pixels, n_channels   positions and channels; data is [n_pixels][n_channels]
//   n_thresholds           thresholds per channel, ascending
//   threshold_rows, base_rows, step_rows   n_channels, or 1 where all channels share one
//   reuse_factor           initiation interval per call (arrays) or per pixel (streams)
//   thresholds_t           holds every threshold and every data value
//   base_t, step_t, count_t
namespace fpgacomp {

template <class data_T, class res_T, typename CONFIG_T>
res_T thresholds_element(data_T data, unsigned channel,
                         typename CONFIG_T::thresholds_t thresholds[CONFIG_T::threshold_rows * CONFIG_T::n_thresholds],
                         typename CONFIG_T::base_t base[CONFIG_T::base_rows],
                         typename CONFIG_T::step_t step[CONFIG_T::step_rows]) {
    #pragma HLS INLINE
    const unsigned first = CONFIG_T::threshold_rows == 1 ? 0 : channel * CONFIG_T::n_thresholds;
    const typename CONFIG_T::thresholds_t value = data;
    typedef typename CONFIG_T::count_t count_t;
    count_t fired[CONFIG_T::n_thresholds];
    #pragma HLS ARRAY_PARTITION variable=fired complete
Compare:
    for (unsigned i = 0; i < CONFIG_T::n_thresholds; i++) {
        #pragma HLS UNROLL
        fired[i] = value >= thresholds[first + i] ? 1 : 0;
    }
    typedef nnet::Op_add<count_t> add_t;
    const count_t count = nnet::reduce<count_t, CONFIG_T::n_thresholds, add_t>(fired, add_t());
    return base[CONFIG_T::base_rows == 1 ? 0 : channel] + step[CONFIG_T::step_rows == 1 ? 0 : channel] * count;
}

template <class data_T, class res_T, typename CONFIG_T>
void thresholds(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                typename CONFIG_T::thresholds_t thresholds[CONFIG_T::threshold_rows * CONFIG_T::n_thresholds],
                typename CONFIG_T::base_t base[CONFIG_T::base_rows],
                typename CONFIG_T::step_t step[CONFIG_T::step_rows]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=thresholds complete
    #pragma HLS ARRAY_PARTITION variable=base complete
    #pragma HLS ARRAY_PARTITION variable=step complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS UNROLL
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            const unsigned i = p * CONFIG_T::n_channels + c;
            res[i] = thresholds_element<data_T, res_T, CONFIG_T>(data[i], c, thresholds, base, step);
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void thresholds(hls::stream<data_T> &data, hls::stream<res_T> &res,
                typename CONFIG_T::thresholds_t thresholds[CONFIG_T::threshold_rows * CONFIG_T::n_thresholds],
                typename CONFIG_T::base_t base[CONFIG_T::base_rows],
                typename CONFIG_T::step_t step[CONFIG_T::step_rows]) {
    #pragma HLS ARRAY_PARTITION variable=thresholds complete
    #pragma HLS ARRAY_PARTITION variable=base complete
    #pragma HLS ARRAY_PARTITION variable=step complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
        data_T in = data.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            out[c] = thresholds_element<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(
                in[c], c, thresholds, base, step);
        }
        res.write(out);
    }
}

} // namespace fpgacomp

#endif
