// Offset of q2.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<8>, 6, 1> c_q2_offset = { {
    { 238ULL },
    { 238ULL },
    { 208ULL },
    { 253ULL },
    { 254ULL },
    { 122ULL },
} };
