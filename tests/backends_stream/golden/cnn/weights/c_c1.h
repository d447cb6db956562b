// Weights of c1: 18 x 4, 2 PE of 6 SIMD a row.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<3>, 6, 12> c_c1 = { {
    { 0x4028f1174ULL },
    { 0x3322a7917ULL },
    { 0x1496135feULL },
    { 0x8cb988660ULL },
    { 0x338b04f10ULL },
    { 0xc797f82d2ULL },
} };
