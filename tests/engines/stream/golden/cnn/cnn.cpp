// Streaming design of cnn: one dataflow process per operator, AXI4-Stream at both ends.
#include "cnn.h"

#include "weights/c_c1.h"
#include "weights/c_t1_0.h"
#include "weights/c_t1_1.h"
#include "weights/c_t1_2.h"
#include "weights/c_c2.h"
#include "weights/c_q2_multiplier.h"
#include "weights/c_q2_offset.h"
#include "weights/c_fc.h"

using namespace fpgacomp;

// Source of layer x
static void run_x(
    hls::stream<Beat<8, 2> >& in0_x,
    hls::stream<Vec<ap_uint<4>, 2> >& s_x) {
#pragma HLS INLINE off
  from_axis<128, 8>(in0_x, s_x);
}

// Pad of layer c1
static void run_c1_pad(
    hls::stream<Vec<ap_uint<4>, 2> >& s_x,
    hls::stream<Vec<ap_uint<4>, 2> >& s_c1_padded) {
#pragma HLS INLINE off
  pad<8, 8, 2, 1, 1, 1, 1, 0>(s_x, s_c1_padded);
}

// Window of layer c1
static void run_c1_window(
    hls::stream<Vec<ap_uint<4>, 2> >& s_c1_padded,
    hls::stream<Vec<ap_uint<4>, 18> >& s_c1_windows) {
#pragma HLS INLINE off
  Vec<ap_uint<4>, 4> columns[10];
#pragma HLS AGGREGATE variable=columns compact=bit
#pragma HLS BIND_STORAGE variable=columns type=ram_2p impl=lutram
  sliding_window_parallel<10, 10, 2, 3, 3, 1, 1, 1, 1>(s_c1_padded, s_c1_windows, columns);
}

// Convert of layer c1
static void run_c1_windows_for_c1_products_width(
    hls::stream<Vec<ap_uint<4>, 18> >& s_c1_windows,
    hls::stream<Vec<ap_uint<4>, 6> >& s_c1_windows_for_c1_products) {
#pragma HLS INLINE off
  convert_width<1152>(s_c1_windows, s_c1_windows_for_c1_products);
}

// MatrixVector of layer c1
static void run_c1(
    hls::stream<Vec<ap_uint<4>, 6> >& s_c1_windows_for_c1_products,
    hls::stream<Vec<ap_int<10>, 2> >& s_c1) {
#pragma HLS INLINE off
#pragma HLS ARRAY_RESHAPE variable=c_c1.packed complete dim=2
#pragma HLS BIND_STORAGE variable=c_c1.packed type=rom_1p impl=lutram
  mvau<18, 4, 64, MulLut>(s_c1_windows_for_c1_products, s_c1, c_c1);
}

// Activate of layer t1
static void run_t1(
    hls::stream<Vec<ap_int<10>, 2> >& s_c1,
    hls::stream<Vec<ap_uint<3>, 2> >& s_t1) {
#pragma HLS INLINE off
#pragma HLS ARRAY_PARTITION variable=c_t1_0.data complete dim=1
#pragma HLS BIND_STORAGE variable=c_t1_0.data type=rom_1p impl=bram
#pragma HLS ARRAY_PARTITION variable=c_t1_1.data complete dim=1
#pragma HLS BIND_STORAGE variable=c_t1_1.data type=rom_1p impl=bram
#pragma HLS ARRAY_PARTITION variable=c_t1_2.data complete dim=1
#pragma HLS BIND_STORAGE variable=c_t1_2.data type=rom_1p impl=bram
  thresholds_search<4, 64, ap_int<10>>(s_c1, s_t1, SameLevels<0, 1>(), c_t1_0, c_t1_1, c_t1_2);
}

// Convert of layer p1
static void run_t1_for_p1_width(
    hls::stream<Vec<ap_uint<3>, 2> >& s_t1,
    hls::stream<Vec<ap_uint<3>, 4> >& s_t1_for_p1) {
#pragma HLS INLINE off
  convert_width<256>(s_t1, s_t1_for_p1);
}

// Window of layer p1
static void run_p1_window(
    hls::stream<Vec<ap_uint<3>, 4> >& s_t1_for_p1,
    hls::stream<Vec<ap_uint<3>, 4> >& s_p1_windows) {
#pragma HLS INLINE off
  Vec<ap_uint<3>, 4> buffer[10];
#pragma HLS AGGREGATE variable=buffer compact=bit
#pragma HLS BIND_STORAGE variable=buffer type=ram_2p impl=lutram
  sliding_window<8, 8, 4, 2, 2, 2, 2, 1, 1, KernelInner>(s_t1_for_p1, s_p1_windows, buffer);
}

// MaxOver of layer p1
static void run_p1(
    hls::stream<Vec<ap_uint<3>, 4> >& s_p1_windows,
    hls::stream<Vec<ap_uint<3>, 4> >& s_p1) {
#pragma HLS INLINE off
  max_pool<4, 16>(s_p1_windows, s_p1);
}

