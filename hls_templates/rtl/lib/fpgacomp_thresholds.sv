// y = base[c] + step[c] * (number of thresholds of channel c that are at most x).
//
// One comparator per threshold and lane. A row of the table holds the COUNT thresholds of each
// lane's channel: element i * COUNT + n is threshold n of lane i.
module fpgacomp_thresholds #(
    parameter int LANES = 1,
    parameter int GROUPS = 1,
    parameter int COUNT = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 2,
    parameter int OUT_KIND = 0,
    parameter int TABLE_BITS = 8,
    parameter int TABLE_KIND = 1,
    parameter int TABLE_ROWS = 1,
    parameter TABLE_FILE = "",
    parameter int STYLE = 0,
    parameter logic [LANES*COUNT*TABLE_BITS-1:0] TABLE_ROW = '0,
    parameter int LEVEL_BITS = 4,
    parameter int LEVEL_ROWS = 1,
    parameter LEVEL_FILE = "",
    parameter logic [2*LANES*LEVEL_BITS-1:0] LEVEL_ROW = '0
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
  localparam int Latency = 3;  // cycles from a firing to its word at the output
  localparam int InValue = IN_BITS + 1;
  localparam int TableValue = TABLE_BITS + 1;
  localparam int Wide = InValue > TableValue ? InValue : TableValue;
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam int TableAddress = TABLE_ROWS > 1 ? $clog2(TABLE_ROWS) : 1;
  localparam int LevelAddress = LEVEL_ROWS > 1 ? $clog2(LEVEL_ROWS) : 1;
  localparam int CountBits = $clog2(COUNT + 1);

  logic enable;
  logic [1:0] valid;
  logic [GroupBits-1:0] group, group_later;
  assign enable   = out_ready | ~out_valid;
  assign in_ready = enable;
  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (enable & in_valid),
      .value(group),
      .last ()
  );

  // Stage 1: the elements and their thresholds. Stage 2: how many are reached.
  logic [LANES*IN_BITS-1:0] x;
  logic [LANES*COUNT*TABLE_BITS-1:0] thresholds;
  logic [LANES-1:0][Wide-1:0] x_value;
  logic [LANES*COUNT-1:0][Wide-1:0] threshold;
  logic [LANES-1:0][CountBits-1:0] count;
  always_ff @(posedge clk) begin
    if (enable) begin
      x <= in_data;
      group_later <= group;
    end
  end
  fpgacomp_rom #(
      .BITS (LANES * COUNT * TABLE_BITS),
      .DEPTH(TABLE_ROWS),
      .FILE (TABLE_FILE),
      .STYLE(STYLE),
      .ROW  (TABLE_ROW)
  ) u_table (
      .clk,
      .enable,
      .address(TableAddress'(group)),
      .row(thresholds)
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(Wide)
  ) u_x (
      .element(x),
      .value  (x_value)
  );
  fpgacomp_value #(
      .LANES(LANES * COUNT),
      .BITS(TABLE_BITS),
      .KIND(TABLE_KIND),
      .VALUE_BITS(Wide)
  ) u_threshold (
      .element(thresholds),
      .value  (threshold)
  );
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    logic [CountBits-1:0] reached, counted;
    always_comb begin
      reached = '0;
      for (int n = 0; n < COUNT; ++n) begin
        reached = reached + CountBits'($signed(threshold[i*COUNT+n]) <= $signed(x_value[i]));
      end
    end
    always_ff @(posedge clk) if (enable) counted <= reached;
    assign count[i] = counted;
  end

  // Stage 3: the level.
  logic [1:0][LANES-1:0][LEVEL_BITS-1:0] levels;
  logic [LANES*OUT_BITS-1:0] word;
  fpgacomp_rom #(
      .BITS (2 * LANES * LEVEL_BITS),
      .DEPTH(LEVEL_ROWS),
      .FILE (LEVEL_FILE),
      .ROW  (LEVEL_ROW)
  ) u_levels (
      .clk,
      .enable,
      .address(LevelAddress'(group_later)),
      .row(levels)
  );
  fpgacomp_levels #(
      .LANES(LANES),
      .COUNT_BITS(CountBits),
      .WIDE(LEVEL_BITS),
      .OUT_BITS(OUT_BITS),
      .OUT_KIND(OUT_KIND)
  ) u_level (
      .count,
      .base(levels[0]),
      .step(levels[1]),
      .word
  );
  always_ff @(posedge clk) begin
    if (enable) out_data <= word;
    if (rst) begin
      valid <= '0;
      out_valid <= 1'b0;
    end else if (enable) begin
      valid <= {valid[0], in_valid};
      out_valid <= valid[1];
    end
  end
endmodule
