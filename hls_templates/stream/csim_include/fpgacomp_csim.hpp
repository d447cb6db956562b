// C-simulation on native integers: operators over a whole frame at once.
//
// A stream's words lie one after the other as plain integers, so a frame is an array and a
// folding only cuts it into words. Here operators are written over that array, in the order a
// processor likes; few templates and sizes as arguments keep compiling quick. Operators include
// this header only where FPGACOMP_CSIM is set; the tests run both forms against the oracle.
#ifndef FPGACOMP_CSIM_HPP
#define FPGACOMP_CSIM_HPP

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "fpgacomp/rom.hpp"

namespace fpgacomp {
namespace csim {

// The elements of consecutive words.
template <class T, int N> inline const T* elements(const Vec<T, N>* words) {
  static_assert(sizeof(Vec<T, N>) == N * sizeof(T), "words lie without gaps");
  return words->data;
}
template <class T, int N> inline T* elements(Vec<T, N>* words) {
  static_assert(sizeof(Vec<T, N>) == N * sizeof(T), "words lie without gaps");
  return words->data;
}

// ---- tables ---------------------------------------------------------------------------------

// A table's packed words, with its sizes as numbers.
template <class T> struct Packed {
  const std::uint64_t* words;
  int rows, lanes, per_word, words_a_row;

  template <int DEPTH, int LANES> explicit Packed(const Rom<T, DEPTH, LANES>& rom)
      : words(rom.packed[0]), rows(DEPTH), lanes(LANES), per_word(rom.PER_WORD),
        words_a_row(rom.WORDS) {}
  T at(int row, int lane) const {
    const std::uint64_t word = words[std::int64_t(row) * words_a_row + lane / per_word];
    const int bit = lane % per_word * element<T>::bits;
    return element<T>::from_bits(ap_uint<element<T>::bits>(word >> bit));
  }
};

template <class FORM, class TABLE, class... REST>
inline const FORM& form(const TABLE& table, const REST&... rest) {
  return table.made.template as<FORM>(table, rest...);
}

// One number per channel; a table of one row serves all groups of channels.
template <class V, int COUNT> struct PerChannel {
  V of[COUNT];

  template <class T, int ROWS, int F> explicit PerChannel(const Rom<T, ROWS, F>& rom) {
    fill(Packed<T>(rom), COUNT, of);
  }
  template <class T>
  static __attribute__((noinline)) void fill(const Packed<T>& table, int count, V* of) {
    for (int c = 0; c < count; ++c)
      of[c] = V(value(table.at(c / table.lanes % table.rows, c % table.lanes)));
  }
};

// The narrowest native integer of BITS bits that is worth it.
template <int BITS>
using lane_t = typename std::conditional<(BITS <= 16), std::int16_t, calc_t<BITS> >::type;

// Thresholds as [threshold][channel].
template <class V> struct AnySteps {
  int channels, thresholds;
  std::unique_ptr<V[]> of;

  AnySteps(int c, int n) : channels(c), thresholds(n), of(new V[std::size_t(c) * n]) {}
  // From lanes of a channel's thresholds.
  template <class T> __attribute__((noinline)) void fill(const Packed<T>& table) {
    for (int c = 0; c < channels; ++c)
      for (int n = 0; n < thresholds; ++n) {
        const int lane = c * thresholds + n;
        of[n * channels + c] =
            V(value(table.at(lane / table.lanes % table.rows, lane % table.lanes)));
      }
  }
  // The 2^level thresholds of one level of a search in banks of `depth` entries.
  template <class T>
  __attribute__((noinline)) void fill_level(const std::uint64_t* banks, int count, int depth,
                                            int level) {
    const int entries = 1 << level, stride = (thresholds + 1) >> level;
    for (int c = 0; c < channels; ++c)
      for (int p = 0; p < entries; ++p) {
        const int row = (depth == entries ? 0 : c / count * entries) + p;
        const ap_uint<element<T>::bits> raw(banks[c % count * depth + row]);
        of[(p * stride + stride / 2 - 1) * channels + c] = V(value(element<T>::from_bits(raw)));
      }
  }
  template <int LEVEL> void fill_levels() {}
  template <int LEVEL, class T, int F, int DEPTH, class... REST>
  void fill_levels(const Banks<T, F, DEPTH>& level, const REST&... rest) {
    fill_level<T>(level.data[0], F, DEPTH, LEVEL);
    fill_levels<LEVEL + 1>(rest...);
  }
  // A search counts the thresholds reached only where they ascend.
  __attribute__((noinline)) void check_ascending() const {
    for (int i = channels; i < channels * thresholds; ++i)
      if (of[i] < of[i - channels]) {
        std::fprintf(stderr, "ERROR: the thresholds of a search do not ascend\n");
        std::abort();
      }
  }
};
template <class V, int C, int N> struct Steps : AnySteps<V> {
  template <class T, int ROWS, int LANES> explicit Steps(const Rom<T, ROWS, LANES>& rom)
      : AnySteps<V>(C, N) {
    this->fill(Packed<T>(rom));
  }
  template <class T, int F, int DEPTH, class... REST>
  explicit Steps(const Banks<T, F, DEPTH>& first, const REST&... rest) : AnySteps<V>(C, N) {
    this->template fill_levels<0>(first, rest...);
    this->check_ascending();
  }
};

// y = the level of the number of thresholds reached, for a pixel after the other.
template <int LEVEL_BITS, class V, class X, class Y, class LEVELS>
__attribute__((noinline)) void thresholds(const AnySteps<V>& steps, const X* x, Y* y, int pixels,
                                          int lanes, const LEVELS& levels) {
  const int channels = steps.channels;
  const std::unique_ptr<V[]> room(new V[2 * channels]);
  V *const v = room.get(), *const reached = v + channels;
  for (int p = 0; p < pixels; ++p, x += channels, y += channels) {
    for (int c = 0; c < channels; ++c) {
      v[c] = V(value(x[c]));
      reached[c] = 0;
    }
    for (int n = 0; n < steps.thresholds; ++n) {
      const V* const of = steps.of.get() + n * channels;
      for (int c = 0; c < channels; ++c) reached[c] += of[c] <= v[c] ? 1 : 0;
    }
    for (int c = 0; c < channels; ++c)
      y[c] = levels.template level<Y, LEVEL_BITS>(int(reached[c]), c / lanes, c % lanes);
  }
}

// ---- products -------------------------------------------------------------------------------

// Rows of factors are filled up with zeros to whole vector registers, outputs to whole blocks.
constexpr int ROW_UNIT = 16;
constexpr int BLOCK = 4;
constexpr int round_up(int n, int unit) { return ceil_div(n, unit) * unit; }

// sums[o] = x * w[o] for a block of outputs. Sums of 16-bit products are an instruction of
// their own in a processor's vector unit.
template <class A, class SUM> inline void dot_one(const A* x, const A* w, int length, SUM* sums) {
  const A *const w1 = w + length, *const w2 = w1 + length, *const w3 = w2 + length;
  SUM s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (int i = 0; i < length; ++i) {
    s0 += SUM(x[i]) * SUM(w[i]);
    s1 += SUM(x[i]) * SUM(w1[i]);
    s2 += SUM(x[i]) * SUM(w2[i]);
    s3 += SUM(x[i]) * SUM(w3[i]);
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}
// The same for two vectors x and y, which share what is read of w.
template <class A, class SUM>
inline void dot_two(const A* x, const A* y, const A* w, int length, SUM* of_x, SUM* of_y) {
  const A *const w1 = w + length, *const w2 = w1 + length, *const w3 = w2 + length;
  SUM s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  for (int i = 0; i < length; ++i) {
    s0 += SUM(x[i]) * SUM(w[i]);
    s1 += SUM(x[i]) * SUM(w1[i]);
    s2 += SUM(x[i]) * SUM(w2[i]);
    s3 += SUM(x[i]) * SUM(w3[i]);
    t0 += SUM(y[i]) * SUM(w[i]);
    t1 += SUM(y[i]) * SUM(w1[i]);
    t2 += SUM(y[i]) * SUM(w2[i]);
    t3 += SUM(y[i]) * SUM(w3[i]);
  }
  of_x[0] = s0, of_x[1] = s1, of_x[2] = s2, of_x[3] = s3;
  of_y[0] = t0, of_y[1] = t1, of_y[2] = t2, of_y[3] = t3;
}

// A weight matrix for products: factors of type A, sums of type SUM.
template <class A, class SUM> struct Matrix {
  int inputs, outputs, length, height;  // height rows of `length`, zeros included
  std::unique_ptr<A[]> rows;            // [output][input]
  A least, most;

  template <class T>
  __attribute__((noinline)) Matrix(const Packed<T>& table, int mw, int mh, int simd)
      : inputs(mw), outputs(mh), length(round_up(mw, ROW_UNIT)), height(round_up(mh, BLOCK)),
        rows(new A[std::size_t(height) * length]()), least(0), most(0) {
    const int sf = mw / simd, pe = table.lanes / simd;
    for (int tile = 0; tile < table.rows; ++tile)
      for (int lane = 0; lane < table.lanes; ++lane) {
        const A w = A(value(table.at(tile, lane)));
        const int o = tile / sf * pe + lane / simd, i = tile % sf * simd + lane % simd;
        rows[std::int64_t(o) * length + i] = w;
        least = w < least ? w : least;
        most = w > most ? w : most;
      }
  }

  // sums[v * height + o] for one vector or two, `length` factors each.
  __attribute__((noinline)) void multiply(const A* x, int vectors, SUM* sums) const {
    for (int o = 0; o < height; o += BLOCK) {
      const A* const w = rows.get() + std::int64_t(o) * length;
      if (vectors == 2) {
        dot_two(x, x + length, w, length, sums + o, sums + height + o);
      } else {
        dot_one(x, w, length, sums + o);
      }
    }
  }

  // Products that share a DSP block are the plain products if each stays in its SHIFT bits.
  void check_lanes(const A* x, int shift) const {
    A low = 0, high = 0;
    for (int i = 0; i < inputs; ++i) {
      low = x[i] < low ? x[i] : low;
      high = x[i] > high ? x[i] : high;
    }
    typedef std::int64_t wide;
    const wide limit = wide(1) << (shift - 1);
    const wide corners[4] = {wide(low) * wide(least), wide(low) * wide(most),
                             wide(high) * wide(least), wide(high) * wide(most)};
    for (const wide corner : corners)
      if (corner < -limit || corner >= limit) {
        std::fprintf(stderr, "ERROR: a packed product leaves its lane of %d bits\n", shift);
        std::abort();
      }
  }
};

// SHIFT: bits of a lane where products share a DSP block, else 0.
template <class A, class SUM, class X, class ACC>
__attribute__((noinline)) void products(const Matrix<A, SUM>& w, const X* x, int vectors, ACC* y,
                                        int shift) {
  const std::unique_ptr<A[]> factors(new A[2 * w.length]());
  const std::unique_ptr<SUM[]> sums(new SUM[2 * w.height]);
  for (int v = 0; v < vectors; v += 2) {
    const int together = min_of(2, vectors - v);
    for (int k = 0; k < together; ++k, x += w.inputs) {
      A* const wide = factors.get() + k * w.length;
      for (int i = 0; i < w.inputs; ++i) wide[i] = A(value(x[i]));
      if (shift != 0) w.check_lanes(wide, shift);
    }
    w.multiply(factors.get(), together, sums.get());
    for (int k = 0; k < together; ++k, y += w.outputs)
      for (int o = 0; o < w.outputs; ++o) y[o] = element<ACC>::of(sums[k * w.height + o]);
  }
}

// ---- products of few bits -------------------------------------------------------------------

// An element as bits: its number is `offset`, plus coefficient(b) for each bit b that is set.
template <class T> struct Planes;
template <int W> struct Planes<ap_uint<W> > {
  static constexpr int count = W, offset = 0;
  static constexpr std::int64_t coefficient(int b) { return std::int64_t(1) << b; }
};
template <int W> struct Planes<ap_int<W> > {
  static constexpr int count = W, offset = 0;
  static constexpr std::int64_t coefficient(int b) {
    return b == W - 1 ? -(std::int64_t(1) << b) : std::int64_t(1) << b;
  }
};
template <> struct Planes<Bipolar> {
  static constexpr int count = 1, offset = -1;
  static constexpr std::int64_t coefficient(int) { return 2; }
};

// Numbers of LANES bit counts at once, where the processor counts the bits of whole vectors; GNU
// vectors, because a compiler that vectorizes these loops by itself may well choose another one.
#if defined(__AVX512VPOPCNTDQ__) && defined(__GNUC__) && !defined(__clang__)
typedef std::int64_t lanes_t __attribute__((vector_size(64)));
inline lanes_t count_ones(lanes_t bits) {
  typedef long long plain __attribute__((vector_size(64)));
  return lanes_t(__builtin_ia32_vpopcountq_v8di(plain(bits)));
}
constexpr int MOST_PAIRS = 8;
#else
typedef std::int64_t lanes_t __attribute__((vector_size(16)));
inline lanes_t count_ones(lanes_t bits) {
  return lanes_t{__builtin_popcountll(bits[0]), __builtin_popcountll(bits[1])};
}
constexpr int MOST_PAIRS = 1;
#endif
// 64 products of bits are an AND and a count of bits; elements of several bits take one for each
// pair of their bits. Up to MOST_PAIRS, that is faster than multiplying.
constexpr int PER_LANES = sizeof(lanes_t) / sizeof(std::int64_t);

// A weight matrix for products of elements of X and W: bit planes [block][word][plane][output].
template <class X, class W> struct BitMatrix {
  static constexpr int A = Planes<X>::count, B = Planes<W>::count;
  static constexpr int LANES = 2 * PER_LANES;  // outputs of a block
  int inputs, outputs, words, blocks;
  std::unique_ptr<std::uint64_t[]> planes;
  std::unique_ptr<std::int64_t[]> constant;  // of each output: what does not depend on the bits of x

  __attribute__((noinline)) BitMatrix(const Packed<W>& table, int mw, int mh, int simd)
      : inputs(mw), outputs(mh), words(ceil_div(mw, 64)), blocks(ceil_div(mh, LANES)),
        planes(new std::uint64_t[std::size_t(blocks) * words * B * LANES]()),
        constant(new std::int64_t[std::size_t(blocks) * LANES]()) {
    const int sf = mw / simd, pe = table.lanes / simd;
    for (int tile = 0; tile < table.rows; ++tile)
      for (int lane = 0; lane < table.lanes; ++lane) {
        const std::int64_t w = std::int64_t(value(table.at(tile, lane)));
        const int o = tile / sf * pe + lane / simd, i = tile % sf * simd + lane % simd;
        const std::uint64_t bits = std::uint64_t(w - Planes<W>::offset) / scale<W>();
        std::uint64_t* const to =
            planes.get() + (std::int64_t(o / LANES) * words + i / 64) * B * LANES + o % LANES;
        for (int b = 0; b < B; ++b) to[b * LANES] |= (bits >> b & 1) << i % 64;
        constant[o] += Planes<X>::offset * w;
      }
  }

  // Planes [word][plane] of one vector; returns the sum of its numbers without their offsets.
  std::int64_t split(const X* x, std::uint64_t* to) const {
    static_assert(sizeof(X) == 1, "an element lies in one byte");
    std::int64_t sum = 0;
    for (int first = 0; first < inputs; first += 64, to += A) {
      const char* bytes = reinterpret_cast<const char*>(x) + first;
      char last[64] = {};
      if (inputs - first < 64) {  // the last word is filled up with bits that are not set
        std::memcpy(last, bytes, inputs - first);
        bytes = last;
      }
      for (int a = 0; a < A; ++a) to[a] = 0;
      for (int k = 0; k < 8; ++k) {
        std::uint64_t eight;
        std::memcpy(&eight, bytes + 8 * k, 8);
        for (int a = 0; a < A; ++a) to[a] |= lowest_bits(eight >> a) << 8 * k;
      }
      for (int a = 0; a < A; ++a)
        sum += Planes<X>::coefficient(a) * __builtin_popcountll(to[a]);
    }
    return sum;
  }

  // sums[v][o] = the products' sum over pairs of bits, for VECTORS vectors and a block of outputs.
  template <int VECTORS>
  static __attribute__((noinline)) void count(const std::uint64_t* x, const std::uint64_t* w,
                                              int words, std::int64_t* sums) {
    // Unrolled, so that the counts stay in registers.
    lanes_t counts[VECTORS][A + B - 1][2] = {};  // of the pairs of one weight
    for (int i = 0; i < words; ++i, w += B * LANES)
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) {
        lanes_t of_w[2];
        std::memcpy(&of_w[0], w + b * LANES, sizeof of_w[0]);
        std::memcpy(&of_w[1], w + b * LANES + PER_LANES, sizeof of_w[1]);
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v)
#pragma GCC unroll 8
          for (int a = 0; a < A; ++a) {
            const lanes_t of_x = lanes_t{} + std::int64_t(x[(v * words + i) * A + a]);
            const bool minus = (Planes<X>::coefficient(a) < 0) != (Planes<W>::coefficient(b) < 0);
#pragma GCC unroll 2
            for (int half = 0; half < 2; ++half) {
              const lanes_t ones = count_ones(of_x & of_w[half]);
              counts[v][a + b][half] += minus ? -ones : ones;
            }
          }
      }
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v)
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half, sums += PER_LANES) {
        lanes_t total = {};
#pragma GCC unroll 16
        for (int k = 0; k < A + B - 1; ++k) total += counts[v][k][half] << k;
        total *= scale<X>() * scale<W>();
        std::memcpy(sums, &total, sizeof total);
      }
  }

 private:
  // A Bipolar's bit weighs two.
  template <class T> static constexpr std::int64_t scale() { return Planes<T>::offset != 0 ? 2 : 1; }
  // The lowest bits of eight bytes, the first byte's first.
  static std::uint64_t lowest_bits(std::uint64_t bytes) {
    return (bytes & 0x0101010101010101ULL) * 0x0102040810204080ULL >> 56;
  }
};

