// The system: memory, a DMA for each pair of ports, the accelerator, and the processor's bus.
#ifndef FCEMU_SYSTEM_H
#define FCEMU_SYSTEM_H

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "accelerator.h"
#include "axi_dma.h"
#include "memory.h"

namespace fcemu {

// One AXI DMA: a channel is absent where the accelerator has no port for it.
struct Dma {
  std::unique_ptr<Sender> sender;
  std::unique_ptr<Receiver> receiver;
  uint64_t resetting = 0;  // cycles until a soft reset is done

  Channel* channel(uint32_t offset) const {
    return offset < S2MM ? static_cast<Channel*>(sender.get()) : receiver.get();
  }
};

class System {
 public:
  System(std::unique_ptr<Accelerator> accelerator, const Map& map)
      : map_(map), memory_(map.memory, map.memory_size), accelerator_(std::move(accelerator)) {
    const int inputs = accelerator_->inputs(), outputs = accelerator_->outputs();
    for (int k = 0; k < std::max(inputs, outputs); ++k) {
      Dma dma;
      if (k < inputs) dma.sender = std::make_unique<Sender>(memory_, timing_, accelerator_->input_bytes(k));
      if (k < outputs) dma.receiver = std::make_unique<Receiver>(memory_, timing_, accelerator_->output_bytes(k));
      dmas_.push_back(std::move(dma));
    }
    name_values();
    accelerator_->reset(true);
    for (int i = 0; i < 4; ++i) clock();
    accelerator_->reset(false);
    for (int i = 0; i < 4; ++i) clock();
    cycles_ = 0;
  }

  uint32_t read(uint64_t address) {
    uint64_t offset = 0;
    if (const Dma* dma = dma_at(address, offset)) {
      advance(read_cycles_);
      const uint32_t base = offset < S2MM ? 0 : S2MM;
      const Channel* channel = dma->channel(static_cast<uint32_t>(offset));
      if (channel == nullptr) return 0;
      const uint32_t value = channel->read(static_cast<uint32_t>(offset) - base);
      return offset == base + DMACR && dma->resetting ? value | CR_RESET : value;
    }
    if (address - map_.control < map_.control_size && address % 4 == 0) {
      const uint32_t at = static_cast<uint32_t>(address - map_.control);
      const uint32_t wrong = at == identity_offset_ ? static_cast<uint32_t>(identity_bits_) : 0;
      const uint32_t value = control_access(at, nullptr) ^ wrong ^ static_cast<uint32_t>(register_bits_);
      register_bits_ = 0;
      return value;
    }
    outside(address, "read");
    return ~uint32_t{0};
  }

  void write(uint64_t address, uint32_t value) {
    quiet_ = 0;  // whatever stood still may go on now; a read changes nothing
    uint64_t offset = 0;
    if (Dma* dma = dma_at(address, offset)) {
      advance(write_cycles_);
      const uint32_t base = offset < S2MM ? 0 : S2MM;
      Channel* channel = dma->channel(static_cast<uint32_t>(offset));
      if (channel == nullptr || dma->resetting) return;
      if (offset == base + DMACR && value & CR_RESET) {
        // A reset of either channel is one of both.
        if (dma->sender) dma->sender->reset();
        if (dma->receiver) dma->receiver->reset();
        dma->resetting = RESET_CYCLES;
      } else {
        channel->write(static_cast<uint32_t>(offset) - base, value);
      }
    } else if (address - map_.control < map_.control_size && address % 4 == 0) {
      control_access(static_cast<uint32_t>(address - map_.control), &value);
    } else {
      outside(address, "write");
    }
  }

  uint64_t advance(uint64_t count) {
    const uint64_t until = cycles_ + count;
    while (cycles_ < until) {
      // A design that has not moved a word for so long does not move any more: time passes it by.
      if (quiet_ >= patience_cycles_) cycles_ = until;
      else clock();
    }
    return cycles_;
  }

