// The border to AXI4-Stream: every element in a container of CONTAINER bits, N a beat.
//
// Software sees a plain array of int8, int16, int32 or int64 (unsigned for an unsigned element), one
// frame behind the other; element 0 of a beat is in its lowest bits, and TLAST marks a frame's last
// beat. N is a power of two, so that TDATA has one of the widths that a DMA takes. What the last
// beat of a frame has beyond the frame is ignored at an input; at an output TKEEP leaves it out.
#ifndef FPGACOMP_AXIS_HPP
#define FPGACOMP_AXIS_HPP

#include <ap_axi_sdata.h>

#include "core.hpp"

namespace fpgacomp {

template <int CONTAINER, int N> using Beat = ap_axiu<CONTAINER * N, 0, 0, 0>;

// ELEMENTS / N beats, rounded up, to as many words, the last of which is filled up with what the
// beat has there. The element takes the low bits of its container; a Bipolar is +1 where the
// container is positive.
//
// A frame ends with TLAST. One that ends early is filled up with its last beat, and what comes
// behind the last beat is dropped up to TLAST: the answer to either is of no use, and the next frame
// is right. So a transfer that was aborted spoils no frame but its own and the one behind it.
// The loop ends when TLAST has come, which its bounds cannot state: of all processes this one alone
// starts anew for each frame, and ports are wide enough to leave it the cycles (ports.py).
// Cycles: the words.
template <int ELEMENTS, int CONTAINER, class T, int N>
void from_axis(hls::stream<Beat<CONTAINER, N> >& in, hls::stream<Vec<T, N> >& out) {
#pragma HLS INLINE
  static_assert(element<T>::value_bits <= CONTAINER + 1, "the element must fit its container");
  constexpr int BEATS = ceil_div(ELEMENTS, N);
  ap_uint<CONTAINER * N> data = 0;
  bool ended = false;
  counter_t<BEATS> b = 0;
beats:
  do {
#pragma HLS PIPELINE II=1
#pragma HLS LOOP_TRIPCOUNT min=BEATS max=BEATS
    if (!ended) {
      const Beat<CONTAINER, N> beat = in.read();
      data = beat.data;
      ended = beat.last == 1;
    }
    if (b < BEATS) {
      Vec<T, N> word;
      for (int i = 0; i < N; ++i) {
#pragma HLS UNROLL
        const ap_int<CONTAINER> raw = ap_uint<CONTAINER>(data >> (i * CONTAINER));
        word[i] = element<T>::of(raw);
      }
      out.write(word);
      ++b;
    }
  } while (b < BEATS || !ended);
}

// Words to as many beats, ELEMENTS / N rounded up; sign- or zero-extended. Cycles: the words.
template <int ELEMENTS, int CONTAINER, class T, int N>
void to_axis(hls::stream<Vec<T, N> >& in, hls::stream<Beat<CONTAINER, N> >& out) {
#pragma HLS INLINE
  static_assert(element<T>::value_bits <= CONTAINER + 1, "the element must fit its container");
  constexpr int BEATS = ceil_div(ELEMENTS, N);
  constexpr int BYTES = CONTAINER / 8 * N;
  // Bytes of the last beat that the frame does not have.
  constexpr int SPARE = CONTAINER / 8 * (BEATS * N - ELEMENTS);
beats:
  for (int b = 0; b < BEATS; ++b) {
#pragma HLS PIPELINE II=1
    const Vec<T, N> word = in.read();
    Beat<CONTAINER, N> beat;
    ap_uint<CONTAINER * N> data = 0;
    for (int i = 0; i < N; ++i) {
#pragma HLS UNROLL
      const ap_uint<CONTAINER> raw = ap_int<CONTAINER>(value(word[i]));
      data |= ap_uint<CONTAINER * N>(raw) << (i * CONTAINER);
    }
    const bool last = b == BEATS - 1;
    const ap_uint<BYTES> all = -1;
    beat.data = data;
    beat.keep = last ? ap_uint<BYTES>(all >> SPARE) : all;
    beat.strb = beat.keep;
    beat.last = last;
    out.write(beat);
  }
}

}  // namespace fpgacomp

#endif
