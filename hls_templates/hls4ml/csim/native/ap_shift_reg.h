// ap_shift_reg with the interface of Vitis HLS, for C-simulation on native integers.
#ifndef FPGACOMP_CSIM_AP_SHIFT_REG_H
#define FPGACOMP_CSIM_AP_SHIFT_REG_H

#include <stdio.h>
#include <stdlib.h>

template <class T, unsigned DEPTH = 32> class ap_shift_reg {
 public:
  ap_shift_reg() {}
  explicit ap_shift_reg(const char*) {}
  ap_shift_reg(const ap_shift_reg&) = delete;
  ap_shift_reg& operator=(const ap_shift_reg&) = delete;

  // The word at an address; then the new word comes in front of the others.
  T shift(T word, unsigned address = DEPTH - 1, bool enable = true) {
    const T found = read(address);
    if (enable) {
      newest_ = newest_ == 0 ? DEPTH - 1 : newest_ - 1;
      words_[newest_] = word;
    }
    return found;
  }
  T read(unsigned address = DEPTH - 1) const {
    if (address >= DEPTH) {
      fprintf(stderr, "ERROR: a shift register of %u words is read at %u\n", DEPTH, address);
      abort();
    }
    const unsigned place = newest_ + address;
    return words_[place < DEPTH ? place : place - DEPTH];
  }

 private:
  T words_[DEPTH];
  unsigned newest_ = 0;  // a ring: nothing moves when a word comes in
};

#endif
