// The registers beside a design of Vitis HLS that takes frames of 6 beats and gives frames of 5.
//
// The bench stands in for that design: it is ready at random, and echoes what it takes. Prints what is
// wrong, a line each, and "done" at the end.
#include <cstdint>
#include <cstdio>
#include <deque>
#include <vector>

#include "Vmlp_axis_guard.h"
#include "registers.h"
#include "verilated.h"

namespace {

int wrong = 0;
void expect(uint64_t found, uint64_t wanted, const char* what) {
  if (found != wanted) {
    ++wrong;
    std::printf("%s: %llu instead of %llu\n", what, (unsigned long long)found, (unsigned long long)wanted);
  }
}

struct Bench {
  VerilatedContext context;
  Vmlp_axis_guard dut{&context};
  uint64_t random = 88172645463325252ull;
  std::deque<std::pair<int, bool>> sending;     // data and TLAST towards in0
  std::vector<std::pair<int, bool>> at_core;    // what the design was given
  std::deque<std::pair<int, bool>> from_core;   // what it gives
  std::vector<std::pair<int, bool>> received;   // what left out0
  int reset_cycles = 0, passed_in_reset = 0;

  uint32_t chance() {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return uint32_t(random >> 32);
  }

  void cycle() {
    dut.in0_tvalid = !sending.empty() && chance() % 4;
    if (!sending.empty()) {
      dut.in0_tdata = uint8_t(sending.front().first);
      dut.in0_tlast = sending.front().second;
    }
    dut.core_in0_tready = chance() % 3 != 0;
    dut.core_out0_tvalid = !from_core.empty() && chance() % 4;
    dut.core_out0_tkeep = 1;
    if (!from_core.empty()) {
      dut.core_out0_tdata = uint8_t(from_core.front().first);
      dut.core_out0_tlast = from_core.front().second;
    }
    dut.out0_tready = chance() % 3 != 0;
    dut.eval();
    const bool taken = dut.in0_tvalid && dut.in0_tready;
    const bool given = dut.core_in0_tvalid && dut.core_in0_tready;
    const bool made = dut.core_out0_tvalid && dut.core_out0_tready;
    const bool left = dut.out0_tvalid && dut.out0_tready;
    if (!dut.core_aresetn) {
      ++reset_cycles;
      passed_in_reset += taken || given || made || left;
    }
    expect(taken, given, "a beat that went in and did not come out");
    expect(made, left, "an answer that went in and did not come out");
    if (given) at_core.push_back({dut.core_in0_tdata, dut.core_in0_tlast});
    if (left) received.push_back({dut.out0_tdata, dut.out0_tlast});
    if (left) expect(dut.out0_tkeep, 1, "TKEEP");
    if (taken) sending.pop_front();
    if (made) from_core.pop_front();
    dut.aclk = 1;
    dut.eval();
    dut.aclk = 0;
    dut.eval();
  }

  uint32_t read(uint32_t at) {
    dut.s_axi_control_araddr = uint16_t(at);
    dut.s_axi_control_arvalid = 1;
    dut.s_axi_control_rready = 1;
    dut.eval();
    while (!dut.s_axi_control_arready) cycle();
    cycle();
    dut.s_axi_control_arvalid = 0;
    while (!dut.s_axi_control_rvalid) cycle();
    const uint32_t value = dut.s_axi_control_rdata;
    cycle();
    return value;
  }

  void write(uint32_t at, uint32_t value) {
    dut.s_axi_control_awaddr = uint16_t(at);
    dut.s_axi_control_wdata = value;
    dut.s_axi_control_wstrb = 15;
    dut.s_axi_control_awvalid = dut.s_axi_control_wvalid = 1;
    dut.s_axi_control_bready = 1;
    dut.eval();
    while (!dut.s_axi_control_awready || !dut.s_axi_control_wready) cycle();
    cycle();
    dut.s_axi_control_awvalid = dut.s_axi_control_wvalid = 0;
    while (!dut.s_axi_control_bvalid) cycle();
    cycle();
  }

