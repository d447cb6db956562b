#ifndef FPGACOMP_THRESHOLDS_H_
#define FPGACOMP_THRESHOLDS_H_

#include "ap_int.h"
#include "fpgacomp_lanes.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Thresholds: res = base[c] + step[c] * (number of thresholds[c] that are <= data).
//
// CONFIG_T states
//   n_pixels, n_channels   positions and channels; data is [n_pixels][n_channels]
//   n_thresholds           thresholds per channel, ascending
//   threshold_rows, base_rows, step_rows   n_channels, or 1 where all channels share one
//   n_lanes, n_groups, n_passes   (folded form only, see fpgacomp_lanes.h)
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
    #pragma HLS PIPELINE II=1
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
        #pragma HLS PIPELINE II=1
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

template <class data_T, class res_T, typename CONFIG_T>
void thresholds_folded(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                       res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                       typename CONFIG_T::thresholds_t thresholds[CONFIG_T::threshold_rows * CONFIG_T::n_thresholds],
                       typename CONFIG_T::base_t base[CONFIG_T::base_rows],
                       typename CONFIG_T::step_t step[CONFIG_T::step_rows]) {
    const unsigned n_elements = CONFIG_T::n_pixels * CONFIG_T::n_channels;
    const unsigned thresholds_banks = lane_banks<CONFIG_T, CONFIG_T::threshold_rows>::value * CONFIG_T::n_thresholds;
    #pragma HLS ARRAY_PARTITION variable=thresholds cyclic factor=thresholds_banks
    const unsigned base_banks = lane_banks<CONFIG_T, CONFIG_T::base_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=base cyclic factor=base_banks
    const unsigned step_banks = lane_banks<CONFIG_T, CONFIG_T::step_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=step cyclic factor=step_banks

    data_T waiting[n_elements];
    res_T done[n_elements];
    #pragma HLS ARRAY_PARTITION variable=waiting complete
    #pragma HLS ARRAY_PARTITION variable=done complete

    copy_all<data_T, n_elements>(data, waiting);
Passes:
    for (unsigned p = 0; p < CONFIG_T::n_passes; p++) {
    Groups:
        for (unsigned g = 0; g < CONFIG_T::n_groups; g++) {
            #pragma HLS PIPELINE II=1
            shift_lanes<res_T, n_elements, CONFIG_T::n_lanes>(done);
        Lanes:
            for (unsigned l = 0; l < CONFIG_T::n_lanes; l++) {
                #pragma HLS UNROLL
                const unsigned c = lane_channel<CONFIG_T>(g, l);
                done[n_elements - CONFIG_T::n_lanes + l] =
                    thresholds_element<data_T, res_T, CONFIG_T>(waiting[l], c, thresholds, base, step);
            }
            shift_lanes<data_T, n_elements, CONFIG_T::n_lanes>(waiting);
        }
    }
    copy_all<res_T, n_elements>(done, res);
}

template <class data_T, class res_T, typename CONFIG_T>
void thresholds_folded(hls::stream<data_T> &data, hls::stream<res_T> &res,
                       typename CONFIG_T::thresholds_t thresholds[CONFIG_T::threshold_rows * CONFIG_T::n_thresholds],
                       typename CONFIG_T::base_t base[CONFIG_T::base_rows],
                       typename CONFIG_T::step_t step[CONFIG_T::step_rows]) {
    typedef typename data_T::value_type in_t;
    typedef typename res_T::value_type out_t;
    const unsigned n_elements = CONFIG_T::n_channels;
    const unsigned thresholds_banks = lane_banks<CONFIG_T, CONFIG_T::threshold_rows>::value * CONFIG_T::n_thresholds;
    #pragma HLS ARRAY_PARTITION variable=thresholds cyclic factor=thresholds_banks
    const unsigned base_banks = lane_banks<CONFIG_T, CONFIG_T::base_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=base cyclic factor=base_banks
    const unsigned step_banks = lane_banks<CONFIG_T, CONFIG_T::step_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=step cyclic factor=step_banks

    in_t waiting[n_elements];
    out_t done[n_elements];
    #pragma HLS ARRAY_PARTITION variable=waiting complete
    #pragma HLS ARRAY_PARTITION variable=done complete

Passes:
    for (unsigned p = 0; p < CONFIG_T::n_passes; p++) {
    Groups:
        for (unsigned g = 0; g < CONFIG_T::n_groups; g++) {
            #pragma HLS PIPELINE II=1
            if (g == 0) {
                read_word<data_T, n_elements>(data, waiting);
            }
            shift_lanes<out_t, n_elements, CONFIG_T::n_lanes>(done);
        Lanes:
            for (unsigned l = 0; l < CONFIG_T::n_lanes; l++) {
                #pragma HLS UNROLL
                const unsigned c = lane_channel<CONFIG_T>(g, l);
                done[n_elements - CONFIG_T::n_lanes + l] =
                    thresholds_element<in_t, out_t, CONFIG_T>(waiting[l], c, thresholds, base, step);
            }
            shift_lanes<in_t, n_elements, CONFIG_T::n_lanes>(waiting);
            if (g == CONFIG_T::n_groups - 1) {
                write_word<res_T, n_elements>(done, res);
            }
        }
    }
}

} // namespace fpgacomp

#endif
