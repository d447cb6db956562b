// Offset of q2.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<8>, 6, 1> c_q2_offset = { {
    { 238 },
    { 238 },
    { 208 },
    { 253 },
    { 254 },
    { 122 },
} };
