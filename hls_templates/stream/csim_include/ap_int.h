// ap_int<W>, ap_uint<W> with the interface and arithmetic of Vitis HLS, on native integers.
//
// For C-simulation with g++ (-std=c++14 or later) only: synthesis uses the vendor's header.
// Assignment keeps the low W bits (two's complement); results of operators are as wide as
// UG1399 states, so no intermediate overflows. W is at most 128; wider is a compile error.
#ifndef FPGACOMP_CSIM_AP_INT_H
#define FPGACOMP_CSIM_AP_INT_H

#define FPGACOMP_LIGHT_AP_INT 1

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <type_traits>

namespace apsim {

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

constexpr int max_of(int a, int b) { return a > b ? a : b; }
constexpr int min_of(int a, int b) { return a < b ? a : b; }
constexpr int storage_bits(int width) {
  return width <= 8 ? 8 : width <= 16 ? 16 : width <= 32 ? 32 : width <= 64 ? 64 : 128;
}

// The native integer that holds W bits.
template <int BITS, bool SIGNED> struct native;
template <> struct native<8, true> { typedef int8_t type; };
template <> struct native<8, false> { typedef uint8_t type; };
template <> struct native<16, true> { typedef int16_t type; };
template <> struct native<16, false> { typedef uint16_t type; };
template <> struct native<32, true> { typedef int32_t type; };
template <> struct native<32, false> { typedef uint32_t type; };
template <> struct native<64, true> { typedef int64_t type; };
template <> struct native<64, false> { typedef uint64_t type; };
template <> struct native<128, true> { typedef int128 type; };
template <> struct native<128, false> { typedef uint128 type; };

// Width and sign of a C++ integer type as an operand, as the vendor's header sees it.
template <class T> struct native_traits {
  static constexpr int width = std::is_same<T, bool>::value ? 1 : 8 * int(sizeof(T));
  static constexpr bool is_signed = std::is_signed<T>::value;
};
template <class T> using if_integral =
    typename std::enable_if<std::is_integral<T>::value, int>::type;

}  // namespace apsim

template <int W, bool S> struct ap_int_base;
template <int W> struct ap_int;
template <int W> struct ap_uint;

namespace apsim {

template <int W1, bool S1, int W2, bool S2> struct result {
  static constexpr int extended1 = W1 + (S2 && !S1);
  static constexpr int extended2 = W2 + (S1 && !S2);
  typedef ap_int_base<W1 + W2, (S1 || S2)> mult;
  typedef ap_int_base<max_of(extended1, extended2) + 1, (S1 || S2)> plus;
  typedef ap_int_base<max_of(extended1, extended2) + 1, true> minus;
  typedef ap_int_base<W1 + (S2 ? 1 : 0), (S1 || S2)> div;
  typedef ap_int_base<min_of(W1, W2 + (!S2 && S1)), S1> mod;
  typedef ap_int_base<max_of(extended1, extended2), (S1 || S2)> logic;
};

}  // namespace apsim

// One bit of an integer, readable and assignable.
template <int W, bool S> class ap_bit_ref {
 public:
  ap_bit_ref(ap_int_base<W, S>& owner, int index) : owner_(owner), index_(index) {}
  operator bool() const { return owner_.test(index_); }
  bool to_bool() const { return owner_.test(index_); }
  ap_bit_ref& operator=(unsigned long long bit) {
    owner_.set_bit(index_, (bit & 1) != 0);
    return *this;
  }
  ap_bit_ref& operator=(const ap_bit_ref& other) { return *this = (unsigned long long)(bool)other; }

 private:
  ap_int_base<W, S>& owner_;
  int index_;
};

