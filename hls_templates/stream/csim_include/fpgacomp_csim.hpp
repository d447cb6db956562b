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

// A Matrix made from a table folded by MW, MH and SIMD.
template <class A, class SUM, int MW, int MH, int SIMD> struct Folded {
  Matrix<A, SUM> matrix;
  template <class T, int TILES, int LANES> explicit Folded(const Rom<T, TILES, LANES>& rom)
      : matrix(Packed<T>(rom), MW, MH, SIMD) {}
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

template <int MW, int MH, int VECTORS, int SHIFT, class SUM, class X, class W, class ACC, int SIMD,
          int PE, int TILES>
void mvau(hls::stream<Vec<X, SIMD> >& in, hls::stream<Vec<ACC, PE> >& out,
          const Rom<W, TILES, PE * SIMD>& weights) {
  constexpr bool narrow = element<X>::value_bits <= 16 && element<W>::value_bits <= 16;
  typedef typename std::conditional<narrow, std::int16_t, SUM>::type factor_t;
  const auto& folded = form<Folded<factor_t, SUM, MW, MH, SIMD> >(weights);
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
