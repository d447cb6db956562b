#ifndef FPGACOMP_LOOKUP_H_
#define FPGACOMP_LOOKUP_H_

#include "ap_int.h"
#include "fpgacomp_lanes.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Lookup: res = table[c][data - data_lo], any function of a small range.
//
// CONFIG_T states
//   n_pixels, n_channels   positions and channels; data is [n_pixels][n_channels]
//   n_entries              entries per channel, one for each value from data_lo on
//   table_rows             n_channels, or 1 where all channels share one table
//   data_lo                the lowest value of the data
//   n_lanes, n_groups, n_passes   (folded form only, see fpgacomp_lanes.h)
//   table_t, index_t
namespace fpgacomp {

template <class data_T, class res_T, typename CONFIG_T>
res_T lookup_element(data_T data, unsigned channel,
                     typename CONFIG_T::table_t table[CONFIG_T::table_rows * CONFIG_T::n_entries]) {
    #pragma HLS INLINE
    const unsigned first = CONFIG_T::table_rows == 1 ? 0 : channel * CONFIG_T::n_entries;
    const typename CONFIG_T::index_t entry = data - (long long)CONFIG_T::data_lo;
    return table[first + entry];
}

template <class data_T, class res_T, typename CONFIG_T>
void lookup(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels], res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
            typename CONFIG_T::table_t table[CONFIG_T::table_rows * CONFIG_T::n_entries]) {
    #pragma HLS PIPELINE II=1
    // Read once per channel and cycle: a ROM has two ports, logic has as many as it takes.
    #pragma HLS ARRAY_PARTITION variable=table complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS UNROLL
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            const unsigned i = p * CONFIG_T::n_channels + c;
            res[i] = lookup_element<data_T, res_T, CONFIG_T>(data[i], c, table);
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void lookup(hls::stream<data_T> &data, hls::stream<res_T> &res,
            typename CONFIG_T::table_t table[CONFIG_T::table_rows * CONFIG_T::n_entries]) {
    #pragma HLS ARRAY_PARTITION variable=table complete

Pixels:
    for (unsigned p = 0; p < CONFIG_T::n_pixels; p++) {
        #pragma HLS PIPELINE II=1
        data_T in = data.read();
        res_T out;
        PRAGMA_DATA_PACK(out)
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            out[c] = lookup_element<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(in[c], c, table);
        }
        res.write(out);
    }
}

// The folded form: the tables of a lane's channels lie interleaved, so that they are one bank.
template <typename CONFIG_T> struct banked_table {
    static const bool value = CONFIG_T::table_rows > 1 && CONFIG_T::n_groups > 1;
};

template <class data_T, class res_T, typename CONFIG_T>
res_T lookup_lane(data_T data, unsigned group, unsigned lane,
                  typename CONFIG_T::table_t table[CONFIG_T::table_rows * CONFIG_T::n_entries]) {
    #pragma HLS INLINE
    if (!banked_table<CONFIG_T>::value) {
        return lookup_element<data_T, res_T, CONFIG_T>(data, lane_channel<CONFIG_T>(group, lane), table);
    }
    const typename CONFIG_T::index_t entry = data - (long long)CONFIG_T::data_lo;
    return table[(group * CONFIG_T::n_entries + entry) * CONFIG_T::n_lanes + lane];
}

template <class data_T, class res_T, typename CONFIG_T>
void lookup_folded(data_T data[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                   res_T res[CONFIG_T::n_pixels * CONFIG_T::n_channels],
                   typename CONFIG_T::table_t table[CONFIG_T::table_rows * CONFIG_T::n_entries]) {
    const unsigned n_elements = CONFIG_T::n_pixels * CONFIG_T::n_channels;
    // One ROM per lane; a table that several lanes or pixels read at once is logic.
    const unsigned table_banks =
        banked_table<CONFIG_T>::value ? CONFIG_T::n_lanes : CONFIG_T::table_rows * CONFIG_T::n_entries;
    #pragma HLS ARRAY_PARTITION variable=table cyclic factor=table_banks

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
                done[n_elements - CONFIG_T::n_lanes + l] =
                    lookup_lane<data_T, res_T, CONFIG_T>(waiting[l], g, l, table);
            }
            shift_lanes<data_T, n_elements, CONFIG_T::n_lanes>(waiting);
        }
    }
    copy_all<res_T, n_elements>(done, res);
}

template <class data_T, class res_T, typename CONFIG_T>
void lookup_folded(hls::stream<data_T> &data, hls::stream<res_T> &res,
                   typename CONFIG_T::table_t table[CONFIG_T::table_rows * CONFIG_T::n_entries]) {
    typedef typename data_T::value_type in_t;
    typedef typename res_T::value_type out_t;
    const unsigned n_elements = CONFIG_T::n_channels;
    // One ROM per lane; a table that several lanes or pixels read at once is logic.
    const unsigned table_banks =
        banked_table<CONFIG_T>::value ? CONFIG_T::n_lanes : CONFIG_T::table_rows * CONFIG_T::n_entries;
    #pragma HLS ARRAY_PARTITION variable=table cyclic factor=table_banks

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
                done[n_elements - CONFIG_T::n_lanes + l] =
                    lookup_lane<in_t, out_t, CONFIG_T>(waiting[l], g, l, table);
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
