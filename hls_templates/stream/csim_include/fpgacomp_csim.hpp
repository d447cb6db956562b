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

#include <fpgacomp_vector.hpp>

#include "fpgacomp/rom.hpp"
#include "fpgacomp/tap.hpp"

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

template <class T> inline void copy(T* to, const T* from, int count) {
  std::memcpy(to, from, count * sizeof(T));
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

// Thresholds as [block of lanes][threshold][lane]. A frame is a sequence of strips: of one pixel,
// filled up to whole blocks, or of as many small pixels as fill blocks exactly.
template <class V> struct AnySteps {
  typedef typename vector_of<V>::type vector;
  static constexpr int LANES = sizeof(vector) / sizeof(V);
  int channels, thresholds, strip;
  Aligned<V> of;

  AnySteps(int c, int n)
      : channels(c), thresholds(n), strip(c < LANES ? c * (LANES / gcd(c, LANES)) : c),
        of(std::size_t(ceil_div(strip, LANES)) * LANES * n) {}
  const V& at(int c, int n) const {
    return of.get()[(c / LANES * thresholds + n) * LANES + c % LANES];
  }
  // For a channel in all pixels of a strip.
  void set(int c, int n, V threshold) {
    for (; c < strip; c += channels) const_cast<V&>(at(c, n)) = threshold;
  }
  // From lanes of a channel's thresholds.
  template <class T> __attribute__((noinline)) void fill(const Packed<T>& table) {
    for (int c = 0; c < channels; ++c)
      for (int n = 0; n < thresholds; ++n) {
        const int lane = c * thresholds + n;
        set(c, n, V(value(table.at(lane / table.lanes % table.rows, lane % table.lanes))));
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
        set(c, p * stride + stride / 2 - 1, V(value(element<T>::from_bits(raw))));
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
    for (int c = 0; c < channels; ++c)
      for (int n = 1; n < thresholds; ++n)
        if (at(c, n) < at(c, n - 1)) {
          std::fprintf(stderr, "ERROR: the thresholds of a search do not ascend\n");
          std::abort();
        }
  }

 private:
  static int gcd(int a, int b) { return b == 0 ? a : gcd(b, a % b); }
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

// y = the level of the number of thresholds reached.
template <int LEVEL_BITS, class V, class X, class Y, class LEVELS>
__attribute__((noinline)) void thresholds(const AnySteps<V>& steps, const X* x, Y* y, int pixels,
                                          int lanes, const LEVELS& levels) {
  typedef typename AnySteps<V>::vector vector;
  constexpr int LANES = AnySteps<V>::LANES;
  const vector one = vector{} + V(1);
  for (int left = pixels * steps.channels; left > 0;) {
    const int strip = min_of(steps.strip, left);
    const V* of = steps.of.get();
    for (int first = 0; first < strip; first += LANES) {
      const int many = min_of(LANES, strip - first);
      X block[LANES] = {};
      copy(block, x + first, many);
      V numbers[LANES], counts[LANES];
      Y results[LANES];
      for (int i = 0; i < LANES; ++i) numbers[i] = V(value(block[i]));
      const vector v = load<vector>(numbers);
      vector reached = {};
      for (int n = 0; n < steps.thresholds; ++n, of += LANES)
        reached += load<vector>(of) <= v ? one : vector{};
      std::memcpy(counts, &reached, sizeof reached);
      for (int i = 0; i < LANES; ++i) {
        const int c = (first + i) % steps.channels;
        results[i] = levels.template level<Y, LEVEL_BITS>(int(counts[i]), c / lanes, c % lanes);
      }
      copy(y + first, results, many);
    }
    x += strip, y += strip, left -= strip;
  }
}

// ---- products -------------------------------------------------------------------------------

// Calls visit(output, input, weight) for every weight of a table that is folded by SIMD.
template <class T, class VISIT>
inline void each_weight(const Packed<T>& table, int mw, int simd, const VISIT& visit) {
  constexpr int bits = element<T>::bits;
  const int sf = mw / simd, pe = table.lanes / simd;
  for (int tile = 0; tile < table.rows; ++tile) {
    const std::uint64_t* next = table.words + std::int64_t(tile) * table.words_a_row;
    std::uint64_t word = 0;
    int left = 0;  // elements of the word
    for (int p = 0; p < pe; ++p)
      for (int s = 0; s < simd; ++s) {
        if (left == 0) {
          word = *next++;
          left = table.per_word;
        }
        visit(tile / sf * pe + p, tile % sf * simd + s,
              element<T>::from_bits(ap_uint<bits>(word)));
        word = bits < 64 ? word >> bits % 64 : 0;
        --left;
      }
  }
}

// The extremes of weights of type A.
template <class A> struct Extremes {
  A least = 0, most = 0;

  void take(A w) {
    least = w < least ? w : least;
    most = w > most ? w : most;
  }
  // Products that share a DSP block are the plain products if each stays in its SHIFT bits.
  void check_lanes(const A* x, int inputs, int shift) const {
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

template <class X, class A> inline void widen(const X* x, A* to, int count) {
  for (int i = 0; i < count; ++i) to[i] = A(value(x[i]));
}
template <class SUM, class ACC> inline void narrow(const SUM* sums, ACC* y, int count) {
  for (int o = 0; o < count; ++o) y[o] = element<ACC>::of(sums[o]);
}

// A weight matrix for products of any width, factors and sums of type SUM.
template <class SUM> struct Matrix {
  static constexpr int BLOCK = 4;  // outputs at once
  int inputs, outputs, height;
  std::unique_ptr<SUM[]> rows;  // [output][input], filled up with zeros to whole blocks
  Extremes<SUM> extremes;

  template <class T>
  __attribute__((noinline)) Matrix(const Packed<T>& table, int mw, int mh, int simd)
      : inputs(mw), outputs(mh), height(ceil_div(mh, BLOCK) * BLOCK),
        rows(new SUM[std::size_t(height) * mw]()) {
    each_weight(table, mw, simd, [this](int o, int i, const T& w) {
      rows[std::int64_t(o) * inputs + i] = SUM(value(w));
      extremes.take(SUM(value(w)));
    });
  }

  // sums[o] = x * w[o].
  __attribute__((noinline)) void multiply(const SUM* x, SUM* sums) const {
    for (int o = 0; o < height; o += BLOCK) {
      const SUM* const w = rows.get() + std::int64_t(o) * inputs;
      const SUM *const w1 = w + inputs, *const w2 = w1 + inputs, *const w3 = w2 + inputs;
      SUM s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (int i = 0; i < inputs; ++i) {
        s0 += x[i] * w[i];
        s1 += x[i] * w1[i];
        s2 += x[i] * w2[i];
        s3 += x[i] * w3[i];
      }
      sums[o] = s0, sums[o + 1] = s1, sums[o + 2] = s2, sums[o + 3] = s3;
    }
  }
};

// SHIFT: bits of a lane where products share a DSP block, else 0.
template <class SUM, class X, class ACC>
__attribute__((noinline)) void products(const Matrix<SUM>& w, const X* x, int vectors, ACC* y,
                                        int shift) {
  const std::unique_ptr<SUM[]> factors(new SUM[w.inputs]);
  const std::unique_ptr<SUM[]> sums(new SUM[w.height]);
  for (int v = 0; v < vectors; ++v, x += w.inputs, y += w.outputs) {
    widen(x, factors.get(), w.inputs);
    if (shift != 0) w.extremes.check_lanes(factors.get(), w.inputs, shift);
    w.multiply(factors.get(), sums.get());
    narrow(sums.get(), y, w.outputs);
  }
}

// ---- products of factors of up to 16 bits ---------------------------------------------------

struct SmallMatrix : PairMatrix {
  Extremes<factor_t> extremes;

  template <class T>
  __attribute__((noinline)) SmallMatrix(const Packed<T>& table, int mw, int mh, int simd)
      : PairMatrix(mw, mh) {
    each_weight(table, mw, simd, [this](int o, int i, const T& w) {
      weight(o, i) = factor_t(value(w));
      extremes.take(factor_t(value(w)));
    });
  }
};

template <class X, class ACC>
__attribute__((noinline)) void products(const SmallMatrix& w, const X* x, int vectors, ACC* y,
                                        int shift) {
  typedef PairMatrix::factor_t factor_t;
  const int height = w.blocks * PairMatrix::LANES;
  const Aligned<factor_t> factors(PairMatrix::TOGETHER * 2 * w.pairs);
  const Aligned<std::int32_t> sums(PairMatrix::TOGETHER * height);
  for (int v = 0; v < vectors;) {
    const int together = vectors - v < PairMatrix::TOGETHER ? 1 : PairMatrix::TOGETHER;
    for (int k = 0; k < together; ++k, x += w.inputs) {
      factor_t* const of_x = factors.get() + k * 2 * w.pairs;
      widen(x, of_x, w.inputs);
      if (shift != 0) w.extremes.check_lanes(of_x, w.inputs, shift);
    }
    if (together == 1) {
      w.multiply<1>(factors.get(), sums.get());
    } else {
      w.multiply<PairMatrix::TOGETHER>(factors.get(), sums.get());
    }
    for (int k = 0; k < together; ++k, ++v, y += w.outputs)
      narrow(sums.get() + k * height, y, w.outputs);
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

// 64 products of bits are an AND and a count of bits; elements of several bits take one for each
// pair of their bits.
constexpr int PER_LANES = sizeof(lanes_t) / sizeof(std::int64_t);

// A weight matrix for products of elements of X and W: bit planes [block][word][plane][output].
template <class X, class W> struct BitMatrix {
  static constexpr int A = Planes<X>::count, B = Planes<W>::count;
  static constexpr int LANES = 2 * PER_LANES;  // outputs of a block
  // Whether numbers may be signs: -1, 0 and 1 have the lower bit where they are not 0.
  static constexpr bool TWO_BITS =
      std::is_same<X, ap_int<2> >::value && std::is_same<W, ap_int<2> >::value;
  int inputs, outputs, words, blocks;
  bool signs;  // all weights are
  Aligned<std::uint64_t> planes;
  Aligned<std::int64_t> constant;  // of each output: what does not depend on the bits of x

  __attribute__((noinline)) BitMatrix(const Packed<W>& table, int mw, int mh, int simd)
      : inputs(mw), outputs(mh), words(ceil_div(mw, 64)), blocks(ceil_div(mh, LANES)),
        signs(TWO_BITS), planes(std::size_t(blocks) * words * B * LANES), constant(std::size_t(blocks) * LANES) {
    each_weight(table, mw, simd, [this](int o, int i, const W& weight) {
      const std::int64_t w = std::int64_t(value(weight));
      const std::uint64_t bits = std::uint64_t(w - Planes<W>::offset) / scale<W>();
      std::uint64_t* const to =
          planes.get() + (std::int64_t(o / LANES) * words + i / 64) * B * LANES + o % LANES;
      for (int b = 0; b < B; ++b) to[b * LANES] |= (bits >> b & 1) << i % 64;
      constant.get()[o] += Planes<X>::offset * w;
      signs = signs && w >= -1;
    });
  }

  // Planes [word][plane] of one vector; returns the sum of its numbers without their offsets.
  // Clears only_signs where there is another number.
  std::int64_t split(const X* x, std::uint64_t* to, bool& only_signs) const {
    static_assert(sizeof(X) == 1, "an element lies in one byte");
    std::int64_t sum = 0;
    std::uint64_t others = 0;
    for (int first = 0; first < inputs; first += 64, to += A) {
      const char* bytes = reinterpret_cast<const char*>(x) + first;
      char last[64] = {};
      if (inputs - first < 64) {  // the last word is filled up with bits that are not set
        std::memcpy(last, bytes, inputs - first);
        bytes = last;
      }
#pragma GCC unroll 8
      for (int a = 0; a < A; ++a) {
        to[a] = bits_of(bytes, a);
        sum += Planes<X>::coefficient(a) * __builtin_popcountll(to[a]);
      }
      if (TWO_BITS) others |= to[A - 1] & ~to[0];
    }
    only_signs = only_signs && others == 0;
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
        const lanes_t of_w[2] = {load<lanes_t>(w + b * LANES),
                                 load<lanes_t>(w + b * LANES + PER_LANES)};
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

  // The same where all numbers are signs: what is not 0 counts 1, or -1 where the signs differ.
  template <int VECTORS>
  static __attribute__((noinline)) void count_signs(const std::uint64_t* x, const std::uint64_t* w,
                                                    int words, std::int64_t* sums) {
    lanes_t all[VECTORS][2] = {}, minus[VECTORS][2] = {};
    for (int i = 0; i < words; ++i, w += B * LANES)
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const lanes_t not_0 = load<lanes_t>(w + half * PER_LANES);
        const lanes_t sign = load<lanes_t>(w + (B - 1) * LANES + half * PER_LANES);
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; ++v) {
          const std::uint64_t* const of_x = x + (v * words + i) * A;
          const lanes_t both = not_0 & (lanes_t{} + std::int64_t(of_x[0]));
          all[v][half] += count_ones(both);
          minus[v][half] += count_ones(both & (sign ^ (lanes_t{} + std::int64_t(of_x[A - 1]))));
        }
      }
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; ++v)
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half, sums += PER_LANES) {
        const lanes_t total = all[v][half] - 2 * minus[v][half];
        std::memcpy(sums, &total, sizeof total);
      }
  }

  // y = sums + shared + constant for `many` outputs of a block.
  template <class ACC>
  void finish(const std::int64_t* sums, std::int64_t shared, int first, int many, ACC* y) const {
    typedef typename ACC::storage number;
    typedef number numbers_t __attribute__((vector_size(PER_LANES * sizeof(number))));
    ACC results[LANES];
#pragma GCC unroll 2
    for (int o = 0; o < LANES; o += PER_LANES) {
      const lanes_t sum = load<lanes_t>(sums + o) + load<lanes_t>(constant.get() + first + o) + shared;
      const numbers_t wrapped = __builtin_convertvector(wrap<ACC>(sum), numbers_t);
      std::memcpy(results + o, &wrapped, sizeof wrapped);
    }
    if (many >= LANES) {
      std::memcpy(y + first, results, sizeof results);
    } else {
      std::memcpy(y + first, results, many * sizeof(ACC));
    }
  }

 private:
  // The low bits that an element has, and their sign.
  template <class ACC> static lanes_t wrap(lanes_t sums) {
    typedef std::uint64_t plain __attribute__((vector_size(sizeof(lanes_t))));
    constexpr int above = 64 - element<ACC>::bits;
    return element<ACC>::is_signed ? sums << above >> above : lanes_t(plain(sums) << above >> above);
  }
  // A Bipolar's bit weighs two.
  template <class T> static constexpr std::int64_t scale() { return Planes<T>::offset != 0 ? 2 : 1; }
};

template <class X, class W, class ACC>
__attribute__((noinline)) void products(const BitMatrix<X, W>& w, const X* x, int vectors, ACC* y,
                                        int) {
  typedef BitMatrix<X, W> matrix;
  const std::unique_ptr<std::uint64_t[]> bits(new std::uint64_t[2 * w.words * matrix::A]);
  for (int v = 0; v < vectors; v += 2, x += 2 * w.inputs, y += 2 * w.outputs) {
    const int together = min_of(2, vectors - v);
    std::int64_t shared[2] = {};
    bool signs = w.signs;
    for (int k = 0; k < together; ++k)
      shared[k] = Planes<W>::offset *
                  w.split(x + k * w.inputs, bits.get() + k * w.words * matrix::A, signs);
    const auto count = together == 1 ? signs ? matrix::template count_signs<1>
                                             : matrix::template count<1>
                       : signs       ? matrix::template count_signs<2>
                                     : matrix::template count<2>;
    for (int block = 0; block < w.blocks; ++block) {
      const int first = block * matrix::LANES;
      std::int64_t sums[2 * matrix::LANES];
      count(bits.get(), w.planes.get() + std::int64_t(first) * w.words * matrix::B, w.words, sums);
      for (int k = 0; k < together; ++k)
        w.finish(sums + k * matrix::LANES, shared[k], first, w.outputs - first, y + k * w.outputs);
    }
  }
}

// ---- which of them ---------------------------------------------------------------------------

template <class X, class W, class ACC, int SHIFT> struct counts_bits {
  static constexpr bool value =
      SHIFT == 0 && element<X>::bits * element<W>::bits <= MOST_PAIRS && element<X>::bits <= 8 &&
      element<ACC>::bits <= 64;
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
  constexpr bool small = element<X>::value_bits <= 16 && element<W>::value_bits <= 16;
  typedef typename std::conditional<small && sizeof(SUM) == sizeof(std::int32_t), SmallMatrix,
                                    Matrix<SUM> >::type numbers_t;
  typedef typename std::conditional<counts_bits<X, W, ACC, SHIFT>::value, BitMatrix<X, W>,
                                    numbers_t>::type matrix_t;
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

// ---- bipolar elements -----------------------------------------------------------------------

__attribute__((noinline)) inline void tap_signs(const char* name, const Bipolar* x,
                                                std::size_t count) {
  const std::unique_ptr<std::int8_t[]> numbers(new std::int8_t[count]);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = x[i].v != 0 ? 1 : -1;
  taps().append(name, 1, true, numbers.get(), count);
}

// The largest of elements is +1 where one of them is.
__attribute__((noinline)) inline void pool_signs(const Bipolar* x, Bipolar* y, int results,
                                                 int kernel, int lanes) {
  for (; results > 0; --results, y += lanes) {
    std::memcpy(y, x, lanes);
    x += lanes;
    for (int k = 1; k < kernel; ++k, x += lanes)
      for (int i = 0; i < lanes; ++i) y[i].v |= x[i].v;
  }
}

}  // namespace csim

// Of the same name as what serves every element, and preferred to it by the rules of C++.
template <int N> void record_tap(const char* name, hls::stream<Vec<Bipolar, N> >& stream) {
  if (taps().folder.empty()) return;
  const std::size_t words = stream.size();
  csim::tap_signs(name, csim::elements(stream.look(words)), words * N);
}
template <int K, int RESULTS, int F>
void max_pool(hls::stream<Vec<Bipolar, F> >& in, hls::stream<Vec<Bipolar, F> >& out) {
  const Bipolar* const x = csim::elements(in.take(RESULTS * K));
  csim::pool_signs(x, csim::elements(out.put(RESULTS)), RESULTS, K, F);
}

}  // namespace fpgacomp

#endif
