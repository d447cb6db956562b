// For C-simulation on native integers: the integers of ap_int.h, and names for what is not used.
//
// hls4ml's headers speak of fractions, the designs never compute with one: every type that is
// emitted is an integer. A fraction is therefore an empty type here, and code that computes with
// one does not compile.
#ifndef FPGACOMP_CSIM_AP_FIXED_H
#define FPGACOMP_CSIM_AP_FIXED_H

#include <ap_int.h>

enum ap_q_mode { AP_RND, AP_RND_ZERO, AP_RND_MIN_INF, AP_RND_INF, AP_RND_CONV, AP_TRN, AP_TRN_ZERO };
enum ap_o_mode { AP_SAT, AP_SAT_ZERO, AP_SAT_SYM, AP_WRAP, AP_WRAP_SM };

template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0> struct ap_fixed {};
template <int W, int I, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP, int N = 0> struct ap_ufixed {};

#endif
