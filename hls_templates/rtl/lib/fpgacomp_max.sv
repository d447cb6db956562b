// The largest of each TAPS consecutive words, lane by lane.
module fpgacomp_max #(
    parameter int LANES = 1,
    parameter int BITS  = 8,
    parameter int KIND  = 1,
    parameter int TAPS  = 1
) (
    input logic clk,
    input logic rst,
    input logic [LANES*BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [LANES*BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  logic enable, fire, first, last;
  assign enable = out_ready | ~out_valid;
  assign fire = enable & in_valid;
  assign in_ready = enable;
  fpgacomp_counter #(
      .COUNT(TAPS)
  ) u_tap (
      .clk,
      .rst,
      .step (fire),
      .value(),
      .last (last)
  );
  always_ff @(posedge clk) begin
    if (rst) first <= 1'b1;
    else if (fire) first <= last;
  end
  // One more bit than an element makes every kind of element a signed number.
  logic [LANES-1:0][BITS:0] x, best;
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(BITS),
      .KIND(KIND),
      .VALUE_BITS(BITS + 1)
  ) u_x (
      .element(in_data),
      .value  (x)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(BITS),
      .KIND(KIND),
      .VALUE_BITS(BITS + 1)
  ) u_best (
      .element(out_data),
      .value  (best)
  );
  // The output register holds the best so far: it is free while `out_valid` is low.
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    always_ff @(posedge clk) begin
      if (fire & (first | ($signed(x[i]) > $signed(best[i])))) begin
        out_data[i*BITS+:BITS] <= in_data[i*BITS+:BITS];
      end
    end
  end
  always_ff @(posedge clk) begin
    if (rst) out_valid <= 1'b0;
    else if (enable) out_valid <= fire & last;
  end
endmodule
