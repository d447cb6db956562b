// x * w for one output: SIMD products, each behind a register, and the tree of adders behind them.
//
// IN_BITS and WEIGHT_BITS are those of signed numbers; every product fits TERM_BITS bits. All that
// is between here and other logic are registers, at the products and at the end of the tree, so
// that the outputs of a matrix are as many equal circuits.
module fpgacomp_dot #(
    parameter int SIMD = 1,
    parameter int IN_BITS = 8,
    parameter int WEIGHT_BITS = 8,
    parameter int TERM_BITS = 16,
    parameter int OUT_BITS = 16,
    parameter int TERNARY = 0,
    parameter int DSP = 0
) (
    input logic clk,
    input logic enable,
    input logic [SIMD-1:0][IN_BITS-1:0] x,
    input logic [SIMD-1:0][WEIGHT_BITS-1:0] weights,
    output logic [OUT_BITS-1:0] total
);
  logic [SIMD-1:0][TERM_BITS-1:0] terms;
  for (genvar s = 0; s < SIMD; ++s) begin : gen_product
    if (DSP != 0) begin : gen_dsp
      (* use_dsp = "yes" *) logic signed [IN_BITS+WEIGHT_BITS-1:0] product;
      always_ff @(posedge clk) if (enable) product <= $signed(x[s]) * $signed(weights[s]);
      assign terms[s] = TERM_BITS'(product);
    end else begin : gen_logic
      // What is narrower than a factor, as 0 always is, is cut behind its register.
      localparam int Factor = IN_BITS > WEIGHT_BITS ? IN_BITS : WEIGHT_BITS;
      localparam int Product = TERM_BITS > Factor ? TERM_BITS : Factor;
      (* use_dsp = "no" *) logic signed [Product-1:0] product;
      always_ff @(posedge clk) if (enable) product <= $signed(x[s]) * $signed(weights[s]);
      assign terms[s] = TERM_BITS'(product);
    end
  end
  fpgacomp_sum #(
      .TERMS(SIMD),
      .TERM_BITS(TERM_BITS),
      .OUT_BITS(OUT_BITS),
      .TERNARY(TERNARY)
  ) u_sum (
      .clk,
      .enable,
      .terms,
      .total
  );
endmodule
