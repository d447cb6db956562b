#ifndef PARAMETERS_H_
#define PARAMETERS_H_

#include "ap_fixed.h"
#include "ap_int.h"

#include "nnet_utils/nnet_code_gen.h"
#include "nnet_utils/nnet_helpers.h"
// hls-fpga-machine-learning insert includes
#include "nnet_utils/fpgacomp_requantize.h"
#include "nnet_utils/fpgacomp_thresholds.h"
#include "nnet_utils/nnet_dense.h"
#include "nnet_utils/nnet_dense_compressed.h"
#include "nnet_utils/nnet_dense_stream.h"

// hls-fpga-machine-learning insert weights
#include "weights/w2.h"
#include "weights/b2.h"
#include "weights/thresholds3.h"
#include "weights/base3.h"
#include "weights/step3.h"
#include "weights/w4.h"
#include "weights/b4.h"
#include "weights/multiplier5.h"
#include "weights/offset5.h"
#include "weights/w6.h"
#include "weights/b6.h"


// hls-fpga-machine-learning insert layer-config
// fc1
struct config2 : nnet::dense_config {
    static const unsigned n_in = 6;
    static const unsigned n_out = 8;
    static const unsigned io_type = nnet::io_stream;
    static const unsigned strategy = nnet::resource;
    static const unsigned reuse_factor = 2;
    static const unsigned n_zeros = 4;
    static const unsigned n_nonzeros = 44;
    static const unsigned multiplier_limit = DIV_ROUNDUP(n_in * n_out, reuse_factor) - n_zeros / reuse_factor;
    static const bool store_weights_in_bram = false;
    typedef fc1_accum_t accum_t;
    typedef bias2_t bias_t;
    typedef fc1_weight_t weight_t;
    typedef layer2_index index_t;
    template<class data_T, class res_T, class CONFIG_T>
    using kernel = nnet::DenseResource_rf_leq_nin<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
};

// act1
struct config3 {
    static const unsigned reuse_factor = 4;
    static const unsigned n_pixels = 1;
    static const unsigned n_channels = 8;
    static const unsigned n_thresholds = 7;
    static const unsigned threshold_rows = 8;
    static const unsigned base_rows = 1;
    static const unsigned step_rows = 1;
    static const unsigned n_lanes = 2;
    static const unsigned n_groups = 4;
    static const unsigned n_passes = 1;
    typedef ap_uint<3> count_t;
    typedef thresholds3_t thresholds_t;
    typedef base3_t base_t;
    typedef step3_t step_t;
};

// fc2
struct config4 : nnet::dense_config {
    static const unsigned n_in = 8;
    static const unsigned n_out = 8;
    static const unsigned io_type = nnet::io_stream;
    static const unsigned strategy = nnet::resource;
    static const unsigned reuse_factor = 2;
    static const unsigned n_zeros = 5;
    static const unsigned n_nonzeros = 59;
    static const unsigned multiplier_limit = DIV_ROUNDUP(n_in * n_out, reuse_factor) - n_zeros / reuse_factor;
    static const bool store_weights_in_bram = false;
    typedef fc2_accum_t accum_t;
    typedef bias4_t bias_t;
    typedef fc2_weight_t weight_t;
    typedef layer4_index index_t;
    template<class data_T, class res_T, class CONFIG_T>
    using kernel = nnet::DenseResource_rf_leq_nin<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
};

// act2
struct config5 {
    static const unsigned reuse_factor = 1;
    static const unsigned n_pixels = 1;
    static const unsigned n_channels = 8;
    static const unsigned multiplier_rows = 8;
    static const unsigned offset_rows = 8;
    static const unsigned shift = 5;
    static const fpgacomp::rounding_mode rounding = fpgacomp::round_round;
    static const bool clip_lo = true;
    static const bool clip_hi = true;
    static const unsigned lo = 0;
    static const unsigned hi = 15;
    static const unsigned zero_point = 0;
    typedef ap_int<12> product_t;
    typedef multiplier5_t multiplier_t;
    typedef offset5_t offset_t;
};

// fc3
struct config6 : nnet::dense_config {
    static const unsigned n_in = 8;
    static const unsigned n_out = 5;
    static const unsigned io_type = nnet::io_stream;
    static const unsigned strategy = nnet::resource;
    static const unsigned reuse_factor = 2;
    static const unsigned n_zeros = 3;
    static const unsigned n_nonzeros = 37;
    static const unsigned multiplier_limit = DIV_ROUNDUP(n_in * n_out, reuse_factor) - n_zeros / reuse_factor;
    static const bool store_weights_in_bram = false;
    typedef fc3_accum_t accum_t;
    typedef bias6_t bias_t;
    typedef fc3_weight_t weight_t;
    typedef layer6_index index_t;
    template<class data_T, class res_T, class CONFIG_T>
    using kernel = nnet::DenseResource_rf_leq_nin<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T>
    using product = nnet::product::mult<x_T, y_T>;
};



#endif