// Bits high..low of an integer, readable as an unsigned number and assignable.
template <int W, bool S> class ap_range_ref {
 public:
  typedef ap_int_base<W, false> value_type;
  ap_range_ref(ap_int_base<W, S>& owner, int high, int low)
      : owner_(owner), high_(high), low_(low) {}
  int length() const { return high_ - low_ + 1; }
  value_type get() const { return owner_.slice(high_, low_); }
  operator value_type() const { return get(); }
  operator unsigned long long() const { return get().to_uint64(); }
  unsigned to_uint() const { return get().to_uint(); }
  int to_int() const { return get().to_int(); }
  uint64_t to_uint64() const { return get().to_uint64(); }
  template <class T, apsim::if_integral<T> = 0> ap_range_ref& operator=(T value) {
    owner_.set_slice(high_, low_, static_cast<apsim::uint128>(value));
    return *this;
  }
  template <int W2, bool S2> ap_range_ref& operator=(const ap_int_base<W2, S2>& value) {
    owner_.set_slice(high_, low_, static_cast<apsim::uint128>(value.v));
    return *this;
  }
  template <int W2, bool S2> ap_range_ref& operator=(const ap_range_ref<W2, S2>& value) {
    return *this = value.get();
  }
  ap_range_ref& operator=(const ap_range_ref& value) { return *this = value.get(); }

 private:
  ap_int_base<W, S>& owner_;
  int high_, low_;
};

