// A small constant table whose content is a parameter: entry i is CONTENT[i*BITS +: BITS].
// The entry is there one cycle after its address.
module fpgacomp_bank #(
    parameter int BITS = 8,
    parameter int DEPTH = 1,
    parameter int ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1,
    parameter logic [DEPTH*BITS-1:0] CONTENT = '0
) (
    input logic clk,
    input logic enable,
    input logic [ADDRESS_BITS-1:0] address,
    output logic [BITS-1:0] entry
);
  if (DEPTH == 1) begin : gen_constant
    assign entry = CONTENT;
  end else begin : gen_table
    logic [BITS-1:0] content[DEPTH];
    initial for (int i = 0; i < DEPTH; ++i) content[i] = CONTENT[i*BITS+:BITS];
    always_ff @(posedge clk) if (enable) entry <= content[address];
  end
endmodule
