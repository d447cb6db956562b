// A frame of FRAME bits passes a width conversion whose words it does not fill: its bits leave in
// the order in which they came, and nothing of what fills up a last word in leaves as a frame's bit.
module prove_filled #(
    parameter int IN_BITS  = 4,
    parameter int OUT_BITS = 1,
    parameter int UNIT = 1,
    parameter int FRAME = 10
) (
    input logic clk,
    input logic rst,
    input logic [IN_BITS-1:0] in_data,
    input logic in_valid,
    input logic out_ready
);
  localparam int In = (FRAME + IN_BITS - 1) / IN_BITS;  // words a frame
  localparam int Out = (FRAME + OUT_BITS - 1) / OUT_BITS;
  localparam int LastIn = FRAME - (In - 1) * IN_BITS;  // bits of the last word
  localparam int LastOut = FRAME - (Out - 1) * OUT_BITS;
  localparam bit Gathers = IN_BITS < OUT_BITS;
  localparam int Steps = Gathers ? In + (LastOut < LastIn ? 1 : 0) : Out;
  localparam int Room = 2 * (IN_BITS + OUT_BITS);
  logic started = 1'b0;
  logic reset;
  assign reset = rst | ~started;
  logic in_ready, out_valid;
  logic [OUT_BITS-1:0] out_data;
  fpgacomp_convert #(
      .IN_BITS (IN_BITS),
      .OUT_BITS(OUT_BITS),
      .UNIT(UNIT),
      .IN_WORDS(In),
      .STEPS(Steps)
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
  // The frame's bits that came in and have not left: the oldest lowest, zeros above. Words in and
  // out are counted within their frames.
  logic [Room-1:0] owed, after;
  logic [7:0] level, level_after, word_in, word_out, real_in, real_out;
  logic push, pop, stuck;
  logic [OUT_BITS-1:0] last;
  assign push = in_valid & in_ready;
  assign pop = out_valid & out_ready;
  assign real_in = word_in == 8'(In - 1) ? 8'(LastIn) : 8'(IN_BITS);
  assign real_out = word_out == 8'(Out - 1) ? 8'(LastOut) : 8'(OUT_BITS);
  assign after = pop ? owed >> real_out : owed;
  assign level_after = pop ? level - real_out : level;
  function automatic logic [Room-1:0] low(input logic [Room-1:0] word, input logic [7:0] bits);
    return word & ~({Room{1'b1}} << bits);
  endfunction
  always_ff @(posedge clk) begin
    started <= 1'b1;
    stuck <= ~reset & out_valid & ~out_ready;
    last <= out_data;
    if (reset) begin
      owed <= '0;
      level <= '0;
      word_in <= '0;
      word_out <= '0;
    end else begin
      owed  <= push ? after | (low(Room'(in_data), real_in) << level_after) : after;
      level <= push ? level_after + real_in : level_after;
      if (push) word_in <= word_in == 8'(In - 1) ? '0 : word_in + 1'b1;
      if (pop) word_out <= word_out == 8'(Out - 1) ? '0 : word_out + 1'b1;
    end
  end
  // For the induction: what the module has read, written and holds after so many steps of a frame.
  int step, read, written, held;
  logic [Room-1:0] core;
  logic sound;
  if (OUT_BITS % IN_BITS == 0) begin : gen_gather
    localparam int Parts = OUT_BITS / IN_BITS;
    assign step = int'(dut.gen_gather_filled.u_in.value);
    assign core = low(Room'(out_data), 8'(held));
    assign sound = (int'(dut.gen_gather_filled.u_part.value) == step % Parts) &
        (~out_valid | (step % Parts == 0));
  end else begin : gen_other
    assign step = int'(dut.gen_filled.u_step.value);
    assign core = low(Room'(dut.gen_filled.waiting), 8'(held));
    assign sound = (int'(dut.gen_filled.u_in.value) == read % In) &
        (dut.gen_filled.more == (read < In)) &
        (int'(dut.gen_filled.held) * UNIT == read * IN_BITS - written * OUT_BITS) &
        ((Room'(dut.gen_filled.waiting) >> (int'(dut.gen_filled.held) * UNIT)) == '0);
  end
  always_comb begin
    if (Gathers) begin
      read = step < In ? step : In;
      written = step < In ? step * IN_BITS / OUT_BITS : (In - 1) * IN_BITS / OUT_BITS + 1;
    end else begin
      read = (step * OUT_BITS + IN_BITS - 1) / IN_BITS;
      written = step;
    end
    held = (read * IN_BITS < FRAME ? read * IN_BITS : FRAME) - written * OUT_BITS;
  end
  always_comb begin
    if (started) begin
      // What is promised.
      if (stuck) assert (out_valid & (out_data == last));
      if (out_valid) begin
        assert (level >= real_out);
        assert (low(Room'(out_data), real_out) == low(owed, real_out));
      end
      // What the induction needs of the inside.
      assert (sound);
      assert ((step < Steps) & (held >= 0));
      assert (int'(word_in) == read % In);
      assert (int'(word_out) == (written + (out_valid ? Out - 1 : 0)) % Out);
      assert (int'(level) == held + (out_valid ? int'(real_out) : 0));
      assert (owed == (out_valid ? (core << real_out) | low(Room'(out_data), real_out) : core));
    end
  end
endmodule
