// Elements, stream words and arithmetic types that every streaming operator uses.
//
// A tensor [H, W, C] travels as words of F channels (C % F == 0): pixels row-major, channel
// groups inner. One operator call processes one frame.
#ifndef FPGACOMP_CORE_HPP
#define FPGACOMP_CORE_HPP

#include <ap_int.h>
#include <hls_stream.h>

#include <cstdint>
#include <type_traits>

// Tests set this to run the synthesized variant of the few places that differ under g++.
#if defined(__SYNTHESIS__) && !defined(FPGACOMP_SYNTHESIS)
#define FPGACOMP_SYNTHESIS 1
#endif

// On native integers C-simulation may take a whole frame at once instead of a word a cycle:
// the same function, in fpgacomp_csim.hpp. Every other build runs the hardware's loops.
#if defined(FPGACOMP_LIGHT_AP_INT) && defined(FPGACOMP_LIGHT_HLS_STREAM) && \
    !defined(FPGACOMP_SYNTHESIS)
#define FPGACOMP_CSIM 1
#endif

namespace fpgacomp {

// One word of a stream: N elements, element 0 first.
template <class T, int N> struct Vec {
  T data[N];
  T& operator[](int i) { return data[i]; }
  const T& operator[](int i) const { return data[i]; }
};

// -1 or +1 in one bit: a bit that is not set is -1. An integer type and no struct of one, because
// a struct inside a Vec could not be aggregated; no number of one signed bit is ever emitted, so
// that this type has no other meaning.
typedef ap_int<1> Bipolar;

constexpr int max_of(int a, int b) { return a > b ? a : b; }
constexpr int min_of(int a, int b) { return a < b ? a : b; }
constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }
// Bits that count from 0 to n.
constexpr int count_bits(int n) { return n < 1 ? 0 : 1 + count_bits(n / 2); }

// An integer of at least BITS bits, signed, to compute with: a native integer where the
// header is built on those, so that loops vectorize; exactly BITS bits in synthesis.
#ifdef FPGACOMP_LIGHT_AP_INT
template <int BITS> struct calc {
  static_assert(BITS <= 128, "beyond the widest native integer");
  typedef typename std::conditional<
      (BITS <= 32), std::int32_t,
      typename std::conditional<(BITS <= 64), std::int64_t, apsim::int128>::type>::type type;
};
#else
template <int BITS> struct calc { typedef ap_int<BITS> type; };
#endif
template <int BITS> using calc_t = typename calc<BITS>::type;

// A register that counts from 0 to MAX.
#ifdef FPGACOMP_SYNTHESIS
template <int MAX> struct counter { typedef ap_uint<max_of(1, count_bits(MAX))> type; };
#else
template <int MAX> struct counter { typedef int type; };
#endif
template <int MAX> using counter_t = typename counter<MAX>::type;

// bits: of the stored element; value_bits: of the signed number it stands for.
template <class T> struct element;
template <int W> struct element<ap_int<W> > {
  static constexpr int bits = W;
  static constexpr int value_bits = W;
  static constexpr bool is_signed = true;
  static ap_int<W> from_bits(const ap_uint<W>& raw) { return ap_int<W>(raw); }
  template <class V> static ap_int<W> of(const V& value) { return ap_int<W>(value); }
};
template <int W> struct element<ap_uint<W> > {
  static constexpr int bits = W;
  static constexpr int value_bits = W + 1;
  static constexpr bool is_signed = false;
  static ap_uint<W> from_bits(const ap_uint<W>& raw) { return raw; }
  template <class V> static ap_uint<W> of(const V& value) { return ap_uint<W>(value); }
};
template <> struct element<Bipolar> {
  static constexpr int bits = 1;
  static constexpr int value_bits = 2;
  static constexpr bool is_signed = true;
  static Bipolar from_bits(const ap_uint<1>& raw) { return Bipolar(raw); }
  template <class V> static Bipolar of(const V& value) { return Bipolar(ap_uint<1>(value > 0)); }
};

// The number an element stands for, in BITS bits or more.
template <int BITS, int W> inline calc_t<BITS> value_as(const ap_int<W>& x) {
#ifdef FPGACOMP_LIGHT_AP_INT
  return static_cast<calc_t<BITS> >(x.v);
#else
  return calc_t<BITS>(x);
#endif
}
template <int BITS, int W> inline calc_t<BITS> value_as(const ap_uint<W>& x) {
#ifdef FPGACOMP_LIGHT_AP_INT
  return static_cast<calc_t<BITS> >(x.v);
#else
  return calc_t<BITS>(x);
#endif
}
template <int BITS> inline calc_t<BITS> value_as(const Bipolar& x) {
  return x != 0 ? calc_t<BITS>(1) : calc_t<BITS>(-1);
}
template <class T> inline calc_t<element<T>::value_bits> value(const T& x) {
  return value_as<element<T>::value_bits>(x);
}

// A factor of a product of BITS bits: as narrow as the element in synthesis, so that the
// multiplier is; already of the product's native type where loops are to vectorize.
#ifdef FPGACOMP_LIGHT_AP_INT
template <int BITS, class X> inline calc_t<BITS> factor(const X& x) { return value_as<BITS>(x); }
#else
template <int BITS, class X> inline calc_t<element<X>::value_bits> factor(const X& x) {
#pragma HLS INLINE
  return value(x);
}
#endif

// x * y in BITS bits, which must hold it.
template <int BITS, class X, class Y> inline calc_t<BITS> multiply(const X& x, const Y& y) {
#pragma HLS INLINE
  return calc_t<BITS>(factor<BITS>(x) * factor<BITS>(y));
}

// An element of another type with the same number (which that type must hold).
template <class TO, class FROM> inline TO convert(const FROM& x) {
  return element<TO>::of(value(x));
}
template <class TO, class FROM, int N> inline Vec<TO, N> convert_word(const Vec<FROM, N>& x) {
#pragma HLS INLINE
  Vec<TO, N> y;
  for (int i = 0; i < N; ++i) {
#pragma HLS UNROLL
    y[i] = convert<TO>(x[i]);
  }
  return y;
}

// The register a sum of products of TERM bits gathers in: the result type itself, or, on
// native integers, one that also holds each term. Wrapping at the end or at each step leaves
// the same low bits.
template <class T, int TERM_BITS> struct accumulator {
#ifdef FPGACOMP_LIGHT_AP_INT
  typedef calc_t<max_of(element<T>::value_bits, TERM_BITS)> type;
#else
  typedef T type;
#endif
};

}  // namespace fpgacomp

#endif
