// From an AXI4-Stream to words: an element is the low bits of its container of CONTAINER bits.
//
// A frame has BEATS beats, the last of which carries TLAST; what it has beyond the frame goes on in
// the last word, and a converter drops it. A frame that ends early is filled
// up with its last beat, one that does not end is cut; either way the next frame begins behind
// the TLAST, and a flag is high for one cycle. An element of {-1, +1} is +1 where its container
// is above 0.
module fpgacomp_source #(
    parameter int LANES = 1,
    parameter int CONTAINER = 8,
    parameter int BITS = 8,
    parameter int KIND = 1,
    parameter int BEATS = 1
) (
    input logic clk,
    input logic rst,
    input logic [LANES*CONTAINER-1:0] tdata,
    input logic tvalid,
    input logic tlast,
    output logic tready,
    output logic [LANES*BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready,
    output logic frame_taken,
    output logic frame_short,
    output logic frame_long
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  logic enable, fire, beat_last, filling, dropping;
  logic [LANES*BITS-1:0] word;
  assign enable = out_ready | ~out_valid;
  // Nothing is taken in reset: it would be lost.
  assign tready = ~rst & ((enable & ~filling) | dropping);
  assign fire   = enable & ~dropping & (filling | tvalid);
  fpgacomp_counter #(
      .COUNT(BEATS)
  ) u_beat (
      .clk,
      .rst,
      .step (fire),
      .value(),
      .last (beat_last)
  );
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    if (KIND == 2) begin : gen_bipolar
      assign word[i*BITS+:BITS] = ~tdata[(i+1)*CONTAINER-1] & (|tdata[i*CONTAINER+:CONTAINER]);
    end else begin : gen_low
      assign word[i*BITS+:BITS] = tdata[i*CONTAINER+:BITS];
    end
  end
  always_ff @(posedge clk) begin
    if (fire & ~filling) out_data <= word;
    if (rst) begin
      out_valid <= 1'b0;
      filling <= 1'b0;
      dropping <= 1'b0;
      frame_taken <= 1'b0;
      frame_short <= 1'b0;
      frame_long <= 1'b0;
    end else begin
      if (enable) out_valid <= fire;
      frame_taken <= fire & beat_last;
      frame_short <= fire & ~filling & tlast & ~beat_last;
      frame_long  <= fire & ~filling & ~tlast & beat_last;
      if (fire) begin
        if (beat_last) filling <= 1'b0;
        else if (tlast & ~filling) filling <= 1'b1;
        if (beat_last & ~filling & ~tlast) dropping <= 1'b1;
      end else if (dropping & tvalid & tlast) dropping <= 1'b0;
    end
  end
endmodule