template <class X, class W, class ACC>
__attribute__((noinline)) void products(const BitMatrix<X, W>& w, const X* x, int vectors, ACC* y,
                                        int) {
  typedef BitMatrix<X, W> matrix;
  const std::unique_ptr<std::uint64_t[]> bits(new std::uint64_t[2 * w.words * matrix::A]);
  for (int v = 0; v < vectors; v += 2, x += 2 * w.inputs, y += 2 * w.outputs) {
    const int together = min_of(2, vectors - v);
    std::int64_t shared[2] = {};
    for (int k = 0; k < together; ++k)
      shared[k] = Planes<W>::offset * w.split(x + k * w.inputs, bits.get() + k * w.words * matrix::A);
    for (int block = 0; block < w.blocks; ++block) {
      const int first = block * matrix::LANES;
      const std::uint64_t* const planes =
          w.planes.get() + std::int64_t(first) * w.words * matrix::B;
      std::int64_t sums[2 * matrix::LANES];
      if (together == 2) {
        matrix::template count<2>(bits.get(), planes, w.words, sums);
      } else {
        matrix::template count<1>(bits.get(), planes, w.words, sums);
      }
      for (int k = 0; k < together; ++k)
        for (int o = first; o < min_of(first + matrix::LANES, w.outputs); ++o)
          y[k * w.outputs + o] = element<ACC>::of(sums[k * matrix::LANES + o - first] + shared[k] +
                                                  w.constant[o]);
    }
  }
}

