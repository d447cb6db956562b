// From accumulator to activation: requantize, thresholds, lookup.
#ifndef FPGACOMP_ACTIVATION_HPP
#define FPGACOMP_ACTIVATION_HPP

#include "rom.hpp"
#ifdef FPGACOMP_CSIM
#include <fpgacomp_csim.hpp>
#endif

namespace fpgacomp {

// How a requantization drops its fraction: what is added before the arithmetic shift.
// half = 2^(SHIFT-1), ones = 2^SHIFT - 1.
struct RoundFloor {  // towards minus infinity
  template <class V> static V addend(bool, V, V) { return V(0); }
};
struct RoundHalfUp {  // nearest, ties away from zero
  template <class V> static V addend(bool negative, V half, V) {
    return negative ? V(half - 1) : half;
  }
};
struct RoundHalfDown {  // nearest, ties towards zero
  template <class V> static V addend(bool negative, V half, V) {
    return negative ? half : V(half - 1);
  }
};
struct RoundUp {  // away from zero
  template <class V> static V addend(bool negative, V, V ones) { return negative ? V(0) : ones; }
};
struct RoundDown {  // towards zero
  template <class V> static V addend(bool negative, V, V ones) { return negative ? ones : V(0); }
};
struct RoundEven {};  // nearest, ties to even

template <int SHIFT, class MODE> struct RoundShift {
  template <class V> static V apply(const V& v) {
#pragma HLS INLINE
    const V half = V(1) << (SHIFT - 1);
    const V ones = (V(1) << SHIFT) - 1;
    return V(v + MODE::template addend<V>(v < 0, half, ones)) >> SHIFT;
  }
};
template <int SHIFT> struct RoundShift<SHIFT, RoundEven> {
  template <class V> static V apply(const V& v) {
#pragma HLS INLINE
    // Half up, where an even integer part takes one unit less: ties then fall to it.
    const V half = V(1) << (SHIFT - 1);
    const V odd = (v >> SHIFT) & V(1);
    return V(v + V(half - 1) + odd) >> SHIFT;
  }
};
template <class MODE> struct RoundShift<0, MODE> {
  template <class V> static V apply(const V& v) {
#pragma HLS INLINE
    return v;
  }
};
template <> struct RoundShift<0, RoundEven> {
  template <class V> static V apply(const V& v) {
#pragma HLS INLINE
    return v;
  }
};

// What a scaled value becomes: clip(round(scaled / 2^SHIFT), LO, HI) - ZERO.
template <class Y, int SHIFT, class MODE, long long LO, long long HI, long long ZERO, class V>
inline Y requantized(const V& scaled) {
#pragma HLS INLINE
  V r = RoundShift<SHIFT, MODE>::template apply<V>(scaled);
  if (r < V(LO)) r = V(LO);
  if (r > V(HI)) r = V(HI);
  return element<Y>::of(r - V(ZERO));
}

// y = clip(round((x * m[c] + o[c]) / 2^SHIFT), LO, HI) - ZERO for C channels of PIXELS
// positions. BITS: signed bits that hold every x * m + o and the sum with its rounding addend,
// LO and HI. Parameters: one row for all channel groups, or row f lane i for channel f * F + i.
// Cycles: PIXELS * (C / F).
template <int C, int PIXELS, int BITS, int SHIFT, class MODE, long long LO, long long HI,
          long long ZERO, class X, class Y, int F, class M, int MROWS, class O, int OROWS>
void requantize(hls::stream<Vec<X, F> >& in, hls::stream<Vec<Y, F> >& out,
                const Rom<M, MROWS, F>& multiplier, const Rom<O, OROWS, F>& offset) {
#pragma HLS INLINE
  constexpr int GROUPS = C / F;
  static_assert(C % F == 0, "folding must divide the channels");
  static_assert((MROWS == 1 || MROWS == GROUPS) && (OROWS == 1 || OROWS == GROUPS),
                "parameters have one row, or one per channel group");
  static_assert(BITS >= SHIFT + 2, "BITS must hold the rounding addend");
  typedef calc_t<BITS> wide;
#ifdef FPGACOMP_CSIM
  const wide* const m = csim::form<csim::PerChannel<wide, C> >(multiplier).of;
  const wide* const o = csim::form<csim::PerChannel<wide, C> >(offset).of;
  const X* x = csim::elements(in.take(PIXELS * GROUPS));
  Y* y = csim::elements(out.put(PIXELS * GROUPS));
  for (int p = 0; p < PIXELS; ++p, x += C, y += C)
    for (int c = 0; c < C; ++c)
      y[c] = requantized<Y, SHIFT, MODE, LO, HI, ZERO>(wide(value_as<BITS>(x[c]) * m[c] + o[c]));
#else
  multiplier.prepare();
  offset.prepare();
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int f = 0; f < GROUPS; ++f) {
#pragma HLS PIPELINE II=1
      const Vec<X, F> x = in.read();
      Vec<Y, F> y;
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        const wide product = multiply<BITS>(x[i], multiplier.at(MROWS == 1 ? 0 : f, i));
        const wide scaled = product + value_as<BITS>(offset.at(OROWS == 1 ? 0 : f, i));
        y[i] = requantized<Y, SHIFT, MODE, LO, HI, ZERO>(scaled);
      }
      out.write(y);
    }
  }
