// The sum over all PIXELS of a frame, for each of GROUPS words of channels.
module fpgacomp_sum_all #(
    parameter int LANES = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 16,
    parameter int GROUPS = 1,
    parameter int PIXELS = 1
) (
    input logic clk,
    input logic rst,
    input logic [LANES*IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [LANES*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 2;  // cycles from a firing to its word at the output
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;

  logic enable, fire, group_last, pixel_last, first_pixel;
  logic valid, first, last;
  logic [GroupBits-1:0] group, group_later;
  logic [LANES*IN_BITS-1:0] x;
  logic [LANES-1:0][OUT_BITS-1:0] value, stored, total;
  assign enable = out_ready | ~out_valid;
  assign fire = enable & in_valid;
  assign in_ready = enable;
  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (fire),
      .value(group),
      .last (group_last)
  );
  fpgacomp_counter #(
      .COUNT(PIXELS)
  ) u_pixel (
      .clk,
      .rst,
      .step (fire & group_last),
      .value(),
      .last (pixel_last)
  );
  always_ff @(posedge clk) begin
    if (rst) first_pixel <= 1'b1;
    else if (fire & group_last) first_pixel <= pixel_last;
  end
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(OUT_BITS)
  ) u_x (
      .element(x),
      .value
  );
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    assign total[i] = value[i] + (first ? '0 : stored[i]);
  end
  if (GROUPS == 1) begin : gen_register
    always_ff @(posedge clk) if (enable & valid) stored <= total;
    logic unused;
    assign unused = group ^ group_later;
  end else begin : gen_memory
    logic [LANES*OUT_BITS-1:0] sums[GROUPS];
    always_ff @(posedge clk) begin
      if (enable) begin
        stored <= sums[group];
        if (valid) sums[group_later] <= total;
      end
    end
  end
  always_ff @(posedge clk) begin
    if (enable) begin
      x <= in_data;
      group_later <= group;
      first <= first_pixel;
      last <= pixel_last;
      out_data <= total;
    end
    if (rst) begin
      valid <= 1'b0;
      out_valid <= 1'b0;
    end else if (enable) begin
      valid <= fire;
      out_valid <= valid & last;
    end
  end
endmodule
