// The border between AXI4-Stream and the ports of an hls4ml design: one element a beat, in the low
// bits of a container of CONTAINER bits; TLAST marks a frame's last beat.
//
// A frame that ends early is filled up with its last element, and what comes behind the last element is
// dropped up to TLAST: the answer to either is of no use, and the next frame is right.
#ifndef FPGACOMP_AXIS_FRAMES_H_
#define FPGACOMP_AXIS_FRAMES_H_

#include "ap_axi_sdata.h"
#include "ap_int.h"
#include "hls_stream.h"

namespace fpgacomp_axis {

template <int CONTAINER> using Beat = ap_axiu<CONTAINER, 0, 0, 0>;

// Sign- or zero-extended, as the element's type has it.
template <class T, int CONTAINER> Beat<CONTAINER> beat_of(const T &element, bool last) {
#pragma HLS INLINE
    const ap_int<CONTAINER + 1> wide = element;
    Beat<CONTAINER> beat;
    beat.data = wide;
    beat.keep = -1;
    beat.strb = -1;
    beat.last = last;
    return beat;
}

// The low bits of a container: an element fits, or the sender sent none of this port's.
template <class T, int CONTAINER> T element_of(const ap_uint<CONTAINER> &data) {
#pragma HLS INLINE
    return T(data);
}

// A frame to an array, all elements of which are there at once.
template <class T, int ELEMENTS, int CONTAINER>
void read_array(hls::stream<Beat<CONTAINER> > &in, T frame[ELEMENTS]) {
#pragma HLS INLINE off
    ap_uint<CONTAINER> data = 0;
    bool ended = false;
    int i = 0;
elements:
    do {
#pragma HLS PIPELINE II=1
#pragma HLS LOOP_TRIPCOUNT min=ELEMENTS max=ELEMENTS
        if (!ended) {
            const Beat<CONTAINER> beat = in.read();
            data = beat.data;
            ended = beat.last == 1;
        }
        if (i < ELEMENTS) {
            frame[i] = element_of<T, CONTAINER>(data);
            ++i;
        }
    } while (i < ELEMENTS || !ended);
}

template <class T, int ELEMENTS, int CONTAINER>
void write_array(const T frame[ELEMENTS], hls::stream<Beat<CONTAINER> > &out) {
#pragma HLS INLINE off
elements:
    for (int i = 0; i < ELEMENTS; ++i) {
#pragma HLS PIPELINE II=1
        out.write(beat_of<T, CONTAINER>(frame[i], i == ELEMENTS - 1));
    }
}

// A frame to a stream of words of several elements each, as io_stream has them.
template <class WORD, int ELEMENTS, int CONTAINER>
void read_words(hls::stream<Beat<CONTAINER> > &in, hls::stream<WORD> &words) {
#pragma HLS INLINE off
    static_assert(ELEMENTS % WORD::size == 0, "a frame is whole words");
    const int lanes = WORD::size;
    ap_uint<CONTAINER> data = 0;
    bool ended = false;
    int i = 0;
    int lane = 0;
    WORD word;
#pragma HLS ARRAY_PARTITION variable=word complete
elements:
    do {
#pragma HLS PIPELINE II=1
#pragma HLS LOOP_TRIPCOUNT min=ELEMENTS max=ELEMENTS
        if (!ended) {
            const Beat<CONTAINER> beat = in.read();
            data = beat.data;
            ended = beat.last == 1;
        }
        if (i < ELEMENTS) {
            word[lane] = element_of<typename WORD::value_type, CONTAINER>(data);
            if (lane == lanes - 1) {
                words.write(word);
                lane = 0;
            } else {
                ++lane;
            }
            ++i;
        }
    } while (i < ELEMENTS || !ended);
}

template <class WORD, int ELEMENTS, int CONTAINER>
void write_words(hls::stream<WORD> &words, hls::stream<Beat<CONTAINER> > &out) {
#pragma HLS INLINE off
    static_assert(ELEMENTS % WORD::size == 0, "a frame is whole words");
    const int lanes = WORD::size;
    int lane = 0;
    WORD word;
#pragma HLS ARRAY_PARTITION variable=word complete
elements:
    for (int i = 0; i < ELEMENTS; ++i) {
#pragma HLS PIPELINE II=1
        if (lane == 0) {
            word = words.read();
        }
        out.write(beat_of<typename WORD::value_type, CONTAINER>(word[lane], i == ELEMENTS - 1));
        lane = lane == lanes - 1 ? 0 : lane + 1;
    }
}

} // namespace fpgacomp_axis

#endif
