// Testbench of cnn for C simulation and C/RTL co-simulation in Vitis HLS.
//
// Sends every frame of tb_data/NAME.bin for each input and compares every output integer with
// tb_data/NAME.bin. Returns 0 only where all are equal.
#include "frames.h"

static int compare(const char* name, const std::vector<unsigned char>& got,
                   const FrameFile& expected, int bytes) {
  int wrong = 0;
  for (std::size_t i = 0; i < expected.bytes.size() / bytes; ++i) {
    bool equal = (i + 1) * bytes <= got.size();
    for (int b = 0; equal && b < bytes; ++b)
      equal = got[i * bytes + b] == expected.bytes[i * bytes + b];
    if (equal) continue;
    if (wrong++ == 0) {
      const std::size_t elements = expected.frame_bytes / bytes;
      std::printf("%s: first mismatch in frame %zu, element %zu\n", name, i / elements,
                  i % elements);
    }
  }
  std::printf("%s: %d of %zu integers wrong\n", name, wrong, expected.bytes.size() / bytes);
  return wrong;
}

int main() {
  const std::string folder = "tb_data/";
  FrameFile in0_x_frames;
  if (!in0_x_frames.load(folder + "in0_x.bin", 128)) return 1;
  hls::stream<in0_x_beat> in0_x("in0_x");
  FrameFile out0_fc_expected;
  if (!out0_fc_expected.load(folder + "out0_fc.bin", 10)) return 1;
  std::vector<unsigned char> out0_fc_data;
  hls::stream<out0_fc_beat> out0_fc("out0_fc");

  const std::size_t frames = out0_fc_expected.frames();
  if (in0_x_frames.frames() != frames) return 1;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    send<8, 2>(in0_x, &in0_x_frames.bytes[frame * in0_x_frames.frame_bytes], 128);
    cnn(in0_x, out0_fc);
    if (!receive<16, 1>(out0_fc, 5, out0_fc_data)) return 1;
  }
  int wrong = 0;
  wrong += compare("out0_fc", out0_fc_data, out0_fc_expected, 2);
  return wrong == 0 ? 0 : 1;
}
