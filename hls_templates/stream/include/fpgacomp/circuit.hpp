// A circuit of shared additions: a word in and a word out every cycle.
//
// The circuit is a class of its own header, whose `compute` has a line for each wire. C-simulation on
// native integers reads the same wires from a table instead: a compiler takes long for long functions.
#ifndef FPGACOMP_CIRCUIT_HPP
#define FPGACOMP_CIRCUIT_HPP

#include "core.hpp"
#ifndef __SYNTHESIS__
#include "tap.hpp"
#endif

namespace fpgacomp {

// Cycles: WORDS.
template <class CIRCUIT, int WORDS, class T, int N, class Y, int M>
void circuit(hls::stream<Vec<T, N> >& in, hls::stream<Vec<Y, M> >& out) {
#pragma HLS INLINE
words:
  for (int w = 0; w < WORDS; ++w) {
#pragma HLS PIPELINE II=1
    const Vec<T, N> x = in.read();
    Vec<Y, M> y;
    CIRCUIT::compute(x, y);
    out.write(y);
  }
}

#ifndef __SYNTHESIS__

// Keeps a tensor of `count` values, given in the order of its elements.
inline void tap_values(const char* name, int bytes, bool is_signed, const std::int64_t* values,
                       std::size_t count) {
  if (taps().folder.empty()) return;
  std::vector<char> data(count * bytes);
  char* to = data.data();
  for (std::size_t i = 0; i < count; ++i)
    for (int b = 0; b < bytes; ++b) *to++ = static_cast<char>(values[i] >> (8 * b));
  taps().append(name, bytes, is_signed, data.data(), count);
}

#endif

#ifdef FPGACOMP_CSIM

enum WireKind {
  WIRE_SOURCE,
  WIRE_CONSTANT,
  WIRE_LEFT,
  WIRE_RIGHT,
  WIRE_LOW,
  WIRE_SUM,
  WIRE_DIFFERENCE,
  WIRE_TERNARY,
  WIRE_AT_LEAST,
  WIRE_COMPARE,
  WIRE_CHOOSE,
  WIRE_CLIP,
  WIRE_COUNT,
  WIRE_TABLE
};

// What a, b and c name are wires in front of it; p and q are constants of its kind. Of a TERNARY
// these are the signs of b and c. Of a COUNT, b is the number of its thresholds, c the place in
// `side` from which they lie there.
struct Wire {
  int kind, a, b, c;
  std::int64_t p, q;
};

inline void evaluate(const Wire* wires, int count, const std::int64_t* side, const std::int64_t* x,
                     std::int64_t* v) {
  for (int i = 0; i < count; ++i) {
    const Wire& w = wires[i];
    switch (w.kind) {
      case WIRE_SOURCE: v[i] = x[w.a]; break;
      case WIRE_CONSTANT: v[i] = w.p; break;
      case WIRE_LEFT: v[i] = v[w.a] * (std::int64_t(1) << w.p); break;
      case WIRE_RIGHT: v[i] = v[w.a] >> w.p; break;
      case WIRE_LOW: v[i] = v[w.a] & ((std::int64_t(1) << w.p) - 1); break;
      case WIRE_SUM: v[i] = v[w.a] + v[w.b]; break;
      case WIRE_DIFFERENCE: v[i] = v[w.a] - v[w.b]; break;
      case WIRE_TERNARY: v[i] = v[w.a] + w.p * v[w.b] + w.q * v[w.c]; break;
      case WIRE_AT_LEAST: v[i] = v[w.a] >= w.p; break;
      case WIRE_COMPARE: v[i] = v[w.a] >= v[w.b]; break;
      case WIRE_CHOOSE: v[i] = v[w.a] ? v[w.b] : v[w.c]; break;
      case WIRE_CLIP: v[i] = v[w.a] < w.p ? w.p : v[w.a] > w.q ? w.q : v[w.a]; break;
      case WIRE_COUNT: {
        int met = 0;
        while (met < w.b && side[w.c + met] <= v[w.a]) ++met;
        v[i] = w.p + w.q * met;
        break;
      }
      default: v[i] = side[w.c + v[w.a] - w.p];
    }
  }
}

#endif

}  // namespace fpgacomp

#endif