template <int W, bool S> struct ap_int_base {
  static_assert(W >= 1 && W <= 128, "this C-simulation header carries 1 to 128 bits");
  static constexpr int width = W;
  static constexpr int store = apsim::storage_bits(W);
  typedef typename apsim::native<store, S>::type storage;
  typedef typename apsim::native<store, false>::type unsigned_storage;
  // What it converts to where a C++ integer is wanted.
  typedef typename apsim::native<apsim::max_of(apsim::min_of(store, 64), 32), S>::type plain;

  storage v;

  ap_int_base() = default;
  template <class T, apsim::if_integral<T> = 0> constexpr ap_int_base(T value)
      : v(wrap(static_cast<unsigned_storage>(value))) {}
  constexpr ap_int_base(apsim::int128 value) : v(wrap(static_cast<unsigned_storage>(value))) {}
  constexpr ap_int_base(apsim::uint128 value) : v(wrap(static_cast<unsigned_storage>(value))) {}
  constexpr ap_int_base(double value)
      : v(wrap(static_cast<unsigned_storage>(static_cast<apsim::int128>(value)))) {}
  template <int W2, bool S2> constexpr ap_int_base(const ap_int_base<W2, S2>& other)
      : v(wrap(static_cast<unsigned_storage>(other.v))) {}
  template <int W2, bool S2> ap_int_base(const ap_range_ref<W2, S2>& other)
      : ap_int_base(other.get()) {}

  // The low W bits, sign-extended into the storage of a signed number.
  static constexpr storage wrap(unsigned_storage bits) {
    return W == store ? static_cast<storage>(bits)
           : S        ? static_cast<storage>(
                     static_cast<storage>(static_cast<unsigned_storage>(bits << (store - W))) >>
                     (store - W))
                      : static_cast<storage>(
                            bits & static_cast<unsigned_storage>(
                                       static_cast<unsigned_storage>(~unsigned_storage(0)) >>
                                       (store - W)));
  }

  constexpr operator plain() const { return static_cast<plain>(v); }
  constexpr int length() const { return W; }
  constexpr bool to_bool() const { return v != 0; }
  constexpr int to_int() const { return static_cast<int>(v); }
  constexpr unsigned to_uint() const { return static_cast<unsigned>(v); }
  constexpr long to_long() const { return static_cast<long>(v); }
  constexpr long long to_int64() const { return static_cast<long long>(v); }
  constexpr unsigned long long to_uint64() const { return static_cast<unsigned long long>(v); }
  constexpr double to_double() const { return static_cast<double>(v); }

  bool test(int index) const { return ((bits() >> index) & 1) != 0; }
  bool get_bit(int index) const { return test(index); }
  void set_bit(int index, bool bit) {
    const unsigned_storage mask = static_cast<unsigned_storage>(unsigned_storage(1) << index);
    v = wrap(static_cast<unsigned_storage>(bit ? (bits() | mask) : (bits() & ~mask)));
  }
  ap_int_base<W, false> slice(int high, int low) const {
    const apsim::uint128 shifted = apsim::uint128(bits() & full()) >> low;
    return ap_int_base<W, false>(shifted & low_mask(high - low + 1));
  }
  void set_slice(int high, int low, apsim::uint128 value) {
    const apsim::uint128 mask = low_mask(high - low + 1);
    const apsim::uint128 kept = apsim::uint128(bits()) & ~(mask << low);
    v = wrap(static_cast<unsigned_storage>(kept | ((value & mask) << low)));
  }
  ap_range_ref<W, S> range(int high, int low) { return ap_range_ref<W, S>(*this, high, low); }
  ap_int_base<W, false> range(int high, int low) const { return slice(high, low); }
  ap_range_ref<W, S> range() { return range(W - 1, 0); }
  ap_range_ref<W, S> operator()(int high, int low) { return range(high, low); }
  ap_int_base<W, false> operator()(int high, int low) const { return slice(high, low); }
  ap_bit_ref<W, S> operator[](int index) { return ap_bit_ref<W, S>(*this, index); }
  bool operator[](int index) const { return test(index); }

  ap_int_base<W + 1, true> operator-() const {
    return ap_int_base<W + 1, true>(ap_int_base<1, false>(0) - *this);
  }
  ap_int_base operator+() const { return *this; }
  ap_int_base operator~() const {
    return from_bits(static_cast<unsigned_storage>(~bits()));
  }
  bool operator!() const { return v == 0; }
  ap_int_base& operator++() { return *this += 1; }
  ap_int_base& operator--() { return *this -= 1; }
  ap_int_base operator++(int) { const ap_int_base old = *this; *this += 1; return old; }
  ap_int_base operator--(int) { const ap_int_base old = *this; *this -= 1; return old; }

  // A negative distance shifts the other way; a distance past the width leaves no bit.
  ap_int_base shifted_left(long long distance) const {
    if (distance < 0) return shifted_right(-distance);
    if (distance >= W) return ap_int_base(0);
    return from_bits(static_cast<unsigned_storage>(bits() << distance));
  }
  ap_int_base shifted_right(long long distance) const {
    if (distance < 0) return shifted_left(-distance);
    if (distance >= W) return ap_int_base(v < 0 ? -1 : 0);
    return ap_int_base(static_cast<storage>(v >> distance));
  }

#define APSIM_COMPOUND(OP) \
  template <class T> ap_int_base& operator OP##=(const T& other) { \
    return *this = ap_int_base(*this OP other); \
  }
  APSIM_COMPOUND(+) APSIM_COMPOUND(-) APSIM_COMPOUND(*) APSIM_COMPOUND(/) APSIM_COMPOUND(%)
  APSIM_COMPOUND(&) APSIM_COMPOUND(|) APSIM_COMPOUND(^) APSIM_COMPOUND(<<) APSIM_COMPOUND(>>)
#undef APSIM_COMPOUND

 private:
  constexpr unsigned_storage bits() const { return static_cast<unsigned_storage>(v); }
  static constexpr unsigned_storage full() {
    return static_cast<unsigned_storage>(static_cast<unsigned_storage>(~unsigned_storage(0)) >>
                                         (store - W));
  }
  static apsim::uint128 low_mask(int width) {
    return width >= 128 ? ~apsim::uint128(0) : (apsim::uint128(1) << width) - 1;
  }
  static ap_int_base from_bits(unsigned_storage raw) {
    ap_int_base result;
    result.v = wrap(raw);
    return result;
  }
};

template <int W> struct ap_int : ap_int_base<W, true> {
  typedef ap_int_base<W, true> base;
  ap_int() = default;
  template <class T, apsim::if_integral<T> = 0> constexpr ap_int(T value) : base(value) {}
  constexpr ap_int(double value) : base(value) {}
  template <int W2, bool S2> constexpr ap_int(const ap_int_base<W2, S2>& other) : base(other) {}
  template <int W2, bool S2> ap_int(const ap_range_ref<W2, S2>& other) : base(other) {}
};

