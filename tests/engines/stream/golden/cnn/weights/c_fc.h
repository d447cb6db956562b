// Weights of fc: 24 x 5, 5 PE of 4 SIMD a row.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<4>, 6, 20> c_fc = { {
    { 383326321625ULL, 761947631058ULL },
    { 537206900541ULL, 238062736818ULL },
    { 434888705001ULL, 704707762948ULL },
    { 317309038736ULL, 775226736951ULL },
    { 714652901746ULL, 219147862685ULL },
    { 56183401325ULL, 744768282278ULL },
} };
