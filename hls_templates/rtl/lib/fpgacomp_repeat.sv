// Every row of an image DOWN times and every pixel ACROSS times (nearest-neighbour upsampling).
module fpgacomp_repeat #(
    parameter int BITS   = 8,
    parameter int WIDTH  = 1,
    parameter int GROUPS = 1,
    parameter int DOWN   = 1,
    parameter int ACROSS = 1
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
  localparam int Words = WIDTH * GROUPS;
  localparam int AddressBits = Words > 1 ? $clog2(Words) : 1;
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;

  logic enable, fire, fresh, first_row, first_pixel, group_last, across_last, x_last, down_last;
  logic [GroupBits-1:0] group;
  logic [AddressBits-1:0] pixel, address;
  assign enable = out_ready | ~out_valid;
  assign fresh = first_row & first_pixel;
  assign in_ready = enable & fresh;
  assign fire = enable & (in_valid | ~fresh);
  assign address = pixel + AddressBits'(group);

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
      .COUNT(ACROSS)
  ) u_across (
      .clk,
      .rst,
      .step (fire & group_last),
      .value(),
      .last (across_last)
  );
  fpgacomp_counter #(
      .COUNT(WIDTH)
  ) u_x (
      .clk,
      .rst,
      .step (fire & group_last & across_last),
      .value(),
      .last (x_last)
  );
  fpgacomp_counter #(
      .COUNT(DOWN)
  ) u_down (
      .clk,
      .rst,
      .step (fire & group_last & across_last & x_last),
      .value(),
      .last (down_last)
  );
  logic [BITS-1:0] row[Words];
  logic [BITS-1:0] fresh_word, kept_word;
  logic valid, is_fresh;
  always_ff @(posedge clk) begin
    if (rst) begin
      first_row <= 1'b1;
      first_pixel <= 1'b1;
      pixel <= '0;
      valid <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      if (fire & group_last) begin
        first_pixel <= across_last;
        if (across_last) begin
          pixel <= x_last ? '0 : pixel + AddressBits'(GROUPS);
          if (x_last) first_row <= down_last;
        end
      end
      if (enable) begin
        valid <= fire;
        out_valid <= valid;
      end
    end
    if (enable) begin
      is_fresh   <= fresh;
      fresh_word <= in_data;
      kept_word  <= row[address];
      out_data   <= is_fresh ? fresh_word : kept_word;
    end
    if (fire & fresh) row[address] <= in_data;
  end
endmodule
