#ifndef FPGACOMP_POOL_H_
#define FPGACOMP_POOL_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// Maximum and sum over a window, with any stride and any (also one-sided) padding.
//
// CONFIG_T states
//   in_height, in_width, n_channels        1-D data is one row
//   kernel_height, kernel_width, stride_height, stride_width
//   pad_top, pad_left, padded_height, padded_width   the input with its padding on all sides
//   out_height, out_width
//   padding                what a padded position holds: 0 in a sum, the type's lowest in a maximum
//   reuse_factor           initiation interval per call (arrays) or per padded pixel (streams)
//   accum_t                holds the maximum or the sum of one window
//   scaled, n_multipliers, multiplier_t   whether there is one factor per output position
namespace fpgacomp {

// What leaves the window: itself, or times a factor of its position (an average that does
// not count its padding divides by less at the border).
template <class res_T, typename CONFIG_T>
res_T pool_result(typename CONFIG_T::accum_t window, unsigned position,
                  typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS INLINE
    if (CONFIG_T::scaled) {
        return window * multiplier[position];
    }
    return window;
}

// A balanced tree over one window.
template <typename CONFIG_T, class op_T>
typename CONFIG_T::accum_t
pool_reduce(const typename CONFIG_T::accum_t taps[CONFIG_T::kernel_height * CONFIG_T::kernel_width]) {
    #pragma HLS INLINE
    return nnet::reduce<typename CONFIG_T::accum_t, CONFIG_T::kernel_height * CONFIG_T::kernel_width, op_T>(taps, op_T());
}

template <class data_T, class res_T, typename CONFIG_T, class op_T>
void pool_array(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_channels],
                res_T res[CONFIG_T::out_height * CONFIG_T::out_width * CONFIG_T::n_channels],
                typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS INLINE
    typedef typename CONFIG_T::accum_t accum_t;

Rows:
    for (unsigned oy = 0; oy < CONFIG_T::out_height; oy++) {
        #pragma HLS UNROLL
    Columns:
        for (unsigned ox = 0; ox < CONFIG_T::out_width; ox++) {
            #pragma HLS UNROLL
            const unsigned position = oy * CONFIG_T::out_width + ox;
        Channels:
            for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                #pragma HLS UNROLL
                accum_t taps[CONFIG_T::kernel_height * CONFIG_T::kernel_width];
                #pragma HLS ARRAY_PARTITION variable=taps complete
            KernelRows:
                for (unsigned ky = 0; ky < CONFIG_T::kernel_height; ky++) {
                    #pragma HLS UNROLL
                KernelColumns:
                    for (unsigned kx = 0; kx < CONFIG_T::kernel_width; kx++) {
                        #pragma HLS UNROLL
                        const int y = int(oy * CONFIG_T::stride_height + ky) - int(CONFIG_T::pad_top);
                        const int x = int(ox * CONFIG_T::stride_width + kx) - int(CONFIG_T::pad_left);
                        const bool inside =
                            y >= 0 && y < int(CONFIG_T::in_height) && x >= 0 && x < int(CONFIG_T::in_width);
                        accum_t tap = CONFIG_T::padding;
                        if (inside) {
                            const unsigned pixel = unsigned(y) * CONFIG_T::in_width + unsigned(x);
                            tap = data[pixel * CONFIG_T::n_channels + c];
                        }
                        taps[ky * CONFIG_T::kernel_width + kx] = tap;
                    }
                }
                const accum_t window = pool_reduce<CONFIG_T, op_T>(taps);
                res[position * CONFIG_T::n_channels + c] = pool_result<res_T, CONFIG_T>(window, position, multiplier);
            }
        }
    }
}

// One position of the padded input: the next word of the stream, or padding.
template <class data_T, typename CONFIG_T>
void pool_read(hls::stream<data_T> &data, unsigned y, unsigned x,
               typename data_T::value_type pixel[CONFIG_T::n_channels]) {
    #pragma HLS INLINE
    const bool inside = y >= CONFIG_T::pad_top && y < CONFIG_T::pad_top + CONFIG_T::in_height && x >= CONFIG_T::pad_left &&
                        x < CONFIG_T::pad_left + CONFIG_T::in_width;
    if (inside) {
        data_T in = data.read();
    Channels:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            pixel[c] = in[c];
        }
    } else {
    Padding:
        for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
            #pragma HLS UNROLL
            pixel[c] = CONFIG_T::padding;
        }
    }
}

