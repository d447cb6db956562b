// Every window of an image as one word, a pixel a cycle: tap ky * KERNEL_X + kx, all channels.
//
// `columns` holds, for every x, the pixels above the current row that later windows need.
module fpgacomp_window_parallel #(
    parameter int BITS = 8,  // of a pixel
    parameter int HEIGHT = 1,
    parameter int WIDTH = 1,
    parameter int KERNEL_Y = 1,
    parameter int KERNEL_X = 1,
    parameter int STRIDE_Y = 1,
    parameter int STRIDE_X = 1,
    parameter int DILATION_Y = 1,
    parameter int DILATION_X = 1
) (
    input logic clk,
    input logic rst,
    input logic [BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [KERNEL_Y*KERNEL_X*BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 3;  // cycles from a firing to its word at the output
  localparam int ExtentY = DILATION_Y * (KERNEL_Y - 1) + 1;
  localparam int ExtentX = DILATION_X * (KERNEL_X - 1) + 1;
  localparam int Above = ExtentY > 1 ? ExtentY - 1 : 1;
  localparam int XBits = WIDTH > 1 ? $clog2(WIDTH) : 1;
  localparam int NextXBits = $clog2(WIDTH + STRIDE_X + 1);
  localparam int NextYBits = $clog2(HEIGHT + STRIDE_Y + 1);
  localparam int YBits = HEIGHT > 1 ? $clog2(HEIGHT) : 1;

  logic enable, fire, x_last, y_last, complete;
  logic [XBits-1:0] x;
  logic [YBits-1:0] y;
  logic [NextXBits-1:0] next_x;
  logic [NextYBits-1:0] next_y;

  assign enable = out_ready | ~out_valid;
  assign fire = enable & in_valid;
  assign in_ready = enable;
  assign complete = (NextXBits'(x) == next_x) & (NextYBits'(y) == next_y);

  fpgacomp_counter #(
      .COUNT(WIDTH)
  ) u_x (
      .clk,
      .rst,
      .step (fire),
      .value(x),
      .last (x_last)
  );
  fpgacomp_counter #(
      .COUNT(HEIGHT)
  ) u_y (
      .clk,
      .rst,
      .step (fire & x_last),
      .value(y),
      .last (y_last)
  );
  always_ff @(posedge clk) begin
    if (rst) begin
      next_x <= NextXBits'(ExtentX - 1);
      next_y <= NextYBits'(ExtentY - 1);
    end else if (fire) begin
      if (complete) next_x <= next_x + NextXBits'(STRIDE_X);
      if (x_last) begin
        next_x <= NextXBits'(ExtentX - 1);
        if (y_last) next_y <= NextYBits'(ExtentY - 1);
        else if (NextYBits'(y) == next_y) next_y <= next_y + NextYBits'(STRIDE_Y);
      end
    end
  end

  // Stage 1: the pixel beside those above it. Stage 2: the window, moved on by one column.
  logic [1:0] valid, full;
  logic [BITS-1:0] pixel;
  logic [Above-1:0][BITS-1:0] above, below;  // below: what the next row finds above it
  logic [XBits-1:0] column;
  logic [ExtentY-1:0][ExtentX-1:0][BITS-1:0] window;
  logic [ExtentY-1:0][BITS-1:0] fresh;
  for (genvar r = 0; r < ExtentY; ++r) begin : gen_row
    if (r == ExtentY - 1) begin : gen_current
      assign fresh[r] = pixel;
    end else begin : gen_above
      assign fresh[r] = above[r];
    end
  end
  if (ExtentY > 1) begin : gen_shift
    for (genvar r = 1; r < ExtentY; ++r) begin : gen_row
      assign below[r-1] = fresh[r];
    end
  end else begin : gen_none
    assign below = '0;
  end
  if (WIDTH == 1) begin : gen_single
    always_ff @(posedge clk) if (enable & valid[0]) above <= below;
    logic unused;
    assign unused = ^column;
  end else begin : gen_columns
    logic [Above*BITS-1:0] columns[WIDTH];
    always_ff @(posedge clk) begin
      if (enable) begin
        above <= columns[x];
        if (valid[0]) columns[column] <= below;
      end
    end
  end
  always_ff @(posedge clk) begin
    if (rst) valid <= '0;
    else if (enable) valid <= {valid[0], fire};
    if (enable) begin
      pixel  <= in_data;
      column <= x;
      full   <= {full[0], complete};
      if (valid[0]) begin
        for (int r = 0; r < ExtentY; ++r) begin
          for (int k = 0; k + 1 < ExtentX; ++k) window[r][k] <= window[r][k+1];
          window[r][ExtentX-1] <= fresh[r];
        end
      end
    end
  end
  for (genvar ky = 0; ky < KERNEL_Y; ++ky) begin : gen_ky
    for (genvar kx = 0; kx < KERNEL_X; ++kx) begin : gen_kx
      always_ff @(posedge clk) begin
        if (enable) begin
          out_data[(ky*KERNEL_X+kx)*BITS+:BITS] <= window[ky*DILATION_Y][kx*DILATION_X];
        end
      end
    end
  end
  always_ff @(posedge clk) begin
    if (rst) out_valid <= 1'b0;
    else if (enable) out_valid <= valid[1] & full[1];
  end
endmodule
