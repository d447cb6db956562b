// Random AXI4-Lite traffic with pauses against a model of the control registers.
//
//   sim INPUTS OUTPUTS CYCLES SEED      (the first two are not read)
//
// Prints what is wrong, a line each, and "done WRITES READS RESETS" at the end.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "Vcontrol.h"
#include "registers.h"
#include "verilated.h"

namespace {

constexpr int kPorts = FPGACOMP_INPUTS + FPGACOMP_OUTPUTS;
constexpr uint32_t kIdentity[] = FPGACOMP_IDENTITY_VALUE;

struct Random {
  uint64_t state;
  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<uint32_t>(state >> 32);
  }
  bool one_in(uint32_t n) { return next() % n == 0; }
};

// What the registers hold in each cycle.
struct Model {
  uint32_t frames[kPorts] = {}, stalls[kPorts] = {};
  uint32_t errors[kPorts] = {};
  uint32_t read(uint32_t at) const {
    if (at == FPGACOMP_MAGIC) return FPGACOMP_MAGIC_VALUE;
    if (at == FPGACOMP_FORMAT) return FPGACOMP_FORMAT_VALUE;
    if (at == FPGACOMP_PORTS) return FPGACOMP_INPUTS | FPGACOMP_OUTPUTS << 16;
    for (uint32_t w = 0; w < 4; ++w) {
      if (at == FPGACOMP_IDENTITY_0 + 4 * w) return kIdentity[w];
    }
    for (uint32_t p = 0; p < kPorts; ++p) {
      const uint32_t block = FPGACOMP_IN0_FRAMES + (FPGACOMP_IN1_FRAMES - FPGACOMP_IN0_FRAMES) * p;
      if (at == block) return frames[p];
      if (at == block + FPGACOMP_IN0_STALLS - FPGACOMP_IN0_FRAMES) return stalls[p];
      if (at == block + FPGACOMP_IN0_ERRORS - FPGACOMP_IN0_FRAMES) return errors[p];
    }
    return 0;
  }
};

int wrong = 0;
void expect(bool right, const char* what, uint64_t cycle, uint32_t at = 0) {
  if (!right && ++wrong < 20) std::printf("wrong %s in cycle %llu, address %#x\n", what, (unsigned long long)cycle, at);
}

}  // namespace