template <int W> struct ap_uint : ap_int_base<W, false> {
  typedef ap_int_base<W, false> base;
  ap_uint() = default;
  template <class T, apsim::if_integral<T> = 0> constexpr ap_uint(T value) : base(value) {}
  constexpr ap_uint(double value) : base(value) {}
  template <int W2, bool S2> constexpr ap_uint(const ap_int_base<W2, S2>& other) : base(other) {}
  template <int W2, bool S2> ap_uint(const ap_range_ref<W2, S2>& other) : base(other) {}
};

#define APSIM_HEAD template <int W1, bool S1, int W2, bool S2>
#define APSIM_ARGUMENTS const ap_int_base<W1, S1>&a, const ap_int_base<W2, S2>&b

// The result type is wide enough for every value, so its storage computes it without overflow.
#define APSIM_ARITHMETIC(OP, KIND) \
  APSIM_HEAD inline typename apsim::result<W1, S1, W2, S2>::KIND operator OP(APSIM_ARGUMENTS) { \
    typedef typename apsim::result<W1, S1, W2, S2>::KIND type; \
    typedef typename type::unsigned_storage word; \
    type result; \
    result.v = type::wrap(static_cast<word>(static_cast<word>(a.v) OP static_cast<word>(b.v))); \
    return result; \
  }
// uint16_t * uint16_t would promote to int and overflow it: products go through 32 bits or more.
#define APSIM_PRODUCT \
  APSIM_HEAD inline typename apsim::result<W1, S1, W2, S2>::mult operator*(APSIM_ARGUMENTS) { \
    typedef typename apsim::result<W1, S1, W2, S2>::mult type; \
    typedef typename apsim::native<apsim::max_of(type::store, 32), false>::type word; \
    type result; \
    result.v = type::wrap(static_cast<typename type::unsigned_storage>( \
        static_cast<word>(a.v) * static_cast<word>(b.v))); \
    return result; \
  }
APSIM_PRODUCT
APSIM_ARITHMETIC(+, plus)
APSIM_ARITHMETIC(-, minus)
APSIM_ARITHMETIC(&, logic)
APSIM_ARITHMETIC(|, logic)
APSIM_ARITHMETIC(^, logic)
#undef APSIM_ARITHMETIC
#undef APSIM_PRODUCT

APSIM_HEAD inline typename apsim::result<W1, S1, W2, S2>::div operator/(APSIM_ARGUMENTS) {
  static_assert(S1 == S2, "divide operands of one sign");
  typedef typename apsim::result<W1, S1, W2, S2>::div type;
  typedef typename apsim::native<
      apsim::storage_bits(apsim::min_of(128, apsim::max_of(W1, W2) + 1)), S1>::type word;
  return type(static_cast<word>(static_cast<word>(a.v) / static_cast<word>(b.v)));
}
APSIM_HEAD inline typename apsim::result<W1, S1, W2, S2>::mod operator%(APSIM_ARGUMENTS) {
  static_assert(S1 == S2, "divide operands of one sign");
  typedef typename apsim::result<W1, S1, W2, S2>::mod type;
  typedef typename apsim::native<apsim::storage_bits(apsim::max_of(W1, W2)), S1>::type word;
  return type(static_cast<word>(static_cast<word>(a.v) % static_cast<word>(b.v)));
}

// Comparison follows C's rule for operands of different sign, as the vendor's header does: the
// signed one counts as unsigned where the other is at least as wide (and one has 32 bits or more).
namespace apsim {
template <int W1, bool S1, int W2, bool S2> struct comparison {
  static constexpr bool as_unsigned =
      S1 != S2 && (W1 >= 32 || W2 >= 32) && (S1 ? W2 >= W1 : W1 >= W2);
  typedef typename native<storage_bits(min_of(128, max_of(W1, W2) + 1)),
                          as_unsigned ? false : (S1 || S2)>::type type;
  typedef ap_int_base<max_of(max_of(W1, W2), 32), false> pattern;  // what == compares
};
}  // namespace apsim

