// Moving words: duplicate, concat, split, upsample, change of width, argmax.
#ifndef FPGACOMP_ROUTE_HPP
#define FPGACOMP_ROUTE_HPP

#include "core.hpp"
#ifdef FPGACOMP_CSIM
#include <fpgacomp_csim.hpp>
#endif

namespace fpgacomp {

template <class WORD> inline void write_each(const WORD&) {
#pragma HLS INLINE
}
template <class WORD, class... REST>
inline void write_each(const WORD& word, hls::stream<WORD>& out, REST&... rest) {
#pragma HLS INLINE
  out.write(word);
  write_each(word, rest...);
}

// Every word to every output. Cycles: WORDS.
template <int WORDS, class T, int F, class... OUTS>
void duplicate(hls::stream<Vec<T, F> >& in, OUTS&... outs) {
#pragma HLS INLINE
words:
  for (int w = 0; w < WORDS; ++w) {
#pragma HLS PIPELINE II=1
    const Vec<T, F> word = in.read();
    write_each(word, outs...);
  }
}

// Reads the input whose turn it is: groups START to START + C / F - 1 are the first one's.
template <int START, class Y, int F, int... CS> struct Turn;
template <int START, class Y, int F, int C> struct Turn<START, Y, F, C> {
  template <class X> static Vec<Y, F> read(int, hls::stream<Vec<X, F> >& in) {
#pragma HLS INLINE
    return convert_word<Y>(in.read());
  }
};
template <int START, class Y, int F, int C, int... CS> struct Turn<START, Y, F, C, CS...> {
  template <class X, class... REST>
  static Vec<Y, F> read(int group, hls::stream<Vec<X, F> >& in, REST&... rest) {
#pragma HLS INLINE
    if (group < START + C / F) return convert_word<Y>(in.read());
    return Turn<START + C / F, Y, F, CS...>::read(group, rest...);
  }
};

template <int F, int... CS> struct GroupsOf;
template <int F> struct GroupsOf<F> { static constexpr int value = 0; };
template <int F, int C, int... CS> struct GroupsOf<F, C, CS...> {
  static_assert(C % F == 0, "folding must divide every input's channels");
  static constexpr int value = C / F + GroupsOf<F, CS...>::value;
};

// Inputs of CS... channels joined along the channel axis. All words have F elements.
// concat<PIXELS, C0, C1, ...>(out, in0, in1, ...). Cycles: the words written.
template <int PIXELS, int... CS, class Y, int F, class... INS>
void concat(hls::stream<Vec<Y, F> >& out, INS&... ins) {
#pragma HLS INLINE
  static_assert(sizeof...(CS) == sizeof...(INS), "one channel count per input");
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int g = 0; g < GroupsOf<F, CS...>::value; ++g) {
#pragma HLS PIPELINE II=1
      out.write(Turn<0, Y, F, CS...>::read(g, ins...));
    }
  }
}

// Writes to the output whose turn it is, by the same rule.
template <int START, class T, int F, int... CS> struct Share;
template <int START, class T, int F, int C> struct Share<START, T, F, C> {
  static void write(int, const Vec<T, F>& word, hls::stream<Vec<T, F> >& out) {
#pragma HLS INLINE
    out.write(word);
  }
};
template <int START, class T, int F, int C, int... CS> struct Share<START, T, F, C, CS...> {
  template <class... REST>
  static void write(int group, const Vec<T, F>& word, hls::stream<Vec<T, F> >& out, REST&... rest) {
#pragma HLS INLINE
    if (group < START + C / F) {
      out.write(word);
    } else {
      Share<START + C / F, T, F, CS...>::write(group, word, rest...);
    }
  }
};

// The inverse of concat: split<PIXELS, C0, C1, ...>(in, out0, out1, ...). Cycles: the words read.
template <int PIXELS, int... CS, class T, int F, class... OUTS>
void split(hls::stream<Vec<T, F> >& in, OUTS&... outs) {
#pragma HLS INLINE
  static_assert(sizeof...(CS) == sizeof...(OUTS), "one channel count per output");
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int g = 0; g < GroupsOf<F, CS...>::value; ++g) {
#pragma HLS PIPELINE II=1
      const Vec<T, F> word = in.read();
      Share<0, T, F, CS...>::write(g, word, outs...);
    }
  }
}

// Nearest neighbour: every pixel FH times down and FW times across. `row` holds W * (C / F)
// words (the caller declares it and chooses its memory). Cycles: the words written.
template <int H, int W, int C, int FH, int FW, class T, int F, int DEPTH>
void upsample(hls::stream<Vec<T, F> >& in, hls::stream<Vec<T, F> >& out,
              Vec<T, F> (&row)[DEPTH]) {
#pragma HLS INLINE
  constexpr int GROUPS = C / F;
  static_assert(C % F == 0 && DEPTH == W * GROUPS, "the buffer holds one input row");
rows:
  for (int y = 0; y < H; ++y) {
  copies:
    for (int i = 0; i < FH; ++i) {
    columns:
      for (int x = 0; x < W; ++x) {
      repeats:
        for (int j = 0; j < FW; ++j) {
        groups:
          for (int g = 0; g < GROUPS; ++g) {
#pragma HLS PIPELINE II=1
            Vec<T, F> word;
            if (i == 0 && j == 0) {
              word = in.read();
              row[x * GROUPS + g] = word;
            } else {
              word = row[x * GROUPS + g];
            }
            out.write(word);
          }
        }
      }
    }
  }
}

