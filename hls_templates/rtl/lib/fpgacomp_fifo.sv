// A FIFO of DEPTH words (at least 2), the last of which is the register at its output.
//
// `in_ready` and `out_valid` are registers, so that no handshake path crosses the FIFO. A word
// that meets an empty FIFO is at the output one cycle later.
//
// No memory block reads into a register that takes words from elsewhere, too. With BLOCK the words
// of the memory have a register of their own, and a multiplexer follows it.
module fpgacomp_fifo #(
    parameter int BITS = 8,
    parameter int DEPTH = 2,
    parameter int BLOCK = 0,  // 1: its words lie in block RAM
    parameter TAP = "",  // simulation only: file that every word is written to
    parameter NAME = ""  // simulation only: what the measured figures are listed under
) (
    input logic clk,
    input logic rst,
    input logic [BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Stored = DEPTH - 1;
  localparam int AddressBits = Stored > 1 ? $clog2(Stored) : 1;
  localparam int CountBits = $clog2(Stored + 1);

  logic [AddressBits-1:0] write_at, read_at;
  logic [CountBits-1:0] held, held_next, most;  // most: words of the memory that may be in use
  logic push, take, from_memory, direct, to_memory;

  assign push = in_valid & in_ready;
  assign take = ~out_valid | out_ready;
  assign from_memory = take & (held != '0);
  assign direct = take & (held == '0) & push;
  assign to_memory = push & ~direct;
  assign held_next = held + CountBits'(to_memory) - CountBits'(from_memory);

  fpgacomp_counter #(
      .COUNT(Stored)
  ) u_write (
      .clk,
      .rst,
      .step (to_memory),
      .value(write_at),
      .last ()
  );
  fpgacomp_counter #(
      .COUNT(Stored)
  ) u_read (
      .clk,
      .rst,
      .step (from_memory),
      .value(read_at),
      .last ()
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      held <= '0;
      in_ready <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      held <= held_next;
      in_ready <= held_next != most;
      if (take) out_valid <= from_memory | direct;
    end
  end

  if (BLOCK != 0) begin : gen_block
    // No word is written where one is read: what is read is held, and a full FIFO takes none.
    (* ram_style = "block", no_rw_check *) logic [BITS-1:0] memory[Stored];
    logic [BITS-1:0] stored, passed;
    logic of_memory;
    always_ff @(posedge clk) begin
      if (to_memory) memory[write_at] <= in_data;
      if (from_memory) stored <= memory[read_at];
      if (direct) passed <= in_data;
      if (direct | from_memory) of_memory <= from_memory;
    end
    assign out_data = of_memory ? stored : passed;
  end else begin : gen_plain
    logic [BITS-1:0] memory[Stored];
    always_ff @(posedge clk) begin
      if (to_memory) memory[write_at] <= in_data;
      if (direct) out_data <= in_data;
      else if (from_memory) out_data <= memory[read_at];
    end
  end

`ifdef FPGACOMP_MEASURE
  // A run may try less room: +NAME=2 and more words.
  int unsigned highest, words, starved, stalled, file, room;
  initial begin
    if (NAME == "" || $value$plusargs({NAME, "=%d"}, room) == 0) room = DEPTH;
    most = CountBits'(room - 1);
    highest = 0;
    words = 0;
    starved = 0;
    stalled = 0;
    file = 0;
    if (TAP != "") file = $fopen(TAP, "w");
  end
  always @(posedge clk) begin
    if (!rst) begin
      if (push) words <= words + 1;
      if (in_valid & ~in_ready) stalled <= stalled + 1;
      if (out_ready & ~out_valid) starved <= starved + 1;
      if (32'(held) + 32'(out_valid) > highest) highest <= 32'(held) + 32'(out_valid);
      if (TAP != "" && push) $fdisplay(file, "%h", in_data);
    end
  end
  final begin
    if (TAP != "") $fclose(file);
    if (NAME != "") $display("fifo %s %0d %0d %0d %0d", NAME, words, highest, stalled, starved);
  end
`else
  assign most = CountBits'(Stored);
`endif
endmodule
