/* The operators of a software side, one number at a time, as numpy computes them.
 *
 * Names end in the type: f64, f32, i64, i32, u8, i8, and b8 for a truth value, a uint8_t that is 0
 * or 1. Whatever IEEE 754 rounds correctly is the same to the bit; exponentials and the like are
 * the C library's and may differ in the last bits. Whole numbers wrap.
 */
#ifndef FPGACOMP_OPS_H
#define FPGACOMP_OPS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "compile without -ffast-math: the software side rounds as IEEE 754 says"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || DBL_MANT_DIG != 53
#error "float and double are not those of IEEE 754"
#endif
#if FLT_EVAL_METHOD != 0
#error "the compiler computes with excess precision: compile with -msse2 -mfpmath=sse, or the like"
#endif

#define FPGACOMP_FN static inline

/* Rounding to the nearest, ties to even, whatever the processor's rounding mode is. The
 * subtraction is exact: both lie on the grid of x, and the difference is smaller. */
FPGACOMP_FN double fpgacomp_round_f64(double x) {
  const double size = fabs(x);
  double below, rest;
  if (!(size < 4503599627370496.0)) return x; /* whole, infinite or NaN */
  below = floor(size);
  rest = size - below;
  if (rest > 0.5 || (rest >= 0.5 && fmod(below, 2.0) > 0.0)) below += 1.0;
  return copysign(below, x);
}
FPGACOMP_FN float fpgacomp_round_f32(float x) {
  const float size = fabsf(x);
  float below, rest;
  if (!(size < 8388608.0f)) return x;
  below = floorf(size);
  rest = size - below;
  if (rest > 0.5f || (rest >= 0.5f && fmodf(below, 2.0f) > 0.0f)) below += 1.0f;
  return copysignf(below, x);
}

/* Numbers to whole numbers, towards 0. C leaves open what lies outside of the type, and numpy
 * does; here that is the type's end, and 0 for NaN. */
#define FPGACOMP_FLOAT_TO(T, t, F, f, LOW, ABOVE, LEAST, MOST) \
  FPGACOMP_FN T fpgacomp_cast_##f##_##t(F x) {                 \
    if (x >= ABOVE) return MOST;                               \
    if (x <= LOW) return LEAST;                                \
    return x > LOW ? (T)x : (T)0;                              \
  }
FPGACOMP_FLOAT_TO(int64_t, i64, double, f64, -9223372036854775808.0, 9223372036854775808.0, INT64_MIN, INT64_MAX)
FPGACOMP_FLOAT_TO(int64_t, i64, float, f32, -9223372036854775808.0f, 9223372036854775808.0f, INT64_MIN, INT64_MAX)
FPGACOMP_FLOAT_TO(int32_t, i32, double, f64, -2147483649.0, 2147483648.0, INT32_MIN, INT32_MAX)
FPGACOMP_FLOAT_TO(int32_t, i32, float, f32, -2147483648.0f, 2147483648.0f, INT32_MIN, INT32_MAX)
FPGACOMP_FLOAT_TO(int8_t, i8, double, f64, -129.0, 128.0, INT8_MIN, INT8_MAX)
FPGACOMP_FLOAT_TO(int8_t, i8, float, f32, -129.0f, 128.0f, INT8_MIN, INT8_MAX)
FPGACOMP_FLOAT_TO(uint8_t, u8, double, f64, -1.0, 256.0, 0, UINT8_MAX)
FPGACOMP_FLOAT_TO(uint8_t, u8, float, f32, -1.0f, 256.0f, 0, UINT8_MAX)

#define FPGACOMP_CAST(T, t, F, f) \
  FPGACOMP_FN T fpgacomp_cast_##f##_##t(F x) { return (T)x; }
#define FPGACOMP_CAST_WHOLE(T, t)     \
  FPGACOMP_CAST(T, t, int64_t, i64)   \
  FPGACOMP_CAST(T, t, int32_t, i32)   \
  FPGACOMP_CAST(T, t, uint8_t, u8)    \
  FPGACOMP_CAST(T, t, int8_t, i8)     \
  FPGACOMP_CAST(T, t, uint8_t, b8)
FPGACOMP_CAST_WHOLE(int64_t, i64)
FPGACOMP_CAST_WHOLE(int32_t, i32)
FPGACOMP_CAST_WHOLE(uint8_t, u8)
FPGACOMP_CAST_WHOLE(int8_t, i8)
FPGACOMP_CAST_WHOLE(float, f32)
FPGACOMP_CAST_WHOLE(double, f64)
FPGACOMP_CAST(float, f32, float, f32)
FPGACOMP_CAST(double, f64, float, f32)
FPGACOMP_CAST(float, f32, double, f64)
FPGACOMP_CAST(double, f64, double, f64)

