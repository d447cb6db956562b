// Thresholds of t1 that decide bit 0 of the count.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Banks<ap_int<10>, 2, 8> c_t1_2 = { {
    { 640, 931, 72, 224, 775, 827, 945, 193 },
    { 768, 841, 1008, 72, 623, 749, 4, 152 },
} };
