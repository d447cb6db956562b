// From words to an AXI4-Stream: every element in a container of CONTAINER bits, sign-extended
// where it has a sign. TLAST marks the last of a frame's BEATS beats, which has REST elements; TKEEP
// leaves out the bytes of the others.
module fpgacomp_sink #(
    parameter int LANES = 1,
    parameter int CONTAINER = 8,
    parameter int BITS = 8,
    parameter int KIND = 1,
    parameter int BEATS = 1,
    parameter int REST = LANES
) (
    input logic clk,
    input logic rst,
    input logic [LANES*BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [LANES*CONTAINER-1:0] tdata,
    output logic [LANES*CONTAINER/8-1:0] tkeep,
    output logic tvalid,
    output logic tlast,
    input logic tready,
    output logic frame_sent
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  localparam int KeepBits = LANES * CONTAINER / 8;
  logic enable, fire, last;
  logic [LANES*(CONTAINER+1)-1:0] wide;
  assign enable = tready | ~tvalid;
  assign fire = enable & in_valid;
  assign in_ready = enable;
  assign frame_sent = tvalid & tready & tlast;
  fpgacomp_counter #(
      .COUNT(BEATS)
  ) u_beat (
      .clk,
      .rst,
      .step (fire),
      .value(),
      .last (last)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(BITS),
      .KIND(KIND),
      .VALUE_BITS(CONTAINER + 1)
  ) u_value (
      .element(in_data),
      .value  (wide)
  );
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    always_ff @(posedge clk) begin
      if (enable) tdata[i*CONTAINER+:CONTAINER] <= wide[i*(CONTAINER+1)+:CONTAINER];
    end
  end
  if (REST < LANES) begin : gen_rest
    always_ff @(posedge clk) begin
      if (enable) tkeep <= last ? KeepBits'({(REST * CONTAINER / 8) {1'b1}}) : '1;
    end
  end else begin : gen_whole
    assign tkeep = '1;
  end
  always_ff @(posedge clk) begin
    if (enable) tlast <= last;
    if (rst) tvalid <= 1'b0;
    else if (enable) tvalid <= fire;
  end
endmodule