// Windows that do not overlap: one partial result per output column.
template <class data_T, class res_T, typename CONFIG_T, class op_T>
void pool_separate(hls::stream<data_T> &data, hls::stream<res_T> &res,
                   typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS INLINE
    typedef typename CONFIG_T::accum_t accum_t;
    accum_t partial[CONFIG_T::out_width][CONFIG_T::n_channels];
    #pragma HLS ARRAY_PARTITION variable=partial complete dim=2
    op_T op;
    unsigned oy = 0;
    unsigned ky = 0;

Rows:
    for (unsigned y = 0; y < CONFIG_T::padded_height; y++) {
        unsigned ox = 0;
        unsigned kx = 0;
    Columns:
        for (unsigned x = 0; x < CONFIG_T::padded_width; x++) {
            #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
            typename data_T::value_type pixel[CONFIG_T::n_channels];
            #pragma HLS ARRAY_PARTITION variable=pixel complete
            pool_read<data_T, CONFIG_T>(data, y, x, pixel);

            const bool used = ky < CONFIG_T::kernel_height && kx < CONFIG_T::kernel_width && oy < CONFIG_T::out_height &&
                              ox < CONFIG_T::out_width;
            if (used) {
                const bool first = ky == 0 && kx == 0;
                res_T out;
                PRAGMA_DATA_PACK(out)
            Channels:
                for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                    #pragma HLS UNROLL
                    const accum_t value = pixel[c];
                    const accum_t window = first ? value : op(partial[ox][c], value);
                    partial[ox][c] = window;
                    out[c] = pool_result<typename res_T::value_type, CONFIG_T>(
                        window, oy * CONFIG_T::out_width + ox, multiplier);
                }
                if (ky == CONFIG_T::kernel_height - 1 && kx == CONFIG_T::kernel_width - 1) {
                    res.write(out);
                }
            }
            if (++kx == CONFIG_T::stride_width) {
                kx = 0;
                ox++;
            }
        }
        if (++ky == CONFIG_T::stride_height) {
            ky = 0;
            oy++;
        }
    }
}

