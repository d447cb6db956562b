// An accelerator whose frames a C++ function computes, with the streams and registers that designs
// in SystemVerilog have: for designs that are HLS C++ alone, and for tests of the system itself.
//
// It takes a frame at each input, computes when all are whole, and gives the answers a stated number
// of cycles later. What the function computes is exact; when it does is the estimate's.
#ifndef FCEMU_FRAMES_H
#define FCEMU_FRAMES_H

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "accelerator.h"

namespace fcemu {

using Bytes = std::vector<uint8_t>;

struct Port {
  int beat_bytes;
  uint64_t frame_bytes;
  uint64_t beats() const { return (frame_bytes + static_cast<uint64_t>(beat_bytes) - 1) / static_cast<uint64_t>(beat_bytes); }
};

struct Design {
  std::vector<Port> inputs, outputs;
  uint32_t identity[4];
  uint64_t latency_cycles;   // from the last beat of a frame to the first of its answer
  uint64_t interval_cycles;  // at least so many between two frames
  void (*compute)(const std::vector<Bytes>& inputs, std::vector<Bytes>& outputs);
};

class FrameAccelerator final : public Accelerator {
 public:
  explicit FrameAccelerator(const Design& design) : design_(design) {
    for (const Port& port : design.inputs) inputs_.push_back(Input(port));
    for (const Port& port : design.outputs) outputs_.push_back(Output(port));
    reset_core();
  }

  int inputs() const override { return static_cast<int>(inputs_.size()); }
  int outputs() const override { return static_cast<int>(outputs_.size()); }
  int input_bytes(int port) const override { return at(inputs_, port).port.beat_bytes; }
  int output_bytes(int port) const override { return at(outputs_, port).port.beat_bytes; }

  void reset(bool active) override { resetting_ = active; }
  void offer(int port, const Beat* beat) override {
    at(inputs_, port).valid = beat != nullptr;
    if (beat != nullptr) at(inputs_, port).beat = *beat;
  }
  void accept(int port, bool ready) override { at(outputs_, port).ready = ready; }
  void control(const LiteMaster& master) override { master_ = master; }
  void settle() override {}

  bool takes(int port) const override { return !at(inputs_, port).full; }
  bool gives(int port, Beat& beat) const override { return gives(at(outputs_, port), beat); }
  LiteSlave control() const override { return slave_; }

  void rise() override {
    const bool reset_now = resetting_ || core_reset_;
    core_reset_ = false;
    registers();
    for (Output& output : outputs_) step(output);
    for (Input& input : inputs_) step(input);
    compute_if_due();
    ++cycle_;
    if (resetting_) clear_registers();
    if (reset_now) reset_core();
  }

 private:
  struct Counters {
    uint32_t frames = 0, stalls = 0, errors = 0;
  };
  struct Input {
    explicit Input(const Port& its) : port(its) {}
    Port port;
    Bytes frame;         // as much as came of it
    uint64_t beats = 0;  // that came
    bool full = false;   // it is whole, and waits
    bool valid = false;
    Beat beat{};
    Counters counters;
  };
  struct Waiting {
    Bytes bytes;
    uint64_t due;
  };
  struct Output {
    explicit Output(const Port& its) : port(its) {}
    Port port;
    std::deque<Waiting> waiting;
    uint64_t sent = 0;  // beats of the first
    bool ready = false;
    Counters counters;
  };
  static constexpr uint32_t SHORT = 1, LONG = 2;

  template <class T> static T& at(std::vector<T>& all, int number) { return all[static_cast<size_t>(number)]; }
  template <class T> static const T& at(const std::vector<T>& all, int number) { return all[static_cast<size_t>(number)]; }

  bool gives(const Output& output, Beat& beat) const {
    if (output.waiting.empty() || output.waiting.front().due > cycle_) return false;
    const Bytes& frame = output.waiting.front().bytes;
    const uint64_t from = output.sent * static_cast<uint64_t>(output.port.beat_bytes);
    const uint64_t count = std::min<uint64_t>(static_cast<uint64_t>(output.port.beat_bytes), frame.size() - from);
    std::copy_n(frame.begin() + static_cast<long>(from), count, beat.data.begin());
    beat.bytes = static_cast<int>(count);
    beat.last = output.sent + 1 == output.port.beats();
    return true;
  }

  // A frame that is too short is filled up, one that is too long is cut, and a flag tells so.
  void step(Input& input) {
    if (!input.valid) return;
    if (input.full) {
      ++input.counters.stalls;
      return;
    }
    const uint64_t beats = input.port.beats();
    if (input.beats < beats) {
      input.frame.insert(input.frame.end(), input.beat.data.begin(), input.beat.data.begin() + input.port.beat_bytes);
    } else if (input.beats == beats) {
      input.counters.errors |= LONG;  // the beat in front of this one was the last
    }
    ++input.beats;
    if (!input.beat.last) return;
    if (input.beats < beats) input.counters.errors |= SHORT;
    input.frame.resize(input.port.frame_bytes);
    input.full = true;
    input.beats = 0;
    ++input.counters.frames;
  }

