// Weights of fc: 24 x 5, 5 PE of 4 SIMD a row.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<4>, 6, 20> c_fc = { {
    { 0x5940077bd9ULL, 0xb1679e2dd2ULL },
    { 0x7d1406c73dULL, 0x376da515b2ULL },
    { 0x65416303e9ULL, 0xa413db1b04ULL },
    { 0x49e117b090ULL, 0xb47f1d4137ULL },
    { 0xa664a1e172ULL, 0x33063b029dULL },
    { 0xd14caab6dULL, 0xad67a61ea6ULL },
} };
