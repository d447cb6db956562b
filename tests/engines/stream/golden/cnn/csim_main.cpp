// C-simulation of cnn: csim INPUT_FOLDER OUTPUT_FOLDER FIRST COUNT TAPS
//
// Reads frames FIRST to FIRST + COUNT - 1 of INPUT_FOLDER/NAME.bin for every input, writes
// OUTPUT_FOLDER/NAME.bin for every output, and with TAPS = 1 every tapped tensor beside them.
// OUTPUT_FOLDER/done says now and then how many frames are through.
#include <chrono>
#include <cstdlib>

#include "frames.h"

static bool save(const std::string& path, const std::vector<unsigned char>& data) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool whole = std::fwrite(data.data(), 1, data.size(), file) == data.size();
  return std::fclose(file) == 0 && whole;
}

static void say_done(const std::string& folder, std::size_t frames) {
  std::FILE* file = std::fopen((folder + "/done").c_str(), "w");
  if (file == nullptr) return;
  std::fprintf(file, "%zu", frames);
  std::fclose(file);
}

int main(int count, char** arguments) {
  if (count != 6) {
    std::fprintf(stderr, "usage: %s INPUT_FOLDER OUTPUT_FOLDER FIRST COUNT TAPS\n", arguments[0]);
    return 2;
  }
  const std::string from = arguments[1], to = arguments[2];
  const std::size_t first = std::strtoul(arguments[3], nullptr, 10);
  const std::size_t frames = std::strtoul(arguments[4], nullptr, 10);
  const bool tapped = std::string(arguments[5]) == "1";
  if (tapped) fpgacomp::taps().folder = to;

  FrameFile in0_x_frames;
  if (!in0_x_frames.load(from + "/in0_x.bin", 128)) return 1;
  if (first + frames > in0_x_frames.frames()) {
    std::fprintf(stderr, "in0_x has only %zu frames\n", in0_x_frames.frames());
    return 1;
  }
  hls::stream<in0_x_beat> in0_x("in0_x");
  std::vector<unsigned char> out0_fc_data;
  hls::stream<out0_fc_beat> out0_fc("out0_fc");

  const auto start = std::chrono::steady_clock::now();
  auto said = start;
  for (std::size_t frame = first; frame < first + frames; ++frame) {
    if (std::chrono::steady_clock::now() - said > std::chrono::milliseconds(200)) {
      say_done(to, frame - first);
      said = std::chrono::steady_clock::now();
    }
    send<8, 2>(in0_x, &in0_x_frames.bytes[frame * in0_x_frames.frame_bytes], 128);
    cnn(in0_x, out0_fc);
    if (!receive<16, 1>(out0_fc, 5, out0_fc_data)) {
      std::fprintf(stderr, "out0_fc: wrong number of beats in frame %zu\n", frame);
      return 1;
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (!save(to + "/out0_fc.bin", out0_fc_data)) return 1;
  if (tapped && !fpgacomp::write_taps(static_cast<int>(frames))) return 1;
  std::printf("frames %zu seconds %.6f\n", frames, seconds.count());
  return 0;
}
