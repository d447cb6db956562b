// Multiplier of q2.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_uint<4>, 6, 1> c_q2_multiplier = { {
    { 1ULL },
    { 10ULL },
    { 5ULL },
    { 1ULL },
    { 6ULL },
    { 5ULL },
} };
