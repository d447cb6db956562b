// Every word leaves at each output once and unchanged, in order: one word at most is inside.
module prove_duplicate #(
    parameter int BITS   = 2,
    parameter int COPIES = 3
) (
    input logic clk,
    input logic rst,
    input logic [BITS-1:0] in_data,
    input logic in_valid,
    input logic [COPIES-1:0] out_ready
);
  logic started = 1'b0;
  logic reset;
  assign reset = rst | ~started;
  logic in_ready;
  logic [COPIES*BITS-1:0] out_data;
  logic [COPIES-1:0] out_valid;
  fpgacomp_duplicate #(
      .BITS  (BITS),
      .COPIES(COPIES)
  ) dut (
      .clk,
      .rst(reset),
      .in_data,
      .in_valid,
      .in_ready,
      .out_data,
      .out_valid,
      .out_ready
  );
  logic [COPIES-1:0] owed, stuck;
  logic [BITS-1:0] kept;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    stuck   <= reset ? '0 : out_valid & ~out_ready;
    if (in_valid & in_ready) kept <= in_data;
    if (reset) owed <= '0;
    else owed <= in_valid & in_ready ? '1 : owed & ~(out_valid & out_ready);
  end
  always_comb begin
    if (started) begin
      // No word is taken while an output still waits for the one before.
      if (in_ready) assert ((owed & ~out_ready) == 0);
      for (int c = 0; c < COPIES; ++c) begin
        assert (out_valid[c] == owed[c]);
        assert (~stuck[c] | out_valid[c]);
        if (out_valid[c]) assert (out_data[c*BITS+:BITS] == kept);
      end
    end
  end
endmodule
