// What C-simulation asks of a processor's vector unit, and the same in plain C++.
//
// GNU vectors and g++'s builtins, because a compiler that vectorizes loops by itself may well
// choose slower instructions, and because <immintrin.h> takes longer to compile than all the rest.
// Which form is taken is known when the program is compiled. FPGACOMP_PLAIN leaves only the plain
// forms, so that tests see them on every processor.
#ifndef FPGACOMP_VECTOR_HPP
#define FPGACOMP_VECTOR_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__has_builtin) && !defined(FPGACOMP_PLAIN)
#define FPGACOMP_HAS(builtin) __has_builtin(builtin)
#else
#define FPGACOMP_HAS(builtin) 0
#endif

namespace fpgacomp {
namespace csim {

// An array of zeros that begins where a cache line does: no vector of it lies in two.
template <class T> class Aligned {
 public:
  explicit Aligned(std::size_t count)
      : room_(std::calloc(count * sizeof(T) + LINE, 1)),
        data_(reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(room_) + LINE - 1) & -LINE)) {
    if (room_ == nullptr) std::abort();
  }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  ~Aligned() { std::free(room_); }
  T* get() const { return data_; }

 private:
  static constexpr std::uintptr_t LINE = 64;
  void* room_;
  T* data_;
};

template <class V, class T> inline V load(const T* from) {
  V vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

// As many numbers of a type as a vector register holds.
#if defined(__AVX512BW__) && !defined(FPGACOMP_PLAIN)
constexpr int REGISTER = 64;
#elif defined(__AVX2__) && !defined(FPGACOMP_PLAIN)
constexpr int REGISTER = 32;
#else
constexpr int REGISTER = 16;
#endif
template <class V> struct vector_of { typedef V type __attribute__((vector_size(REGISTER))); };

// ---- bits -----------------------------------------------------------------------------------

// Numbers of bits that are set, of lanes of 64. Where the processor counts whole vectors, up to
// MOST_PAIRS counts are faster than 64 multiplications.
#if defined(__AVX512VPOPCNTDQ__) && FPGACOMP_HAS(__builtin_ia32_vpopcountq_v8di)
typedef std::int64_t lanes_t __attribute__((vector_size(64)));
inline lanes_t count_ones(lanes_t bits) {
  typedef long long plain __attribute__((vector_size(64)));
  return lanes_t(__builtin_ia32_vpopcountq_v8di(plain(bits)));
}
constexpr int MOST_PAIRS = 8;
#elif defined(__AVX2__) && FPGACOMP_HAS(__builtin_ia32_pshufb256)
typedef std::int64_t lanes_t __attribute__((vector_size(32)));
inline lanes_t count_ones(lanes_t bits) {
  typedef char bytes_t __attribute__((vector_size(32)));
  const bytes_t of_four = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};
  const lanes_t four = lanes_t{} + 0x0f0f0f0f0f0f0f0fLL;
  const bytes_t low = __builtin_ia32_pshufb256(of_four, bytes_t(bits & four));
  const bytes_t high = __builtin_ia32_pshufb256(of_four, bytes_t(bits >> 4 & four));
  return lanes_t(__builtin_ia32_psadbw256(low + high, bytes_t{}));
}
constexpr int MOST_PAIRS = 4;
#else
typedef std::int64_t lanes_t __attribute__((vector_size(16)));
inline lanes_t count_ones(lanes_t bits) {
  return lanes_t{__builtin_popcountll(bits[0]), __builtin_popcountll(bits[1])};
}
constexpr int MOST_PAIRS = 1;
#endif

// Bit number `bit` of each of 64 bytes, the first byte's first.
#if defined(__AVX512BW__) && FPGACOMP_HAS(__builtin_ia32_ptestmb512)
inline std::uint64_t bits_of(const char* bytes, int bit) {
  typedef char bytes_t __attribute__((vector_size(64)));
  const bytes_t mask = bytes_t{} + char(1 << bit);
  return __builtin_ia32_ptestmb512(load<bytes_t>(bytes), mask, ~0ULL);
}
#elif defined(__AVX2__) && FPGACOMP_HAS(__builtin_ia32_pmovmskb256)
inline std::uint64_t bits_of(const char* bytes, int bit) {
  typedef char bytes_t __attribute__((vector_size(32)));
  typedef std::uint16_t twos_t __attribute__((vector_size(32)));  // there is no shift of bytes
  const twos_t low = load<twos_t>(bytes) << (7 - bit), high = load<twos_t>(bytes + 32) << (7 - bit);
  return std::uint64_t(std::uint32_t(__builtin_ia32_pmovmskb256(bytes_t(high)))) << 32 |
         std::uint32_t(__builtin_ia32_pmovmskb256(bytes_t(low)));
}
#else
inline std::uint64_t bits_of(const char* bytes, int bit) {
  std::uint64_t bits = 0;
  for (int k = 0; k < 8; ++k) {
    const std::uint64_t eight = load<std::uint64_t>(bytes + 8 * k) >> bit & 0x0101010101010101ULL;
    bits |= eight * 0x0102040810204080ULL >> 56 << 8 * k;
  }
  return bits;
}
#endif