#endif
}

// What a number of fired thresholds becomes: BASE + STEP * count for every channel, or
// base[c] + step[c] * count.
template <long long BASE, int STEP> struct SameLevels {
  void prepare() const {
#pragma HLS INLINE
  }
  template <class Y, int BITS> Y level(int count, int, int) const {
#pragma HLS INLINE
    return element<Y>::of(calc_t<BITS>(BASE) + calc_t<BITS>(STEP) * calc_t<BITS>(count));
  }
};
template <class B, class S, int BROWS, int SROWS, int F> struct ChannelLevels {
  const Rom<B, BROWS, F>& base;
  const Rom<S, SROWS, F>& step;
  void prepare() const {
#pragma HLS INLINE
    base.prepare();
    step.prepare();
  }
  template <class Y, int BITS> Y level(int count, int f, int i) const {
#pragma HLS INLINE
    const calc_t<BITS> b = value_as<BITS>(base.at(BROWS == 1 ? 0 : f, i));
    const calc_t<BITS> s = value_as<BITS>(step.at(SROWS == 1 ? 0 : f, i));
    return element<Y>::of(b + s * calc_t<BITS>(count));
  }
};
template <class B, class S, int BROWS, int SROWS, int F>
ChannelLevels<B, S, BROWS, SROWS, F> levels(const Rom<B, BROWS, F>& base,
                                            const Rom<S, SROWS, F>& step) {
#pragma HLS INLINE
  const ChannelLevels<B, S, BROWS, SROWS, F> result = {base, step};
  return result;
}

// Thresholds by full comparison: N comparators per lane. Table: one row for all groups or one
// each; lane i * N + n is threshold n of the group's channel i. Cycles: PIXELS * (C / F).
template <int C, int PIXELS, int N, class X, class Y, int F, class T, int ROWS, int LANES,
          class LEVELS>
void thresholds(hls::stream<Vec<X, F> >& in, hls::stream<Vec<Y, F> >& out,
                const Rom<T, ROWS, LANES>& table, const LEVELS& levels) {
#pragma HLS INLINE
  constexpr int GROUPS = C / F;
  static_assert(C % F == 0, "folding must divide the channels");
  static_assert(LANES == F * N && (ROWS == 1 || ROWS == GROUPS), "shape of the table");
  constexpr int BITS = max_of(element<X>::value_bits, element<T>::value_bits);
  constexpr int LEVEL_BITS = max_of(element<Y>::value_bits, count_bits(N) + 1) + 3;
  levels.prepare();
#ifdef FPGACOMP_CSIM
  const auto& steps = csim::form<csim::Steps<csim::lane_t<BITS>, C, N> >(table);
  const X* const x = csim::elements(in.take(PIXELS * GROUPS));
  csim::thresholds<LEVEL_BITS>(steps, x, csim::elements(out.put(PIXELS * GROUPS)), PIXELS, F,
                               levels);
#else
  table.prepare();
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int f = 0; f < GROUPS; ++f) {
#pragma HLS PIPELINE II=1
      const Vec<X, F> x = in.read();
      Vec<Y, F> y;
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        const calc_t<BITS> v = value_as<BITS>(x[i]);
        counter_t<N> count = 0;
        for (int n = 0; n < N; ++n) {
#pragma HLS UNROLL
          count += value_as<BITS>(table.at(ROWS == 1 ? 0 : f, i * N + n)) <= v ? 1 : 0;
        }
        y[i] = levels.template level<Y, LEVEL_BITS>(int(count), f, i);
      }
      out.write(y);
    }
  }
