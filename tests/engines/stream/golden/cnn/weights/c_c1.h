// Weights of c1: 18 x 4, 2 PE of 6 SIMD a row.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<3>, 6, 12> c_c1 = { {
    { 17222799732ULL },
    { 13726546199ULL },
    { 5526074878ULL },
    { 37775509088ULL },
    { 13835980560ULL },
    { 53578007250ULL },
} };