// ---- sums of products -----------------------------------------------------------------------

// Lanes of 32 bits. Their factors of 16 bits come in pairs, one in either half of a lane:
// add_pairs adds both products to each lane's sum, which wraps.
#if defined(__AVX512VNNI__) && FPGACOMP_HAS(__builtin_ia32_vpdpwssd_v16si)
typedef std::int32_t sums_t __attribute__((vector_size(64)));
inline sums_t add_pairs(sums_t sums, sums_t x, sums_t w) {
  return __builtin_ia32_vpdpwssd_v16si(sums, x, w);
}
#elif defined(__AVX2__) && FPGACOMP_HAS(__builtin_ia32_pmaddwd256)
typedef std::int32_t sums_t __attribute__((vector_size(32)));
inline sums_t add_pairs(sums_t sums, sums_t x, sums_t w) {
  typedef std::int16_t factors_t __attribute__((vector_size(32)));
  return sums + sums_t(__builtin_ia32_pmaddwd256(factors_t(x), factors_t(w)));
}
#else
typedef std::int32_t sums_t __attribute__((vector_size(16)));
inline sums_t add_pairs(sums_t sums, sums_t x, sums_t w) {
#if defined(__SSE2__) && FPGACOMP_HAS(__builtin_ia32_pmaddwd128)
  typedef std::int16_t factors_t __attribute__((vector_size(16)));
  return sums + sums_t(__builtin_ia32_pmaddwd128(factors_t(x), factors_t(w)));
#else
  return sums + (x << 16 >> 16) * (w << 16 >> 16) + (x >> 16) * (w >> 16);
#endif
}
#endif

// A weight matrix of 16-bit factors for sums of 32 bits: [block of outputs][pair of inputs][output].
// A pair of inputs meets the weights of a whole block at once, so that no sum is ever gathered
// from the lanes of a vector; several vectors share what is read of the weights.
struct PairMatrix {
  typedef std::int16_t factor_t;
  static constexpr int LANES = sizeof(sums_t) / sizeof(std::int32_t);
  static constexpr int TOGETHER = 4;  // vectors
  int inputs, outputs, pairs, blocks;
  Aligned<factor_t> weights;

  PairMatrix(int mw, int mh)
      : inputs(mw), outputs(mh), pairs((mw + 1) / 2), blocks((mh + LANES - 1) / LANES),
        weights(std::size_t(blocks) * pairs * LANES * 2) {}
  // Zero until it is assigned to.
  factor_t& weight(int output, int input) {
    const std::int64_t pair = std::int64_t(output / LANES) * pairs + input / 2;
    return weights.get()[(pair * LANES + output % LANES) * 2 + input % 2];
  }

  // sums[v * blocks * LANES + o] for 2 * pairs factors of each of VECTORS vectors.
  template <int VECTORS> void multiply(const factor_t* x, std::int32_t* sums) const {
    constexpr int WIDTH = VECTORS == 1 ? 4 : 2;  // enough sums that no addition waits for another
    int block = 0;
    for (; block + WIDTH <= blocks; block += WIDTH) add_up<VECTORS, WIDTH>(x, block, sums);
    for (; block < blocks; ++block) add_up<VECTORS, 1>(x, block, sums);
  }

 private:
  // The same for WIDTH blocks.
  template <int VECTORS, int WIDTH>
  __attribute__((noinline)) void add_up(const factor_t* x, int block, std::int32_t* sums) const {
    // Unrolled, so that the sums stay in registers.
    const factor_t* const w = weights.get() + std::int64_t(block) * pairs * LANES * 2;
    sums_t total[VECTORS][WIDTH] = {};
    for (int i = 0; i < pairs; ++i) {
      sums_t of_w[WIDTH];
#pragma GCC unroll 4
      for (int k = 0; k < WIDTH; ++k)
        of_w[k] = load<sums_t>(w + (std::int64_t(k) * pairs + i) * LANES * 2);
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; ++v) {
        const sums_t of_x = sums_t{} + load<std::int32_t>(x + (v * pairs + i) * 2);
#pragma GCC unroll 4
        for (int k = 0; k < WIDTH; ++k) total[v][k] = add_pairs(total[v][k], of_x, of_w[k]);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; ++v)
#pragma GCC unroll 4
      for (int k = 0; k < WIDTH; ++k)
        std::memcpy(sums + (v * blocks + block + k) * LANES, &total[v][k], sizeof(sums_t));
  }
};

}  // namespace csim
}  // namespace fpgacomp

#endif
