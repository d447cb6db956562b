// The receiving half of a UART: 8 data bits, the lowest first, no parity, one stop bit.
//
// The line is sampled with every tick, OVERSAMPLE times a bit (4 or 8), and a bit is what two of
// the three samples around its middle say. A start bit that is gone at its middle was a glitch. A
// stop bit that is low is a framing error: `bad` is high for one cycle instead of `valid`, and the
// next start bit is awaited on a line that was high again, so that a break is one error.
module fpgacomp_uart_receive #(
    parameter int OVERSAMPLE = 8
) (
    input logic clk,
    input logic rst,
    input logic tick,
    input logic rx,
    output logic [7:0] data,  // holds until the next start bit
    output logic valid,
    output logic bad
);
  localparam int PhaseBits = $clog2(OVERSAMPLE);
  localparam logic [PhaseBits-1:0] Decide = PhaseBits'(OVERSAMPLE / 2 + 1);
  logic [2:0] line;  // two registers against metastability, and the level in the third
  logic [1:0] older;  // the samples before, the newer one lowest
  logic [PhaseBits-1:0] phase;  // number of this tick's sample in its bit
  logic [3:0] place;  // 0: start bit, 1 to 8: data, 9: stop bit
  logic busy, armed, bit_value;
  assign bit_value = (line[2] & older[0]) | (line[2] & older[1]) | (older[0] & older[1]);
  always_ff @(posedge clk) begin
    line <= rst ? '1 : {line[1:0], rx};
    if (tick) older <= {older[0], line[2]};
    if (tick & busy & (phase == Decide) & (place != 4'd9)) data <= {bit_value, data[7:1]};
    valid <= 1'b0;
    bad   <= 1'b0;
    if (rst) begin
      busy  <= 1'b0;
      armed <= 1'b0;
    end else if (tick) begin
      if (~busy) begin
        phase <= PhaseBits'(1);
        place <= '0;
        armed <= line[2];
        busy  <= armed & ~line[2];
      end else begin
        phase <= phase + 1'b1;
        if (phase == Decide) begin
          place <= place + 1'b1;
          if ((place == '0) & bit_value) busy <= 1'b0;
          if (place == 4'd9) begin
            busy  <= 1'b0;
            valid <= bit_value;
            bad   <= ~bit_value;
            armed <= bit_value;
          end
        end
      end
    end
  end
endmodule