// ---- which of both --------------------------------------------------------------------------

template <class X, class W, int SHIFT> struct counts_bits {
  static constexpr bool value =
      SHIFT == 0 && element<X>::bits * element<W>::bits <= MOST_PAIRS && element<X>::bits <= 8;
};

// A matrix made from a table folded by MW, MH and SIMD.
template <class MATRIX, int MW, int MH, int SIMD> struct Folded {
  MATRIX matrix;
  template <class T, int TILES, int LANES> explicit Folded(const Rom<T, TILES, LANES>& rom)
      : matrix(Packed<T>(rom), MW, MH, SIMD) {}
};

template <int MW, int MH, int VECTORS, int SHIFT, class SUM, class X, class W, class ACC, int SIMD,
          int PE, int TILES>
void mvau(hls::stream<Vec<X, SIMD> >& in, hls::stream<Vec<ACC, PE> >& out,
          const Rom<W, TILES, PE * SIMD>& weights) {
  constexpr bool narrow = element<X>::value_bits <= 16 && element<W>::value_bits <= 16;
  typedef typename std::conditional<narrow, std::int16_t, SUM>::type factor_t;
  typedef typename std::conditional<counts_bits<X, W, SHIFT>::value, BitMatrix<X, W>,
                                    Matrix<factor_t, SUM> >::type matrix_t;
  const auto& folded = form<Folded<matrix_t, MW, MH, SIMD> >(weights);
  const X* const x = elements(in.take(VECTORS * (MW / SIMD)));
  products(folded.matrix, x, VECTORS, elements(out.put(VECTORS * (MH / PE))), SHIFT);
}

