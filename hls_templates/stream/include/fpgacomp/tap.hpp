// FPGACOMP_TAP(name, stream): in C-simulation, keeps what a stream holds; in synthesis, nothing.
//
// Processes run one after the other in C-simulation, so between two of them a stream holds the
// whole tensor of the frame. A tap copies it (the stream keeps its words) and write_taps puts
// every frame's integers in FOLDER/NAME.bin (little-endian, int8 to int64 by the width of the
// element, unsigned for unsigned) and one line "name bytes signed elements" in taps.txt.
#ifndef FPGACOMP_TAP_HPP
#define FPGACOMP_TAP_HPP

#ifdef __SYNTHESIS__

#define FPGACOMP_TAP(name, stream)

#else

#include <cstdio>
#include <string>
#include <vector>

#include "core.hpp"

namespace fpgacomp {

struct Tap {
  std::string name;
  int bytes;
  bool is_signed;
  std::vector<char> data;
};

struct Taps {
  bool enabled = false;
  std::vector<Tap> all;

  Tap& find(const char* name, int bytes, bool is_signed) {
    for (Tap& tap : all)
      if (tap.name == name) return tap;
    all.push_back(Tap{name, bytes, is_signed, {}});
    return all.back();
  }
};

inline Taps& taps() {
  static Taps instance;
  return instance;
}

inline int container_bytes(int bits) { return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8; }

template <class T, int N> void record_tap(const char* name, hls::stream<Vec<T, N> >& stream) {
  if (!taps().enabled) return;
  static_assert(element<T>::bits <= 64, "a tapped element has at most 64 bits");
  const bool is_signed = element<T>::is_signed;
  // A Bipolar is stored in one bit and stands for a signed number of two.
  const int bytes = container_bytes(is_signed ? element<T>::value_bits : element<T>::bits);
  std::vector<char>& data = taps().find(name, bytes, is_signed).data;
  const std::size_t words = stream.size();
  std::size_t end = data.size();
  data.resize(end + words * N * bytes);
  for (std::size_t w = 0; w < words; ++w) {
    const Vec<T, N> word = stream.read();
    stream.write(word);
    for (int i = 0; i < N; ++i) {
      const std::int64_t v = static_cast<std::int64_t>(value(word[i]));
      for (int b = 0; b < bytes; ++b) data[end++] = static_cast<char>(v >> (8 * b));
    }
  }
}

// Returns false where a file cannot be written.
inline bool write_taps(const std::string& folder, int frames) {
  std::FILE* index = std::fopen((folder + "/taps.txt").c_str(), "w");
  if (index == nullptr) return false;
  bool good = true;
  for (const Tap& tap : taps().all) {
    const std::size_t elements = tap.data.size() / tap.bytes / (frames > 0 ? frames : 1);
    std::fprintf(index, "%s %d %d %zu\n", tap.name.c_str(), tap.bytes, tap.is_signed, elements);
    std::FILE* file = std::fopen((folder + "/" + tap.name + ".bin").c_str(), "wb");
    good = good && file != nullptr &&
           std::fwrite(tap.data.data(), 1, tap.data.size(), file) == tap.data.size();
    if (file != nullptr) good = std::fclose(file) == 0 && good;
  }
  return std::fclose(index) == 0 && good;
}

}  // namespace fpgacomp

#define FPGACOMP_TAP(name, stream) fpgacomp::record_tap(#name, stream)

#endif

#endif
