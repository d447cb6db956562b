// y = clip(round((x * m[c] + o[c]) / 2^SHIFT), LOW, HIGH) - ZERO, element by element.
//
// ROUNDING: 0 towards minus infinity; 1 nearest, ties to even; 2 nearest, ties away from zero;
// 3 nearest, ties towards zero; 4 away from zero; 5 towards zero. m and o have one row for all
// groups of channels, or one for each. WIDE bits hold every intermediate result.
module fpgacomp_requantize #(
    parameter int LANES = 1,
    parameter int GROUPS = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 8,
    parameter int OUT_KIND = 1,
    parameter int FACTOR_BITS = 2,
    parameter int FACTOR_KIND = 1,
    parameter int FACTOR_ROWS = 1,
    parameter FACTOR_FILE = "",
    parameter logic [LANES*FACTOR_BITS-1:0] FACTOR_ROW = '0,
    parameter int OFFSET_BITS = 2,
    parameter int OFFSET_KIND = 1,
    parameter int OFFSET_ROWS = 1,
    parameter OFFSET_FILE = "",
    parameter logic [LANES*OFFSET_BITS-1:0] OFFSET_ROW = '0,
    parameter int WIDE = 16,
    parameter int SHIFT = 0,
    parameter int ROUNDING = 0,
    parameter logic signed [WIDE-1:0] LOW = '0,
    parameter logic signed [WIDE-1:0] HIGH = '0,
    parameter logic signed [WIDE-1:0] ZERO = '0
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
  localparam int Latency = 5;  // cycles from a firing to its word at the output
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam int FactorAddress = FACTOR_ROWS > 1 ? $clog2(FACTOR_ROWS) : 1;
  localparam int OffsetAddress = OFFSET_ROWS > 1 ? $clog2(OFFSET_ROWS) : 1;

  logic enable;
  logic [3:0] valid;
  logic [GroupBits-1:0] group;
  assign enable   = out_ready | ~out_valid;
  assign in_ready = enable;

  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (enable & in_valid),
      .value(group),
      .last ()
  );

  // Stage 1: the elements and what they are scaled with.
  logic [LANES*IN_BITS-1:0] x;
  logic [LANES*FACTOR_BITS-1:0] factors;
  logic [LANES*OFFSET_BITS-1:0] offsets;
  logic [LANES-1:0][WIDE-1:0] x_value, factor, offset;
  always_ff @(posedge clk) if (enable) x <= in_data;
  fpgacomp_rom #(
      .BITS (LANES * FACTOR_BITS),
      .DEPTH(FACTOR_ROWS),
      .FILE (FACTOR_FILE),
      .ROW  (FACTOR_ROW)
  ) u_factors (
      .clk,
      .enable,
      .address(FactorAddress'(group)),
      .row(factors)
  );
  fpgacomp_rom #(
      .BITS (LANES * OFFSET_BITS),
      .DEPTH(OFFSET_ROWS),
      .FILE (OFFSET_FILE),
      .ROW  (OFFSET_ROW)
  ) u_offsets (
      .clk,
      .enable,
      .address(OffsetAddress'(group)),
      .row(offsets)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(WIDE)
  ) u_x (
      .element(x),
      .value  (x_value)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(FACTOR_BITS),
      .KIND(FACTOR_KIND),
      .VALUE_BITS(WIDE)
  ) u_factor (
      .element(factors),
      .value  (factor)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(OFFSET_BITS),
      .KIND(OFFSET_KIND),
      .VALUE_BITS(WIDE)
  ) u_offset (
      .element(offsets),
      .value  (offset)
  );

  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    logic signed [WIDE-1:0] product, kept, scaled, rounded, clipped;
    // Stages 2 and 3: the product, the sum.
    always_ff @(posedge clk) begin
      if (enable) begin
        product <= $signed(x_value[i]) * $signed(factor[i]);
        kept <= $signed(offset[i]);
        scaled <= product + kept;
      end
    end
    // Stage 4: the fraction is dropped.
    if (SHIFT == 0) begin : gen_whole
      always_ff @(posedge clk) if (enable) rounded <= scaled;
    end else begin : gen_fraction
      localparam logic signed [WIDE-1:0] Half = WIDE'(1) << (SHIFT - 1);
      localparam logic signed [WIDE-1:0] Ones = (WIDE'(1) << SHIFT) - WIDE'(1);
      logic signed [WIDE-1:0] addend;
      always_comb begin
        unique case (ROUNDING)
          1: addend = Half - WIDE'(1) + $signed({{(WIDE - 1) {1'b0}}, scaled[SHIFT]});
          2: addend = scaled[WIDE-1] ? Half - WIDE'(1) : Half;
          3: addend = scaled[WIDE-1] ? Half : Half - WIDE'(1);
          4: addend = scaled[WIDE-1] ? '0 : Ones;
          5: addend = scaled[WIDE-1] ? Ones : '0;
          default: addend = '0;
        endcase
      end
      always_ff @(posedge clk) if (enable) rounded <= (scaled + addend) >>> SHIFT;
    end
    // Stage 5: the ends.
    always_comb begin
      if (rounded < LOW) clipped = LOW - ZERO;
      else if (rounded > HIGH) clipped = HIGH - ZERO;
      else clipped = rounded - ZERO;
    end
    logic [OUT_BITS-1:0] element;
    fpgacomp_element #(
        .LANES(1),
        .BITS(OUT_BITS),
        .KIND(OUT_KIND),
        .VALUE_BITS(WIDE)
    ) u_element (
        .value  (clipped),
        .element(element)
    );
    always_ff @(posedge clk) if (enable) out_data[i*OUT_BITS+:OUT_BITS] <= element;
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
      out_valid <= 1'b0;
    end else if (enable) begin
      valid <= {valid[2:0], in_valid};
      out_valid <= valid[3];
    end
  end
endmodule
