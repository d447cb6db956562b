// The index of the largest of each pixel's channels; the lowest index of equal ones.
module fpgacomp_label #(
    parameter int LANES = 1,
    parameter int GROUPS = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 4
) (
    input logic clk,
    input logic rst,
    input logic [LANES*IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 2;  // cycles from a firing to its word at the output
  localparam int Wide = IN_BITS + 1;
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam int IndexBits = $clog2(LANES * GROUPS + 1);

  logic enable, fire, group_last, valid, first, last;
  logic [GroupBits-1:0] group;
  logic [LANES-1:0][Wide-1:0] x;
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
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(Wide)
  ) u_x (
      .element(in_data),
      .value  (x)
  );
  // Stage 1: the largest of a word. Stage 2: the largest of the pixel.
  logic signed [Wide-1:0] largest, candidate, best;
  logic [IndexBits-1:0] index, candidate_index, best_index;
  always_comb begin
    largest = $signed(x[0]);
    index   = IndexBits'(32'(group) * LANES);
    for (int i = 1; i < LANES; ++i) begin
      if ($signed(x[i]) > largest) begin
        largest = $signed(x[i]);
        index   = IndexBits'(32'(group) * LANES + i);
      end
    end
  end
  logic better;
  assign better = first | (candidate > best);
  always_ff @(posedge clk) begin
    if (enable) begin
      candidate <= largest;
      candidate_index <= index;
      first <= group == '0;
      last <= group_last;
      if (valid) begin
        if (better) begin
          best <= candidate;
          best_index <= candidate_index;
        end
        out_data <= OUT_BITS'(better ? candidate_index : best_index);
      end
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