#define APSIM_ORDER(OP) \
  APSIM_HEAD constexpr bool operator OP(APSIM_ARGUMENTS) { \
    typedef typename apsim::comparison<W1, S1, W2, S2>::type word; \
    return static_cast<word>(a.v) OP static_cast<word>(b.v); \
  }
APSIM_ORDER(<) APSIM_ORDER(<=) APSIM_ORDER(>) APSIM_ORDER(>=)
#undef APSIM_ORDER
APSIM_HEAD constexpr bool operator==(APSIM_ARGUMENTS) {
  typedef typename apsim::comparison<W1, S1, W2, S2>::pattern pattern;
  return pattern(a).v == pattern(b).v;
}
APSIM_HEAD constexpr bool operator!=(APSIM_ARGUMENTS) { return !(a == b); }

APSIM_HEAD inline ap_int_base<W1, S1> operator<<(APSIM_ARGUMENTS) {
  return a.shifted_left(static_cast<long long>(b.v));
}
APSIM_HEAD inline ap_int_base<W1, S1> operator>>(APSIM_ARGUMENTS) {
  return a.shifted_right(static_cast<long long>(b.v));
}
template <int W, bool S, class T, apsim::if_integral<T> = 0>
inline ap_int_base<W, S> operator<<(const ap_int_base<W, S>& a, T distance) {
  return a.shifted_left(static_cast<long long>(distance));
}
template <int W, bool S, class T, apsim::if_integral<T> = 0>
inline ap_int_base<W, S> operator>>(const ap_int_base<W, S>& a, T distance) {
  return a.shifted_right(static_cast<long long>(distance));
}

// A plain C++ integer is an operand of its own width and sign.
#define APSIM_WITH_NATIVE(OP) \
  template <int W, bool S, class T, apsim::if_integral<T> = 0> \
  inline auto operator OP(const ap_int_base<W, S>& a, T b) { \
    typedef apsim::native_traits<T> traits; \
    return a OP ap_int_base<traits::width, traits::is_signed>(b); \
  } \
  template <int W, bool S, class T, apsim::if_integral<T> = 0> \
  inline auto operator OP(T a, const ap_int_base<W, S>& b) { \
    typedef apsim::native_traits<T> traits; \
    return ap_int_base<traits::width, traits::is_signed>(a) OP b; \
  }
APSIM_WITH_NATIVE(*) APSIM_WITH_NATIVE(+) APSIM_WITH_NATIVE(-) APSIM_WITH_NATIVE(/)
APSIM_WITH_NATIVE(%) APSIM_WITH_NATIVE(&) APSIM_WITH_NATIVE(|) APSIM_WITH_NATIVE(^)
APSIM_WITH_NATIVE(==) APSIM_WITH_NATIVE(!=) APSIM_WITH_NATIVE(<) APSIM_WITH_NATIVE(<=)
APSIM_WITH_NATIVE(>) APSIM_WITH_NATIVE(>=)
#undef APSIM_WITH_NATIVE
#undef APSIM_HEAD
#undef APSIM_ARGUMENTS

// A template over the stream's character, so that this header can do without <ostream>.
template <class CHAR, class TRAITS, int W, bool S>
inline std::basic_ostream<CHAR, TRAITS>& operator<<(std::basic_ostream<CHAR, TRAITS>& out,
                                                    const ap_int_base<W, S>& value) {
  apsim::uint128 magnitude = static_cast<apsim::uint128>(value.v);
  const bool negative = value.v < 0;
  if (negative) magnitude = -magnitude;
  char digits[42];
  char* first = digits + 41;
  *first = 0;
  do {
    *--first = char('0' + int(magnitude % 10));
    magnitude /= 10;
  } while (magnitude != 0);
  if (negative) *--first = '-';
  return out << first;
}

#endif
