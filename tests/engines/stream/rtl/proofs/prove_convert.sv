// The same units of UNIT bits leave in the order in which they came, none lost or doubled.
module prove_convert #(
    parameter int IN_BITS  = 4,
    parameter int OUT_BITS = 6,
    parameter int UNIT = 2
) (
    input logic clk,
    input logic rst,
    input logic [IN_BITS-1:0] in_data,
    input logic in_valid,
    input logic out_ready
);
  localparam int Room = 2 * (IN_BITS + OUT_BITS);
  logic started = 1'b0;
  logic reset;
  assign reset = rst | ~started;
  logic in_ready, out_valid;
  logic [OUT_BITS-1:0] out_data;
  fpgacomp_convert #(
      .IN_BITS (IN_BITS),
      .OUT_BITS(OUT_BITS),
      .UNIT(UNIT)
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
  // The bits that came in and have not left: the oldest lowest, zeros above.
  logic [Room-1:0] owed, after;
  logic [7:0] level, level_after;
  logic push, pop, stuck;
  logic [OUT_BITS-1:0] last;
  assign push = in_valid & in_ready;
  assign pop = out_valid & out_ready;
  assign after = pop ? owed >> OUT_BITS : owed;
  assign level_after = pop ? level - 8'(OUT_BITS) : level;
  always_ff @(posedge clk) begin
    started <= 1'b1;
    stuck <= ~reset & out_valid & ~out_ready;
    last <= out_data;
    if (reset) begin
      owed  <= '0;
      level <= '0;
    end else begin
      owed  <= push ? after | (Room'(in_data) << level_after) : after;
      level <= push ? level_after + 8'(IN_BITS) : level_after;
    end
  end
  // What is inside besides the word at the output, and how many bits of it: for the induction.
  logic [Room-1:0] core;
  logic [7:0] core_bits;
  logic sound;
  if (OUT_BITS % IN_BITS == 0) begin : gen_gather
    assign core_bits = 8'(dut.gen_gather.u_word.value) * 8'(IN_BITS);
    assign core = Room'(out_data) >> (8'(OUT_BITS) - core_bits);
    assign sound = (8'(dut.gen_gather.u_word.value) < 8'(OUT_BITS / IN_BITS)) &
        (~out_valid | (core_bits == 0));
  end else if (IN_BITS % OUT_BITS == 0) begin : gen_deal
    logic [7:0] left;
    assign left = 8'(IN_BITS / OUT_BITS) - 8'(dut.gen_deal.u_word.value);
    assign core_bits = dut.gen_deal.first ? '0 : left * 8'(OUT_BITS);
    assign core = Room'(dut.gen_deal.rest) & ~({Room{1'b1}} << core_bits);
    assign sound = (dut.gen_deal.first == (dut.gen_deal.u_word.value == 0)) &
        (8'(dut.gen_deal.u_word.value) < 8'(IN_BITS / OUT_BITS)) & (dut.gen_deal.first | out_valid);
  end else begin : gen_any
    localparam int Most = (IN_BITS > OUT_BITS ? IN_BITS : OUT_BITS) / UNIT - 1;
    assign core_bits = 8'(dut.gen_any.held) * 8'(UNIT);
    assign core = Room'(dut.gen_any.waiting);
    assign sound = 8'(dut.gen_any.held) <= 8'(Most);
  end
  always_comb begin
    if (started) begin
      // What is promised.
      if (stuck) assert (out_valid & (out_data == last));
      if (out_valid) assert ((level >= 8'(OUT_BITS)) & (out_data == owed[OUT_BITS-1:0]));
      assert (level < 8'(IN_BITS + OUT_BITS + IN_BITS));
      // What the induction needs of the inside.
      assert (sound);
      assert (level == core_bits + (out_valid ? 8'(OUT_BITS) : 8'd0));
      assert (owed == (out_valid ? (core << OUT_BITS) | Room'(out_data) : core));
    end
  end
endmodule