  uint32_t interrupts() const {
    uint32_t lines = 0;
    for (size_t k = 0; k < dmas_.size(); ++k) {
      if (dmas_[k].sender && dmas_[k].sender->interrupt()) lines |= 1u << (2 * k);
      if (dmas_[k].receiver && dmas_[k].receiver->interrupt()) lines |= 2u << (2 * k);
    }
    return lines;
  }

  bool set(const std::string& name, uint64_t value) {
    const auto found = values_.find(name);
    if (found == values_.end()) return false;
    if (name == "length_bits" && (value < 8 || value > 26)) return false;  // as PG021 allows
    // Without these, time would stand still: for a driver that polls, and for a transfer.
    if ((name == "read_cycles" || name == "memory_bytes_per_cycle") && value == 0) return false;
    *found->second = value;
    return true;
  }

  uint64_t get(const std::string& name) const {
    const auto found = values_.find(name);
    if (found != values_.end()) return *found->second;
    if (name == "cycles") return cycles_;
    if (name == "bus_errors") return bus_errors_;
    if (name == "inputs") return static_cast<uint64_t>(accelerator_->inputs());
    if (name == "outputs") return static_cast<uint64_t>(accelerator_->outputs());
    if (name == "clock_hz") return map_.clock_hz;
    if (name == "control_base") return map_.control;
    if (name == "dma_base") return map_.dma;
    if (name == "dma_stride") return map_.dma_stride;
    if (name == "misused_transfers") return misused();
    return ~uint64_t{0};
  }

  Memory& memory() { return memory_; }
  // What went wrong on the bus since this was last asked, as a part of a sentence.
  const std::string& error() {
    told_.swap(error_);
    error_.clear();
    return told_;
  }

 private:
  static constexpr uint64_t RESET_CYCLES = 16;
  // Cycles after which an AXI4-Lite port that does not answer is given up.
  static constexpr uint64_t LITE_LIMIT = 10000;

  // One cycle of the clock, streams and memory included.
  void clock() {
    uint64_t read_budget = timing_.memory_bytes_per_cycle, write_budget = read_budget;
    const size_t count = dmas_.size();
    std::vector<const Beat*>& offered = offered_;
    offered.assign(count, nullptr);
    for (size_t k = 0; k < count; ++k) {
      const int port = static_cast<int>(k);
      if (dmas_[k].sender) {
        offered[k] = stalled(stalled_inputs_, k) ? nullptr : dmas_[k].sender->offered();
        accelerator_->offer(port, offered[k]);
      }
      if (dmas_[k].receiver) {
        accelerator_->accept(port, dmas_[k].receiver->ready() && !stalled(stalled_outputs_, k));
      }
    }
    accelerator_->control(master_);
    accelerator_->settle();
    slave_ = accelerator_->control();
    bool moved = false;
    taken_.assign(count, 0);
    got_.assign(count, 0);
    beats_.resize(count);
    for (size_t k = 0; k < count; ++k) {
      const int port = static_cast<int>(k);
      if (dmas_[k].sender) taken_[k] = offered[k] != nullptr && accelerator_->takes(port);
      if (dmas_[k].receiver && dmas_[k].receiver->ready() && !stalled(stalled_outputs_, k)) {
        got_[k] = accelerator_->gives(port, beats_[k]);
        if (got_[k] && beats_[k].last && stalled(unmarked_outputs_, k)) beats_[k].last = false;
      }
      moved = moved || taken_[k] || got_[k];
    }
    accelerator_->rise();
    // The memory serves another DMA first in each cycle.
    for (size_t n = 0; n < count; ++n) {
      const size_t k = (n + cycles_) % count;
      Dma& dma = dmas_[k];
      if (dma.resetting) --dma.resetting;
      if (dma.sender) {
        moved = moved || dma.sender->waits_for_time();
        dma.sender->step(taken_[k], read_budget);
      }
      if (dma.receiver) {
        moved = moved || dma.receiver->waits_for_time();
        dma.receiver->step(got_[k] ? &beats_[k] : nullptr, write_budget);
      }
      moved = moved || dma.resetting;
    }
    quiet_ = moved ? 0 : quiet_ + 1;
    ++cycles_;
  }

