#ifndef FPGACOMP_REQUANTIZE_H_
#define FPGACOMP_REQUANTIZE_H_

#include "ap_int.h"
#include "fpgacomp_lanes.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Requantize: res = clip(round((data * multiplier[c] + offset[c]) / 2**shift), lo, hi) - zero_point.
//
// CONFIG_T states
//   n_pixels, n_channels   positions and channels; data is [n_pixels][n_channels]
//   multiplier_rows, offset_rows   n_channels, or 1 where all channels share one
//   shift, rounding        how many fraction bits are dropped, and how
//   clip_lo, clip_hi       whether the lower or upper bound can be reached at all
//   lo, hi, zero_point
//   n_lanes, n_groups, n_passes   (folded form only, see fpgacomp_lanes.h)
//   multiplier_t, offset_t
//   product_t              signed; holds the scaled value and its rounding addend
namespace fpgacomp {

enum rounding_mode { round_floor, round_round, round_half_up, round_half_down, round_up, round_down };

// Every mode is one addition before the arithmetic shift (which rounds towards minus infinity).
template <typename CONFIG_T> typename CONFIG_T::product_t round_shift(typename CONFIG_T::product_t value) {
    #pragma HLS INLINE
    typedef typename CONFIG_T::product_t product_t;
    if (CONFIG_T::shift == 0) {
        return value;
    }
    const unsigned last = CONFIG_T::shift == 0 ? 0 : CONFIG_T::shift - 1;
    const product_t half = product_t(1) << last;
    const product_t almost_one = (product_t(1) << CONFIG_T::shift) - 1;
    const bool negative = value < 0;
    product_t addend = 0;
    if (CONFIG_T::rounding == round_round) {
        const bool odd = value[CONFIG_T::shift];
        addend = odd ? half : product_t(half - 1);
    } else if (CONFIG_T::rounding == round_half_up) {
        addend = negative ? product_t(half - 1) : half;
    } else if (CONFIG_T::rounding == round_half_down) {
        addend = negative ? half : product_t(half - 1);
    } else if (CONFIG_T::rounding == round_up) {
        addend = negative ? product_t(0) : almost_one;
    } else if (CONFIG_T::rounding == round_down) {
        addend = negative ? almost_one : product_t(0);
    }
    return product_t(value + addend) >> CONFIG_T::shift;
}

template <class data_T, class res_T, typename CONFIG_T>
res_T requantize_element(data_T data, typename CONFIG_T::multiplier_t multiplier, typename CONFIG_T::offset_t offset) {
    #pragma HLS INLINE
    typedef typename CONFIG_T::product_t product_t;
    const product_t scaled = data * multiplier + offset;
    product_t value = round_shift<CONFIG_T>(scaled);
    if (CONFIG_T::clip_lo && value < product_t(CONFIG_T::lo)) {
        value = CONFIG_T::lo;
    }
    if (CONFIG_T::clip_hi && value > product_t(CONFIG_T::hi)) {
        value = CONFIG_T::hi;
    }
    return value - product_t(CONFIG_T::zero_point);
}

template <class data_T, class res_T, typename CONFIG_T>
void requantize(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                typename CONFIG_T::multiplier_t multiplier[CONFIG_T::multiplier_rows],
                typename CONFIG_T::offset_t offset[CONFIG_T::offset_rows]) {
    #pragma HLS PIPELINE II=1
    #pragma HLS ARRAY_PARTITION variable=multiplier complete
    #pragma HLS ARRAY_PARTITION variable=offset complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS UNROLL
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            const unsigned i = p * CONFIG_T::n_channels + c;
            res[i] = requantize_element<data_T, res_T, CONFIG_T>(
                data[i], multiplier[CONFIG_T::multiplier_rows == 1 ? 0 : c], offset[CONFIG_T::offset_rows == 1 ? 0 : c]);
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void requantize(hls::stream<data_T> &data, hls::stream<res_T> &res,
                typename CONFIG_T::multiplier_t multiplier[CONFIG_T::multiplier_rows],
                typename CONFIG_T::offset_t offset[CONFIG_T::offset_rows]) {
    #pragma HLS ARRAY_PARTITION variable=multiplier complete
    #pragma HLS ARRAY_PARTITION variable=offset complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=1
        data_T in = data.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            out[c] = requantize_element<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(
                in[c], multiplier[CONFIG_T::multiplier_rows == 1 ? 0 : c], offset[CONFIG_T::offset_rows == 1 ? 0 : c]);
        }
        res.write(out);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void requantize_folded(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                       res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                       typename CONFIG_T::multiplier_t multiplier[CONFIG_T::multiplier_rows],
                       typename CONFIG_T::offset_t offset[CONFIG_T::offset_rows]) {
    const unsigned n_elements = CONFIG_T::n_pixels * CONFIG_T::n_channels;
    const unsigned multiplier_banks = lane_banks<CONFIG_T, CONFIG_T::multiplier_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=multiplier cyclic factor=multiplier_banks
    const unsigned offset_banks = lane_banks<CONFIG_T, CONFIG_T::offset_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=offset cyclic factor=offset_banks

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
                done[n_elements - CONFIG_T::n_lanes + l] = requantize_element<data_T, res_T, CONFIG_T>(
                    waiting[l], multiplier[CONFIG_T::multiplier_rows == 1 ? 0 : c],
                    offset[CONFIG_T::offset_rows == 1 ? 0 : c]);
            }
            shift_lanes<data_T, n_elements, CONFIG_T::n_lanes>(waiting);
        }
    }
    copy_all<res_T, n_elements>(done, res);
}

template <class data_T, class res_T, typename CONFIG_T>
void requantize_folded(hls::stream<data_T> &data, hls::stream<res_T> &res,
                       typename CONFIG_T::multiplier_t multiplier[CONFIG_T::multiplier_rows],
                       typename CONFIG_T::offset_t offset[CONFIG_T::offset_rows]) {
    typedef typename data_T::value_type in_t;
    typedef typename res_T::value_type out_t;
    const unsigned n_elements = CONFIG_T::n_channels;
    const unsigned multiplier_banks = lane_banks<CONFIG_T, CONFIG_T::multiplier_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=multiplier cyclic factor=multiplier_banks
    const unsigned offset_banks = lane_banks<CONFIG_T, CONFIG_T::offset_rows>::value;
    #pragma HLS ARRAY_PARTITION variable=offset cyclic factor=offset_banks

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
                done[n_elements - CONFIG_T::n_lanes + l] = requantize_element<in_t, out_t, CONFIG_T>(
                    waiting[l], multiplier[CONFIG_T::multiplier_rows == 1 ? 0 : c],
                    offset[CONFIG_T::offset_rows == 1 ? 0 : c]);
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