/* What a number becomes as a truth value; NaN is true. */
#define FPGACOMP_TRUTH(F, f) \
  FPGACOMP_FN uint8_t fpgacomp_cast_##f##_b8(F x) { return (uint8_t)(x != (F)0); }
FPGACOMP_TRUTH(double, f64)
FPGACOMP_TRUTH(float, f32)
FPGACOMP_TRUTH(int64_t, i64)
FPGACOMP_TRUTH(int32_t, i32)
FPGACOMP_TRUTH(uint8_t, u8)
FPGACOMP_TRUTH(int8_t, i8)
FPGACOMP_TRUTH(uint8_t, b8)

/* Of every type: comparisons, of which the greater and the smaller are made, and choices. NaN wins
 * over a number, and the first NaN over the second. */
#define FPGACOMP_ORDER(T, t)                                                                          \
  FPGACOMP_FN uint8_t fpgacomp_greater_##t(T a, T b) { return (uint8_t)(a > b); }                     \
  FPGACOMP_FN uint8_t fpgacomp_greater_or_equal_##t(T a, T b) { return (uint8_t)(a >= b); }           \
  FPGACOMP_FN uint8_t fpgacomp_less_##t(T a, T b) { return (uint8_t)(a < b); }                        \
  FPGACOMP_FN uint8_t fpgacomp_less_or_equal_##t(T a, T b) { return (uint8_t)(a <= b); }              \
  FPGACOMP_FN T fpgacomp_max_##t(T a, T b) { return a >= b || !(a >= a) ? a : b; }                    \
  FPGACOMP_FN T fpgacomp_min_##t(T a, T b) { return a <= b || !(a <= a) ? a : b; }                    \
  FPGACOMP_FN T fpgacomp_clip_##t(T x, T low, T high) {                                               \
    return fpgacomp_min_##t(fpgacomp_max_##t(x, low), high);                                          \
  }                                                                                                   \
  FPGACOMP_FN T fpgacomp_relu_##t(T x) { return fpgacomp_max_##t(x, (T)0); }                          \
  /* The position of the greatest along an axis: the first of several, or the last. */                \
  FPGACOMP_FN void fpgacomp_arg_max_##t(const T *x, int64_t *y, size_t outer, size_t length,          \
                                        size_t inner, int last) {                                     \
    size_t o, i, k;                                                                                   \
    for (o = 0; o < outer; ++o) {                                                                     \
      for (i = 0; i < inner; ++i) {                                                                   \
        const T *row = x + o * length * inner + i;                                                    \
        size_t best = last ? length - 1 : 0;                                                          \
        for (k = 1; k < length; ++k) {                                                                \
          const size_t at = last ? length - 1 - k : k;                                                \
          const T value = row[at * inner], most = row[best * inner];                                  \
          if (value > most || (!(value >= value) && most >= most)) best = at;                         \
        }                                                                                             \
        y[o * inner + i] = (int64_t)best;                                                             \
      }                                                                                               \
    }                                                                                                 \
  }
FPGACOMP_ORDER(double, f64)
FPGACOMP_ORDER(float, f32)
FPGACOMP_ORDER(int64_t, i64)
FPGACOMP_ORDER(int32_t, i32)
FPGACOMP_ORDER(uint8_t, u8)
FPGACOMP_ORDER(int8_t, i8)

/* Of every type, with truth values: moving numbers about. */
#define FPGACOMP_MOVE(T, t)                                                                           \
  FPGACOMP_FN T fpgacomp_where_##t(uint8_t condition, T a, T b) { return condition ? a : b; }         \
  FPGACOMP_FN void fpgacomp_gather_##t(const T *x, const int32_t *index, T *y, size_t outer,          \
                                       size_t length, size_t count, size_t inner) {                   \
    size_t o, k;                                                                                      \
    for (o = 0; o < outer; ++o) {                                                                     \
      for (k = 0; k < count; ++k) {                                                                   \
        memcpy(y + (o * count + k) * inner, x + (o * length + (size_t)index[k]) * inner,              \
               inner * sizeof(T));                                                                    \
      }                                                                                               \
    }                                                                                                 \
  }                                                                                                   \
  /* One part of a concatenation: `part` of each `whole` numbers, from `offset` on. */                \
  FPGACOMP_FN void fpgacomp_place_##t(const T *x, T *y, size_t outer, size_t part, size_t whole,      \
                                      size_t offset) {                                                \
    size_t o;                                                                                         \
    for (o = 0; o < outer; ++o) memcpy(y + o * whole + offset, x + o * part, part * sizeof(T));       \
  }