template <int PE, class SUM, class X, class ACC>
__attribute__((noinline)) void depthwise(const SUM* w, const X* x, ACC* y, int vectors, int fold,
                                         int taps) {
  for (int v = 0; v < vectors; ++v) {
    const SUM* factor = w;
    for (int f = 0; f < fold; ++f, y += PE) {
      SUM sums[PE] = {};
      for (int k = 0; k < taps; ++k, x += PE, factor += PE)
        for (int pe = 0; pe < PE; ++pe) sums[pe] += SUM(value(x[pe])) * factor[pe];
      for (int pe = 0; pe < PE; ++pe) y[pe] = element<ACC>::of(sums[pe]);
    }
  }
}
template <int FOLD, int K, int VECTORS, class SUM, class X, class W, class ACC, int PE, int ROWS>
void vvau(hls::stream<Vec<X, PE> >& in, hls::stream<Vec<ACC, PE> >& out,
          const Rom<W, ROWS, PE>& weights) {
  const SUM* const w = form<PerChannel<SUM, ROWS * PE> >(weights).of;
  const X* const x = elements(in.take(VECTORS * ROWS));
  depthwise<PE>(w, x, elements(out.put(VECTORS * FOLD)), VECTORS, FOLD, K);
}

// ---- windows, padding, widths ---------------------------------------------------------------

