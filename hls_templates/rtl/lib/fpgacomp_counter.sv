// Counts 0, 1, ... COUNT - 1 and over again, one further in every cycle with `step`.
module fpgacomp_counter #(
    parameter int COUNT = 2,
    parameter int BITS  = COUNT > 1 ? $clog2(COUNT) : 1
) (
    input logic clk,
    input logic rst,
    input logic step,
    output logic [BITS-1:0] value,
    output logic last
);
  assign last = value == BITS'(COUNT - 1);
  always_ff @(posedge clk) begin
    if (rst) value <= '0;
    else if (step) value <= last ? '0 : value + 1'b1;
  end
endmodule
