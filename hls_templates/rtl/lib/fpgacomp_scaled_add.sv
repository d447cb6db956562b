// y = a * ma[c] + b * mb[c], word by word; a table has one row for all groups or one for each.
module fpgacomp_scaled_add #(
    parameter int LANES = 1,
    parameter int GROUPS = 1,
    parameter int A_BITS = 8,
    parameter int A_KIND = 1,
    parameter int B_BITS = 8,
    parameter int B_KIND = 1,
    parameter int OUT_BITS = 9,
    parameter int OUT_KIND = 1,
    parameter int WIDE = 9,
    parameter int FACTOR_A_BITS = 1,
    parameter int FACTOR_A_KIND = 0,
    parameter int FACTOR_A_ROWS = 1,
    parameter FACTOR_A_FILE = "",
    parameter logic [LANES*FACTOR_A_BITS-1:0] FACTOR_A_ROW = '1,
    parameter int FACTOR_B_BITS = 1,
    parameter int FACTOR_B_KIND = 0,
    parameter int FACTOR_B_ROWS = 1,
    parameter FACTOR_B_FILE = "",
    parameter logic [LANES*FACTOR_B_BITS-1:0] FACTOR_B_ROW = '1
) (
    input logic clk,
    input logic rst,
    input logic [LANES*(A_BITS+B_BITS)-1:0] in_data,  // b above a
    input logic [1:0] in_valid,
    output logic [1:0] in_ready,
    output logic [LANES*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 3;  // cycles from a firing to its word at the output
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam int AAddress = FACTOR_A_ROWS > 1 ? $clog2(FACTOR_A_ROWS) : 1;
  localparam int BAddress = FACTOR_B_ROWS > 1 ? $clog2(FACTOR_B_ROWS) : 1;

  logic enable, fire;
  logic [1:0] valid;
  logic [GroupBits-1:0] group;
  assign enable = out_ready | ~out_valid;
  assign fire = enable & (&in_valid);
  assign in_ready = {2{fire}};
  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (fire),
      .value(group),
      .last ()
  );
  logic [LANES*A_BITS-1:0] a;
  logic [LANES*B_BITS-1:0] b;
  logic [LANES*FACTOR_A_BITS-1:0] factors_a;
  logic [LANES*FACTOR_B_BITS-1:0] factors_b;
  logic [LANES-1:0][WIDE-1:0] a_value, b_value, factor_a, factor_b, product_a, product_b, sum;
  always_ff @(posedge clk) if (enable) {b, a} <= in_data;
  fpgacomp_rom #(
      .BITS (LANES * FACTOR_A_BITS),
      .DEPTH(FACTOR_A_ROWS),
      .FILE (FACTOR_A_FILE),
      .ROW  (FACTOR_A_ROW)
  ) u_factors_a (
      .clk,
      .enable,
      .address(AAddress'(group)),
      .row(factors_a)
  );
  fpgacomp_rom #(
      .BITS (LANES * FACTOR_B_BITS),
      .DEPTH(FACTOR_B_ROWS),
      .FILE (FACTOR_B_FILE),
      .ROW  (FACTOR_B_ROW)
  ) u_factors_b (
      .clk,
      .enable,
      .address(BAddress'(group)),
      .row(factors_b)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(A_BITS),
      .KIND(A_KIND),
      .VALUE_BITS(WIDE)
  ) u_a (
      .element(a),
      .value  (a_value)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(B_BITS),
      .KIND(B_KIND),
      .VALUE_BITS(WIDE)
  ) u_b (
      .element(b),
      .value  (b_value)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(FACTOR_A_BITS),
      .KIND(FACTOR_A_KIND),
      .VALUE_BITS(WIDE)
  ) u_factor_a (
      .element(factors_a),
      .value  (factor_a)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(FACTOR_B_BITS),
      .KIND(FACTOR_B_KIND),
      .VALUE_BITS(WIDE)
  ) u_factor_b (
      .element(factors_b),
      .value  (factor_b)
  );
  always_ff @(posedge clk) begin
    if (enable) begin
      for (int i = 0; i < LANES; ++i) begin
        product_a[i] <= a_value[i] * factor_a[i];
        product_b[i] <= b_value[i] * factor_b[i];
      end
    end
  end
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    assign sum[i] = product_a[i] + product_b[i];
  end
  logic [LANES*OUT_BITS-1:0] word;
  fpgacomp_element #(
      .LANES(LANES),
      .BITS(OUT_BITS),
      .KIND(OUT_KIND),
      .VALUE_BITS(WIDE)
  ) u_element (
      .value  (sum),
      .element(word)
  );
  always_ff @(posedge clk) begin
    if (enable) out_data <= word;
    if (rst) begin
      valid <= '0;
      out_valid <= 1'b0;
    end else if (enable) begin
      valid <= {valid[0], fire};
      out_valid <= valid[1];
    end
  end
endmodule
