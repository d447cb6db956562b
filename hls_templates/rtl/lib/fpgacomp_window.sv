// Every window of an image, one word of it a cycle; the line buffer holds one window's span.
//
// A window has a slot. In it, the words that the window needs and that were not read yet come
// first, one a cycle; its WRITES words leave in the slot's last WRITES cycles, from cycle
// START on. DEPTHWISE windows leave group by group, others tap by tap.
// Source of the schedule: hls_templates/stream/README.md, "Sliding window".
module fpgacomp_window #(
    parameter int BITS = 8,
    parameter int WIDTH = 8,  // of the image, in pixels
    parameter int GROUPS = 1,  // words a pixel
    parameter int KERNEL_Y = 1,
    parameter int KERNEL_X = 1,
    parameter int DILATION_Y = 1,
    parameter int DILATION_X = 1,
    parameter int ACROSS = 1,  // windows of a row
    parameter int DOWN = 1,  // rows of windows
    parameter int DEPTHWISE = 0,
    parameter int DEPTH = 1,  // words of a window's span
    parameter int READS_NEXT = 1,  // new words of a window beside the one before
    parameter int READS_ROW = 1,  // new words of the first window of a row
    parameter int READS_TAIL = 0,  // words behind the last window
    parameter int START_FIRST = 0,
    parameter int START_NEXT = 0,
    parameter int START_ROW = 0
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
  localparam int Latency = 2;  // cycles from a firing to its word at the output
  localparam int Writes = KERNEL_Y * KERNEL_X * GROUPS;
  localparam int Longest = DEPTH + READS_ROW + READS_TAIL + READS_NEXT + Writes;
  localparam int CycleBits = $clog2(Longest + 1);
  localparam int AddressBits = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int PlaceBits = $clog2(2 * DEPTH + 1);
  localparam int AcrossBits = $clog2(ACROSS + 1);
  localparam int DownBits = $clog2(DOWN + 1);
  localparam int Back = DEPTHWISE != 0 ? 0 : GROUPS - 1;
  localparam int StepX = DILATION_X * GROUPS - Back;
  localparam int StepY = (DILATION_Y * WIDTH - DILATION_X * (KERNEL_X - 1)) * GROUPS - Back;

  logic enable, fire, reading, writing, tail;
  logic [CycleBits-1:0] cycle, reads, start;
  logic [AcrossBits-1:0] across;
  logic [DownBits-1:0] down;
  logic [AddressBits-1:0] fill;
  logic [PlaceBits-1:0] base, offset, place;

  assign enable = out_ready | ~out_valid;
  assign tail = down == DownBits'(DOWN);
  assign reading = cycle < reads;
  assign writing = ~tail & (cycle >= start);
  assign in_ready = enable & reading;
  assign fire = enable & (in_valid | ~reading);
  assign place = base + offset;

  // Which word of the window leaves next.
  logic group_last, x_last, y_last, step_x, step_y, window_last;
  logic [(GROUPS > 1 ? $clog2(GROUPS) : 1)-1:0] group;
  logic step_group;
  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (fire & writing & step_group),
      .value(group),
      .last (group_last)
  );
  fpgacomp_counter #(
      .COUNT(KERNEL_X)
  ) u_x (
      .clk,
      .rst,
      .step (fire & writing & step_x),
      .value(),
      .last (x_last)
  );
  fpgacomp_counter #(
      .COUNT(KERNEL_Y)
  ) u_y (
      .clk,
      .rst,
      .step (fire & writing & step_y),
      .value(),
      .last (y_last)
  );
  logic [PlaceBits-1:0] offset_next;
  if (DEPTHWISE != 0) begin : gen_kernel_inner
    assign step_x = 1'b1;
    assign step_y = x_last;
    assign step_group = x_last & y_last;
    assign window_last = step_group & group_last;
    always_comb begin
      if (step_group) offset_next = PlaceBits'(group) + 1'b1;
      else if (step_y) offset_next = offset + PlaceBits'(StepY);
      else offset_next = offset + PlaceBits'(StepX);
    end
  end else begin : gen_channels_inner
    assign step_group = 1'b1;
    assign step_x = group_last;
    assign step_y = group_last & x_last;
    assign window_last = step_y & y_last;
    always_comb begin
      if (step_y) offset_next = offset + PlaceBits'(StepY);
      else if (step_x) offset_next = offset + PlaceBits'(StepX);
      else offset_next = offset + 1'b1;
    end
  end

  function automatic logic [PlaceBits-1:0] wrapped(input logic [PlaceBits-1:0] at);
    wrapped = at >= PlaceBits'(DEPTH) ? at - PlaceBits'(DEPTH) : at;
  endfunction

  always_ff @(posedge clk) begin
    if (rst) begin
      cycle  <= '0;
      reads  <= CycleBits'(DEPTH);
      start  <= CycleBits'(START_FIRST);
      across <= '0;
      down   <= '0;
      base   <= '0;
      offset <= '0;
    end else if (fire) begin
      cycle <= cycle + 1'b1;
      if (writing) begin
        offset <= offset_next;
        if (window_last) begin
          offset <= '0;
          cycle  <= '0;
          if (across != AcrossBits'(ACROSS - 1)) begin
            across <= across + 1'b1;
            base   <= wrapped(base + PlaceBits'(READS_NEXT % DEPTH));
            reads  <= CycleBits'(READS_NEXT);
            start  <= CycleBits'(START_NEXT);
          end else begin
            across <= '0;
            down   <= down + 1'b1;
            base   <= wrapped(base + PlaceBits'(READS_ROW % DEPTH));
            reads  <= CycleBits'(READS_ROW);
            start  <= CycleBits'(START_ROW);
            if (down == DownBits'(DOWN - 1)) begin
              // The rest of the frame is read and dropped; without one, the next frame begins.
              reads <= CycleBits'(READS_TAIL != 0 ? READS_TAIL : DEPTH);
              start <= CycleBits'(START_FIRST);
              if (READS_TAIL == 0) begin
                down <= '0;
                base <= '0;
              end
            end
          end
        end
      end
      if (tail & (cycle == CycleBits'(READS_TAIL - 1))) begin
        cycle <= '0;
        reads <= CycleBits'(DEPTH);
        start <= CycleBits'(START_FIRST);
        down  <= '0;
        base  <= '0;
      end
    end
  end

  // A frame begins at the buffer's first word.
  logic frame_end;
  assign frame_end = fire & (READS_TAIL != 0 ? tail & (cycle == CycleBits'(READS_TAIL - 1))
                             : writing & window_last & (across == AcrossBits'(ACROSS - 1))
                               & (down == DownBits'(DOWN - 1)));
  always_ff @(posedge clk) begin
    if (rst | frame_end) fill <= '0;
    else if (fire & reading) fill <= fill == AddressBits'(DEPTH - 1) ? '0 : fill + 1'b1;
  end

  // A word may be read in the cycle in which it arrives: the memory is read one cycle later, when
  // it has been written, and before the word behind it can take its place.
  logic [BITS-1:0] memory[DEPTH];
  logic [AddressBits-1:0] read_at;
  logic read_valid;
  always_ff @(posedge clk) begin
    if (fire & reading) memory[fill] <= in_data;
    if (enable) begin
      read_at  <= AddressBits'(wrapped(place));
      out_data <= memory[read_at];
    end
    if (rst) begin
      read_valid <= 1'b0;
      out_valid  <= 1'b0;
    end else if (enable) begin
      read_valid <= fire & writing;
      out_valid  <= read_valid;
    end
  end
endmodule
