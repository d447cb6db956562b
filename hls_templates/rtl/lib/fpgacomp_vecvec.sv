// The products of a depthwise convolution: each of PE channels sums TAPS words times weights.
//
// Row f * TAPS + k of the table holds the weights of tap k for the channels of group f.
module fpgacomp_vecvec #(
    parameter int PE = 1,
    parameter int TAPS = 1,
    parameter int GROUPS = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int WEIGHT_BITS = 8,
    parameter int WEIGHT_KIND = 1,
    parameter int OUT_BITS = 16,
    parameter int DSP = 0,
    parameter FILE = "",
    parameter int STYLE = 0,
    parameter logic [PE*WEIGHT_BITS-1:0] ROW = '0
) (
    input logic clk,
    input logic rst,
    input logic [PE*IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [PE*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 3;  // cycles from a firing to its word at the output
  localparam int InValue = IN_KIND == 2 ? 2 : IN_BITS + (IN_KIND == 0 ? 1 : 0);
  localparam int WeightValue = WEIGHT_KIND == 2 ? 2 : WEIGHT_BITS + (WEIGHT_KIND == 0 ? 1 : 0);
  localparam int ProductBits = InValue + WeightValue;
  localparam int TapBits = TAPS > 1 ? $clog2(TAPS) : 1;
  localparam int RowBits = TAPS * GROUPS > 1 ? $clog2(TAPS * GROUPS) : 1;

  logic enable, fire, tap_last;
  logic [TapBits-1:0] tap;
  logic [RowBits-1:0] row;
  logic [1:0] valid, first, last;

  assign enable = out_ready | ~out_valid;
  assign fire = enable & in_valid;
  assign in_ready = enable;

  fpgacomp_counter #(
      .COUNT(TAPS)
  ) u_tap (
      .clk,
      .rst,
      .step (fire),
      .value(tap),
      .last (tap_last)
  );
  fpgacomp_counter #(
      .COUNT(TAPS * GROUPS)
  ) u_row (
      .clk,
      .rst,
      .step (fire),
      .value(row),
      .last ()
  );
  always_ff @(posedge clk) begin
    if (rst) valid <= '0;
    else if (enable) valid <= {valid[0], fire};
    if (enable) begin
      first <= {first[0], tap == '0};
      last  <= {last[0], tap_last};
    end
  end

  logic [PE*IN_BITS-1:0] x;
  logic [PE*WEIGHT_BITS-1:0] weights;
  logic [PE-1:0][InValue-1:0] x_value;
  logic [PE-1:0][WeightValue-1:0] weight_value;
  always_ff @(posedge clk) if (enable) x <= in_data;
  fpgacomp_rom #(
      .BITS (PE * WEIGHT_BITS),
      .DEPTH(TAPS * GROUPS),
      .FILE (FILE),
      .STYLE(STYLE),
      .ROW  (ROW)
  ) u_weights (
      .clk,
      .enable,
      .address(row),
      .row(weights)
  );
  fpgacomp_value #(
      .LANES(PE),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(InValue)
  ) u_x (
      .element(x),
      .value  (x_value)
  );
  fpgacomp_value #(
      .LANES(PE),
      .BITS(WEIGHT_BITS),
      .KIND(WEIGHT_KIND),
      .VALUE_BITS(WeightValue)
  ) u_weight (
      .element(weights),
      .value  (weight_value)
  );

  for (genvar p = 0; p < PE; ++p) begin : gen_channel
    logic [OUT_BITS-1:0] total, accumulator;
    logic signed [ProductBits-1:0] term;
    if (DSP != 0) begin : gen_dsp
      (* use_dsp = "yes" *) logic signed [ProductBits-1:0] product;
      always_ff @(posedge clk) begin
        if (enable) product <= $signed(x_value[p]) * $signed(weight_value[p]);
      end
      assign term = product;
    end else begin : gen_logic
      (* use_dsp = "no" *) logic signed [ProductBits-1:0] product;
      always_ff @(posedge clk) begin
        if (enable) product <= $signed(x_value[p]) * $signed(weight_value[p]);
      end
      assign term = product;
    end
    assign total = OUT_BITS'(term) + (first[1] ? '0 : accumulator);
    always_ff @(posedge clk) begin
      if (enable & valid[1]) begin
        accumulator <= total;
        out_data[p*OUT_BITS+:OUT_BITS] <= total;
      end
    end
  end
  always_ff @(posedge clk) begin
    if (rst) out_valid <= 1'b0;
    else if (enable) out_valid <= valid[1] & last[1];
  end
endmodule
