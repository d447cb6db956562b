// Padding, and the sliding window that feeds convolutions and pools (2-D; 1-D is height 1).
#ifndef FPGACOMP_WINDOW_HPP
#define FPGACOMP_WINDOW_HPP

#include "core.hpp"
#ifdef FPGACOMP_CSIM
#include <fpgacomp_csim.hpp>
#endif

namespace fpgacomp {

// Surrounds [H, W, C] with FILL: TOP + H + BOTTOM rows of LEFT + W + RIGHT pixels.
// TO must hold FILL and every input. Cycles: the words written.
template <int H, int W, int C, int TOP, int BOTTOM, int LEFT, int RIGHT, long long FILL, class FROM,
          class TO, int F>
void pad(hls::stream<Vec<FROM, F> >& in, hls::stream<Vec<TO, F> >& out) {
#pragma HLS INLINE
  static_assert(C % F == 0, "folding must divide the channels");
#ifdef FPGACOMP_CSIM
  csim::pad(csim::elements(in.take(H * W * (C / F))),
            csim::elements(out.put((TOP + H + BOTTOM) * (LEFT + W + RIGHT) * (C / F))),
            element<TO>::of(FILL), H, W * C, TOP, BOTTOM, LEFT * C, RIGHT * C);
#else
rows:
  for (int y = 0; y < TOP + H + BOTTOM; ++y) {
  columns:
    for (int x = 0; x < LEFT + W + RIGHT; ++x) {
    groups:
      for (int f = 0; f < C / F; ++f) {
#pragma HLS PIPELINE II=1
        Vec<TO, F> word;
        if (y >= TOP && y < TOP + H && x >= LEFT && x < LEFT + W) {
          word = convert_word<TO>(in.read());
        } else {
          for (int i = 0; i < F; ++i) {
#pragma HLS UNROLL
            word[i] = element<TO>::of(FILL);
          }
        }
        out.write(word);
      }
    }
  }
#endif
}

// Order of the words of one window.
struct ChannelsInner {  // [ky][kx][group]: for mvau
  static constexpr bool depthwise = false;
};
struct KernelInner {  // [group][ky][kx]: for vvau, max_pool and sum_pool
  static constexpr bool depthwise = true;
};

// The schedule of a sliding window over [H, W, C] with words of F channels.
//
// Windows are written one after the other. In its slot, a window first reads the words it
// needs that were not read yet (from the slot's first cycle on, one a cycle) and writes its
// WRITES words in the slot's last WRITES cycles. `delay` is the least start of the writes with
// which no word is written before it was read:
//  - ChannelsInner: positions ascend, so the word m before the last lies at least m before the
//    window's end; reads run ahead of writes if delay >= reads - WRITES.
//  - KernelInner: tap k of group f lies (K - 1 - k) pixels or more before the last one;
//    tightest for f = 0, k = K - 1: delay >= reads - F_WORDS - (K - 1).
// A slot reads nothing past its own window, so a buffer of one window's span (first to last
// word in input order) never loses a word that is still needed.
template <int H, int W, int C, int KH, int KW, int SH, int SW, int DH, int DW, class ORDER, int F>
struct Window {
  static_assert(C % F == 0, "folding must divide the channels");
  static constexpr int FW = C / F;               // words a pixel
  static constexpr int EH = DH * (KH - 1) + 1;   // extent with dilation
  static constexpr int EW = DW * (KW - 1) + 1;
  static_assert(EH <= H && EW <= W, "the window must lie inside its (padded) input");
  static constexpr int OH = (H - EH) / SH + 1;
  static constexpr int OW = (W - EW) / SW + 1;
  static constexpr int K = KH * KW;
  static constexpr int WRITES = K * FW;
  static constexpr int DEPTH = ((EH - 1) * W + EW) * FW;

  static constexpr int READS_FIRST = DEPTH;
  static constexpr int READS_NEXT = SW * FW;                       // next window in the row
  static constexpr int READS_ROW = (W * SH - (OW - 1) * SW) * FW;  // first window of a row
  static constexpr int READS_TAIL = (H * W - (OH - 1) * SH * W - (OW - 1) * SW) * FW - DEPTH;