#endif
}

// The bits of a count, highest first: level LEVEL holds 2^LEVEL thresholds (for each group, or
// once for all), and the count so far selects the one to compare with.
template <int LEVEL, int BITS, class COUNT, int F>
inline void search_levels(const calc_t<BITS> (&)[F], COUNT (&)[F], int) {
#pragma HLS INLINE
}
template <int LEVEL, int BITS, class COUNT, int F, class T, int DEPTH, class... REST>
inline void search_levels(const calc_t<BITS> (&x)[F], COUNT (&count)[F], int f,
                          const Banks<T, F, DEPTH>& level, const REST&... rest) {
#pragma HLS INLINE
  const int row = DEPTH == (1 << LEVEL) ? 0 : f << LEVEL;
  for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
    const bool fired = value_as<BITS>(level.at(i, row + int(count[i]))) <= x[i];
    count[i] = count[i] + count[i] + (fired ? 1 : 0);
  }
  search_levels<LEVEL + 1, BITS>(x, count, f, rest...);
}

// Thresholds by binary search: one comparator and one small memory per level and lane, for
// 2^L - 1 thresholds in L levels. Level l, lane i, entry f * 2^l + p (or p, where all channels
// share the thresholds) is threshold p * 2^(L-l) + 2^(L-l-1) - 1 of the channel. Fill up with
// thresholds that never fire. Cycles: PIXELS * (C / F).
template <int C, int PIXELS, class T, class X, class Y, int F, class LEVELS, class... BANKS>
void thresholds_search(hls::stream<Vec<X, F> >& in, hls::stream<Vec<Y, F> >& out,
                       const LEVELS& levels, const BANKS&... banks) {
#pragma HLS INLINE
  static_assert(C % F == 0, "folding must divide the channels");
  constexpr int N = (1 << sizeof...(BANKS)) - 1;
  constexpr int BITS = max_of(element<X>::value_bits, element<T>::value_bits);
  constexpr int LEVEL_BITS = max_of(element<Y>::value_bits, count_bits(N) + 1) + 3;
  levels.prepare();
#ifdef FPGACOMP_CSIM
  const auto& steps = csim::form<csim::Steps<csim::lane_t<BITS>, C, N> >(banks...);
  const X* const x = csim::elements(in.take(PIXELS * (C / F)));
  csim::thresholds<LEVEL_BITS>(steps, x, csim::elements(out.put(PIXELS * (C / F))), PIXELS, F,
                               levels);
#else
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int f = 0; f < C / F; ++f) {
#pragma HLS PIPELINE II=1
      const Vec<X, F> x = in.read();
      calc_t<BITS> v[F];
      counter_t<N> count[F];
      Vec<Y, F> y;
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        v[i] = value_as<BITS>(x[i]);
        count[i] = 0;
      }
      search_levels<0, BITS>(v, count, f, banks...);
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        y[i] = levels.template level<Y, LEVEL_BITS>(int(count[i]), f, i);
      }
      out.write(y);
    }
  }
#endif
}

// y = table[c][x - LO], one memory per lane: data[i][f * COUNT + (x - LO)], or without f where
// all channels share one table. Cycles: PIXELS * (C / F).
template <int C, int PIXELS, long long LO, int COUNT, class X, class Y, int F, int DEPTH>
void lookup(hls::stream<Vec<X, F> >& in, hls::stream<Vec<Y, F> >& out,
            const Banks<Y, F, DEPTH>& table) {
#pragma HLS INLINE
  constexpr int GROUPS = C / F;
  static_assert(C % F == 0, "folding must divide the channels");
  static_assert(DEPTH == COUNT || DEPTH == GROUPS * COUNT, "one table, or one per channel");
  constexpr int BITS = max_of(element<X>::value_bits, count_bits(COUNT) + 1) + 1;
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int f = 0; f < GROUPS; ++f) {
#pragma HLS PIPELINE II=1
      const Vec<X, F> x = in.read();
      Vec<Y, F> y;
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        const counter_t<COUNT> index = value_as<BITS>(x[i]) - calc_t<BITS>(LO);
        y[i] = table.at(i, (DEPTH == COUNT ? 0 : f * COUNT) + int(index));
      }
      out.write(y);
    }
  }
}

}  // namespace fpgacomp

#endif
