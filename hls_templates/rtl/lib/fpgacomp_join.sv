// Each pixel's channels of one input after the other: WORDS[p] words of input p.
//
// Inputs may have element types of their own; BITS[p] and KIND[p] say which.
module fpgacomp_join #(
    parameter int PARTS = 2,
    parameter int LANES = 1,
    parameter int TOTAL_BITS = 16,  // of all inputs' words
    parameter logic [PARTS-1:0][31:0] WORDS = {PARTS{32'd1}},
    parameter logic [PARTS-1:0][31:0] BITS = {PARTS{32'd8}},
    parameter logic [PARTS-1:0][31:0] KIND = {PARTS{32'd1}},
    parameter int OUT_BITS = 8,
    parameter int OUT_KIND = 1,
    parameter int VALUE_BITS = 9
) (
    input logic clk,
    input logic rst,
    input logic [TOTAL_BITS-1:0] in_data,  // input 0 lowest
    input logic [PARTS-1:0] in_valid,
    output logic [PARTS-1:0] in_ready,
    output logic [LANES*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  localparam int PartBits = PARTS > 1 ? $clog2(PARTS) : 1;

  function automatic int first_bit(input int part);
    first_bit = 0;
    for (int p = 0; p < part; ++p) first_bit = first_bit + LANES * 32'(BITS[p]);
  endfunction

  logic enable, fire;
  logic [PartBits-1:0] part;
  logic [31:0] left;  // words of the part behind this one
  logic [PARTS-1:0][LANES*OUT_BITS-1:0] words;
  for (genvar p = 0; p < PARTS; ++p) begin : gen_part
    fpgacomp_cast #(
        .LANES(LANES),
        .IN_BITS(int'(BITS[p])),
        .IN_KIND(int'(KIND[p])),
        .OUT_BITS(OUT_BITS),
        .OUT_KIND(OUT_KIND),
        .VALUE_BITS(VALUE_BITS)
    ) u_cast (
        .in_word (in_data[first_bit(p)+:LANES*int'(BITS[p])]),
        .out_word(words[p])
    );
    assign in_ready[p] = enable & (part == PartBits'(p));
  end
  assign enable = out_ready | ~out_valid;
  assign fire   = enable & in_valid[part];
  always_ff @(posedge clk) begin
    if (rst) begin
      part <= '0;
      left <= WORDS[0] - 1;
    end else if (fire) begin
      if (left == 0) begin
        part <= part == PartBits'(PARTS - 1) ? '0 : part + 1'b1;
        left <= (part == PartBits'(PARTS - 1) ? WORDS[0] : WORDS[part+1'b1]) - 1;
      end else left <= left - 1;
    end
    if (enable) out_data <= words[part];
    if (rst) out_valid <= 1'b0;
    else if (enable) out_valid <= fire;
  end
endmodule
