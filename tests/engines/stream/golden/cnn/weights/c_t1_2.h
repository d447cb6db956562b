// Thresholds of t1 that decide bit 0 of the count.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Banks<ap_int<10>, 2, 8> c_t1_2 = { {
    { 640ULL, 931ULL, 72ULL, 224ULL, 775ULL, 827ULL, 945ULL, 193ULL },
    { 768ULL, 841ULL, 1008ULL, 72ULL, 623ULL, 749ULL, 4ULL, 152ULL },
} };
