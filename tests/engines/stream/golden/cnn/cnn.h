// Streaming design of cnn
#pragma once

#include "fpgacomp/stream.hpp"

// x [8, 8, 2], uint4[0..15]: 128 elements a frame in containers of 8 bits, 2 a beat.
typedef fpgacomp::Beat<8, 2> in0_x_beat;
// fc [5], int11[-806..799]: 5 elements a frame in containers of 16 bits, 1 a beat.
typedef fpgacomp::Beat<16, 1> out0_fc_beat;

// One call processes one frame.
void cnn(
    hls::stream<in0_x_beat>& in0_x,
    hls::stream<out0_fc_beat>& out0_fc);
