#ifndef FPGACOMP_UPSAMPLE_H_
#define FPGACOMP_UPSAMPLE_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Upsample (nearest): every position repeated factor_height times down, factor_width times across.
//
// CONFIG_T states in_height, in_width (1-D data is one row), n_channels, factor_height,
// factor_width and reuse_factor (the initiation interval per call for arrays, per pixel
// for streams).
namespace fpgacomp {

template <class data_T, class res_T, typename CONFIG_T>
void upsample(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_channels],
              res_T res[CONFIG_T::in_height * CONFIG_T::factor_height * CONFIG_T::in_width * CONFIG_T::factor_width *
                        CONFIG_T::n_channels]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    const unsigned out_height = CONFIG_T::in_height * CONFIG_T::factor_height;
    const unsigned out_width = CONFIG_T::in_width * CONFIG_T::factor_width;

Rows:
    for (unsigned y = 0; y < out_height; y++) {
        #pragma HLS UNROLL
    Columns:
        for (unsigned x = 0; x < out_width; x++) {
            #pragma HLS UNROLL
            const unsigned pixel = y / CONFIG_T::factor_height * CONFIG_T::in_width + x / CONFIG_T::factor_width;
        Channels:
            for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                #pragma HLS UNROLL
                res[(y * out_width + x) * CONFIG_T::n_channels + c] = data[pixel * CONFIG_T::n_channels + c];
            }
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void upsample(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    typename data_T::value_type row[CONFIG_T::in_width][CONFIG_T::n_channels];
    #pragma HLS ARRAY_RESHAPE variable=row complete dim=2
    typename data_T::value_type pixel[CONFIG_T::n_channels];
    #pragma HLS ARRAY_PARTITION variable=pixel complete

Rows:
    for (unsigned y = 0; y < CONFIG_T::in_height; y++) {
    RepeatRow:
        for (unsigned down = 0; down < CONFIG_T::factor_height; down++) {
        Columns:
            for (unsigned x = 0; x < CONFIG_T::in_width; x++) {
            RepeatPixel:
                for (unsigned across = 0; across < CONFIG_T::factor_width; across++) {
                    #pragma HLS LOOP_FLATTEN
                    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
                    if (across == 0 && down == 0) {
                        data_T in = data.read();
                    Store:
                        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                            #pragma HLS UNROLL
                            pixel[c] = in[c];
                            row[x][c] = in[c];
                        }
                    } else if (across == 0) {
                    Load:
                        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                            #pragma HLS UNROLL
                            pixel[c] = row[x][c];
                        }
                    }
                    res_T out;
                    PRAGMA_DATA_PACK(out)
                Channels:
                    for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                        #pragma HLS UNROLL
                        out[c] = pixel[c];
                    }
                    res.write(out);
                }
            }
        }
    }
}

} // namespace fpgacomp

#endif