  static constexpr int delay(int reads) {
    return max_of(0, ORDER::depthwise ? reads - FW - (K - 1) : reads - WRITES);
  }
  static constexpr int CYCLES = (WRITES + delay(READS_FIRST)) +
                                OH * (OW - 1) * (WRITES + delay(READS_NEXT)) +
                                (OH - 1) * (WRITES + delay(READS_ROW)) + READS_TAIL;
};

// Every window of the input, as the words of its elements. `buffer` holds Window::DEPTH words
// (the caller declares it and chooses its memory). Cycles: Window::CYCLES.
template <int H, int W, int C, int KH, int KW, int SH, int SW, int DH, int DW, class ORDER, class T,
          int F, int DEPTH>
void sliding_window(hls::stream<Vec<T, F> >& in, hls::stream<Vec<T, F> >& out,
                    Vec<T, F> (&buffer)[DEPTH]) {
#pragma HLS INLINE
  typedef Window<H, W, C, KH, KW, SH, SW, DH, DW, ORDER, F> window;
  static_assert(DEPTH == window::DEPTH, "the buffer must hold one window's span");
#ifdef FPGACOMP_CSIM
  const csim::Windows all = {H, W, window::FW, KH, KW, SH, SW, DH, DW, window::OH, window::OW};
  csim::sliding_window<ORDER>(in, out, all);
  (void)buffer;
#else
  constexpr int FW = window::FW;
  // How far the read position moves from one word of a window to the next.
  constexpr int STEP_X = DW * FW - (ORDER::depthwise ? 0 : FW - 1);
  constexpr int STEP_Y = (DH * W - DW * (KW - 1)) * FW - (ORDER::depthwise ? 0 : FW - 1);
  constexpr int BASE_NEXT = window::READS_NEXT % DEPTH;
  constexpr int BASE_ROW = window::READS_ROW % DEPTH;
  constexpr int LONGEST = max_of(max_of(window::READS_FIRST, window::READS_TAIL),
                                 max_of(window::READS_ROW, window::READS_NEXT)) + window::WRITES;

  counter_t<LONGEST> cycle;  // within the slot
  counter_t<LONGEST> reads;
  counter_t<LONGEST> start;  // first cycle that writes
  counter_t<window::OW> ox;
  counter_t<window::OH> oy;
  counter_t<DEPTH> fill;        // where the next word read goes
  counter_t<2 * DEPTH> base;    // where the window's first word lies
  counter_t<2 * DEPTH> offset;  // of the word to write, from base
  counter_t<FW> f;
  counter_t<KW> kx;
  counter_t<KH> ky;

cycles:
  for (int t = 0; t < window::CYCLES; ++t) {
#pragma HLS PIPELINE II=1
    if (t == 0) {
      reads = window::READS_FIRST;
      start = window::delay(window::READS_FIRST);
      cycle = 0;
      ox = 0;
      oy = 0;
      fill = 0;
      base = 0;
      offset = 0;
      f = 0;
      kx = 0;
      ky = 0;
    }
    if (cycle < reads) {
      buffer[fill] = in.read();
      if (fill == DEPTH - 1) {
        fill = 0;
      } else {
        ++fill;
      }
    }
    ++cycle;
    if (cycle > start && oy != window::OH) {
      counter_t<2 * DEPTH> position = base + offset;
      if (position >= DEPTH) position -= DEPTH;
      out.write(buffer[position]);

      bool next_x, next_y, next_window;
      if (ORDER::depthwise) {
        next_x = true;
        next_y = kx == KW - 1;
        const bool next_f = next_y && ky == KH - 1;
        next_window = next_f && f == FW - 1;
        if (next_f) ++f;
        if (next_f) {
          offset = f;
        } else if (next_y) {
          offset += STEP_Y;
        } else {
          offset += STEP_X;
        }
      } else {
        next_x = f == FW - 1;
        next_y = next_x && kx == KW - 1;
        next_window = next_y && ky == KH - 1;
        if (next_y) {
          offset += STEP_Y;
        } else if (next_x) {
          offset += STEP_X;
        } else {
          ++offset;
        }
        if (next_x) {
          f = 0;
        } else {
          ++f;
        }
      }
      if (next_x) {
        if (next_y) {
          kx = 0;
          if (ky == KH - 1) {
            ky = 0;
          } else {
            ++ky;
          }
        } else {
          ++kx;
        }
      }
      if (next_window) {
        offset = 0;
        f = 0;
        cycle = 0;
        if (ox != window::OW - 1) {
          ++ox;
          base += BASE_NEXT;
          reads = window::READS_NEXT;
          start = window::delay(window::READS_NEXT);
        } else {
          ox = 0;
          ++oy;
          base += BASE_ROW;
          // After the last window the rest of the frame is read and dropped.
          reads = oy == window::OH ? window::READS_TAIL : window::READS_ROW;
          start = window::delay(window::READS_ROW);
        }
        if (base >= DEPTH) base -= DEPTH;
      }
    }
  }
#endif
}

// Every window of the input as one word, a pixel a cycle: element (ky * KW + kx) * C + c.
// `columns` holds, for each x, the DH * (KH - 1) pixels above the current row (the caller
// declares it and chooses its memory). Cycles: H * W.
template <int H, int W, int C, int KH, int KW, int SH, int SW, int DH, int DW, class T, int ABOVE>
void sliding_window_parallel(hls::stream<Vec<T, C> >& in, hls::stream<Vec<T, KH * KW * C> >& out,
                             Vec<T, ABOVE> (&columns)[W]) {
#pragma HLS INLINE
  constexpr int EH = DH * (KH - 1) + 1;
  constexpr int EW = DW * (KW - 1) + 1;
  static_assert(EH <= H && EW <= W, "the window must lie inside its (padded) input");
  static_assert(ABOVE == max_of(1, EH - 1) * C, "a column holds the rows above the current one");
  Vec<T, C> window[EH][EW];
#pragma HLS ARRAY_PARTITION variable=window complete dim=0
  counter_t<H + SH> next_y;  // where the next window ends
  counter_t<W + SW> next_x;
rows:
  for (int y = 0; y < H; ++y) {
  pixels:
    for (int x = 0; x < W; ++x) {
#pragma HLS PIPELINE II=1
// A column is read again when the next row comes to it, W cycles after it was written.
#pragma HLS DEPENDENCE variable=columns inter RAW distance=W true
      if (y == 0 && x == 0) {
        next_y = EH - 1;
        next_x = EW - 1;
      }
      const Vec<T, C> pixel = in.read();
      const Vec<T, ABOVE> above = columns[x];
      Vec<T, ABOVE> rest = above;
      for (int r = 0; r < EH; ++r) {
#pragma HLS UNROLL
        for (int k = 0; k + 1 < EW; ++k) {
#pragma HLS UNROLL
          window[r][k] = window[r][k + 1];
        }
        for (int c = 0; c < C; ++c) {
#pragma HLS UNROLL
          const T fresh = r == EH - 1 ? pixel[c] : above[min_of(r, max_of(0, EH - 2)) * C + c];
          window[r][EW - 1][c] = fresh;
          if (r > 0) rest[(r - 1) * C + c] = fresh;
        }
      }
      columns[x] = rest;
      if (y == next_y && x == next_x) {
        Vec<T, KH * KW * C> word;
        for (int ky = 0; ky < KH; ++ky) {
#pragma HLS UNROLL
          for (int kx = 0; kx < KW; ++kx) {
#pragma HLS UNROLL
            for (int c = 0; c < C; ++c) {
#pragma HLS UNROLL
              word[(ky * KW + kx) * C + c] = window[ky * DH][kx * DW][c];
            }
          }
        }
        out.write(word);
        next_x += SW;
      }
      if (x == W - 1) {
        next_x = EW - 1;
        if (y == next_y) next_y += SH;
      }
    }
  }
}

}  // namespace fpgacomp

#endif