// Windows that overlap: the last kernel_height - 1 rows wait in line buffers.
template <class data_T, class res_T, typename CONFIG_T, class op_T>
void pool_overlapping(hls::stream<data_T> &data, hls::stream<res_T> &res,
                      typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS INLINE
    typedef typename data_T::value_type value_t;
    typedef typename CONFIG_T::accum_t accum_t;
    const unsigned bottom = CONFIG_T::kernel_height - 1;
    const unsigned right = CONFIG_T::kernel_width - 1;
    value_t lines[MAX(CONFIG_T::kernel_height - 1, 1)][CONFIG_T::padded_width][CONFIG_T::n_channels];
    #pragma HLS ARRAY_PARTITION variable=lines complete dim=1
    #pragma HLS ARRAY_RESHAPE variable=lines complete dim=3
    value_t window[CONFIG_T::kernel_height][CONFIG_T::kernel_width][CONFIG_T::n_channels];
    #pragma HLS ARRAY_PARTITION variable=window complete dim=0
    unsigned position = 0;
    unsigned skip_y = 0; // rows until the next row of outputs

Rows:
    for (unsigned y = 0; y < CONFIG_T::padded_height; y++) {
        const bool row_due = y >= bottom && skip_y == 0;
        unsigned skip_x = 0; // columns until the next output
    Columns:
        for (unsigned x = 0; x < CONFIG_T::padded_width; x++) {
            #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
            // Each column is read and written once per row.
            #pragma HLS DEPENDENCE variable=lines inter false
            value_t pixel[CONFIG_T::n_channels];
            #pragma HLS ARRAY_PARTITION variable=pixel complete
            pool_read<data_T, CONFIG_T>(data, y, x, pixel);

        Shift:
            for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                #pragma HLS UNROLL
                for (unsigned ky = 0; ky < CONFIG_T::kernel_height; ky++) {
                    #pragma HLS UNROLL
                    for (unsigned kx = 0; kx < right; kx++) {
                        #pragma HLS UNROLL
                        window[ky][kx][c] = window[ky][kx + 1][c];
                    }
                    window[ky][right][c] = ky == bottom ? pixel[c] : lines[MIN(ky, MAX(bottom, 1) - 1)][x][c];
                }
                for (unsigned ky = 0; ky < bottom; ky++) {
                    #pragma HLS UNROLL
                    lines[ky][x][c] = window[ky + 1][right][c];
                }
            }

            if (row_due && x >= right) {
                if (skip_x == 0) {
                    res_T out;
                    PRAGMA_DATA_PACK(out)
                Channels:
                    for (unsigned c = 0; c < CONFIG_T::n_channels; c++) {
                        #pragma HLS UNROLL
                        accum_t taps[CONFIG_T::kernel_height * CONFIG_T::kernel_width];
                        #pragma HLS ARRAY_PARTITION variable=taps complete
                    KernelRows:
                        for (unsigned ky = 0; ky < CONFIG_T::kernel_height; ky++) {
                            #pragma HLS UNROLL
                        KernelColumns:
                            for (unsigned kx = 0; kx < CONFIG_T::kernel_width; kx++) {
                                #pragma HLS UNROLL
                                taps[ky * CONFIG_T::kernel_width + kx] = window[ky][kx][c];
                            }
                        }
                        const accum_t value = pool_reduce<CONFIG_T, op_T>(taps);
                        out[c] = pool_result<typename res_T::value_type, CONFIG_T>(value, position, multiplier);
                    }
                    res.write(out);
                    position++;
                }
                skip_x = skip_x == 0 ? CONFIG_T::stride_width - 1 : skip_x - 1;
            }
        }
        if (y >= bottom) {
            skip_y = skip_y == 0 ? CONFIG_T::stride_height - 1 : skip_y - 1;
        }
    }
}

template <class data_T, class res_T, typename CONFIG_T, class op_T>
void pool_stream(hls::stream<data_T> &data, hls::stream<res_T> &res,
                 typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS INLINE
    if (CONFIG_T::stride_height >= CONFIG_T::kernel_height && CONFIG_T::stride_width >= CONFIG_T::kernel_width) {
        pool_separate<data_T, res_T, CONFIG_T, op_T>(data, res, multiplier);
    } else {
        pool_overlapping<data_T, res_T, CONFIG_T, op_T>(data, res, multiplier);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void maxpool(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_channels],
             res_T res[CONFIG_T::out_height * CONFIG_T::out_width * CONFIG_T::n_channels],
             typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=multiplier complete
    pool_array<data_T, res_T, CONFIG_T, nnet::Op_max<typename CONFIG_T::accum_t> >(data, res, multiplier);
}

template <class data_T, class res_T, typename CONFIG_T>
void maxpool(hls::stream<data_T> &data, hls::stream<res_T> &res,
             typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    pool_stream<data_T, res_T, CONFIG_T, nnet::Op_max<typename CONFIG_T::accum_t> >(data, res, multiplier);
}

template <class data_T, class res_T, typename CONFIG_T>
void sumpool(data_T data[CONFIG_T::in_height * CONFIG_T::in_width * CONFIG_T::n_channels],
             res_T res[CONFIG_T::out_height * CONFIG_T::out_width * CONFIG_T::n_channels],
             typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    #pragma HLS PIPELINE II=CONFIG_T::reuse_factor
    #pragma HLS ARRAY_PARTITION variable=multiplier complete
    pool_array<data_T, res_T, CONFIG_T, nnet::Op_add<typename CONFIG_T::accum_t> >(data, res, multiplier);
}

template <class data_T, class res_T, typename CONFIG_T>
void sumpool(hls::stream<data_T> &data, hls::stream<res_T> &res,
             typename CONFIG_T::multiplier_t multiplier[CONFIG_T::n_multipliers]) {
    pool_stream<data_T, res_T, CONFIG_T, nnet::Op_add<typename CONFIG_T::accum_t> >(data, res, multiplier);
}

} // namespace fpgacomp

#endif