constexpr int gcd_of(int a, int b) { return b == 0 ? a : gcd_of(b, a % b); }

// How a frame of ELEMENTS goes from words of A elements to words of B. The last word of each side
// may be filled up; what fills it is of no use.
template <int ELEMENTS, int A, int B> struct Width {
  static constexpr int IN = ceil_div(ELEMENTS, A);
  static constexpr int OUT = ceil_div(ELEMENTS, B);
  static constexpr bool FILLED = IN * A != ELEMENTS || OUT * B != ELEMENTS;
  static constexpr int LAST_IN = ELEMENTS - (IN - 1) * A;
  static constexpr int LAST_OUT = ELEMENTS - (OUT - 1) * B;
  // A word of the narrower side each; narrow words may leave elements for one word more.
  static constexpr int CYCLES = A >= B ? OUT : IN + (LAST_OUT < LAST_IN ? 1 : 0);
};

// Words of A elements to words of B elements. The elements that wait are fewer than A + B;
// positions are multiples of gcd(A, B), so a whole ratio needs no shifting network.
// Cycles: Width<ELEMENTS, A, B>::CYCLES, which is ELEMENTS / min(A, B) where both divide ELEMENTS.
template <int ELEMENTS, class T, int A, int B>
void convert_width(hls::stream<Vec<T, A> >& in, hls::stream<Vec<T, B> >& out) {
#pragma HLS INLINE
  typedef Width<ELEMENTS, A, B> Frame;
#ifdef FPGACOMP_CSIM
  const T* const from = csim::elements(in.take(Frame::IN));
  T* const to = csim::elements(out.put(Frame::OUT));
  csim::copy(to, from, ELEMENTS);
  for (int i = ELEMENTS; i < Frame::OUT * B; ++i) to[i] = T(0);
#else
  constexpr int UNIT = gcd_of(A, B);
  constexpr int AU = A / UNIT;  // units a word
  constexpr int BU = B / UNIT;
  constexpr int ROOM = AU + BU - 1;
  Vec<T, UNIT> waiting[ROOM];
#pragma HLS ARRAY_PARTITION variable=waiting complete
  counter_t<ROOM> held;
  counter_t<Frame::IN> taken;
words:
  for (int w = 0; w < Frame::CYCLES; ++w) {
#pragma HLS PIPELINE II=1
    if (w == 0) {
      held = 0;
      taken = 0;
    }
    if (held < BU && (!Frame::FILLED || taken < Frame::IN)) {
      const Vec<T, A> word = in.read();
    arrive:
      for (int u = 0; u < ROOM; ++u) {
#pragma HLS UNROLL
        // Unit u takes unit u - held of the word.
        for (int k = 0; k < AU; ++k) {
#pragma HLS UNROLL
          if (int(held) + k == u) {
            for (int i = 0; i < UNIT; ++i) {
#pragma HLS UNROLL
              waiting[u][i] = word[k * UNIT + i];
            }
          }
        }
      }
      held += AU;
      ++taken;
    }
    // The last word goes when nothing more comes, with less in it.
    if (held >= BU || (Frame::FILLED && taken == Frame::IN)) {
      Vec<T, B> word;
      for (int k = 0; k < BU; ++k) {
#pragma HLS UNROLL
        for (int i = 0; i < UNIT; ++i) {
#pragma HLS UNROLL
          word[k * UNIT + i] = waiting[k][i];
        }
      }
      for (int u = 0; u + BU < ROOM; ++u) {
#pragma HLS UNROLL
        waiting[u] = waiting[u + BU];
      }
      held = held >= BU ? int(held) - BU : 0;
      out.write(word);
    }
  }
#endif
}

// Index of the largest of C elements at each of PIXELS positions; the lowest index of equal
// ones. INDEX is unsigned. Cycles: PIXELS * (C / F).
template <int C, int PIXELS = 1, class T, int F, class INDEX>
void argmax(hls::stream<Vec<T, F> >& in, hls::stream<Vec<INDEX, 1> >& out) {
#pragma HLS INLINE
  static_assert(C % F == 0, "folding must divide the channels");
  static_assert(count_bits(C - 1) <= element<INDEX>::bits, "the index must fit");
  constexpr int BITS = element<T>::value_bits;
  calc_t<BITS> best;
  counter_t<C> best_index;
pixels:
  for (int p = 0; p < PIXELS; ++p) {
  groups:
    for (int g = 0; g < C / F; ++g) {
#pragma HLS PIPELINE II=1
      const Vec<T, F> x = in.read();
      calc_t<BITS> largest = value_as<BITS>(x[0]);
      counter_t<C> lane = 0;
      for (int i = 1; i < F; ++i) {
#pragma HLS UNROLL
        const calc_t<BITS> v = value_as<BITS>(x[i]);
        if (v > largest) {
          largest = v;
          lane = i;
        }
      }
      if (g == 0 || largest > best) {
        best = largest;
        best_index = g * F + lane;
      }
      if (g == C / F - 1) {
        Vec<INDEX, 1> result;
        result[0] = INDEX(best_index);
        out.write(result);
      }
    }
  }
}

}  // namespace fpgacomp

#endif
