// A UART in front of an accelerator: packets to frames, frames to packets (README.md).
//
// Whoever is at the other end of the line sends the frames of all input ports, port by port, under
// a sequence that counts frames. A frame is accepted where it is `expected`, whole and right, and
// there is a slot for it; everything else is dropped with one ERROR. So each sequence is accepted
// once, however often it is sent, and its results go out once. `answered` is the sequence of the
// results that are next. Both are told by STATUS, and 0 after RESET.
module fpgacomp_uart_link #(
    parameter int INPUTS = 1,
    parameter int OUTPUTS = 1,
    parameter int WINDOW = 2,  // frames between `answered` and `expected`; a power of two
    parameter int SLOT_BITS = $clog2(WINDOW),
    parameter int LENGTH_BITS = 8,
    parameter logic [INPUTS-1:0][31:0] FRAMES = {INPUTS{32'd1}},  // bytes of a frame, by port
    parameter int ABOUT_BYTES = 1,
    parameter logic [ABOUT_BYTES-1:0][7:0] ABOUT = '0,  // what IDENTITY says
    parameter int INCREMENT = 65536,
    parameter int OVERSAMPLE = 8,
    parameter int PATIENCE = 1 << 20
) (
    input logic clk,
    input logic reset_n,  // synchronous
    input logic rx,
    output logic tx,
    output logic busy,  // frames are on their way
    output logic fault,  // something was dropped since the last frame that was accepted
    // The accelerator is reset before what surrounds it, so that nothing it still holds gets out.
    output logic core_reset_n,
    output logic clear,
    // To the buffers of the inputs.
    output logic [INPUTS-1:0] write,
    output logic [LENGTH_BITS-1:0] at,
    output logic [7:0] write_data,
    output logic [SLOT_BITS:0] accepted,
    // The bytes of the outputs.
    input logic [OUTPUTS-1:0][7:0] result_data,
    input logic [OUTPUTS-1:0] result_valid,
    input logic [OUTPUTS-1:0] result_last,
    output logic [OUTPUTS-1:0] result_ready
);
  localparam logic [3:0] Data = 4'd1, Identify = 4'd2, Reset = 4'd3, Status = 4'd4;
  localparam logic [3:0] Result = 4'd9, Error = 4'd14;  // an answer has the highest bit set
  localparam logic [3:0] BadCrc = 4'd1, BadLength = 4'd2, BadKind = 4'd3, BadPort = 4'd4;
  localparam logic [3:0] Overrun = 4'd5, BadSequence = 4'd6;
  localparam int CrcBytes = 4;

  // Resets: for 8 cycles here, of which the accelerator sees the first 4.
  logic [3:0] clearing;
  logic clear_now;
  assign clear = clearing != '0;
  always_ff @(posedge clk) begin
    if (~reset_n | clear_now) clearing <= '1;
    else if (clear) clearing <= clearing - 1'b1;
    core_reset_n <= ~clearing[3];
  end

  // The line.
  logic tick, byte_valid, byte_bad, line_valid, line_ready;
  logic [7:0] byte_data, line_data;
  fpgacomp_uart_tick #(
      .INCREMENT(INCREMENT)
  ) u_tick (
      .clk,
      .rst(~reset_n),
      .tick
  );
  fpgacomp_uart_receive #(
      .OVERSAMPLE(OVERSAMPLE)
  ) u_uart_receive (
      .clk,
      .rst  (~reset_n),
      .tick,
      .rx,
      .data (byte_data),
      .valid(byte_valid),
      .bad  (byte_bad)
  );
  fpgacomp_uart_transmit #(
      .OVERSAMPLE(OVERSAMPLE)
  ) u_uart_transmit (
      .clk,
      .rst  (~reset_n),
      .tick,
      .data (line_data),
      .valid(line_valid),
      .ready(line_ready),
      .tx
  );

  // What comes in.
  logic [3:0] kind, port;
  logic [7:0] label, expected, answered, outstanding;
  logic [LENGTH_BITS-1:0] length;
  logic began, body, done, broken;
  fpgacomp_link_receive #(
      .LENGTH_BITS(LENGTH_BITS),
      .PATIENCE(PATIENCE)
  ) u_receive (
      .clk,
      .rst  (~reset_n),
      .byte_data,
      .byte_valid,
      .byte_bad,
      .kind,
      .port,
      .label,
      .began,
      .write(body),
      .at,
      .write_data,
      .done,
      .broken,
      .length
  );
  logic [3:0] expected_port, wrong;
  logic room, request, accept, last_port;
  logic [31:0] frame;
  assign outstanding = expected - answered;
  assign accepted = expected[SLOT_BITS:0];
  assign last_port = expected_port == 4'(INPUTS - 1);
  always_comb begin
    frame = FRAMES[0];
    for (int p = 1; p < INPUTS; ++p) if (port == 4'(p)) frame = FRAMES[p];
    if (kind != Data) frame = '0;
    wrong = '0;
    if (~room) wrong = Overrun;
    if ((label != expected) | (port != expected_port)) wrong = BadSequence;
    if (request) wrong = '0;
    if (length != LENGTH_BITS'(frame + CrcBytes)) wrong = BadLength;
    if ((kind == Data) & (32'(port) >= INPUTS)) wrong = BadPort;
    if ((kind != Data) & ~request) wrong = BadKind;
    for (int p = 0; p < INPUTS; ++p)
    write[p] = body & room & (port == 4'(p)) & (port == expected_port);
  end
  assign request = (kind == Identify) | (kind == Reset) | (kind == Status);
  assign accept = done & (wrong == '0) & ~request;
  assign clear_now = done & (wrong == '0) & (kind == Reset);
  always_ff @(posedge clk) begin
    // A slot that is free now stays free: only a frame that is accepted takes one.
    if (began) room <= outstanding < 8'(WINDOW);
    if (clear) begin
      expected <= '0;
      expected_port <= '0;
    end else if (accept) begin
      expected <= expected + 8'(last_port);
      expected_port <= last_port ? '0 : expected_port + 1'b1;
    end
    if (clear | accept) fault <= 1'b0;
    else if (broken | (done & (wrong != '0))) fault <= 1'b1;
    busy <= outstanding != '0;
  end

  // What goes out: the answer to a request, an error, or the results of the next port.
  typedef enum logic [1:0] {
    Results,
    Answers,
    Errors
  } speaking_t;
  speaking_t speaking;
  logic asked, failed, start, ready, idle, sent, body_last, body_valid;
  logic [3:0] asked_kind, code, result_port;
  logic [7:0] asked_label, send_kind, send_label, body_data, about;
  logic [$clog2(ABOUT_BYTES + 2)-1:0] index;
  logic of_results, of_answers, result_here, result_end;
  logic [7:0] result_byte;
  assign of_results = speaking == Results;
  assign of_answers = speaking == Answers;
  assign start = idle & ~clear & (asked | failed | result_here);
  always_comb begin
    result_here = 1'b0;
    result_end  = 1'b0;
    result_byte = '0;
    for (int p = 0; p < OUTPUTS; ++p) begin
      result_ready[p] = of_results & ready & (result_port == 4'(p));
      if (result_port == 4'(p)) begin
        result_here = result_valid[p];
        result_end  = result_last[p];
        result_byte = result_data[p];
      end
    end
  end
  always_comb begin
    send_kind  = {Result, result_port};
    send_label = answered;
    if (of_answers) begin
      send_kind  = {1'b1, asked_kind[2:0], 4'd0};
      send_label = asked_label;
    end else if (~of_results) begin
      send_kind  = {Error, code};
      send_label = expected;
    end
    body_data = result_byte;
    body_last = result_end;
    if (of_answers & (asked_kind == Identify)) begin
      body_data = about;
      body_last = index == ($bits(index))'(ABOUT_BYTES - 1);
    end else if (of_answers) begin
      body_data = answered;
      if (index == '0) body_data = expected;
      if (index == ($bits(index))'(1)) body_data = 8'(expected_port);
      body_last = index == ($bits(index))'(2);
    end
    body_valid = of_answers | result_here;
  end
  fpgacomp_link_send u_send (
      .clk,
      .rst  (clear),
      .start,
      .bare (~of_results & ~of_answers),
      .kind (send_kind),
      .label(send_label),
      .data (body_data),
      .valid(body_valid),
      .last (body_last),
      .ready,
      .idle,
      .done (sent),
      .line_data,
      .line_valid,
      .line_ready
  );
  always_ff @(posedge clk) begin
    about <= ABOUT[index];
    if (idle) index <= '0;
    else if (ready & of_answers) index <= index + 1'b1;
    if (start) speaking <= asked ? Answers : failed ? Errors : Results;
    // An answer that is being sent keeps its head: what is asked meanwhile is asked again by the host.
    if (done & request & (wrong == '0) & (idle | ~of_answers | clear_now)) begin
      asked <= 1'b1;
      asked_kind <= kind;
      asked_label <= label;
    end else if (~reset_n | (sent & of_answers)) asked <= 1'b0;
    if (clear | (sent & (speaking == Errors))) failed <= 1'b0;
    else if ((broken | (done & (wrong != '0))) & ~failed) begin
      failed <= 1'b1;
      code   <= broken ? BadCrc : wrong;
    end
    if (clear) begin
      answered <= '0;
      result_port <= '0;
    end else if (sent & of_results) begin
      answered <= answered + 8'(result_port == 4'(OUTPUTS - 1));
      result_port <= (result_port == 4'(OUTPUTS - 1)) ? '0 : result_port + 1'b1;
    end
  end
endmodule