// Convert of layer c2
static void run_p1_for_c2_width(
    hls::stream<Vec<ap_uint<3>, 4> >& s_p1,
    hls::stream<Vec<ap_uint<3>, 2> >& s_p1_for_c2) {
#pragma HLS INLINE off
  convert_width<64>(s_p1, s_p1_for_c2);
}

// Window of layer c2
static void run_c2_window(
    hls::stream<Vec<ap_uint<3>, 2> >& s_p1_for_c2,
    hls::stream<Vec<ap_uint<3>, 2> >& s_c2_windows) {
#pragma HLS INLINE off
  Vec<ap_uint<3>, 2> buffer[22];
#pragma HLS AGGREGATE variable=buffer compact=bit
#pragma HLS BIND_STORAGE variable=buffer type=ram_2p impl=lutram
  sliding_window<4, 4, 4, 3, 3, 1, 1, 1, 1, ChannelsInner>(s_p1_for_c2, s_c2_windows, buffer);
}

// MatrixVector of layer c2
static void run_c2(
    hls::stream<Vec<ap_uint<3>, 2> >& s_c2_windows,
    hls::stream<Vec<ap_int<10>, 3> >& s_c2) {
#pragma HLS INLINE off
#pragma HLS ARRAY_RESHAPE variable=c_c2.packed complete dim=2
#pragma HLS BIND_STORAGE variable=c_c2.packed type=rom_1p impl=lutram
  mvau<36, 6, 4, MulDspPacked<3, 6>>(s_c2_windows, s_c2, c_c2);
}

// Convert of layer q2
static void run_c2_for_q2_width(
    hls::stream<Vec<ap_int<10>, 3> >& s_c2,
    hls::stream<Vec<ap_int<10>, 1> >& s_c2_for_q2) {
#pragma HLS INLINE off
  convert_width<24>(s_c2, s_c2_for_q2);
}

// Activate of layer q2
static void run_q2(
    hls::stream<Vec<ap_int<10>, 1> >& s_c2_for_q2,
    hls::stream<Vec<ap_int<4>, 1> >& s_q2) {
#pragma HLS INLINE off
#pragma HLS ARRAY_RESHAPE variable=c_q2_multiplier.packed complete dim=2
#pragma HLS BIND_STORAGE variable=c_q2_multiplier.packed type=rom_1p impl=lutram
#pragma HLS ARRAY_RESHAPE variable=c_q2_offset.packed complete dim=2
#pragma HLS BIND_STORAGE variable=c_q2_offset.packed type=rom_1p impl=lutram
  requantize<6, 4, 13, 7, RoundFloor, -8, 7, 0>(s_c2_for_q2, s_q2, c_q2_multiplier, c_q2_offset);
}

// Convert of layer fc
static void run_q2_for_fc_width(
    hls::stream<Vec<ap_int<4>, 1> >& s_q2,
    hls::stream<Vec<ap_int<4>, 4> >& s_q2_for_fc) {
#pragma HLS INLINE off
  convert_width<24>(s_q2, s_q2_for_fc);
}

// MatrixVector of layer fc
static void run_fc(
    hls::stream<Vec<ap_int<4>, 4> >& s_q2_for_fc,
    hls::stream<Vec<ap_int<11>, 5> >& s_fc) {
#pragma HLS INLINE off
#pragma HLS ARRAY_RESHAPE variable=c_fc.packed complete dim=2
#pragma HLS BIND_STORAGE variable=c_fc.packed type=rom_1p impl=lutram
  mvau<24, 5, 1, MulLut>(s_q2_for_fc, s_fc, c_fc);
}

// Convert
static void run_fc_for_fc_sink_width(
    hls::stream<Vec<ap_int<11>, 5> >& s_fc,
    hls::stream<Vec<ap_int<11>, 1> >& s_fc_for_fc_sink) {
#pragma HLS INLINE off
  convert_width<5>(s_fc, s_fc_for_fc_sink);
}

// Sink
static void run_fc_sink(
    hls::stream<Vec<ap_int<11>, 1> >& s_fc_for_fc_sink,
    hls::stream<Beat<16, 1> >& out0_fc) {
#pragma HLS INLINE off
  to_axis<5, 16>(s_fc_for_fc_sink, out0_fc);
}

