#ifndef DEFINES_H_
#define DEFINES_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "nnet_utils/nnet_types.h"
#include <array>
#include <cstddef>
#include <cstdio>
#include <tuple>
#include <tuple>


// hls-fpga-machine-learning insert numbers

// hls-fpga-machine-learning insert layer-precision
typedef nnet::array<ap_int<4>, 6*1> input_t;
typedef ap_int<9> fc1_accum_t;
typedef nnet::array<ap_int<9>, 8*1> layer2_t;
typedef ap_int<4> fc1_weight_t;
typedef ap_uint<1> bias2_t;
typedef ap_uint<1> layer2_index;
typedef nnet::array<ap_uint<3>, 8*1> layer3_t;
typedef ap_int<9> thresholds3_t;
typedef ap_uint<1> base3_t;
typedef ap_uint<1> step3_t;
typedef ap_int<9> fc2_accum_t;
typedef nnet::array<ap_int<9>, 8*1> layer4_t;
typedef ap_int<4> fc2_weight_t;
typedef ap_uint<1> bias4_t;
typedef ap_uint<1> layer4_index;
typedef nnet::array<ap_uint<4>, 8*1> layer5_t;
typedef ap_uint<4> multiplier5_t;
typedef ap_int<6> offset5_t;
typedef ap_int<10> fc3_accum_t;
typedef nnet::array<ap_int<10>, 5*1> result_t;
typedef ap_int<4> fc3_weight_t;
typedef ap_uint<1> bias6_t;
typedef ap_uint<1> layer6_index;

// hls-fpga-machine-learning insert emulator-defines


#endif
