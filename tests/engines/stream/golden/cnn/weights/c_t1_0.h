// Thresholds of t1 that decide bit 2 of the count.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Banks<ap_int<10>, 2, 2> c_t1_0 = { {
    { 964ULL, 865ULL },
    { 992ULL, 855ULL },
} };