int main(int, char** argv) {
  const uint64_t cycles = std::strtoull(argv[3], nullptr, 10);
  Random random{std::strtoull(argv[4], nullptr, 10) * 2654435761u + 88172645463325252ull};
  VerilatedContext context;
  Vcontrol top{&context};
  top.clk = 0;
  top.rst = 1;
  for (int i = 0; i < 3; ++i) {
    top.eval();
    expect(!top.bvalid || i == 0, "answer to a write in reset", 0);
    expect(!top.rvalid || i == 0, "answer to a read in reset", 0);
    top.clk = 1;
    top.eval();
    top.clk = 0;
  }
  top.rst = 0;

  Model model;
  std::deque<uint32_t> addresses, reads;  // taken and not acted on yet
  struct Word { uint32_t data; bool low; };
  std::deque<Word> words;
  uint64_t writes_done = 0, reads_done = 0, resets = 0, resets_wanted = 0;
  bool b_waits = false, r_waits = false;
  uint32_t r_expected = 0, r_at = 0, frame_was = 0, stall_was = 0;
  int answers = 0;  // to writes that are due
  const uint32_t last = FPGACOMP_OUT1_STALLS + 16;

  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    // Stretches of 256 cycles: traffic and events together, or traffic alone.
    const bool events = (cycle >> 8) % 2 == 0;
    top.port_valid = events ? random.next() & 15 : 0;
    top.port_ready = random.next() & 15;
    top.port_frame = events ? random.next() & random.next() & 15 : 0;
    top.frame_short = events && random.one_in(40) ? random.next() & 3 : 0;
    top.frame_long = events && random.one_in(40) ? random.next() & 3 : 0;
    const bool aw_before = top.awready, w_before = top.wready, ar_before = top.arready;
    if (!top.awvalid && random.one_in(3)) {
      top.awvalid = 1;
      top.awaddr = random.next() % last;
      if (random.one_in(3)) top.awaddr = random.one_in(2) ? FPGACOMP_IN0_ERRORS : FPGACOMP_IN1_ERRORS;
      if (random.one_in(20)) top.awaddr = FPGACOMP_CONTROL;
    }
    if (!top.wvalid && random.one_in(3)) {
      top.wvalid = 1;
      top.wdata = random.next();
      top.wstrb = random.next() & 15;
    }
    if (!top.arvalid && random.one_in(2)) {
      top.arvalid = 1;
      top.araddr = random.one_in(10) ? random.next() & 4095 : random.next() % last;
    }
    top.bready = random.one_in(2);
    top.rready = random.one_in(2);
    top.eval();
    expect(top.awready == aw_before && top.wready == w_before && top.arready == ar_before, "ready depends on an input", cycle);
    if (b_waits) expect(top.bvalid, "answer to a write taken back", cycle);
    if (r_waits) expect(top.rvalid, "answer to a read taken back", cycle);
    expect(top.bresp == 0 && top.rresp == 0, "response", cycle);
    resets += top.core_rst;

    const bool aw = top.awvalid && top.awready, w = top.wvalid && top.wready;
    const bool ar = top.arvalid && top.arready;
    expect(top.bvalid == (answers != 0), "answer to a write", cycle);
    if (top.rvalid) expect(top.rdata == r_expected, "value", cycle, r_at);
    writes_done += top.bvalid && top.bready;
    reads_done += top.rvalid && top.rready;
    b_waits = top.bvalid && !top.bready;
    r_waits = top.rvalid && !top.rready;
    // A read happens in the cycle in which its address is held and the answer has room.
    if (!reads.empty() && !r_waits) {
      r_at = reads.front() & ~3u;
      r_expected = model.read(r_at);
      reads.pop_front();
    }
    if (ar) reads.push_back(top.araddr);
    // A write happens in the cycle in which both parts are held and the answer has room.
    const bool write = !addresses.empty() && !words.empty() && !b_waits;
    answers = write || b_waits;
    uint32_t clear_errors[kPorts] = {};
    bool clear = false;
    if (write) {
      const uint32_t at = addresses.front() & ~3u;
      const Word word = words.front();
      addresses.pop_front();
      words.pop_front();
      if (word.low && at == FPGACOMP_CONTROL) {
        clear = word.data & FPGACOMP_CONTROL_CLEAR;
        resets_wanted += (word.data & FPGACOMP_CONTROL_RESET) != 0;
      }
      if (word.low && at == FPGACOMP_IN0_ERRORS) clear_errors[0] = word.data;
      if (word.low && at == FPGACOMP_IN1_ERRORS) clear_errors[1] = word.data;
    }
    for (int p = 0; p < kPorts; ++p) {
      model.frames[p] = clear ? 0 : model.frames[p] + (frame_was >> p & 1);
      model.stalls[p] = clear ? 0 : model.stalls[p] + (stall_was >> p & 1);
      const uint32_t set = (top.frame_short >> p & 1) * FPGACOMP_IN0_ERRORS_SHORT | (top.frame_long >> p & 1) * FPGACOMP_IN0_ERRORS_LONG;
      model.errors[p] = set | (model.errors[p] & ~clear_errors[p]);
    }
    frame_was = top.port_frame;
    stall_was = top.port_valid & ~top.port_ready;
    if (aw) addresses.push_back(top.awaddr);
    if (w) words.push_back({top.wdata, (top.wstrb & 1) != 0});
    expect(addresses.size() < 2 && words.size() < 2 && reads.size() < 2, "taken without room", cycle);
    top.clk = 1;
    top.eval();
    top.clk = 0;
    if (aw) top.awvalid = 0;
    if (w) top.wvalid = 0;
    if (ar) top.arvalid = 0;
  }
  top.eval();
  resets += top.core_rst;
  top.final();
  expect(resets == resets_wanted, "number of resets", cycles);
  std::printf("done %llu %llu %llu\n", (unsigned long long)writes_done, (unsigned long long)reads_done, (unsigned long long)resets);
  return wrong != 0;
}