void cnn(
    hls::stream<in0_x_beat>& in0_x,
    hls::stream<out0_fc_beat>& out0_fc) {
#pragma HLS INTERFACE axis port=in0_x
#pragma HLS INTERFACE axis port=out0_fc
#pragma HLS INTERFACE ap_ctrl_none port=return
#pragma HLS DATAFLOW

  hls::stream<Vec<ap_uint<4>, 2> > s_x("s_x");
#pragma HLS STREAM variable=s_x depth=2
#pragma HLS AGGREGATE variable=s_x compact=bit
  hls::stream<Vec<ap_uint<4>, 2> > s_c1_padded("s_c1_padded");
#pragma HLS STREAM variable=s_c1_padded depth=2
#pragma HLS AGGREGATE variable=s_c1_padded compact=bit
  hls::stream<Vec<ap_uint<4>, 18> > s_c1_windows("s_c1_windows");
#pragma HLS STREAM variable=s_c1_windows depth=2
#pragma HLS AGGREGATE variable=s_c1_windows compact=bit
  hls::stream<Vec<ap_uint<4>, 6> > s_c1_windows_for_c1_products("s_c1_windows_for_c1_products");
#pragma HLS STREAM variable=s_c1_windows_for_c1_products depth=2
#pragma HLS AGGREGATE variable=s_c1_windows_for_c1_products compact=bit
  hls::stream<Vec<ap_int<10>, 2> > s_c1("s_c1");
#pragma HLS STREAM variable=s_c1 depth=2
#pragma HLS AGGREGATE variable=s_c1 compact=bit
  hls::stream<Vec<ap_uint<3>, 2> > s_t1("s_t1");
#pragma HLS STREAM variable=s_t1 depth=32
#pragma HLS AGGREGATE variable=s_t1 compact=bit
  hls::stream<Vec<ap_uint<3>, 4> > s_t1_for_p1("s_t1_for_p1");
#pragma HLS STREAM variable=s_t1_for_p1 depth=2
#pragma HLS AGGREGATE variable=s_t1_for_p1 compact=bit
  hls::stream<Vec<ap_uint<3>, 4> > s_p1_windows("s_p1_windows");
#pragma HLS STREAM variable=s_p1_windows depth=2
#pragma HLS AGGREGATE variable=s_p1_windows compact=bit
  hls::stream<Vec<ap_uint<3>, 4> > s_p1("s_p1");
#pragma HLS STREAM variable=s_p1 depth=2
#pragma HLS AGGREGATE variable=s_p1 compact=bit
  hls::stream<Vec<ap_uint<3>, 2> > s_p1_for_c2("s_p1_for_c2");
#pragma HLS STREAM variable=s_p1_for_c2 depth=2
#pragma HLS AGGREGATE variable=s_p1_for_c2 compact=bit
  hls::stream<Vec<ap_uint<3>, 2> > s_c2_windows("s_c2_windows");
#pragma HLS STREAM variable=s_c2_windows depth=2
#pragma HLS AGGREGATE variable=s_c2_windows compact=bit
  hls::stream<Vec<ap_int<10>, 3> > s_c2("s_c2");
#pragma HLS STREAM variable=s_c2 depth=2
#pragma HLS AGGREGATE variable=s_c2 compact=bit
  hls::stream<Vec<ap_int<10>, 1> > s_c2_for_q2("s_c2_for_q2");
#pragma HLS STREAM variable=s_c2_for_q2 depth=2
#pragma HLS AGGREGATE variable=s_c2_for_q2 compact=bit
  hls::stream<Vec<ap_int<4>, 1> > s_q2("s_q2");
#pragma HLS STREAM variable=s_q2 depth=2
#pragma HLS AGGREGATE variable=s_q2 compact=bit
  hls::stream<Vec<ap_int<4>, 4> > s_q2_for_fc("s_q2_for_fc");
#pragma HLS STREAM variable=s_q2_for_fc depth=2
#pragma HLS AGGREGATE variable=s_q2_for_fc compact=bit
  hls::stream<Vec<ap_int<11>, 5> > s_fc("s_fc");
#pragma HLS STREAM variable=s_fc depth=2
#pragma HLS AGGREGATE variable=s_fc compact=bit
  hls::stream<Vec<ap_int<11>, 1> > s_fc_for_fc_sink("s_fc_for_fc_sink");
#pragma HLS STREAM variable=s_fc_for_fc_sink depth=2
#pragma HLS AGGREGATE variable=s_fc_for_fc_sink compact=bit

  run_x(in0_x, s_x);
  FPGACOMP_TAP(x, s_x);
  run_c1_pad(s_x, s_c1_padded);
  run_c1_window(s_c1_padded, s_c1_windows);
  run_c1_windows_for_c1_products_width(s_c1_windows, s_c1_windows_for_c1_products);
  run_c1(s_c1_windows_for_c1_products, s_c1);
  FPGACOMP_TAP(c1, s_c1);
  run_t1(s_c1, s_t1);
  FPGACOMP_TAP(t1, s_t1);
  run_t1_for_p1_width(s_t1, s_t1_for_p1);
  run_p1_window(s_t1_for_p1, s_p1_windows);
  run_p1(s_p1_windows, s_p1);
  FPGACOMP_TAP(p1, s_p1);
  run_p1_for_c2_width(s_p1, s_p1_for_c2);
  run_c2_window(s_p1_for_c2, s_c2_windows);
  run_c2(s_c2_windows, s_c2);
  FPGACOMP_TAP(c2, s_c2);
  run_c2_for_q2_width(s_c2, s_c2_for_q2);
  run_q2(s_c2_for_q2, s_q2);
  FPGACOMP_TAP(q2, s_q2);
  run_q2_for_fc_width(s_q2, s_q2_for_fc);
  run_fc(s_q2_for_fc, s_fc);
  FPGACOMP_TAP(fc, s_fc);
  run_fc_for_fc_sink_width(s_fc, s_fc_for_fc_sink);
  run_fc_sink(s_fc_for_fc_sink, out0_fc);
}
