#include <iostream>

#include "mlp.h"
#include "parameters.h"


void mlp(
    hls::stream<input_t> &x,
    hls::stream<result_t> &layer6_out
) {

    // hls-fpga-machine-learning insert IO
    #pragma HLS INTERFACE axis port=x,layer6_out 
    #pragma HLS DATAFLOW

    // hls-fpga-machine-learning insert load weights
#ifndef __SYNTHESIS__
    static bool loaded_weights = false;
    if (!loaded_weights) {
        nnet::load_weights_from_txt<fc1_weight_t, 48>(w2, "w2.txt");
        nnet::load_weights_from_txt<bias2_t, 8>(b2, "b2.txt");
        nnet::load_weights_from_txt<thresholds3_t, 56>(thresholds3, "thresholds3.txt");
        nnet::load_weights_from_txt<base3_t, 1>(base3, "base3.txt");
        nnet::load_weights_from_txt<step3_t, 1>(step3, "step3.txt");
        nnet::load_weights_from_txt<fc2_weight_t, 64>(w4, "w4.txt");
        nnet::load_weights_from_txt<bias4_t, 8>(b4, "b4.txt");
        nnet::load_weights_from_txt<multiplier5_t, 8>(multiplier5, "multiplier5.txt");
        nnet::load_weights_from_txt<offset5_t, 8>(offset5, "offset5.txt");
        nnet::load_weights_from_txt<fc3_weight_t, 40>(w6, "w6.txt");
        nnet::load_weights_from_txt<bias6_t, 5>(b6, "b6.txt");
        loaded_weights = true;    }
#endif
    // ****************************************
    // NETWORK INSTANTIATION
    // ****************************************

    // hls-fpga-machine-learning insert layers

    hls::stream<layer2_t> layer2_out("layer2_out");
    #pragma HLS STREAM variable=layer2_out depth=1

    hls::stream<layer3_t> layer3_out("layer3_out");
    #pragma HLS STREAM variable=layer3_out depth=1

    hls::stream<layer4_t> layer4_out("layer4_out");
    #pragma HLS STREAM variable=layer4_out depth=1

    hls::stream<layer5_t> layer5_out("layer5_out");
    #pragma HLS STREAM variable=layer5_out depth=1

    nnet::dense<input_t, layer2_t, config2>(x, layer2_out, w2, b2); // fc1
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer2_t>(layer2_out, "fc1", 8);
#endif

    fpgacomp::thresholds_folded<layer2_t, layer3_t, config3>(layer2_out, layer3_out, thresholds3, base3, step3); // act1
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer3_t>(layer3_out, "act1", 8);
#endif

    nnet::dense<layer3_t, layer4_t, config4>(layer3_out, layer4_out, w4, b4); // fc2
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer4_t>(layer4_out, "fc2", 8);
#endif

    fpgacomp::requantize<layer4_t, layer5_t, config5>(layer4_out, layer5_out, multiplier5, offset5); // act2
#ifndef __SYNTHESIS__
    nnet::save_layer_output<layer5_t>(layer5_out, "act2", 8);
#endif

    nnet::dense<layer5_t, result_t, config6>(layer5_out, layer6_out, w6, b6); // fc3
#ifndef __SYNTHESIS__
    nnet::save_layer_output<result_t>(layer6_out, "fc3", 5);
#endif

}

