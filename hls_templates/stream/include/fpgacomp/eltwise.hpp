// Element by element: addition, and change of the element type.
#ifndef FPGACOMP_ELTWISE_HPP
#define FPGACOMP_ELTWISE_HPP

#include "rom.hpp"

namespace fpgacomp {

// y = a + b, WORDS words. Cycles: WORDS.
template <int WORDS, class A, class B, class Y, int F>
void add(hls::stream<Vec<A, F> >& a, hls::stream<Vec<B, F> >& b, hls::stream<Vec<Y, F> >& out) {
#pragma HLS INLINE
  constexpr int BITS = max_of(element<A>::value_bits, element<B>::value_bits) + 1;
words:
  for (int w = 0; w < WORDS; ++w) {
#pragma HLS PIPELINE II=1
    const Vec<A, F> x = a.read();
    const Vec<B, F> z = b.read();
    Vec<Y, F> y;
    for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
      const calc_t<BITS> sum = value_as<BITS>(x[i]) + value_as<BITS>(z[i]);
      y[i] = element<Y>::of(sum);
    }
    out.write(y);
  }
}

// y = a * ma[c] + b * mb[c] for C channels of PIXELS positions. Multipliers: one row for all
// channel groups, or row f lane i for channel f * F + i. Cycles: PIXELS * (C / F).
template <int C, int PIXELS, class A, class B, class Y, int F, class MA, int AROWS, class MB,
          int BROWS>
void scaled_add(hls::stream<Vec<A, F> >& a, hls::stream<Vec<B, F> >& b,
                hls::stream<Vec<Y, F> >& out, const Rom<MA, AROWS, F>& multiplier_a,
                const Rom<MB, BROWS, F>& multiplier_b) {
#pragma HLS INLINE
  constexpr int GROUPS = C / F;
  static_assert(C % F == 0, "folding must divide the channels");
  static_assert((AROWS == 1 || AROWS == GROUPS) && (BROWS == 1 || BROWS == GROUPS),
                "multipliers have one row, or one per channel group");
  constexpr int BITS = max_of(element<A>::value_bits + element<MA>::value_bits,
                              element<B>::value_bits + element<MB>::value_bits) + 1;
  multiplier_a.prepare();
  multiplier_b.prepare();
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int f = 0; f < GROUPS; ++f) {
#pragma HLS PIPELINE II=1
      const Vec<A, F> x = a.read();
      const Vec<B, F> z = b.read();
      Vec<Y, F> y;
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        const calc_t<BITS> sum = multiply<BITS>(x[i], multiplier_a.at(AROWS == 1 ? 0 : f, i)) +
                                 multiply<BITS>(z[i], multiplier_b.at(BROWS == 1 ? 0 : f, i));
        y[i] = element<Y>::of(sum);
      }
      out.write(y);
    }
  }
}

// The same numbers as another element type, which must hold them. Cycles: WORDS.
template <int WORDS, class X, class Y, int F>
void cast(hls::stream<Vec<X, F> >& in, hls::stream<Vec<Y, F> >& out) {
#pragma HLS INLINE
words:
  for (int w = 0; w < WORDS; ++w) {
#pragma HLS PIPELINE II=1
    out.write(convert_word<Y>(in.read()));
  }
}

}  // namespace fpgacomp

#endif
