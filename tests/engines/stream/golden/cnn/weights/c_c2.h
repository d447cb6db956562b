// Weights of c2: 36 x 6, 3 PE of 2 SIMD a row.
#pragma once

#include "fpgacomp/rom.hpp"

using namespace fpgacomp;

static const Rom<ap_int<3>, 36, 6> c_c2 = { {
    { 59620ULL },
    { 14802ULL },
    { 99099ULL },
    { 235412ULL },
    { 18421ULL },
    { 160938ULL },
    { 111209ULL },
    { 214802ULL },
    { 129782ULL },
    { 63403ULL },
    { 133173ULL },
    { 59587ULL },
    { 187122ULL },
    { 74005ULL },
    { 62359ULL },
    { 88604ULL },
    { 132371ULL },
    { 58140ULL },
    { 176309ULL },
    { 185978ULL },
    { 124136ULL },
    { 106044ULL },
    { 231647ULL },
    { 36351ULL },
    { 115547ULL },
    { 110890ULL },
    { 129874ULL },
    { 62560ULL },
    { 6868ULL },
    { 240628ULL },
    { 191128ULL },
    { 2198ULL },
    { 205791ULL },
    { 108856ULL },
    { 227490ULL },
    { 189465ULL },
} };
