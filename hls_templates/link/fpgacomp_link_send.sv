// From packets to the bytes of a line: a flag at both ends, bytes stuffed, CRC behind them.
//
// A packet begins in a cycle with `start`, and its two bytes of head, `kind` and `label`, hold until
// `done`. Behind them come the bytes of `data`, each in a cycle with `valid` and `ready`, up to and
// with the one that has `last`; none where `bare` is set. `rst` drops what is being sent: the flag
// that begins the next packet ends it, and no receiver takes it for whole.
module fpgacomp_link_send (
    input logic clk,
    input logic rst,
    input logic start,
    input logic bare,
    input logic [7:0] kind,
    input logic [7:0] label,
    input logic [7:0] data,
    input logic valid,
    input logic last,
    output logic ready,
    output logic idle,
    output logic done,
    output logic [7:0] line_data,
    output logic line_valid,
    input logic line_ready
);
  localparam logic [7:0] Flag = 8'h7E, Escape = 8'h7D;
  typedef enum logic [2:0] {
    Idle,
    Open,
    First,
    Second,
    Body,
    Check,
    Close
  } place_t;
  // A byte is fetched, sent (an escape before it, where it needs one), and taken into the CRC.
  typedef enum logic [1:0] {
    Fetch,
    Send,
    Take
  } doing_t;
  place_t place;
  doing_t doing;
  logic [7:0] held, fetched, low;
  logic special, escaped, of_flag, final_byte;
  logic [2:0] steps;
  logic [1:0] sent;  // bytes of the CRC
  assign idle = place == Idle;
  assign of_flag = (place == Open) | (place == Close);
  assign special = ~of_flag & ~escaped & ((held == Flag) | (held == Escape));
  assign line_valid = (doing == Send) & ~idle;
  assign line_data = special ? Escape : held ^ {2'b00, escaped, 5'd0};
  assign ready = (place == Body) & (doing == Fetch);
  assign done = (place == Close) & (doing == Send) & line_ready;
  always_comb begin
    fetched = Flag;
    if (place == First) fetched = kind;
    if (place == Second) fetched = label;
    if (place == Body) fetched = data;
    if (place == Check) fetched = low;
  end
  fpgacomp_link_crc u_crc (
      .clk,
      .clear(place == Open),
      .step (doing == Take),
      .drain(place == Check),
      .data (held[0]),
      .low,
      .whole()
  );
  always_ff @(posedge clk) begin
    if (doing == Fetch) held <= fetched;
    else if (doing == Take) held <= held >> 1;
    if (doing == Fetch) final_byte <= last;
    steps <= (doing == Take) ? steps + 1'b1 : '0;
    if (place == Open) sent <= '0;
    else if ((place == Check) & (doing == Take) & (steps == '1)) sent <= sent + 1'b1;
    if (rst) begin
      place   <= Idle;
      doing   <= Fetch;
      escaped <= 1'b0;
    end else if (idle) begin
      if (start) place <= Open;
    end else begin
      case (doing)
        Fetch: if ((place != Body) | valid) doing <= Send;
        Send:
        if (line_ready) begin
          escaped <= special;
          if (of_flag) begin
            doing <= Fetch;
            place <= (place == Open) ? First : Idle;
          end else if (~special) doing <= Take;
        end
        default:
        if (steps == '1) begin
          doing <= Fetch;
          case (place)
            First: place <= Second;
            Second: place <= bare ? Check : Body;
            Body: if (final_byte) place <= Check;
            default: if (sent == '1) place <= Close;
          endcase
        end
      endcase
    end
  end
endmodule
