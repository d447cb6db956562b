// The transmitting half of a UART: 8 data bits, the lowest first, no parity, one stop bit.
//
// A byte is taken while the stop bit before it is on the line, so that bytes follow each other
// without a pause wherever the next one is there within the time of a bit.
module fpgacomp_uart_transmit #(
    parameter int OVERSAMPLE = 8
) (
    input logic clk,
    input logic rst,
    input logic tick,
    input logic [7:0] data,
    input logic valid,
    output logic ready,
    output logic tx
);
  localparam int PhaseBits = $clog2(OVERSAMPLE);
  logic [PhaseBits-1:0] phase;
  logic [9:0] waiting;  // the bits to send, the stop bit as the highest that is set
  assign ready = waiting == '0;
  always_ff @(posedge clk) begin
    if (rst) begin
      phase <= '0;
      waiting <= '0;
      tx <= 1'b1;
    end else begin
      if (tick) phase <= phase + 1'b1;
      if (ready) waiting <= valid ? {1'b1, data, 1'b0} : '0;
      else if (tick & (phase == '0)) waiting <= waiting >> 1;
      if (tick & (phase == '0)) tx <= ready | waiting[0];
    end
  end
endmodule
