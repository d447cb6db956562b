// ap_axis, ap_axiu: one AXI4-Stream beat with its side channels, as in Vitis HLS.
#ifndef FPGACOMP_CSIM_AP_AXI_SDATA_H
#define FPGACOMP_CSIM_AP_AXI_SDATA_H

#include <ap_int.h>

namespace apsim {

// A side channel of width 0 is declared one bit wide, as the vendor's header does.
template <class DATA, int D, int U, int TI, int TD> struct axis_beat {
  DATA data;
  ap_uint<(D + 7) / 8> keep;
  ap_uint<(D + 7) / 8> strb;
  ap_uint<U == 0 ? 1 : U> user;
  ap_uint<1> last;
  ap_uint<TI == 0 ? 1 : TI> id;
  ap_uint<TD == 0 ? 1 : TD> dest;
};

}  // namespace apsim

template <int D, int U, int TI, int TD> struct ap_axis
    : apsim::axis_beat<ap_int<D>, D, U, TI, TD> {};
template <int D, int U, int TI, int TD> struct ap_axiu
    : apsim::axis_beat<ap_uint<D>, D, U, TI, TD> {};

#endif
