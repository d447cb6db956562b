// Matrix-vector and vector-vector (depthwise) products, folded over PE and SIMD.
#ifndef FPGACOMP_MVAU_HPP
#define FPGACOMP_MVAU_HPP

#include "rom.hpp"
#ifdef FPGACOMP_CSIM
#include <fpgacomp_csim.hpp>
#endif

namespace fpgacomp {

// Where a product is computed.
struct MulAuto {};  // the tool decides
struct MulLut {};   // logic fabric
struct MulDsp {};   // DSP block
// LANES products with the same input in one DSP block (mvau only): the LANES weights, SHIFT bits
// apart, are one factor. SHIFT bits must hold every product as a signed number; the DSP's wider
// port (25 bits on DSP48E1, 27 on DSP48E2) must hold weight bits + (LANES - 1) * SHIFT bits, and
// one more where weights reach their type's lowest value. DSPs: ceil(PE / LANES) * SIMD.
template <int LANES, int SHIFT> struct MulDspPacked {
  static_assert(LANES >= 2, "one lane is MulDsp");
};

template <class X, class W>
using product_t = calc_t<element<X>::value_bits + element<W>::value_bits>;

template <class X, class W> inline product_t<X, W> product(const X& x, const W& w, MulAuto) {
#pragma HLS INLINE
  constexpr int BITS = element<X>::value_bits + element<W>::value_bits;
  const product_t<X, W> p = factor<BITS>(x) * factor<BITS>(w);
  return p;
}
template <class X, class W> inline product_t<X, W> product(const X& x, const W& w, MulLut) {
#pragma HLS INLINE
  constexpr int BITS = element<X>::value_bits + element<W>::value_bits;
  const product_t<X, W> p = factor<BITS>(x) * factor<BITS>(w);
#pragma HLS BIND_OP variable=p op=mul impl=fabric
  return p;
}
template <class X, class W> inline product_t<X, W> product(const X& x, const W& w, MulDsp) {
#pragma HLS INLINE
  constexpr int BITS = element<X>::value_bits + element<W>::value_bits;
  const product_t<X, W> p = factor<BITS>(x) * factor<BITS>(w);
#pragma HLS BIND_OP variable=p op=mul impl=dsp
  return p;
}

// How terms are summed. In general: products, and the sum is the result.
template <class X, class W> struct Terms {
  static constexpr int bits = element<X>::value_bits + element<W>::value_bits;
  template <class MUL> static calc_t<bits> term(const X& x, const W& w, MUL style) {
#pragma HLS INLINE
    return product(x, w, style);
  }
  template <class ACC, class SUM> static ACC finish(const SUM& sum, int) {
#pragma HLS INLINE
    return element<ACC>::of(sum);
  }
};
// A bipolar weight only chooses the sign.
template <class X> struct Terms<X, Bipolar> {
  static constexpr int bits = element<X>::value_bits + 1;
  template <class MUL> static calc_t<bits> term(const X& x, const Bipolar& w, MUL) {
#pragma HLS INLINE
    const calc_t<bits> v = value_as<bits>(x);
    return w != 0 ? v : calc_t<bits>(-v);
  }
  template <class ACC, class SUM> static ACC finish(const SUM& sum, int) {
#pragma HLS INLINE
    return element<ACC>::of(sum);
  }
};
// Both bipolar: count the equal signs (XNOR, popcount); the sum is 2 * count - terms.
template <> struct Terms<Bipolar, Bipolar> {
  static constexpr int bits = 2;
  template <class MUL> static calc_t<bits> term(const Bipolar& x, const Bipolar& w, MUL) {
#pragma HLS INLINE
    return x == w ? calc_t<bits>(1) : calc_t<bits>(0);
  }
  template <class ACC, class SUM> static ACC finish(const SUM& sum, int terms) {
#pragma HLS INLINE
    const calc_t<element<ACC>::value_bits + 2> twice = sum;
    return element<ACC>::of(twice + twice - terms);
  }
};

// The sums of one tile's products for `lanes` output lanes from `pe` on.
template <class MUL> struct TileSums {
  static constexpr int lanes = 1;
  static constexpr int shift = 0;
  template <int PE, class SUM, class X, int SIMD, class WEIGHTS>
  static void of(const Vec<X, SIMD>& x, const WEIGHTS& weights, int tile, int pe, SUM (&tree)[1]) {
#pragma HLS INLINE
    typedef Terms<X, typename WEIGHTS::element_type> terms;
    SUM total = 0;
    for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
      total += terms::term(x[s], weights.at(tile, pe * SIMD + s), MUL());
    }
    tree[0] = total;
  }
};
template <int LANES, int SHIFT> struct TileSums<MulDspPacked<LANES, SHIFT> > {
  static constexpr int lanes = LANES;
  static constexpr int shift = SHIFT;
  template <int PE, class SUM, class X, int SIMD, class WEIGHTS>
  static void of(const Vec<X, SIMD>& x, const WEIGHTS& weights, int tile, int pe,
                 SUM (&tree)[LANES]) {
#pragma HLS INLINE
    typedef typename WEIGHTS::element_type W;
    static_assert(element<W>::bits > 1 && element<X>::value_bits > 1, "pack integers only");
    constexpr int FACTOR = element<W>::value_bits + (LANES - 1) * SHIFT + 1;
    constexpr int PRODUCT = FACTOR + element<X>::value_bits;
    for (int l = 0; l < LANES; ++l) {
#pragma HLS UNROLL
      tree[l] = 0;
    }
    for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
      calc_t<FACTOR> joined = 0;
      for (int l = LANES - 1; l >= 0; --l) {
#pragma HLS UNROLL
        if (pe + l < PE) {
          joined = calc_t<FACTOR>(joined << SHIFT) +
                   value_as<FACTOR>(weights.at(tile, (pe + l) * SIMD + s));
        }
      }
      calc_t<PRODUCT> packed = calc_t<PRODUCT>(joined) * factor<PRODUCT>(x[s]);
#pragma HLS BIND_OP variable=packed op=mul impl=dsp
      for (int l = 0; l < LANES; ++l) {
#pragma HLS UNROLL
        // The low SHIFT bits are this lane's product; what is left is the lanes above.
        const ap_int<SHIFT> low = ap_int<SHIFT>(packed);
        tree[l] += value_as<SHIFT>(low);
        packed = calc_t<PRODUCT>(packed - value_as<PRODUCT>(low)) >> SHIFT;
      }
    }
  }
};

