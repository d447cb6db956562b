// The memory that the DMA reaches: a range of physical addresses, and what lies outside of it.
#ifndef FCEMU_MEMORY_H
#define FCEMU_MEMORY_H

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace fcemu {

enum class Access { OKAY, DECODE_ERROR, SLAVE_ERROR };

class Memory {
 public:
  // Pages that nobody touches take no memory of this machine.
  Memory(uint64_t base, uint64_t size)
      : base_(base), size_(size), bytes_(static_cast<uint8_t*>(std::calloc(size, 1))) {
    if (bytes_ == nullptr) throw std::bad_alloc();
  }
  ~Memory() { std::free(bytes_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint8_t* bytes() { return bytes_; }
  uint64_t base() const { return base_; }
  uint64_t size() const { return size_; }

  Access read(uint64_t address, uint8_t* to, uint64_t count) {
    const Access access = at(address, count);
    if (access != Access::OKAY) return access;
    std::memcpy(to, bytes_ + (address - base_), count);
    to[0] = static_cast<uint8_t>(to[0] ^ flipped_bits);
    flipped_bits = 0;
    return access;
  }
  Access write(uint64_t address, const uint8_t* from, uint64_t count) {
    const Access access = at(address, count);
    if (access == Access::OKAY) std::memcpy(bytes_ + (address - base_), from, count);
    return access;
  }

  // Faults: an address whose page of 4 KiB answers with an error, and bits of the byte that the
  // next burst starts with which are read wrong.
  uint64_t refused_page = ~uint64_t{0};
  uint64_t flipped_bits = 0;

 private:
  Access at(uint64_t address, uint64_t count) const {
    if (address < base_ || count > size_ || address - base_ > size_ - count) return Access::DECODE_ERROR;
    const uint64_t page = refused_page & ~uint64_t{4095};
    return address < page + 4096 && page < address + count ? Access::SLAVE_ERROR : Access::OKAY;
  }
  uint64_t base_, size_;
  uint8_t* bytes_;
};

}  // namespace fcemu

#endif
