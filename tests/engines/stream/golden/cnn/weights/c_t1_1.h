// Thresholds of t1 that decide bit 1 of the count.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Banks<ap_int<10>, 2, 4> c_t1_1 = { {
    { 887ULL, 192ULL, 820ULL, 102ULL },
    { 816ULL, 39ULL, 648ULL, 69ULL },
} };
