// A border of FILL around every image.
module fpgacomp_pad #(
    parameter int BITS = 8,
    parameter int HEIGHT = 1,
    parameter int WIDTH = 1,
    parameter int GROUPS = 1,
    parameter int TOP = 0,
    parameter int BOTTOM = 0,
    parameter int LEFT = 0,
    parameter int RIGHT = 0,
    parameter int IN_BITS = 8,  // of a word, which is widened where the border needs it
    parameter int LANES = 1,
    parameter int IN_KIND = 1,
    parameter int OUT_KIND = 1,
    parameter int VALUE_BITS = 9,
    parameter logic [BITS-1:0] FILL = '0
) (
    input logic clk,
    input logic rst,
    input logic [IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 1;  // cycles from a firing to its word at the output
  localparam int Rows = TOP + HEIGHT + BOTTOM;
  localparam int Columns = LEFT + WIDTH + RIGHT;
  localparam int XBits = Columns > 1 ? $clog2(Columns) : 1;
  localparam int YBits = Rows > 1 ? $clog2(Rows) : 1;

  logic enable, fire, in_image, group_last, x_last;
  logic [XBits-1:0] x;
  logic [YBits-1:0] y;
  int x_wide, y_wide;
  assign x_wide = 32'(x);
  assign y_wide = 32'(y);
  assign in_image = (x_wide >= LEFT) & (x_wide < LEFT + WIDTH) & (y_wide >= TOP)
                & (y_wide < TOP + HEIGHT);
  assign enable = out_ready | ~out_valid;
  assign in_ready = enable & in_image;
  assign fire = enable & (in_valid | ~in_image);

  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (fire),
      .value(),
      .last (group_last)
  );
  fpgacomp_counter #(
      .COUNT(Columns)
  ) u_x (
      .clk,
      .rst,
      .step (fire & group_last),
      .value(x),
      .last (x_last)
  );
  fpgacomp_counter #(
      .COUNT(Rows)
  ) u_y (
      .clk,
      .rst,
      .step (fire & group_last & x_last),
      .value(y),
      .last ()
  );
  logic [BITS-1:0] word;
  fpgacomp_cast #(
      .LANES(LANES),
      .IN_BITS(IN_BITS / LANES),
      .IN_KIND(IN_KIND),
      .OUT_BITS(BITS / LANES),
      .OUT_KIND(OUT_KIND),
      .VALUE_BITS(VALUE_BITS)
  ) u_cast (
      .in_word (in_data),
      .out_word(word)
  );
  always_ff @(posedge clk) begin
    if (enable) out_data <= in_image ? word : FILL;
    if (rst) out_valid <= 1'b0;
    else if (enable) out_valid <= fire;
  end
endmodule
