// FIRST words of input 0, then SECOND words of input 1, and again; each leaves once, unchanged.
module prove_join #(
    parameter int BITS   = 2,
    parameter int FIRST  = 2,
    parameter int SECOND = 3
) (
    input logic clk,
    input logic rst,
    input logic [2*BITS-1:0] in_data,
    input logic [1:0] in_valid,
    input logic out_ready
);
  logic started = 1'b0;
  logic reset;
  assign reset = rst | ~started;
  logic [1:0] in_ready;
  logic out_valid;
  logic [BITS-1:0] out_data;
  fpgacomp_join #(
      .PARTS(2),
      .LANES(1),
      .TOTAL_BITS(2 * BITS),
      .WORDS({32'(SECOND), 32'(FIRST)}),
      .BITS({2{32'(BITS)}}),
      .KIND({2{32'd1}}),
      .OUT_BITS(BITS),
      .OUT_KIND(1),
      .VALUE_BITS(BITS)
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
  logic [7:0] at;  // number of the next word in its round
  logic owed, stuck, turn;
  logic [1:0] push;
  logic [BITS-1:0] kept;
  assign turn = at >= 8'(FIRST);
  assign push = in_valid & in_ready;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    stuck   <= ~reset & out_valid & ~out_ready;
    if (|push) kept <= in_data[turn*BITS+:BITS];
    if (reset) begin
      at   <= '0;
      owed <= 1'b0;
    end else begin
      owed <= |push | (owed & ~(out_valid & out_ready));
      if (|push) at <= at == 8'(FIRST + SECOND - 1) ? '0 : at + 1'b1;
    end
  end
  always_comb begin
    if (started) begin
      // What is promised.
      assert (~in_ready[~turn]);
      assert (out_valid == owed);
      if (owed & ~out_ready) assert (in_ready == 0);
      if (stuck) assert (out_valid);
      if (out_valid) assert (out_data == kept);
      // What the induction needs of the inside.
      assert (at < 8'(FIRST + SECOND));
      assert (dut.part == turn);
      assert (dut.left == (turn ? 32'(FIRST + SECOND - 1) : 32'(FIRST - 1)) - 32'(at));
    end
  end
endmodule