  void step(Output& output) {
    Beat beat;
    const bool valid = gives(output, beat);
    if (valid && !output.ready) ++output.counters.stalls;
    if (!valid || !output.ready) return;
    ++output.sent;
    if (!beat.last) return;
    output.waiting.pop_front();
    output.sent = 0;
    ++output.counters.frames;
  }

  void compute_if_due() {
    for (const Input& input : inputs_) {
      if (!input.full) return;
    }
    if (cycle_ < next_) return;
    // As many frames are inside as the latency has intervals; more wait in front.
    const uint64_t inside = design_.latency_cycles / std::max<uint64_t>(1, design_.interval_cycles) + 2;
    for (const Output& output : outputs_) {
      if (output.waiting.size() >= inside) return;
    }
    std::vector<Bytes> given, found(outputs_.size());
    for (Input& input : inputs_) {
      given.push_back(std::move(input.frame));
      input.frame.clear();
      input.full = false;
    }
    for (size_t k = 0; k < found.size(); ++k) found[k].resize(outputs_[k].port.frame_bytes);
    design_.compute(given, found);
    for (size_t k = 0; k < found.size(); ++k) {
      outputs_[k].waiting.push_back(Waiting{std::move(found[k]), cycle_ + std::max<uint64_t>(1, design_.latency_cycles)});
    }
    next_ = cycle_ + design_.interval_cycles;
  }

  void reset_core() {
    for (Input& input : inputs_) {
      input.frame.clear();
      input.beats = 0;
      input.full = false;
    }
    for (Output& output : outputs_) {
      output.waiting.clear();
      output.sent = 0;
    }
    next_ = 0;
  }

  void clear_registers() {
    for (Input& input : inputs_) input.counters = Counters{};
    for (Output& output : outputs_) output.counters = Counters{};
    slave_ = LiteSlave{};
  }

  // AXI4-Lite: an access is answered in the cycle behind the one in which it was taken.
  void registers() {
    const bool written = slave_.awready && master_.awvalid && master_.wvalid;
    const bool asked = slave_.arready && master_.arvalid;
    if (written) write(master_.address, master_.wdata);
    if (asked) slave_.rdata = read(master_.address);
    slave_.bvalid = written || (slave_.bvalid && !master_.bready);
    slave_.rvalid = asked || (slave_.rvalid && !master_.rready);
    slave_.awready = slave_.wready = !slave_.bvalid;
    slave_.arready = !slave_.rvalid;
  }

  // Offsets as in fpgacomp_control.sv; see engines/stream/rtl/registers.py.
  static constexpr uint32_t MAGIC = 0x46504743, FORMAT = 1;
  static constexpr uint32_t AT_CONTROL = 0x0c, AT_PORT = 0x20, PORT_STRIDE = 0x10;

  Counters* counters(uint32_t address) {
    if (address < AT_PORT) return nullptr;
    const size_t port = (address - AT_PORT) / PORT_STRIDE;
    if (port < inputs_.size()) return &inputs_[port].counters;
    return port < inputs_.size() + outputs_.size() ? &outputs_[port - inputs_.size()].counters : nullptr;
  }

  uint32_t read(uint32_t address) {
    if (address == 0x00) return MAGIC;
    if (address == 0x04) return FORMAT;
    if (address == 0x08) return static_cast<uint32_t>(outputs_.size() << 16 | inputs_.size());
    if (address >= 0x10 && address < AT_PORT) return design_.identity[(address - 0x10) / 4];
    const Counters* found = counters(address);
    if (found == nullptr) return 0;
    switch ((address - AT_PORT) % PORT_STRIDE) {
      case 0x0: return found->frames;
      case 0x4: return found->stalls;
      case 0x8: return found->errors;
      default: return 0;
    }
  }

  void write(uint32_t address, uint32_t value) {
    if (address == AT_CONTROL) {
      core_reset_ = value & 1;
      if (value & 2) {
        for (Input& input : inputs_) input.counters.frames = input.counters.stalls = 0;
        for (Output& output : outputs_) output.counters.frames = output.counters.stalls = 0;
      }
      return;
    }
    Counters* found = counters(address);
    if (found != nullptr && (address - AT_PORT) % PORT_STRIDE == 0x8) found->errors &= ~value;
  }

  const Design design_;
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  LiteMaster master_;
  LiteSlave slave_;
  uint64_t cycle_ = 0, next_ = 0;
  bool resetting_ = false, core_reset_ = false;
};

}  // namespace fcemu

#endif
