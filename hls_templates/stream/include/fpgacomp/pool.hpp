// Pools: over windows in KernelInner order, and over a whole frame.
#ifndef FPGACOMP_POOL_HPP
#define FPGACOMP_POOL_HPP

#include "rom.hpp"

namespace fpgacomp {

// Largest of each K consecutive words, lane by lane; RESULTS words come out. Pad the input
// with its type's lowest value: it never wins over a real one. Cycles: RESULTS * K.
template <int K, int RESULTS, class T, int F>
void max_pool(hls::stream<Vec<T, F> >& in, hls::stream<Vec<T, F> >& out) {
#pragma HLS INLINE
  Vec<T, F> best;
results:
  for (int r = 0; r < RESULTS; ++r) {
  taps:
    for (int k = 0; k < K; ++k) {
#pragma HLS PIPELINE II=1
      const Vec<T, F> x = in.read();
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        if (k == 0 || value(x[i]) > value(best[i])) best[i] = x[i];
      }
      if (k == K - 1) out.write(best);
    }
  }
}

// One factor for all sums.
struct NoFactor {
  static constexpr int bits = 0;
  void prepare() const {
#pragma HLS INLINE
  }
  template <class V> V scale(const V& sum, int) const {
#pragma HLS INLINE
    return sum;
  }
};
// A factor for each output position (an average that does not count its padding).
template <class M, int PIXELS> struct PixelFactor {
  static constexpr int bits = element<M>::value_bits;
  const Rom<M, PIXELS, 1>& rom;
  void prepare() const {
#pragma HLS INLINE
    rom.prepare();
  }
  template <class V> V scale(const V& sum, int pixel) const {
#pragma HLS INLINE
    return sum * value(rom.at(pixel, 0));
  }
};

template <int K, int GROUPS, int PIXELS, class T, class ACC, int F, class FACTOR>
void sum_pool_with(hls::stream<Vec<T, F> >& in, hls::stream<Vec<ACC, F> >& out,
                   const FACTOR& factor) {
#pragma HLS INLINE
  typedef typename accumulator<ACC, element<T>::value_bits + FACTOR::bits>::type sum_t;
  sum_t sum[F];
#pragma HLS ARRAY_PARTITION variable=sum complete
  factor.prepare();
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int g = 0; g < GROUPS; ++g) {
    taps:
      for (int k = 0; k < K; ++k) {
#pragma HLS PIPELINE II=1
        const Vec<T, F> x = in.read();
        Vec<ACC, F> y;
        for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
          sum_t partial = 0;
          if (k != 0) partial = sum[i];
          partial += value(x[i]);
          sum[i] = partial;
          y[i] = element<ACC>::of(factor.scale(partial, p));
        }
        if (k == K - 1) out.write(y);
      }
    }
  }
}

// Sum of each K consecutive words, lane by lane, for C channels of PIXELS output positions.
// Pad the input with 0. Cycles: PIXELS * (C / F) * K.
template <int K, int C, int PIXELS, class T, class ACC, int F>
void sum_pool(hls::stream<Vec<T, F> >& in, hls::stream<Vec<ACC, F> >& out) {
#pragma HLS INLINE
  sum_pool_with<K, C / F, PIXELS>(in, out, NoFactor());
}
// The same times multiplier[position].
template <int K, int C, int PIXELS, class T, class ACC, int F, class M>
void sum_pool(hls::stream<Vec<T, F> >& in, hls::stream<Vec<ACC, F> >& out,
              const Rom<M, PIXELS, 1>& multiplier) {
#pragma HLS INLINE
  const PixelFactor<M, PIXELS> factor = {multiplier};
  sum_pool_with<K, C / F, PIXELS>(in, out, factor);
}

// Sum over all PIXELS positions of each of C channels. `sums` holds C / F words (the caller
// declares it and chooses its memory; registers where C / F is below the memory's latency).
// Cycles: PIXELS * (C / F).
template <int C, int PIXELS, class T, class ACC, int F, int GROUPS>
void global_sum(hls::stream<Vec<T, F> >& in, hls::stream<Vec<ACC, F> >& out,
                Vec<ACC, F> (&sums)[GROUPS]) {
#pragma HLS INLINE
  static_assert(GROUPS * F == C, "one word of sums per channel group");
  constexpr int BITS = max_of(element<ACC>::value_bits, element<T>::value_bits) + 1;
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int g = 0; g < GROUPS; ++g) {
#pragma HLS PIPELINE II=1
// A group's sums are read again at the next position, GROUPS cycles after they were written.
#pragma HLS DEPENDENCE variable=sums inter RAW distance=GROUPS true
      const Vec<T, F> x = in.read();
      Vec<ACC, F> y = sums[g];
      for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
        calc_t<BITS> sum = value_as<BITS>(x[i]);
        if (p != 0) sum += value_as<BITS>(y[i]);
        y[i] = element<ACC>::of(sum);
      }
      sums[g] = y;
      if (p == PIXELS - 1) out.write(y);
    }
  }
}

}  // namespace fpgacomp

#endif
