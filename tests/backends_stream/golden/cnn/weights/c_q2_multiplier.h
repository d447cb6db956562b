// Multiplier of q2.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_uint<4>, 6, 1> c_q2_multiplier = { {
    { 1 },
    { 10 },
    { 5 },
    { 1 },
    { 6 },
    { 5 },
} };
