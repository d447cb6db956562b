// a + b + c, or with b, c or both subtracted, modulo 2**W, in one row of LUTs of six inputs.
//
// Vivado makes a ternary adder of this expression. Yosys makes two adders of it; it is given
// yosys/ternary_add.v for this module instead, where the emitted scripts read it.
module fpgacomp_ternary_add #(
    parameter int W = 1,
    parameter bit MINUS_B = 0,
    parameter bit MINUS_C = 0
) (
    input  logic [W-1:0] a,
    input  logic [W-1:0] b,
    input  logic [W-1:0] c,
    output logic [W-1:0] sum
);
  if (MINUS_B & MINUS_C) begin : gen_two_less
    assign sum = a - b - c;
  end else if (MINUS_B) begin : gen_b_less
    assign sum = a + c - b;
  end else if (MINUS_C) begin : gen_c_less
    assign sum = a + b - c;
  end else begin : gen_all
    assign sum = a + b + c;
  end
endmodule
