// The same elements in words of another width. Both widths are multiples of UNIT bits.
//
// Where a width does not divide a frame, the last word of a frame is filled up: a frame is IN_WORDS
// words and takes STEPS firings, and what fills the last word in is dropped.
module fpgacomp_convert #(
    parameter int IN_BITS = 8,
    parameter int OUT_BITS = 8,
    parameter int UNIT = 8,  // bits of the widths' greatest common divisor
    parameter int IN_WORDS = 0,  // a frame; 0 where both widths divide it
    parameter int STEPS = 0
) (
    input logic clk,
    input logic rst,
    input logic [IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  logic enable, fire;
  assign enable = out_ready | ~out_valid;

  if (STEPS == 0 && OUT_BITS % IN_BITS == 0) begin : gen_gather
    // Words enter at the upper end of the output register; the last one completes it.
    logic last;
    assign in_ready = enable;
    assign fire = enable & in_valid;
    fpgacomp_counter #(
        .COUNT(OUT_BITS / IN_BITS)
    ) u_word (
        .clk,
        .rst,
        .step (fire),
        .value(),
        .last (last)
    );
    always_ff @(posedge clk) begin
      if (fire) out_data <= OUT_BITS'({in_data, out_data} >> IN_BITS);
      if (rst) out_valid <= 1'b0;
      else if (enable) out_valid <= fire & last;
    end
  end else if (STEPS == 0 && IN_BITS % OUT_BITS == 0) begin : gen_deal
    // A word is kept and leaves from its lower end.
    logic first, last;
    logic [IN_BITS-OUT_BITS-1:0] rest;
    assign in_ready = enable & first;
    assign fire = enable & (in_valid | ~first);
    fpgacomp_counter #(
        .COUNT(IN_BITS / OUT_BITS)
    ) u_word (
        .clk,
        .rst,
        .step (fire),
        .value(),
        .last (last)
    );
    always_ff @(posedge clk) begin
      if (rst) first <= 1'b1;
      else if (fire) first <= last;
      if (fire) begin
        if (first) {rest, out_data} <= in_data;
        else begin
          out_data <= rest[OUT_BITS-1:0];
          rest <= rest >> OUT_BITS;
        end
      end
      if (rst) out_valid <= 1'b0;
      else if (enable) out_valid <= fire;
    end
  end else if (STEPS == 0) begin : gen_any
    localparam int InUnits = IN_BITS / UNIT;
    localparam int OutUnits = OUT_BITS / UNIT;
    localparam int Room = InUnits + OutUnits - 1;
    localparam int HeldBits = $clog2(Room + 1);
    logic [Room*UNIT-1:0] waiting, filled;
    logic [HeldBits-1:0] held, held_now;
    logic short, complete;
    assign short = held < HeldBits'(OutUnits);
    assign in_ready = enable & short;
    assign fire = enable & (in_valid | ~short);
    assign filled = short ? waiting | ((Room * UNIT)'(in_data) << (32'(held) * UNIT)) : waiting;
    assign held_now = short ? held + HeldBits'(InUnits) : held;
    assign complete = held_now >= HeldBits'(OutUnits);
    always_ff @(posedge clk) begin
      if (rst) begin
        waiting <= '0;
        held <= '0;
      end else if (fire) begin
        waiting <= complete ? filled >> OUT_BITS : filled;
        held <= complete ? held_now - HeldBits'(OutUnits) : held_now;
      end
      if (fire) out_data <= filled[OUT_BITS-1:0];
      if (rst) out_valid <= 1'b0;
      else if (enable) out_valid <= fire & complete;
    end
  end else if (OUT_BITS % IN_BITS == 0) begin : gen_gather_filled
    // Each word enters at its place, because the last one of a frame may be the first of its word.
    localparam int Parts = OUT_BITS / IN_BITS;
    logic part_last, last;
    logic [(Parts > 1 ? $clog2(Parts) : 1)-1:0] part;
    assign in_ready = enable;
    assign fire = enable & in_valid;
    fpgacomp_counter #(
        .COUNT(Parts)
    ) u_part (
        .clk,
        .rst  (rst | (fire & last)),
        .step (fire),
        .value(part),
        .last (part_last)
    );
    fpgacomp_counter #(
        .COUNT(IN_WORDS)
    ) u_in (
        .clk,
        .rst,
        .step (fire),
        .value(),
        .last (last)
    );
    for (genvar i = 0; i < Parts; ++i) begin : gen_part
      always_ff @(posedge clk) begin
        if (fire & (32'(part) == i)) out_data[i*IN_BITS+:IN_BITS] <= in_data;
      end
    end
    always_ff @(posedge clk) begin
      if (rst) out_valid <= 1'b0;
      else if (enable) out_valid <= fire & (part_last | last);
    end
  end else begin : gen_filled
    localparam int InUnits = IN_BITS / UNIT;
    localparam int OutUnits = OUT_BITS / UNIT;
    localparam int Room = InUnits + OutUnits - 1;
    localparam int HeldBits = $clog2(Room + 1);
    logic [Room*UNIT-1:0] waiting, filled;
    logic [HeldBits-1:0] held, held_now;
    logic more, more_after, taking, complete, in_last, last;  // more: words in that are to come
    assign taking   = more & (held < HeldBits'(OutUnits));
    assign in_ready = enable & taking;
    assign fire     = enable & (in_valid | ~taking);
    fpgacomp_counter #(
        .COUNT(IN_WORDS)
    ) u_in (
        .clk,
        .rst,
        .step (fire & taking),
        .value(),
        .last (in_last)
    );
    fpgacomp_counter #(
        .COUNT(STEPS)
    ) u_step (
        .clk,
        .rst,
        .step (fire),
        .value(),
        .last (last)
    );
    if (IN_BITS % OUT_BITS == 0) begin : gen_deal
      assign filled = taking ? (Room * UNIT)'(in_data) : waiting;
    end else begin : gen_any
      assign filled = taking ? waiting | ((Room * UNIT)'(in_data) << (32'(held) * UNIT)) : waiting;
    end
    assign held_now   = taking ? held + HeldBits'(InUnits) : held;
    assign more_after = more & ~(taking & in_last);
    // The last word goes when nothing more comes, with less in it.
    assign complete   = (held_now >= HeldBits'(OutUnits)) | ~more_after;
    always_ff @(posedge clk) begin
      if (rst | (fire & last)) begin
        waiting <= '0;
        held <= '0;
        more <= 1'b1;
      end else if (fire) begin
        waiting <= complete ? filled >> OUT_BITS : filled;
        held <= complete ? held_now - HeldBits'(OutUnits) : held_now;
        more <= more_after;
      end
      if (fire) out_data <= filled[OUT_BITS-1:0];
      if (rst) out_valid <= 1'b0;
      else if (enable) out_valid <= fire & complete;
    end
  end
endmodule
