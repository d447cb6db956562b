// Constant tables as C-simulation wants them, and thresholds, which are little else.
#ifndef FPGACOMP_TABLES_HPP
#define FPGACOMP_TABLES_HPP

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <fpgacomp_vector.hpp>

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
  V& at(int c, int n) const {
    return of.get()[(c / LANES * thresholds + n) * LANES + c % LANES];
  }
  // For a channel in all pixels of a strip.
  void set(int c, int n, V threshold) {
    for (; c < strip; c += channels) at(c, n) = threshold;
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

}  // namespace csim
}  // namespace fpgacomp

#endif