  // One transaction on the accelerator's AXI4-Lite port; the word that was read.
  uint32_t control_access(uint32_t offset, const uint32_t* word) {
    const uint64_t started = cycles_, least = word ? write_cycles_ : read_cycles_;
    uint32_t value = 0;
    master_ = LiteMaster{};
    master_.address = offset;
    if (word) {
      master_.wdata = *word;
      master_.awvalid = master_.wvalid = master_.bready = true;
    } else {
      master_.arvalid = master_.rready = true;
    }
    bool answered = false;
    while (!answered && cycles_ - started < LITE_LIMIT) {
      clock();
      if (slave_.awready) master_.awvalid = false;
      if (slave_.wready) master_.wvalid = false;
      if (slave_.arready) master_.arvalid = false;
      answered = word ? slave_.bvalid : slave_.rvalid;
      value = slave_.rdata;
    }
    master_ = LiteMaster{};
    if (!answered) outside(map_.control + offset, "access without an answer");
    // The core's reset comes a cycle after its write: see it done before time can stand still.
    clock();
    if (cycles_ - started < least) advance(least - (cycles_ - started));
    return answered ? value : ~uint32_t{0};
  }

  Dma* dma_at(uint64_t address, uint64_t& offset) {
    if (address < map_.dma || address % 4 != 0) return nullptr;
    const uint64_t number = (address - map_.dma) / map_.dma_stride;
    offset = (address - map_.dma) % map_.dma_stride;
    return number < dmas_.size() && offset < DMA_SIZE ? &dmas_[number] : nullptr;
  }

  void outside(uint64_t address, const char* what) {
    ++bus_errors_;
    char text[96];
    std::snprintf(text, sizeof text, "%s at 0x%llx", what, static_cast<unsigned long long>(address));
    error_ = text;
  }

  static bool stalled(uint64_t ports, size_t port) { return ports >> port & 1; }

  uint64_t misused() const {
    uint64_t count = 0;
    for (const Dma& dma : dmas_) {
      if (dma.sender) count += dma.sender->misused();
      if (dma.receiver) count += dma.receiver->misused();
    }
    return count;
  }

  void name_values() {
    values_ = {
        {"read_cycles", &read_cycles_},
        {"write_cycles", &write_cycles_},
        {"start_cycles", &timing_.start_cycles},
        {"memory_latency_cycles", &timing_.memory_latency_cycles},
        {"memory_bytes_per_cycle", &timing_.memory_bytes_per_cycle},
        {"length_bits", &timing_.length_bits},
        {"patience_cycles", &patience_cycles_},
        {"fault_missing_tlast", &unmarked_outputs_},
        {"fault_stalled_inputs", &stalled_inputs_},
        {"fault_stalled_outputs", &stalled_outputs_},
        {"fault_identity_bits", &identity_bits_},
        {"fault_register_bits", &register_bits_},
        {"fault_memory_bits", &memory_.flipped_bits},
        {"fault_slave_error_at", &memory_.refused_page},
    };
  }

  const Map map_;
  Timing timing_;
  Memory memory_;
  std::unique_ptr<Accelerator> accelerator_;
  std::vector<Dma> dmas_;
  LiteMaster master_;
  LiteSlave slave_;
  uint64_t cycles_ = 0, quiet_ = 0, bus_errors_ = 0;
  std::string error_, told_;
  std::map<std::string, uint64_t*> values_;

  uint64_t read_cycles_ = 20, write_cycles_ = 12, patience_cycles_ = 1000000;
  uint64_t unmarked_outputs_ = 0, stalled_inputs_ = 0, stalled_outputs_ = 0;
  uint64_t identity_bits_ = 0, register_bits_ = 0;
  static constexpr uint32_t identity_offset_ = 0x10;

  // Of the cycle that is being computed, by port.
  std::vector<const Beat*> offered_;
  std::vector<char> taken_, got_;
  std::vector<Beat> beats_;
};

}  // namespace fcemu

#endif
