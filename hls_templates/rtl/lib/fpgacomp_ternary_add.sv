// a + b + c, or with b, c or both subtracted, modulo 2**W, in one row of LUTs of six inputs.
//
// Xilinx' XST is known to put this expression into such a row, and Vivado is left to do so, which
// was not tried. Yosys makes two adders of it, so that the emitted scripts map this module by
// yosys/ternary_add.v instead.
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
