// CRC-32 of ISO 3309 (the FCS-32 of RFC 1662, zlib's crc32), a bit a cycle.
//
// A byte goes in by eight steps, its lowest bit first; behind the last byte the complement of `crc`
// is what is sent, its lowest bit first. A receiver that has taken the four bytes of a right CRC in,
// too, holds `whole`. With `drain` the register is only shifted, which brings the next byte of the
// CRC to its lower end.
module fpgacomp_link_crc (
    input logic clk,
    input logic clear,
    input logic step,
    input logic drain,
    input logic data,
    output logic [7:0] low,
    output logic whole
);
  logic [31:0] crc;
  logic feedback;
  assign feedback = ~drain & (crc[0] ^ data);
  assign low = ~crc[7:0];
  assign whole = crc == 32'hDEBB20E3;
  always_ff @(posedge clk) begin
    if (clear) crc <= '1;
    else if (step) crc <= {1'b0, crc[31:1]} ^ (feedback ? 32'hEDB88320 : 32'd0);
  end
endmodule
