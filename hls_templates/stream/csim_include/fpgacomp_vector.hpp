// What C-simulation asks of a processor's vector unit, and the same in plain C++.
//
// GNU vectors and g++'s builtins, because a compiler that vectorizes loops by itself may well
// choose slower instructions, and because <immintrin.h> takes longer to compile than all the rest.
// Which form is taken is known when the program is compiled. FPGACOMP_PLAIN leaves only the plain
// forms, so that tests see them on every processor.
#ifndef FPGACOMP_VECTOR_HPP
#define FPGACOMP_VECTOR_HPP

#include <cstdint>
#include <cstring>
#include <memory>

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
  explicit Aligned(std::size_t count) : room_(new char[count * sizeof(T) + LINE]()) {
    void* start = room_.get();
    std::size_t space = count * sizeof(T) + LINE;
    data_ = static_cast<T*>(std::align(LINE, count * sizeof(T), start, space));
  }
  T* get() const { return data_; }

 private:
  static constexpr std::size_t LINE = 64;
  std::unique_ptr<char[]> room_;
  T* data_;
};

template <class V, class T> inline V load(const T* from) {
  V vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

// As many numbers of a type as a vector register holds; one, of those that are wider than a lane.
#if defined(__AVX512BW__) && !defined(FPGACOMP_PLAIN)
constexpr int REGISTER = 64;
#elif defined(__AVX2__) && !defined(FPGACOMP_PLAIN)
constexpr int REGISTER = 32;
#else
constexpr int REGISTER = 16;
#endif
template <class V, bool LANE = sizeof(V) <= 8> struct vector_of {
  typedef V type __attribute__((vector_size(REGISTER)));
};
template <class V> struct vector_of<V, false> { typedef V type; };

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

}  // namespace csim
}  // namespace fpgacomp

#endif
