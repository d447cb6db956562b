// Every word to each of COPIES outputs, in the cycle in which all of them are free.
module fpgacomp_duplicate #(
    parameter int BITS   = 8,
    parameter int COPIES = 2
) (
    input logic clk,
    input logic rst,
    input logic [BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [COPIES*BITS-1:0] out_data,
    output logic [COPIES-1:0] out_valid,
    input logic [COPIES-1:0] out_ready
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  logic enable;
  logic [BITS-1:0] word;
  assign enable   = &(out_ready | ~out_valid);
  assign in_ready = enable;
  assign out_data = {COPIES{word}};
  always_ff @(posedge clk) begin
    if (enable) word <= in_data;
    if (rst) out_valid <= '0;
    else if (enable) out_valid <= {COPIES{in_valid}};
    else out_valid <= out_valid & ~out_ready;
  end
endmodule
