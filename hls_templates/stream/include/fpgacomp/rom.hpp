// Constant tables: weights and per-channel parameters, packed 64 bits a word in the source.
//
// Packed words keep the source small and quick to compile. In synthesis a row is read as one
// wide word and cut into lanes (wires); in C-simulation the table is unpacked once into plain
// elements, or into what an operator's loops like best.
#ifndef FPGACOMP_ROM_HPP
#define FPGACOMP_ROM_HPP

#include "core.hpp"

namespace fpgacomp {

#ifdef FPGACOMP_SYNTHESIS
template <int BITS> struct rom_word { typedef ap_uint<BITS> type; };
#else
template <int BITS> struct rom_word { typedef std::uint64_t type; };
#endif

#ifdef FPGACOMP_CSIM
// What C-simulation made of constant tables: a FORM, when it is first asked for. It lives as
// long as the constants, to the end.
struct Made {
  const void* result = nullptr;
  const void* its_form = nullptr;

  template <class FORM, class... TABLES> const FORM& as(const TABLES&... tables) {
    static const char form = 0;  // its address stands for FORM
    if (its_form != &form) result = new FORM(tables...);
    its_form = &form;
    return *static_cast<const FORM*>(result);
  }
};
#endif

// DEPTH rows of LANES elements. Lane l of a row lies in word l / PER_WORD at bit
// (l % PER_WORD) * bits. Emit as: static const Rom<...> name = {{{0x..ULL, ..}, ..}};
// with ARRAY_RESHAPE variable=name.packed complete dim=2 where it is used.
template <class T, int DEPTH, int LANES> struct Rom {
  typedef T element_type;
  static constexpr int element_bits = element<T>::bits;
  static_assert(element_bits <= 64, "an element must fit one word");
  static constexpr int WORDS = ceil_div(LANES, 64 / element_bits);
  static constexpr int PER_WORD = ceil_div(LANES, WORDS);
  typedef typename rom_word<PER_WORD * element_bits>::type word;

  word packed[DEPTH][WORDS];

#ifdef FPGACOMP_SYNTHESIS
  void prepare() const {
#pragma HLS INLINE
  }
  T at(int row, int lane) const {
#pragma HLS INLINE
    return cut(row, lane);
  }
#else
  mutable const T* unpacked = nullptr;  // until prepared
#ifdef FPGACOMP_CSIM
  mutable Made made = {};
#endif

  void prepare() const {
    if (unpacked != nullptr) return;
    T* const table = new T[DEPTH * LANES];  // lives as long as this constant: to the end
    for (int row = 0; row < DEPTH; ++row)
      for (int lane = 0; lane < LANES; ++lane) table[row * LANES + lane] = cut(row, lane);
    unpacked = table;
  }
  // 64-bit arithmetic, which cannot wrap, lets the compiler see consecutive lanes.
  const T& at(int row, int lane) const {
    return unpacked[static_cast<std::int64_t>(row) * LANES + lane];
  }
#endif

  T cut(int row, int lane) const {
#pragma HLS INLINE
    const word shifted = packed[row][lane / PER_WORD] >> ((lane % PER_WORD) * element_bits);
    return element<T>::from_bits(ap_uint<element_bits>(shifted));
  }
};

// BANKS memories of DEPTH elements, each with its own read port and address.
// Emit as: static const Banks<...> name = {{{..}, ..}};
// with ARRAY_PARTITION variable=name.data complete dim=1 where it is used.
template <class T, int BANKS, int DEPTH> struct Banks {
  typedef typename rom_word<element<T>::bits>::type word;
  word data[BANKS][DEPTH];
#ifdef FPGACOMP_CSIM
  mutable Made made = {};
#endif

  T at(int bank, int row) const {
#pragma HLS INLINE
    return element<T>::from_bits(ap_uint<element<T>::bits>(data[bank][row]));
  }
};

}  // namespace fpgacomp

#endif
