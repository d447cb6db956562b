// Frames of integers in files and on AXI4-Streams, for the testbench and the C-simulation.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "cnn.h"

// A file of little-endian containers, frame_bytes a frame.
struct FrameFile {
  std::vector<unsigned char> bytes;
  std::size_t frame_bytes;

  bool load(const std::string& path, std::size_t bytes_per_frame) {
    frame_bytes = bytes_per_frame;
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) {
      std::fprintf(stderr, "cannot open %s\n", path.c_str());
      return false;
    }
    std::fseek(file, 0, SEEK_END);
    bytes.resize(static_cast<std::size_t>(std::ftell(file)));
    std::rewind(file);
    const bool whole = std::fread(bytes.data(), 1, bytes.size(), file) == bytes.size();
    std::fclose(file);
    if (!whole || frame_bytes == 0 || bytes.size() % frame_bytes != 0) {
      std::fprintf(stderr, "%s does not hold whole frames of %zu bytes\n", path.c_str(),
                   frame_bytes);
      return false;
    }
    return true;
  }
  std::size_t frames() const { return bytes.size() / frame_bytes; }
};

template <int CONTAINER, int LANES>
void send(hls::stream<fpgacomp::Beat<CONTAINER, LANES> >& axis, const unsigned char* data,
          int elements) {
  const int bytes = CONTAINER / 8 * LANES, size = CONTAINER / 8 * elements;
  for (int b = 0; b * bytes < size; ++b) {
    fpgacomp::Beat<CONTAINER, LANES> beat;
    ap_uint<CONTAINER * LANES> word = 0;
    // What the last beat has beyond the frame is set: a design has to ignore it.
    for (int i = bytes - 1; i >= 0; --i)
      word = (CONTAINER * LANES > 8 ? word << 8 : ap_uint<CONTAINER * LANES>(0)) |
             ap_uint<CONTAINER * LANES>(b * bytes + i < size ? data[b * bytes + i] : 255);
    beat.data = word;
    beat.keep = -1;
    beat.strb = -1;
    beat.last = (b + 1) * bytes >= size;
    axis.write(beat);
  }
}

// Appends one frame; false where a beat is missing, TLAST does not mark exactly the last one, or
// TKEEP not exactly the frame's bytes.
template <int CONTAINER, int LANES>
bool receive(hls::stream<fpgacomp::Beat<CONTAINER, LANES> >& axis, int elements,
             std::vector<unsigned char>& data) {
  const int bytes = CONTAINER / 8 * LANES, size = CONTAINER / 8 * elements;
  for (int b = 0; b * bytes < size; ++b) {
    if (axis.empty()) return false;
    const fpgacomp::Beat<CONTAINER, LANES> beat = axis.read();
    if ((beat.last == 1) != ((b + 1) * bytes >= size)) return false;
    for (int i = 0; i < bytes; ++i) {
      const bool inside = b * bytes + i < size;
      if ((ap_uint<1>(beat.keep >> i) == 1) != inside) return false;
      if (inside)
        data.push_back(static_cast<unsigned char>(
            static_cast<unsigned>(ap_uint<8>(beat.data >> (8 * i)))));
    }
  }
  return true;
}
