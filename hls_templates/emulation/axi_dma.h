// A model of AMD's AXI DMA in direct register mode, after PG021 (AXI DMA LogiCORE IP, v7.1).
//
// One stream in each direction, no scatter-gather, no data realignment engine. What the guide calls
// undefined is an error or a count here, so that a driver which relies on it is found out.
#ifndef FCEMU_AXI_DMA_H
#define FCEMU_AXI_DMA_H

#include <algorithm>
#include <cstdint>
#include <deque>

#include "accelerator.h"
#include "memory.h"

namespace fcemu {

// Register offsets within a channel, which starts at 0x00 (MM2S) and at 0x30 (S2MM).
constexpr uint32_t DMACR = 0x00, DMASR = 0x04, ADDRESS = 0x18, ADDRESS_MSB = 0x1c, LENGTH = 0x28;
constexpr uint32_t S2MM = 0x30, DMA_SIZE = 0x1000;

constexpr uint32_t CR_RUN = 1u << 0, CR_ONE = 1u << 1, CR_RESET = 1u << 2;
constexpr uint32_t CR_IOC_IRQ_EN = 1u << 12, CR_ERR_IRQ_EN = 1u << 14;
// What of DMACR can be written: RS, Keyhole, the three interrupt enables. Threshold and delay are
// those of scatter-gather.
constexpr uint32_t CR_WRITABLE = CR_RUN | 1u << 3 | CR_IOC_IRQ_EN | 1u << 13 | CR_ERR_IRQ_EN;
constexpr uint32_t CR_AFTER_RESET = 0x00010000u | CR_ONE;

constexpr uint32_t SR_HALTED = 1u << 0, SR_IDLE = 1u << 1;
constexpr uint32_t SR_INT_ERR = 1u << 4, SR_SLV_ERR = 1u << 5, SR_DEC_ERR = 1u << 6;
constexpr uint32_t SR_IOC_IRQ = 1u << 12, SR_ERR_IRQ = 1u << 14;
constexpr uint32_t SR_CLEARED_BY_ONE = SR_IOC_IRQ | 1u << 13 | SR_ERR_IRQ;
constexpr uint32_t SR_AFTER_RESET = SR_HALTED;

// What a channel of the model takes for its work; see README.md.
struct Timing {
  uint64_t start_cycles = 20;            // from LENGTH to the first burst's address
  uint64_t memory_latency_cycles = 30;   // from an address to its data, from data to its response
  uint64_t memory_bytes_per_cycle = 8;   // of all DMAs together, in each direction
  uint64_t length_bits = 26;
};

// Registers and their effects, the same in both directions.
class Channel {
 public:
  Channel(Memory& memory, const Timing& timing, int beat_bytes)
      : memory_(memory), timing_(timing), beat_bytes_(beat_bytes) {
    reset();
  }
  virtual ~Channel() = default;

  virtual void reset() {
    control_ = CR_AFTER_RESET;
    status_ = SR_AFTER_RESET;
    address_ = length_ = 0;
    busy_ = false;
  }

  uint32_t read(uint32_t offset) const {
    switch (offset) {
      case DMACR: return control_;
      case DMASR: return status_;
      case ADDRESS: return static_cast<uint32_t>(address_);
      case ADDRESS_MSB: return static_cast<uint32_t>(address_ >> 32);
      case LENGTH: return static_cast<uint32_t>(length_);
      default: return 0;
    }
  }

  // Writes of anything but DMACR.Reset, which concerns both channels.
  void write(uint32_t offset, uint32_t value) {
    switch (offset) {
      case DMACR:
        control_ = (control_ & ~CR_WRITABLE) | (value & CR_WRITABLE);
        if (running()) status_ &= ~SR_HALTED;
        else if (!busy_) halt();
        break;
      case DMASR: status_ &= ~(value & SR_CLEARED_BY_ONE); break;
      case ADDRESS: address_ = (address_ & ~uint64_t{0xffffffff}) | value; break;
      case ADDRESS_MSB: address_ = (address_ & 0xffffffff) | uint64_t{value} << 32; break;
      case LENGTH: start(value & ((uint64_t{1} << timing_.length_bits) - 1)); break;
      default: break;
    }
  }

  bool interrupt() const {
    return (status_ & SR_IOC_IRQ && control_ & CR_IOC_IRQ_EN) ||
           (status_ & SR_ERR_IRQ && control_ & CR_ERR_IRQ_EN);
  }
  bool busy() const { return busy_; }
  bool waits_for_time() const { return busy_ && wait_ > 0; }
  uint64_t transfers() const { return transfers_; }
  uint64_t misused() const { return misused_; }

 protected:
  bool running() const { return control_ & CR_RUN; }

  void start(uint64_t length) {
    // While the channel is halted, and for a length of 0, the write has no effect. A channel that
    // is busy is not to be written to; the guide does not say what then happens.
    if (!running() || status_ & SR_HALTED || length == 0) return;
    if (busy_) {
      ++misused_;
      return;
    }
    // Without a realignment engine an address has to be a multiple of the stream's width.
    if (address_ % beat_bytes_ != 0) {
      ++misused_;
      address_ -= address_ % beat_bytes_;
    }
    length_ = length;
    status_ &= ~SR_IDLE;
    busy_ = true;
    at_ = address_;
    left_ = length;
    begin();
  }
  virtual void begin() = 0;

