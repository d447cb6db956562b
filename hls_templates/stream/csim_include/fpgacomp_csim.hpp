// C-simulation on native integers: operators over a whole frame at once.
//
// A stream's words lie one after the other as plain integers, so a frame is an array and a
// folding only cuts it into words. Here operators are written over that array, in the order a
// processor likes; few templates and sizes as arguments keep compiling quick. Operators include
// this header only where FPGACOMP_CSIM is set; the tests run both forms against the oracle.
#ifndef FPGACOMP_CSIM_HPP
#define FPGACOMP_CSIM_HPP

#include <cstring>
#include <memory>

#include <fpgacomp_products.hpp>
#include <fpgacomp_tables.hpp>

#include "fpgacomp/tap.hpp"

namespace fpgacomp {
namespace csim {

// ---- windows, padding, widths ---------------------------------------------------------------

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

// ---- bipolar elements -----------------------------------------------------------------------

__attribute__((noinline)) inline void tap_signs(const char* name, const Bipolar* x,
                                                std::size_t count) {
  const std::unique_ptr<std::int8_t[]> numbers(new std::int8_t[count]);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = x[i].v != 0 ? 1 : -1;
  taps().append(name, 1, true, numbers.get(), count);
}

// The largest of elements is +1 where one of them is.
__attribute__((noinline)) inline void pool_signs(const Bipolar* x, Bipolar* y, int results,
                                                 int kernel, int lanes) {
  for (; results > 0; --results, y += lanes) {
    std::memcpy(y, x, lanes);
    x += lanes;
    for (int k = 1; k < kernel; ++k, x += lanes)
      for (int i = 0; i < lanes; ++i) y[i].v |= x[i].v;
  }
}

}  // namespace csim

// Of the same name as what serves every element, and preferred to it by the rules of C++.
template <int N> void record_tap(const char* name, hls::stream<Vec<Bipolar, N> >& stream) {
  if (taps().folder.empty()) return;
  const std::size_t words = stream.size();
  csim::tap_signs(name, csim::elements(stream.look(words)), words * N);
}
template <int K, int RESULTS, int F>
void max_pool(hls::stream<Vec<Bipolar, F> >& in, hls::stream<Vec<Bipolar, F> >& out) {
  const Bipolar* const x = csim::elements(in.take(RESULTS * K));
  csim::pool_signs(x, csim::elements(out.put(RESULTS)), RESULTS, K, F);
}

}  // namespace fpgacomp

#endif
