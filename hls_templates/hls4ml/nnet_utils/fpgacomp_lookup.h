#ifndef FPGACOMP_LOOKUP_H_
#define FPGACOMP_LOOKUP_H_

#include "ap_int.h"
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
//   reuse_factor           initiation interval per call (arrays) or per pixel (streams)
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
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
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
        #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
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

} // namespace fpgacomp

#endif
