// The frames of one input port: bytes of the line to beats of an AXI4-Stream.
//
// The memory has WINDOW slots, each a power of two of bytes. Frame number n lies in slot n mod
// WINDOW, so the lower bits of its sequence are the address, and a packet that turns out to be wrong
// is overwritten by the next one. Frames below `accepted` are right and whole, on every port.
//
// With SPRAM the memory is a single-port RAM of 32 KB (SB_SPRAM256KA): a byte that is written takes
// the cycle of one that would be read.
module fpgacomp_link_buffer #(
    parameter int FRAME = 64,  // bytes of a frame
    parameter int BEAT = 1,  // bytes of a beat
    parameter int WINDOW = 2,  // a power of two
    parameter int LENGTH_BITS = 8,
    parameter int SPRAM = 0,
    parameter int SLOT_BITS = $clog2(WINDOW)
) (
    input logic clk,
    input logic rst,
    input logic write,
    input logic [LENGTH_BITS-1:0] at,
    input logic [7:0] data,
    input logic [SLOT_BITS:0] accepted,
    output logic [8*BEAT-1:0] tdata,
    output logic tvalid,
    output logic tlast,
    input logic tready
);
  // What fills up the last beat of a frame is read with it, and means nothing.
  localparam int Stride = (FRAME + BEAT - 1) / BEAT * BEAT;
  localparam int OffsetBits = Stride > 1 ? $clog2(Stride) : 1;
  localparam int AddressBits = SLOT_BITS + OffsetBits;
  logic writing, blocked;
  logic [AddressBits-1:0] write_address, read_address;
  logic [7:0] stored;
  logic [SLOT_BITS:0] number;  // of the frame that is read
  logic [OffsetBits-1:0] offset;
  logic step, last_byte, last_of_beat;
  assign last_byte = offset == OffsetBits'(Stride - 1);
  if (BEAT == 1) begin : gen_bytes
    assign last_of_beat = 1'b1;
    always_ff @(posedge clk) if (step) tdata <= stored;
  end else begin : gen_words
    assign last_of_beat = &offset[$clog2(BEAT)-1:0];
    always_ff @(posedge clk) if (step) tdata <= {stored, tdata[8*BEAT-1:8]};
  end
  assign writing = write & (at < LENGTH_BITS'(FRAME));
  assign write_address = {accepted[SLOT_BITS-1:0], OffsetBits'(at)};
  assign read_address = {number[SLOT_BITS-1:0], offset};
  if (SPRAM != 0) begin : gen_spram
    logic [AddressBits-1:0] address;
    logic [15:0] word;
    logic upper;
    assign address = writing ? write_address : read_address;
    assign blocked = writing;
    always_ff @(posedge clk) upper <= read_address[0];
    assign stored = upper ? word[15:8] : word[7:0];
    fpgacomp_link_spram u_memory (
        .clk,
        .address(14'(address >> 1)),
        .write(writing),
        .bytes({write_address[0], ~write_address[0]}),
        .data_in({2{data}}),
        .data_out(word)
    );
  end else begin : gen_block
    (* ram_style = "block", no_rw_check *)logic [7:0] memory[WINDOW << OffsetBits];
    logic [7:0] read;
    assign blocked = 1'b0;
    assign stored  = read;
    always_ff @(posedge clk) begin
      if (writing) memory[write_address] <= data;
      read <= memory[read_address];
    end
  end
  always_ff @(posedge clk) begin
    if (step) tlast <= last_byte;
    if (rst) begin
      number <= '0;
      offset <= '0;
      step   <= 1'b0;
      tvalid <= 1'b0;
    end else begin
      // A byte is read in one cycle and taken in the next.
      step <= ~step & (number != accepted) & ~tvalid & ~blocked;
      if (step) begin
        tvalid <= last_of_beat;
        offset <= last_byte ? '0 : offset + 1'b1;
        number <= number + (SLOT_BITS + 1)'(last_byte);
      end else if (tready) tvalid <= 1'b0;
    end
  end
endmodule
