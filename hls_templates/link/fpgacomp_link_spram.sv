// A single-port RAM of 16,384 words, as SB_SPRAM256KA of iCE40 UltraPlus is one: read or written in
// a cycle, half a word at least. A bitstream is built with that primitive in this module's place.
module fpgacomp_link_spram (
    input logic clk,
    input logic [13:0] address,
    input logic write,
    input logic [1:0] bytes,  // which of them are written
    input logic [15:0] data_in,
    output logic [15:0] data_out  // undefined after a write
);
  logic [15:0] memory[16384];
  always_ff @(posedge clk) begin
    if (write) begin
      if (bytes[0]) memory[address][7:0] <= data_in[7:0];
      if (bytes[1]) memory[address][15:8] <= data_in[15:8];
      data_out <= 'x;
    end else data_out <= memory[address];
  end
endmodule
