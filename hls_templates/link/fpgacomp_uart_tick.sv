// The clock of a UART: high for one cycle, INCREMENT times in 65,536 cycles.
//
// A whole divider misses 3 Mbaud by 8 % at 25 MHz. The phase that is left over at a tick goes on
// into the next one, so that the mean rate is right to 1 / (2 * INCREMENT), whatever the clock.
module fpgacomp_uart_tick #(
    parameter int INCREMENT = 65536  // 65,536 at most: a tick in every cycle
) (
    input  logic clk,
    input  logic rst,
    output logic tick
);
  logic [15:0] phase;
  logic [16:0] sum;
  assign sum = 17'(phase) + 17'(INCREMENT);
  always_ff @(posedge clk) begin
    phase <= rst ? '0 : sum[15:0];
    tick  <= ~rst & sum[16];
  end
endmodule