FPGACOMP_MOVE(double, f64)
FPGACOMP_MOVE(float, f32)
FPGACOMP_MOVE(int64_t, i64)
FPGACOMP_MOVE(int32_t, i32)
FPGACOMP_MOVE(uint8_t, u8)
FPGACOMP_MOVE(int8_t, i8)
FPGACOMP_MOVE(uint8_t, b8)

/* Whole numbers, modulo 2 to their width: computed without a sign, where nothing overflows. */
#define FPGACOMP_WHOLE(T, t, W)                                                                \
  FPGACOMP_FN T fpgacomp_add_##t(T a, T b) { return (T)((W)a + (W)b); }                        \
  FPGACOMP_FN T fpgacomp_sub_##t(T a, T b) { return (T)((W)a - (W)b); }                        \
  FPGACOMP_FN T fpgacomp_mul_##t(T a, T b) { return (T)((W)a * (W)b); }                        \
  FPGACOMP_FN T fpgacomp_neg_##t(T x) { return (T)((W)0 - (W)x); }                             \
  FPGACOMP_FN T fpgacomp_abs_##t(T x) { return x > 0 ? x : fpgacomp_neg_##t(x); }              \
  FPGACOMP_FN T fpgacomp_sign_##t(T x) { return (T)((x > 0) - !(x >= 0)); }
FPGACOMP_WHOLE(int64_t, i64, uint64_t)
FPGACOMP_WHOLE(int32_t, i32, uint32_t)
FPGACOMP_WHOLE(int8_t, i8, uint32_t)
FPGACOMP_FN uint8_t fpgacomp_add_u8(uint8_t a, uint8_t b) { return (uint8_t)(a + b); }
FPGACOMP_FN uint8_t fpgacomp_sub_u8(uint8_t a, uint8_t b) { return (uint8_t)(a - b); }
FPGACOMP_FN uint8_t fpgacomp_mul_u8(uint8_t a, uint8_t b) { return (uint8_t)(a * b); }
FPGACOMP_FN uint8_t fpgacomp_neg_u8(uint8_t x) { return (uint8_t)(0 - x); }
FPGACOMP_FN uint8_t fpgacomp_abs_u8(uint8_t x) { return x; }
FPGACOMP_FN uint8_t fpgacomp_sign_u8(uint8_t x) { return (uint8_t)(x > 0); }

