// FPGACOMP_TAP(name, stream): in C-simulation, keeps what a stream holds; in synthesis, nothing.
//
// Processes run one after the other in C-simulation, so between two of them a stream holds the
// whole tensor of the frame. A tap copies it (the stream keeps its words) to taps().folder/NAME.bin
// (little-endian, int8 to int64 by the width of the element, unsigned for unsigned), frame after
// frame; write_taps adds one line "name bytes signed elements" for each in taps.txt.
#ifndef FPGACOMP_TAP_HPP
#define FPGACOMP_TAP_HPP

#ifdef __SYNTHESIS__

#define FPGACOMP_TAP(name, stream)

#else

#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include "core.hpp"

namespace fpgacomp {

struct Tap {
  std::string name;
  int bytes;
  bool is_signed;
  std::FILE* file;
  std::size_t elements;
};

struct Taps {
  std::string folder;  // none: nothing is kept
  std::vector<Tap> all;
  bool good = true;  // every file could be written

  __attribute__((noinline)) void append(const char* name, int bytes, bool is_signed,
                                        const void* data, std::size_t elements) {
    Tap& tap = find(name, bytes, is_signed);
    tap.elements += elements;
    good = good && tap.file != nullptr &&
           std::fwrite(data, bytes, elements, tap.file) == elements;
  }

 private:
  Tap& find(const char* name, int bytes, bool is_signed) {
    for (Tap& tap : all)
      if (tap.name == name) return tap;
    std::FILE* const file = std::fopen((folder + "/" + name + ".bin").c_str(), "wb");
    all.push_back(Tap{name, bytes, is_signed, file, 0});
    return all.back();
  }
};

inline Taps& taps() {
  static Taps instance;
  return instance;
}

constexpr int container_bytes(int bits) {
  return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

template <class T, int N> void record_tap(const char* name, hls::stream<Vec<T, N> >& stream) {
  if (taps().folder.empty()) return;
  static_assert(element<T>::bits <= 64, "a tapped element has at most 64 bits");
  constexpr bool is_signed = element<T>::is_signed;
  // A Bipolar is stored in one bit and stands for a signed number of two.
  constexpr int bytes = container_bytes(is_signed ? element<T>::value_bits : element<T>::bits);
  const std::size_t words = stream.size();
#ifdef FPGACOMP_CSIM
  if (sizeof(T) == bytes && !std::is_same<T, Bipolar>::value) {
    taps().append(name, bytes, is_signed, stream.look(words), words * N);
    return;
  }
#endif
  std::vector<char> data(words * N * bytes);
  char* to = data.data();
  for (std::size_t w = 0; w < words; ++w) {
    const Vec<T, N> word = stream.read();
    stream.write(word);
    for (int i = 0; i < N; ++i) {
      const std::int64_t v = static_cast<std::int64_t>(value(word[i]));
      for (int b = 0; b < bytes; ++b) *to++ = static_cast<char>(v >> (8 * b));
    }
  }
  taps().append(name, bytes, is_signed, data.data(), words * N);
}

// Returns false where a file could not be written.
inline bool write_taps(int frames) {
  Taps& kept = taps();
  std::FILE* index = std::fopen((kept.folder + "/taps.txt").c_str(), "w");
  if (index == nullptr) return false;
  for (const Tap& tap : kept.all) {
    std::fprintf(index, "%s %d %d %zu\n", tap.name.c_str(), tap.bytes, tap.is_signed,
                 tap.elements / (frames > 0 ? frames : 1));
    if (tap.file != nullptr) kept.good = std::fclose(tap.file) == 0 && kept.good;
  }
  return std::fclose(index) == 0 && kept.good;
}

}  // namespace fpgacomp

#define FPGACOMP_TAP(name, stream) fpgacomp::record_tap(#name, stream)

#endif

#endif
