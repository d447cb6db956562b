#ifndef FPGACOMP_LANES_H_
#define FPGACOMP_LANES_H_

#include "ap_int.h"
#include "hls_stream.h"
#include "nnet_common.h"
#include "nnet_types.h"

// What the time-multiplexed kernels (*_folded) share.
//
// n_lanes elements are computed per cycle. They always stand at the front of a shift register
// that is loaded in parallel, and enter a second one from behind: no multiplexer gets wider
// than two inputs, however large the reuse factor. The lanes stay on their channels, so each
// reads a bank of its own of every per-channel parameter.
//
// CONFIG_T states
//   n_lanes    a divisor of n_channels, or a multiple of it (several pixels at once)
//   n_groups   cycles per pixel; 1 where all channels have their lanes
//   n_passes   how often the groups are gone through
namespace fpgacomp {

// Channel of a lane; a constant of the lane where n_groups is 1.
template <typename CONFIG_T> unsigned lane_channel(unsigned group, unsigned lane) {
    #pragma HLS INLINE
    return CONFIG_T::n_groups == 1 ? lane % CONFIG_T::n_channels : group * CONFIG_T::n_lanes + lane;
}

// Cyclic banks of a parameter with this many rows: one per lane, or one per row where the
// lanes never change their row.
template <typename CONFIG_T, unsigned rows> struct lane_banks {
    static const unsigned value = (rows == 1 || CONFIG_T::n_groups == 1) ? rows : CONFIG_T::n_lanes;
};

template <class T, unsigned n_elements, unsigned n_lanes> void shift_lanes(T elements[n_elements]) {
    #pragma HLS INLINE
Shift:
    for (unsigned i = 0; i + n_lanes < n_elements; i++) {
        #pragma HLS UNROLL
        elements[i] = elements[i + n_lanes];
    }
}

template <class T, unsigned n_elements> void copy_all(const T from[n_elements], T to[n_elements]) {
    #pragma HLS INLINE
Copy:
    for (unsigned i = 0; i < n_elements; i++) {
        #pragma HLS UNROLL
        to[i] = from[i];
    }
}

template <class word_T, unsigned n_elements>
void read_word(hls::stream<word_T> &data, typename word_T::value_type elements[n_elements]) {
    #pragma HLS INLINE
    const word_T word = data.read();
Unpack:
    for (unsigned i = 0; i < n_elements; i++) {
        #pragma HLS UNROLL
        elements[i] = word[i];
    }
}

template <class word_T, unsigned n_elements>
void write_word(const typename word_T::value_type elements[n_elements], hls::stream<word_T> &res) {
    #pragma HLS INLINE
    word_T word;
    PRAGMA_DATA_PACK(word)
Pack:
    for (unsigned i = 0; i < n_elements; i++) {
        #pragma HLS UNROLL
        word[i] = elements[i];
    }
    res.write(word);
}

} // namespace fpgacomp

#endif