/* Numbers with a point; `s` is the ending of the C library's functions. */
#define FPGACOMP_REAL(T, t, s)                                                                        \
  FPGACOMP_FN T fpgacomp_add_##t(T a, T b) { return a + b; }                                          \
  FPGACOMP_FN T fpgacomp_sub_##t(T a, T b) { return a - b; }                                          \
  FPGACOMP_FN T fpgacomp_mul_##t(T a, T b) { return a * b; }                                          \
  FPGACOMP_FN T fpgacomp_div_##t(T a, T b) { return a / b; }                                          \
  FPGACOMP_FN T fpgacomp_neg_##t(T x) { return -x; }                                                  \
  FPGACOMP_FN T fpgacomp_abs_##t(T x) { return fabs##s(x); }                                          \
  FPGACOMP_FN T fpgacomp_sign_##t(T x) { return x > 0 ? (T)1 : x < 0 ? (T)-1 : x + (T)0; }            \
  FPGACOMP_FN T fpgacomp_floor_##t(T x) { return floor##s(x); }                                       \
  FPGACOMP_FN T fpgacomp_ceil_##t(T x) { return ceil##s(x); }                                         \
  FPGACOMP_FN T fpgacomp_sqrt_##t(T x) { return sqrt##s(x); }                                         \
  FPGACOMP_FN T fpgacomp_exp_##t(T x) { return exp##s(x); }                                           \
  FPGACOMP_FN T fpgacomp_log_##t(T x) { return log##s(x); }                                           \
  FPGACOMP_FN T fpgacomp_tanh_##t(T x) { return tanh##s(x); }                                         \
  FPGACOMP_FN T fpgacomp_erf_##t(T x) { return (T)erf((double)x); }                                   \
  /* Each half uses the power that does not overflow. */                                              \
  FPGACOMP_FN T fpgacomp_sigmoid_##t(T x) {                                                           \
    const T power = exp##s(-fabs##s(x));                                                              \
    return x >= 0 ? (T)1 / ((T)1 + power) : power / ((T)1 + power);                                   \
  }                                                                                                   \
  /* The greatest of a row, and the sum of its powers below that. */                                  \
  FPGACOMP_FN T fpgacomp_row_max_##t(const T *row, size_t length, size_t inner) {                     \
    T most = row[0];                                                                                  \
    size_t k;                                                                                         \
    for (k = 1; k < length; ++k) most = fpgacomp_max_##t(most, row[k * inner]);                       \
    return most;                                                                                      \
  }                                                                                                   \
  FPGACOMP_FN T fpgacomp_row_powers_##t(const T *row, T most, size_t length, size_t inner) {          \
    T sum = 0;                                                                                        \
    size_t k;                                                                                         \
    for (k = 0; k < length; ++k) sum += exp##s(row[k * inner] - most);                                \
    return sum;                                                                                       \
  }                                                                                                   \
  FPGACOMP_FN void fpgacomp_softmax_##t(const T *x, T *y, size_t outer, size_t length, size_t inner) { \
    size_t o, i, k;                                                                                   \
    for (o = 0; o < outer; ++o) {                                                                     \
      for (i = 0; i < inner; ++i) {                                                                   \
        const size_t at = o * length * inner + i;                                                     \
        const T most = fpgacomp_row_max_##t(x + at, length, inner);                                   \
        const T sum = fpgacomp_row_powers_##t(x + at, most, length, inner);                           \
        for (k = 0; k < length; ++k) y[at + k * inner] = exp##s(x[at + k * inner] - most) / sum;      \
      }                                                                                               \
    }                                                                                                 \
  }                                                                                                   \
  FPGACOMP_FN void fpgacomp_log_softmax_##t(const T *x, T *y, size_t outer, size_t length,            \
                                            size_t inner) {                                           \
    size_t o, i, k;                                                                                   \
    for (o = 0; o < outer; ++o) {                                                                     \
      for (i = 0; i < inner; ++i) {                                                                   \
        const size_t at = o * length * inner + i;                                                     \
        const T most = fpgacomp_row_max_##t(x + at, length, inner);                                   \
        const T sum = log##s(fpgacomp_row_powers_##t(x + at, most, length, inner));                   \
        for (k = 0; k < length; ++k) y[at + k * inner] = x[at + k * inner] - most - sum;              \
      }                                                                                               \
    }                                                                                                 \
  }                                                                                                   \
  /* Whether all numbers are finite. */                                                               \
  FPGACOMP_FN int fpgacomp_valid_##t(const T *x, size_t count) {                                     \
    size_t k;                                                                                         \
    for (k = 0; k < count; ++k) {                                                                     \
      if (!(x[k] - x[k] >= 0)) return 0;                                                              \
    }                                                                                                 \
    return 1;                                                                                         \
  }
FPGACOMP_REAL(double, f64, )
FPGACOMP_REAL(float, f32, f)

/* Whether all truth values are 0 or 1. */
FPGACOMP_FN int fpgacomp_valid_b8(const uint8_t *x, size_t count) {
  size_t k;
  for (k = 0; k < count; ++k) {
    if (x[k] > 1) return 0;
  }
  return 1;
}

/* Containers of a frame: element k of `frame`, wherever that lies in memory. */
#define FPGACOMP_CONTAINER(T, t)                                                \
  FPGACOMP_FN int64_t fpgacomp_load_##t(const uint8_t *frame, size_t k) {       \
    T value;                                                                    \
    memcpy(&value, frame + k * sizeof value, sizeof value);                     \
    return (int64_t)value;                                                      \
  }                                                                             \
  FPGACOMP_FN void fpgacomp_store_##t(uint8_t *frame, size_t k, int64_t x) {    \
    const T value = (T)x;                                                       \
    memcpy(frame + k * sizeof value, &value, sizeof value);                     \
  }
FPGACOMP_CONTAINER(int8_t, i8)
FPGACOMP_CONTAINER(uint8_t, u8)
FPGACOMP_CONTAINER(int16_t, i16)
FPGACOMP_CONTAINER(uint16_t, u16)
FPGACOMP_CONTAINER(int32_t, i32)
FPGACOMP_CONTAINER(uint32_t, u32)
FPGACOMP_CONTAINER(int64_t, i64)
FPGACOMP_CONTAINER(uint64_t, u64)

#endif
