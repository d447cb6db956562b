// A constant table that is read one row a cycle; the row is there one cycle after its address.
//
// A table of one row is the constant ROW. Others are read from FILE, one hexadecimal row a line.
// STYLE is 2 for block RAM, 1 for the LUT ROM of Vivado, 3 for LUTs in Yosys, and 0 where the tool
// decides. Yosys obeys "distributed" to the letter: a table with it must become a memory of LUTs
// that starts with a content, which neither ECP5 nor iCE40 nor Gowin has, so that it stops.
module fpgacomp_rom #(
    parameter int BITS = 8,
    parameter int DEPTH = 2,
    parameter int ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1,
    parameter FILE = "",
    parameter int STYLE = 0,
    parameter logic [BITS-1:0] ROW = '0
) (
    input logic clk,
    input logic enable,
    input logic [ADDRESS_BITS-1:0] address,
    output logic [BITS-1:0] row
);
  if (DEPTH == 1) begin : gen_constant
    assign row = ROW;
  end else if (STYLE == 2) begin : gen_block
    (* rom_style = "block", ram_style = "block" *) logic [BITS-1:0] content[DEPTH];
    initial $readmemh(FILE, content);
    always_ff @(posedge clk) if (enable) row <= content[address];
  end else if (STYLE == 1) begin : gen_distributed
    (* rom_style = "distributed" *) logic [BITS-1:0] content[DEPTH];
    initial $readmemh(FILE, content);
    always_ff @(posedge clk) if (enable) row <= content[address];
  end else if (STYLE == 3) begin : gen_logic
    (* rom_style = "logic" *) logic [BITS-1:0] content[DEPTH];
    initial $readmemh(FILE, content);
    always_ff @(posedge clk) if (enable) row <= content[address];
  end else begin : gen_auto
    logic [BITS-1:0] content[DEPTH];
    initial $readmemh(FILE, content);
    always_ff @(posedge clk) if (enable) row <= content[address];
  end
endmodule