  void send(int beats) {
    for (int i = 0; i < beats; ++i) sending.push_back({i + 1, i == beats - 1});
    while (!sending.empty()) cycle();
  }

  void settle() {
    for (int i = 0; i < 40 || !from_core.empty(); ++i) cycle();
  }
};

}  // namespace

int main() {
  Bench bench;
  bench.dut.aresetn = 0;
  for (int i = 0; i < 4; ++i) bench.cycle();
  bench.dut.aresetn = 1;
  bench.settle();
  expect(bench.passed_in_reset, 0, "beats that passed in reset");
  const uint32_t identity[] = FPGACOMP_IDENTITY_VALUE;
  expect(bench.read(FPGACOMP_MAGIC), FPGACOMP_MAGIC_VALUE, "MAGIC");
  expect(bench.read(FPGACOMP_PORTS), 1 | 1 << 16, "PORTS");
  for (uint32_t word = 0; word < 4; ++word) {
    expect(bench.read(FPGACOMP_IDENTITY_0 + 4 * word), identity[word], "IDENTITY");
  }

  // Whole frames, one behind the other; answers of five beats.
  for (int frame = 0; frame < 9; ++frame) bench.send(6);
  for (int frame = 0; frame < 7; ++frame) {
    for (int i = 0; i < 5; ++i) bench.from_core.push_back({10 * frame + i, i == 4});
  }
  bench.settle();
  expect(bench.at_core.size(), 54, "beats at the design");
  for (size_t i = 0; i < bench.at_core.size(); ++i) {
    expect(bench.at_core[i].first, i % 6 + 1, "data at the design");
    expect(bench.at_core[i].second, i % 6 == 5, "TLAST at the design");
  }
  expect(bench.received.size(), 35, "beats of answers");
  for (size_t i = 0; i < bench.received.size(); ++i) {
    expect(bench.received[i].first, 10 * (i / 5) + i % 5, "data of an answer");
    expect(bench.received[i].second, i % 5 == 4, "TLAST of an answer");
  }
  expect(bench.read(FPGACOMP_IN0_FRAMES), 9, "frames that came");
  expect(bench.read(FPGACOMP_OUT0_FRAMES), 7, "frames that left");
  expect(bench.read(FPGACOMP_IN0_ERRORS), 0, "flags of whole frames");

  // A short frame, a long one, and a whole one behind each.
  bench.send(4);
  bench.send(6);
  bench.settle();
  expect(bench.read(FPGACOMP_IN0_ERRORS), FPGACOMP_IN0_ERRORS_SHORT, "flag of a short frame");
  bench.write(FPGACOMP_IN0_ERRORS, 3);
  bench.send(9);
  bench.send(6);
  bench.settle();
  expect(bench.read(FPGACOMP_IN0_ERRORS), FPGACOMP_IN0_ERRORS_LONG, "flag of a long frame");
  bench.write(FPGACOMP_IN0_ERRORS, 3);
  bench.send(6);
  bench.settle();
  expect(bench.read(FPGACOMP_IN0_ERRORS), 0, "flags behind them");
  expect(bench.read(FPGACOMP_IN0_FRAMES), 14, "frames in all");

  // A reset in mid-frame: the design is held for 16 cycles, and the next frame begins anew.
  for (int i = 0; i < 3; ++i) bench.sending.push_back({i, false});
  while (!bench.sending.empty()) bench.cycle();
  bench.reset_cycles = 0;
  bench.write(FPGACOMP_CONTROL, FPGACOMP_CONTROL_RESET | FPGACOMP_CONTROL_CLEAR);
  bench.settle();
  expect(bench.reset_cycles, 16, "cycles of reset");
  expect(bench.passed_in_reset, 0, "beats that passed in reset");
  bench.send(6);
  bench.settle();
  expect(bench.read(FPGACOMP_IN0_FRAMES), 1, "frames behind the reset");
  expect(bench.read(FPGACOMP_IN0_ERRORS), 0, "flags behind the reset");
  std::printf("done\n");
  return wrong != 0;
}
