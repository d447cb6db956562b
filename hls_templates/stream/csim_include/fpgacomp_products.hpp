// Matrices and the products of whole frames with them, in three forms: of any width, of factors of
// up to 16 bits, and of few bits.
#ifndef FPGACOMP_PRODUCTS_HPP
#define FPGACOMP_PRODUCTS_HPP

#include <fpgacomp_tables.hpp>

namespace fpgacomp {
namespace csim {

// ---- products -------------------------------------------------------------------------------

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

}  // namespace csim
}  // namespace fpgacomp

#endif
