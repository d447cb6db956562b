// A design for tests of the emulated system: two inputs, one output, an answer after 40 cycles.
//
// Input 0 has 5 bytes, a byte a beat; input 1 has 10 bytes, 4 a beat, of which the last has two.
// The answer has 10 bytes, 4 a beat: those of input 1, each plus the sum of input 0.
#include "frames.h"

namespace fcemu {
namespace {

void compute(const std::vector<Bytes>& inputs, std::vector<Bytes>& outputs) {
  uint8_t sum = 0;
  for (const uint8_t byte : inputs[0]) sum = static_cast<uint8_t>(sum + byte);
  for (size_t i = 0; i < outputs[0].size(); ++i) outputs[0][i] = static_cast<uint8_t>(inputs[1][i] + sum);
}

}  // namespace

std::unique_ptr<Accelerator> make_accelerator(const std::string&) {
  Design design;
  design.inputs = {Port{1, 5}, Port{4, 10}};
  design.outputs = {Port{4, 10}};
  const uint32_t identity[4] = {0x01234567, 0x89abcdef, 0x02468ace, 0x13579bdf};
  std::copy_n(identity, 4, design.identity);
  design.latency_cycles = 40;
  design.interval_cycles = 10;
  design.compute = compute;
  return std::make_unique<FrameAccelerator>(design);
}

Map address_map() {
  return Map{0x43c00000, 0x1000, 0x40400000, 0x10000, 0x10000000, 1 << 20, 100000000};
}

}  // namespace fcemu
