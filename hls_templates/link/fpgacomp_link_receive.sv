// From the bytes of a line to packets: a flag at both ends, bytes stuffed, CRC checked (README.md).
//
// The head of a packet, its kind, port and label (a sequence, or what a request is told apart by), holds from its second byte to the next
// packet. What follows comes out byte by byte, `write` with the offset `at`, before it is known
// whether the packet is right, and the four bytes of the CRC come with it. At the end `done` is high
// for one cycle where the CRC was right, with `length` bytes behind the head, those of the CRC
// included; `broken` is high for one cycle for everything else that began: a wrong CRC, a framing
// error, an abort, or no byte for PATIENCE cycles. A flag begins a packet, whatever was before.
module fpgacomp_link_receive #(
    parameter int LENGTH_BITS = 8,  // a longer packet stops counting at the highest number
    parameter int PATIENCE = 1 << 20  // a power of two
) (
    input logic clk,
    input logic rst,
    input logic [7:0] byte_data,
    input logic byte_valid,
    input logic byte_bad,
    output logic [3:0] kind,
    output logic [3:0] port,
    output logic [7:0] label,
    output logic began,  // high for one cycle: the head is whole
    output logic write,
    output logic [LENGTH_BITS-1:0] at,
    output logic [7:0] write_data,
    output logic done,
    output logic broken,
    output logic [LENGTH_BITS-1:0] length
);
  localparam logic [7:0] Flag = 8'h7E, Escape = 8'h7D;
  localparam int WaitBits = $clog2(PATIENCE) + 1;
  typedef enum logic [1:0] {
    Lost,    // until the next flag
    First,
    Second,
    Body
  } place_t;
  place_t place;
  logic escaped, flag, escape, plain, begun, late, whole;
  logic [7:0] held;  // the byte without its escape, which the CRC takes from its lower end
  logic [3:0] steps;  // of the CRC that are left
  logic [WaitBits-1:0] waited;
  assign flag = byte_valid & (byte_data == Flag);
  assign escape = byte_valid & (byte_data == Escape);
  assign plain = byte_valid & ~flag & ~escape;
  assign begun = (place == Second) | (place == Body) | escaped;
  assign late = waited[WaitBits-1];
  assign write_data = held;
  assign length = at;
  fpgacomp_link_crc u_crc (
      .clk,
      .clear(flag),
      .step (steps != '0),
      .drain(1'b0),
      .data (held[0]),
      .low  (),
      .whole
  );
  always_ff @(posedge clk) begin
    waited <= (byte_valid | ~begun) ? '0 : waited + 1'b1;
    if (plain) held <= byte_data ^ {2'b00, escaped, 5'd0};
    else if (steps != '0) held <= held >> 1;
    if (rst) steps <= '0;
    else if (plain) steps <= 4'd8;
    else if (steps != '0) steps <= steps - 1'b1;
    if (plain & (place == First)) {kind, port} <= byte_data ^ {2'b00, escaped, 5'd0};
    if (plain & (place == Second)) label <= byte_data ^ {2'b00, escaped, 5'd0};
    began <= plain & (place == Second);
    write <= plain & (place == Body);
    if (began) at <= '0;
    else if (write & (at != '1)) at <= at + 1'b1;
    done   <= flag & ~escaped & (place == Body) & whole;
    broken <= begun & (byte_bad | late | (flag & (escaped | (place != Body) | ~whole)));
    if (rst | byte_bad | late) begin
      place   <= Lost;
      escaped <= 1'b0;
    end else if (byte_valid) begin
      escaped <= escape & (place != Lost);
      if (flag) place <= First;
      else if (plain & (place == First)) place <= Second;
      else if (plain & (place == Second)) place <= Body;
    end
  end
endmodule
