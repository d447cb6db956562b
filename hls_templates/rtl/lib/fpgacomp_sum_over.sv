// The sum of each TAPS consecutive words, lane by lane, times the factor of its position.
//
// Row p of the table is the factor of output pixel p, which has GROUPS words. FACTOR_ROWS is 0
// where nothing is multiplied, and 1 where all positions share ROW.
module fpgacomp_sum_over #(
    parameter int LANES = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 12,
    parameter int TAPS = 1,
    parameter int GROUPS = 1,
    parameter int FACTOR_ROWS = 0,
    parameter int FACTOR_BITS = 1,
    parameter FILE = "",
    parameter logic [FACTOR_BITS-1:0] ROW = '0
) (
    input logic clk,
    input logic rst,
    input logic [LANES*IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [LANES*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 2;  // cycles from a firing to its word at the output
  logic enable, fire, first, last, sum_valid;
  logic [LANES-1:0][OUT_BITS-1:0] x, sum;
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
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(OUT_BITS)
  ) u_x (
      .element(in_data),
      .value  (x)
  );
  always_ff @(posedge clk) begin
    if (rst) begin
      first <= 1'b1;
      sum_valid <= 1'b0;
      out_valid <= 1'b0;
    end else if (enable) begin
      if (in_valid) first <= last;
      sum_valid <= fire & last;
      out_valid <= sum_valid;
    end
    if (fire) begin
      for (int i = 0; i < LANES; ++i) sum[i] <= x[i] + (first ? '0 : sum[i]);
    end
  end
  if (FACTOR_ROWS == 0) begin : gen_plain
    always_ff @(posedge clk) if (enable) out_data <= sum;
  end else begin : gen_factor
    localparam int AddressBits = FACTOR_ROWS > 1 ? $clog2(FACTOR_ROWS) : 1;
    logic [AddressBits-1:0] position;
    logic [FACTOR_BITS-1:0] factor;
    logic group_last;
    fpgacomp_counter #(
        .COUNT(GROUPS)
    ) u_group (
        .clk,
        .rst,
        .step (fire & last),
        .value(),
        .last (group_last)
    );
    fpgacomp_counter #(
        .COUNT(FACTOR_ROWS)
    ) u_position (
        .clk,
        .rst,
        .step (fire & last & group_last),
        .value(position),
        .last ()
    );
    fpgacomp_rom #(
        .BITS (FACTOR_BITS),
        .DEPTH(FACTOR_ROWS),
        .FILE (FILE),
        .ROW  (ROW)
    ) u_factors (
        .clk,
        .enable,
        .address(position),
        .row(factor)
    );
    always_ff @(posedge clk) begin
      if (enable) begin
        for (int i = 0; i < LANES; ++i) begin
          out_data[i*OUT_BITS+:OUT_BITS] <= sum[i] * OUT_BITS'(factor);
        end
      end
    end
  end
endmodule
