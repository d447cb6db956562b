// Reads the operands of every test case from one file and writes the results to another.
#include <cstdio>
#include <cstdlib>

#include "fpgacomp/stream.hpp"

using namespace fpgacomp;

static std::FILE* operands;
static std::FILE* results;

inline void fail(const char* why) {
  std::fprintf(stderr, "%s\n", why);
  std::exit(1);
}

template <class T, int F> void feed(hls::stream<Vec<T, F> >& stream, int words) {
  for (int w = 0; w < words; ++w) {
    Vec<T, F> word;
    for (int i = 0; i < F; ++i) {
      long long v = 0;
      if (std::fread(&v, sizeof v, 1, operands) != 1) fail("no more operands");
      word[i] = element<T>::of(v);
    }
    stream.write(word);
  }
}

template <class T, int F> void drain(hls::stream<Vec<T, F> >& stream) {
  while (!stream.empty()) {
    const Vec<T, F> word = stream.read();
    for (int i = 0; i < F; ++i) {
      const long long v = static_cast<long long>(value(word[i]));
      if (std::fwrite(&v, sizeof v, 1, results) != 1) fail("cannot write");
    }
  }
}

template <class WORD> void finished(hls::stream<WORD>& stream) {
  if (!stream.empty()) fail("an operator left input unread");
}

inline void write_number(long long v) {
  if (std::fwrite(&v, sizeof v, 1, results) != 1) fail("cannot write");
}
