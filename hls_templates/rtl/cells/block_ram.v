// The memory that the block RAMs of all families have in common, for simulation of netlists alone.
//
// Two ports reach 2**(ADDRESS_BITS-3) bytes of nine bits; one clock drives both. A port of 1, 2 or
// 4 bits reaches the lower eight bits of a byte and no others; one of 9, 18, 36 or 72 takes whole
// bytes. An address counts bits, eight a byte, and what is below a port's word is ignored.
//
// A word that one port reads while the other writes it is undefined, unless OLD says that the
// writing port lets the old one be read: it is read as the complement of what was there, so that a
// design which relies on it is found out.
module fpgacomp_block_ram #(
    parameter ADDRESS_BITS = 14,
    // Bits of a byte in INIT, 8 or 9, and from one pair of bytes to the next; INITP has the ninth
    // bits where INIT has none. (Elaboration takes seconds for a function that rearranges them.)
    parameter INIT_BYTE = 9,
    parameter INIT_PAIR = 18,
    parameter [INIT_PAIR*2**(ADDRESS_BITS-4)-1:0] INIT = 0,
    parameter [2**(ADDRESS_BITS-3)-1:0] INITP = 0,
    // Bits of a word, 0 of a port that neither reads nor writes.
    parameter READ_A = 0,
    parameter WRITE_A = 0,
    parameter READ_B = 0,
    parameter WRITE_B = 0,
    // What a port reads while it writes: 0 its output stays, 1 the new word, 2 the old one.
    parameter MODE_A = 0,
    parameter MODE_B = 0,
    parameter OLD_A = 0,
    parameter OLD_B = 0,
    parameter [71:0] START_A = 0,
    parameter [71:0] START_B = 0,
    parameter [71:0] RESET_A = 0,
    parameter [71:0] RESET_B = 0
) (
    input clk_a,
    input enable_a,
    input reset_a,  // of the output, whether enabled or not
    input [7:0] write_a,  // for each byte; the lowest for a word of nine bits and less
    input [ADDRESS_BITS-1:0] address_a,
    input [71:0] data_a,
    output reg [71:0] q_a,
    input clk_b,
    input enable_b,
    input reset_b,
    input [7:0] write_b,
    input [ADDRESS_BITS-1:0] address_b,
    input [71:0] data_b,
    output reg [71:0] q_b
);
  localparam BYTES = 2 ** (ADDRESS_BITS - 3);
  reg [8:0] memory[0:BYTES-1];
  integer n;
  initial begin
    for (n = 0; n < BYTES; n = n + 1) begin
      memory[n] = {INITP[n], INIT[INIT_PAIR*(n/2)+INIT_BYTE*(n%2)+:8]};
      if (INIT_BYTE == 9) memory[n][8] = INIT[INIT_PAIR*(n/2)+INIT_BYTE*(n%2)+8];
    end
    q_a = START_A;
    q_b = START_B;
    moved_a = 0;
    moved_b = 0;
  end

  function integer is_width(input integer width);
    is_width = width == 0 || width == 1 || width == 2 || width == 4 || width == 9 || width == 18 ||
        width == 36 || width == 72;
  endfunction
  if (!is_width(READ_A) || !is_width(WRITE_A) || !is_width(READ_B) || !is_width(WRITE_B)) begin : g_w
    $fatal(1, "a block RAM has a port of a width that is not modelled");
  end

  // Bits of the address below a word.
  function [ADDRESS_BITS-1:0] below(input integer width);
    below = (width < 9 ? width : width / 9 * 8) - 1;
  endfunction

  function [71:0] word(input [ADDRESS_BITS-1:0] address, input integer width);
    reg [ADDRESS_BITS-1:0] first;
    integer k;
    begin
      word = 0;
      first = address & ~below(width);
      if (width < 9) word[7:0] = (memory[first>>3] >> first[2:0]) & ((1 << width) - 1);
      else for (k = 0; k < width / 9; k = k + 1) word[9*k+:9] = memory[(first>>3)+k];
    end
  endfunction

  task store(input [ADDRESS_BITS-1:0] address, input integer width, input [71:0] data,
             input [7:0] bytes);
    reg [ADDRESS_BITS-1:0] first;
    reg [8:0] mask;
    integer k;
    begin
      first = address & ~below(width);
      if (width < 9) begin
        mask = ((1 << width) - 1) << first[2:0];
        if (bytes[0])
          memory[first>>3] = memory[first>>3] & ~mask | ({1'b0, data[7:0]} << first[2:0]) & mask;
      end else begin
        for (k = 0; k < width / 9; k = k + 1)
          if (bytes[k]) memory[(first>>3)+k] = data[9*k+:9];
      end
    end
  endtask

  // Whether a word of one port and one of the other have bits in common.
  function meet(input integer width, input integer other);
    meet = ((address_a ^ address_b) & ~(below(width) | below(other))) == 0;
  endfunction

  reg [71:0] old_a, old_b;
  reg writes_a, writes_b, clash_a, clash_b;
  // The clock of a port that is not used never moves.
  reg moved_a, moved_b, on_a, on_b;
  wire clk = clk_a | clk_b;
  always @(posedge clk) begin
    moved_a = moved_a | clk_a;
    moved_b = moved_b | clk_b;
    if (moved_a && moved_b && clk_a !== clk_b) begin
      $fatal(1, "the ports of a block RAM have different clocks, which is not modelled");
    end
    on_a = clk_a && enable_a;
    on_b = clk_b && enable_b;
    writes_a = WRITE_A != 0 && on_a && write_a != 0;
    writes_b = WRITE_B != 0 && on_b && write_b != 0;
    old_a = READ_A != 0 ? word(address_a, READ_A) : 0;
    old_b = READ_B != 0 ? word(address_b, READ_B) : 0;
    clash_a = writes_b && !OLD_B && READ_A != 0 && meet(READ_A, WRITE_B);
    clash_b = writes_a && !OLD_A && READ_B != 0 && meet(READ_B, WRITE_A);
    if (writes_a) store(address_a, WRITE_A, data_a, write_a);
    if (writes_b) store(address_b, WRITE_B, data_b, write_b);
    if (READ_A != 0) begin
      if (clk_a && reset_a) q_a <= RESET_A;
      else if (on_a && !(writes_a && MODE_A == 0)) begin
        if (writes_a && MODE_A == 1) q_a <= word(address_a, READ_A);
        else q_a <= clash_a ? ~old_a : old_a;
      end
    end
    if (READ_B != 0) begin
      if (clk_b && reset_b) q_b <= RESET_B;
      else if (on_b && !(writes_b && MODE_B == 0)) begin
        if (writes_b && MODE_B == 1) q_b <= word(address_b, READ_B);
        else q_b <= clash_b ? ~old_b : old_b;
      end
    end
  end
endmodule