// y[v, o] = sum_i x[v, i] * w[i, o] for VECTORS vectors of MW elements; y has MH elements.
// Weights: row nf * (MW / SIMD) + sf, lane pe * SIMD + s holds w[sf * SIMD + s, nf * PE + pe].
// ACC must hold every result. Cycles: VECTORS * (MW / SIMD) * (MH / PE).
template <int MW, int MH, int VECTORS, class MUL, class X, class W, class ACC, int SIMD, int PE,
          int TILES>
void mvau(hls::stream<Vec<X, SIMD> >& in, hls::stream<Vec<ACC, PE> >& out,
          const Rom<W, TILES, PE * SIMD>& weights) {
#pragma HLS INLINE
  static_assert(MW % SIMD == 0 && MH % PE == 0, "folding must divide the matrix");
  constexpr int SF = MW / SIMD;
  constexpr int NF = MH / PE;
  static_assert(TILES == SF * NF, "one row of weights per tile");
  typedef Terms<X, W> terms;
  typedef typename accumulator<ACC, terms::bits>::type sum_t;

#ifdef FPGACOMP_CSIM
  csim::mvau<MW, MH, VECTORS, TileSums<MUL>::shift, sum_t>(in, out, weights);
#else
  Vec<X, SIMD> buffer[SF];  // the vector, kept for the later output groups
#pragma HLS AGGREGATE variable=buffer compact=bit
  sum_t sum[PE];
#pragma HLS ARRAY_PARTITION variable=sum complete
  weights.prepare();

  counter_t<TILES> tile;  // nf * SF + sf
vectors:
  for (int v = 0; v < VECTORS; ++v) {
  groups:
    for (int nf = 0; nf < NF; ++nf) {
    tiles:
      for (int sf = 0; sf < SF; ++sf) {
#pragma HLS PIPELINE II=1
        if (nf == 0 && sf == 0) tile = 0;
        Vec<X, SIMD> x;
        if (nf == 0) {
          x = in.read();
          buffer[sf] = x;
        } else {
          x = buffer[sf];
        }
        for (int pe = 0; pe < PE; pe += TileSums<MUL>::lanes) {
#pragma HLS UNROLL
          // The trees of this tile first, then one addition: the only one in the feedback.
          sum_t tree[TileSums<MUL>::lanes];
          TileSums<MUL>::template of<PE>(x, weights, tile, pe, tree);
          for (int l = 0; l < TileSums<MUL>::lanes; ++l) {
#pragma HLS UNROLL
            if (pe + l < PE) {
              sum_t previous = 0;
              if (sf != 0) previous = sum[pe + l];
              sum[pe + l] = previous + tree[l];
            }
          }
        }
        if (sf == SF - 1) {
          Vec<ACC, PE> y;
          for (int pe = 0; pe < PE; ++pe) {
#pragma HLS UNROLL
            y[pe] = terms::template finish<ACC>(sum[pe], MW);
          }
          out.write(y);
        }
        ++tile;
      }
    }
  }
#endif
}

