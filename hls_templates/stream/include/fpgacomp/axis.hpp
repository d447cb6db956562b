// The border to AXI4-Stream: every element in a container of CONTAINER bits, N a beat.
//
// Software sees a plain array of int8, int16, int32 or int64 (unsigned for an unsigned
// element); element 0 of a beat is in its lowest bits, TLAST marks a frame's last beat.
#ifndef FPGACOMP_AXIS_HPP
#define FPGACOMP_AXIS_HPP

#include <ap_axi_sdata.h>

#include "core.hpp"

namespace fpgacomp {

template <int CONTAINER, int N> using Beat = ap_axiu<CONTAINER * N, 0, 0, 0>;

// ELEMENTS / N beats to words. The element takes the low bits of its container; a Bipolar is
// +1 where the container is positive. TLAST is not needed: the frame's length is known.
// Cycles: ELEMENTS / N.
template <int ELEMENTS, int CONTAINER, class T, int N>
void from_axis(hls::stream<Beat<CONTAINER, N> >& in, hls::stream<Vec<T, N> >& out) {
  static_assert(ELEMENTS % N == 0, "a beat's elements must divide the frame");
  static_assert(element<T>::value_bits <= CONTAINER + 1, "the element must fit its container");
beats:
  for (int b = 0; b < ELEMENTS / N; ++b) {
#pragma HLS PIPELINE II=1
    const Beat<CONTAINER, N> beat = in.read();
    Vec<T, N> word;
    for (int i = 0; i < N; ++i) {
#pragma HLS UNROLL
      const ap_int<CONTAINER> raw = ap_uint<CONTAINER>(beat.data >> (i * CONTAINER));
      word[i] = element<T>::of(raw);
    }
    out.write(word);
  }
}

// Words to ELEMENTS / N beats, sign- or zero-extended. Cycles: ELEMENTS / N.
template <int ELEMENTS, int CONTAINER, class T, int N>
void to_axis(hls::stream<Vec<T, N> >& in, hls::stream<Beat<CONTAINER, N> >& out) {
  static_assert(ELEMENTS % N == 0, "a beat's elements must divide the frame");
  static_assert(element<T>::value_bits <= CONTAINER + 1, "the element must fit its container");
beats:
  for (int b = 0; b < ELEMENTS / N; ++b) {
#pragma HLS PIPELINE II=1
    const Vec<T, N> word = in.read();
    Beat<CONTAINER, N> beat;
    ap_uint<CONTAINER * N> data = 0;
    for (int i = 0; i < N; ++i) {
#pragma HLS UNROLL
      const ap_uint<CONTAINER> raw = ap_int<CONTAINER>(value(word[i]));
      data |= ap_uint<CONTAINER * N>(raw) << (i * CONTAINER);
    }
    beat.data = data;
    beat.keep = -1;
    beat.strb = -1;
    beat.last = b == ELEMENTS / N - 1;
    out.write(beat);
  }
}

}  // namespace fpgacomp

#endif
