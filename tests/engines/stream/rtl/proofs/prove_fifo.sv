// One word, whichever: it leaves once, unchanged, behind those that came before it.
module prove_fifo #(
    parameter int DEPTH = 3,
    parameter int BITS = 2,
    parameter int BLOCK = 0
) (
    input logic clk,
    input logic rst,
    input logic [BITS-1:0] in_data,
    input logic in_valid,
    input logic out_ready,
    input logic mark
);
  localparam int Stored = DEPTH - 1;
  logic started = 1'b0;
  logic reset;
  assign reset = rst | ~started;
  logic in_ready, out_valid;
  logic [BITS-1:0] out_data;
  fpgacomp_fifo #(
      .BITS (BITS),
      .DEPTH(DEPTH),
      .BLOCK(BLOCK)
  ) dut (
      .clk, .rst(reset), .in_data, .in_valid, .in_ready, .out_data, .out_valid, .out_ready
  );
  logic push, pop, seen, done, stuck;
  logic [7:0] count, ahead;
  logic [BITS-1:0] kept, last;
  assign push = in_valid & in_ready;
  assign pop  = out_valid & out_ready;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    stuck <= ~reset & out_valid & ~out_ready;
    last <= out_data;
    if (reset) begin
      seen  <= 1'b0;
      done  <= 1'b0;
      count <= '0;
      ahead <= '0;
    end else begin
      count <= count + 8'(push) - 8'(pop);
      if (~seen & push & mark) begin
        seen  <= 1'b1;
        kept  <= in_data;
        ahead <= count - 8'(pop);
      end else if (seen & ~done & pop) begin
        if (ahead == 0) done <= 1'b1;
        else ahead <= ahead - 1'b1;
      end
    end
  end
  always_comb begin
    if (started) begin
      // What is promised.
      if (stuck) assert (out_valid & (out_data == last));
      if (count == 0) assert (~out_valid);
      if (seen & ~done) assert (ahead < count);
      if (seen & ~done & (ahead == 0) & out_valid) assert (out_data == kept);
      assert (count <= 8'(DEPTH));
      // What the induction needs of the inside.
      assert (count == 8'(dut.held) + 8'(out_valid));
      assert ((dut.held == 0) | out_valid);
      assert (8'(dut.held) <= 8'(Stored));
      assert (~in_ready | (8'(dut.held) < 8'(Stored)));
      assert (8'(dut.read_at) < 8'(Stored));
      assert (8'(dut.write_at) == (8'(dut.read_at) + 8'(dut.held)) % 8'(Stored));
    end
  end
  logic [BITS-1:0] next;  // what lies in the memory where the word must be
  if (BLOCK != 0) begin : gen_block
    assign next = dut.gen_block.memory[(8'(dut.read_at)+ahead-8'd1)%8'(Stored)];
  end else begin : gen_plain
    assign next = dut.gen_plain.memory[(8'(dut.read_at)+ahead-8'd1)%8'(Stored)];
  end
  always_comb if (started & seen & ~done & (ahead != 0)) assert (next == kept);
endmodule