// Depthwise: y[v, c] = sum_k x[v, k, c] * w[k, c]; input in depthwise order (for each group of
// PE channels its K window positions). Weights: row f * K + k, lane pe holds w[k, f * PE + pe].
// Cycles: VECTORS * K * (CHANNELS / PE).
template <int CHANNELS, int K, int VECTORS, class MUL, class X, class W, class ACC, int PE,
          int ROWS>
void vvau(hls::stream<Vec<X, PE> >& in, hls::stream<Vec<ACC, PE> >& out,
          const Rom<W, ROWS, PE>& weights) {
#pragma HLS INLINE
  static_assert(CHANNELS % PE == 0, "folding must divide the channels");
  constexpr int FOLD = CHANNELS / PE;
  static_assert(ROWS == FOLD * K, "one row of weights per group and window position");
  typedef Terms<X, W> terms;
  typedef typename accumulator<ACC, terms::bits>::type sum_t;

#ifdef FPGACOMP_CSIM
  csim::vvau<FOLD, K, VECTORS, sum_t>(in, out, weights);
#else
  sum_t sum[PE];
#pragma HLS ARRAY_PARTITION variable=sum complete
  weights.prepare();

  counter_t<ROWS> row;  // f * K + k
vectors:
  for (int v = 0; v < VECTORS; ++v) {
  groups:
    for (int f = 0; f < FOLD; ++f) {
    taps:
      for (int k = 0; k < K; ++k) {
#pragma HLS PIPELINE II=1
        if (f == 0 && k == 0) row = 0;
        const Vec<X, PE> x = in.read();
        Vec<ACC, PE> y;
        for (int pe = 0; pe < PE; ++pe) {
#pragma HLS UNROLL
          sum_t partial = 0;
          if (k != 0) partial = sum[pe];
          partial += terms::term(x[pe], weights.at(row, pe), MUL());
          sum[pe] = partial;
          y[pe] = terms::template finish<ACC>(partial, K);
        }
        if (k == K - 1) out.write(y);
        ++row;
      }
    }
  }
#endif
}

}  // namespace fpgacomp

#endif