template <class T> inline void copy(T* to, const T* from, int count) {
  std::memcpy(to, from, count * sizeof(T));
}

// Rows of `row` elements between `left` and `right` elements of FILL, with `top` and `bottom`
// rows of FILL.
template <class FROM, class TO>
__attribute__((noinline)) void pad(const FROM* x, TO* y, const TO& fill, int rows, int row,
                                   int top, int bottom, int left, int right) {
  const int width = left + row + right;
  for (int i = 0; i < (top + rows + bottom) * width; ++i) y[i] = fill;
  for (int r = 0; r < rows; ++r, x += row) {
    TO* const line = y + (top + r) * width + left;
    for (int i = 0; i < row; ++i) line[i] = convert<TO>(x[i]);
  }
}

struct Windows {
  int h, w, groups, kh, kw, sh, sw, dh, dw, oh, ow;

  int reads() const { return h * w * groups; }
  int writes() const { return oh * ow * kh * kw * groups; }
  int at(int oy, int ox, int ky) const { return ((oy * sh + ky * dh) * w + ox * sw) * groups; }
};

// [ky][kx][group]: pixels are copied, all of a window's row at once where they lie together.
__attribute__((noinline)) inline void windows_of_pixels(const char* x, char* y, const Windows& g,
                                                        std::size_t word_bytes) {
  const int together = g.dw == 1 ? g.kw : 1;
  const std::size_t bytes = word_bytes * g.groups * together;
  for (int oy = 0; oy < g.oh; ++oy)
    for (int ox = 0; ox < g.ow; ++ox)
      for (int ky = 0; ky < g.kh; ++ky) {
        const char* from = x + g.at(oy, ox, ky) * word_bytes;
        for (int kx = 0; kx < g.kw; kx += together, y += bytes) {
          std::memcpy(y, from, bytes);
          from += g.dw * g.groups * word_bytes;
        }
      }
}
// [group][ky][kx]
template <class WORD>
__attribute__((noinline)) void windows_of_groups(const WORD* x, WORD* y, const Windows& g) {
  for (int oy = 0; oy < g.oh; ++oy)
    for (int ox = 0; ox < g.ow; ++ox)
      for (int f = 0; f < g.groups; ++f)
        for (int ky = 0; ky < g.kh; ++ky) {
          const WORD* from = x + g.at(oy, ox, ky) + f;
          for (int kx = 0; kx < g.kw; ++kx, from += g.dw * g.groups) *y++ = *from;
        }
}
template <class ORDER, class WORD>
void sliding_window(hls::stream<WORD>& in, hls::stream<WORD>& out, const Windows& g) {
  const WORD* const x = in.take(g.reads());
  WORD* const y = out.put(g.writes());
  if (ORDER::depthwise) {
    windows_of_groups(x, y, g);
  } else {
    windows_of_pixels(reinterpret_cast<const char*>(x), reinterpret_cast<char*>(y), g,
                      sizeof(WORD));
  }
}

}  // namespace csim
}  // namespace fpgacomp

#endif