  void finish() {
    busy_ = false;
    ++transfers_;
    status_ |= SR_IDLE | SR_IOC_IRQ;
    if (!running()) halt();
  }

  // An error ends the transfer and clears RS; only a reset gets the channel to run again.
  void fail(uint32_t bit) {
    busy_ = false;
    control_ &= ~CR_RUN;
    status_ |= bit | SR_ERR_IRQ;
    halt();
  }
  void fail(Access access) { fail(access == Access::DECODE_ERROR ? SR_DEC_ERR : SR_SLV_ERR); }

  void halt() { status_ = (status_ | SR_HALTED) & ~SR_IDLE; }

  Memory& memory_;
  const Timing& timing_;
  const uint64_t beat_bytes_;
  uint32_t control_ = 0, status_ = 0;
  uint64_t address_ = 0, length_ = 0;
  bool busy_ = false;
  uint64_t at_ = 0, left_ = 0;  // of the memory's side of a transfer
  uint64_t wait_ = 0;           // cycles until the memory answers
  uint64_t transfers_ = 0, misused_ = 0;
};

// Memory to stream. Data lies in a FIFO between the two.
class Sender final : public Channel {
 public:
  using Channel::Channel;

  void reset() override {
    Channel::reset();
    fifo_.clear();
  }

  // The beat that the stream has in this cycle; null where TVALID is low.
  const Beat* offered() {
    if (!busy_ || (fifo_.size() < beat_bytes_ && left_ > 0) || fifo_.empty()) return nullptr;
    beat_.bytes = static_cast<int>(std::min<uint64_t>(beat_bytes_, fifo_.size()));
    std::copy_n(fifo_.begin(), beat_.bytes, beat_.data.begin());
    // TKEEP is low for the rest, whose bits are set: a design must not depend on them.
    std::fill(beat_.data.begin() + beat_.bytes, beat_.data.end(), uint8_t{0xff});
    beat_.last = left_ == 0 && fifo_.size() <= beat_bytes_;
    return &beat_;
  }

  // One cycle: `taken` says that the beat was, `budget` is what the memory can still deliver.
  void step(bool taken, uint64_t& budget) {
    if (!busy_) return;
    if (taken) {
      fifo_.erase(fifo_.begin(), fifo_.begin() + beat_.bytes);
      if (beat_.last) return finish();
    }
    if (wait_ > 0) {
      --wait_;
      return;
    }
    const uint64_t room = FIFO_BYTES - std::min<uint64_t>(FIFO_BYTES, fifo_.size());
    const uint64_t count = std::min({left_, budget, room});
    if (count == 0) return;
    std::array<uint8_t, FIFO_BYTES> bytes;
    const Access access = memory_.read(at_, bytes.data(), count);
    if (access != Access::OKAY) return fail(access);
    fifo_.insert(fifo_.end(), bytes.begin(), bytes.begin() + static_cast<long>(count));
    at_ += count;
    left_ -= count;
    budget -= count;
  }

 private:
  static constexpr uint64_t FIFO_BYTES = 512;
  void begin() override {
    fifo_.clear();
    wait_ = timing_.start_cycles + timing_.memory_latency_cycles;
  }
  std::deque<uint8_t> fifo_;
  Beat beat_{};
};

// Stream to memory. A transfer ends with TLAST: LENGTH is the room that there is, not the length
// that is expected, and reads the bytes that came.
class Receiver final : public Channel {
 public:
  using Channel::Channel;

  void reset() override {
    Channel::reset();
    fifo_.clear();
    ended_ = false;
  }

  // TREADY. Before its transfer starts, a channel takes nothing.
  bool ready() const { return busy_ && wait_ == 0 && !ended_ && fifo_.size() + beat_bytes_ <= FIFO_BYTES; }

  void step(const Beat* taken, uint64_t& budget) {
    if (!busy_) return;
    if (taken != nullptr) {
      // A packet that is longer than LENGTH is an internal error.
      if (received_ + taken->bytes > length_) return fail(SR_INT_ERR);
      fifo_.insert(fifo_.end(), taken->data.begin(), taken->data.begin() + taken->bytes);
      received_ += taken->bytes;
      ended_ = taken->last;
    }
    if (wait_ > 0) {
      if (--wait_ == 0 && ended_) {
        length_ = received_;
        finish();
      }
      return;
    }
    const uint64_t count = std::min<uint64_t>(budget, fifo_.size());
    if (count > 0) {
      std::array<uint8_t, FIFO_BYTES> bytes;
      std::copy_n(fifo_.begin(), count, bytes.begin());
      const Access access = memory_.write(at_, bytes.data(), count);
      if (access != Access::OKAY) return fail(access);
      fifo_.erase(fifo_.begin(), fifo_.begin() + static_cast<long>(count));
      at_ += count;
      budget -= count;
    }
    // The transfer is over when the memory has answered the last write.
    if (ended_ && fifo_.empty()) wait_ = std::max<uint64_t>(1, timing_.memory_latency_cycles);
  }

 private:
  static constexpr uint64_t FIFO_BYTES = 512;
  void begin() override {
    fifo_.clear();
    received_ = 0;
    ended_ = false;
    wait_ = timing_.start_cycles;
  }
  std::deque<uint8_t> fifo_;
  uint64_t received_ = 0;
  bool ended_ = false;  // TLAST came
};

}  // namespace fcemu

#endif
