// Echoes of the UARTs of uart_bench.sv, each at its own rate: bytes go in as bits, from a host whose
// clock is off by some parts in a million, and must come back the same, without a framing error.
//
//     uart_bench SKEW_PPM BYTES GAP CYCLES_PER_BIT...
//
// GAP is the pause between two bytes, in bits. It prints for each UART: right, wrong, missing bytes.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include "Vuart_bench.h"
#include "verilated.h"

struct Host {
  double bit, gap, next = 200, sample = 0;
  std::deque<uint8_t> sent;
  unsigned frame = 0, value = 0;
  int left = 0, place = -1;
  uint64_t state, remaining, right = 0, wrong = 0;
  bool level = true;

  uint8_t random() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint8_t>(state >> 40);
  }
  bool drive(uint64_t cycle) {
    if (static_cast<double>(cycle) < next) return level;
    if (left == 0) {
      if (remaining == 0) return level = true;
      --remaining;
      sent.push_back(random());
      frame = 0x200u | static_cast<unsigned>(sent.back()) << 1;
      left = 10;
    }
    level = frame & 1;
    frame >>= 1;
    --left;
    next += left == 0 ? bit * (1 + gap) : bit;
    return level;
  }
  void hear(bool tx, uint64_t cycle, double nominal) {
    if (place < 0) {
      if (tx) return;
      place = 0;
      sample = static_cast<double>(cycle) + nominal / 2;
      return;
    }
    if (static_cast<double>(cycle) < sample) return;
    sample += nominal;
    if (place >= 1 && place <= 8) value = value >> 1 | (tx ? 128u : 0u);
    if (++place < 10) return;
    place = -1;
    const bool good = tx && !sent.empty() && sent.front() == value;
    (good ? right : wrong) += 1;
    if (!sent.empty()) sent.pop_front();
  }
};

int main(int argc, char** argv) {
  const double skew = 1.0 + std::atof(argv[1]) / 1e6;
  const uint64_t bytes = std::strtoull(argv[2], nullptr, 10);
  std::vector<double> nominal;
  std::vector<Host> hosts;
  double longest = 0;
  for (int i = 4; i < argc; ++i) {
    nominal.push_back(std::atof(argv[i]));
    Host host{};
    host.gap = std::atof(argv[3]);
    host.bit = nominal.back() * skew;
    host.state = 88172645463325252ull + static_cast<uint64_t>(i);
    host.remaining = bytes;
    hosts.push_back(host);
    if (nominal.back() > longest) longest = nominal.back();
  }
  VerilatedContext context;
  Vuart_bench top{&context};
  top.rst = 1;
  top.rx = ~0ull;
  const uint64_t cycles = 400 + static_cast<uint64_t>(longest * 11.5 * static_cast<double>(bytes + 3));
  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    uint64_t rx = ~0ull;
    for (size_t i = 0; i < hosts.size(); ++i) {
      if (!hosts[i].drive(cycle)) rx &= ~(1ull << i);
    }
    top.rx = static_cast<uint16_t>(rx);
    top.rst = cycle < 10;
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
    if (top.bad != 0) std::printf("bad %llx\n", static_cast<unsigned long long>(top.bad));
    for (size_t i = 0; i < hosts.size(); ++i) {
      // The echo runs at the device's rate, which the divider makes.
      hosts[i].hear(top.tx >> i & 1, cycle, nominal[i]);
    }
  }
  for (const Host& host : hosts) {
    std::printf("%llu %llu %zu\n", static_cast<unsigned long long>(host.right),
                static_cast<unsigned long long>(host.wrong), host.sent.size());
  }
  return 0;
}
