// The same function as fpgacomp_thresholds, by binary search: 2^LEVELS - 1 ascending thresholds.
//
// Level l has one comparator and one table of ROWS * 2^l thresholds per lane; the count so far
// selects the one to compare with. CONTENT holds level after level, lane after lane, and ends
// with thresholds that no element reaches where there are fewer.
module fpgacomp_thresholds_search #(
    parameter int LANES = 1,
    parameter int GROUPS = 1,
    parameter int LEVELS = 2,
    parameter int ROWS = 1,  // 1 where all channels share their thresholds, else GROUPS
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 2,
    parameter int OUT_KIND = 0,
    parameter int TABLE_BITS = 8,
    parameter int TABLE_KIND = 1,
    parameter logic [LANES*ROWS*((1<<LEVELS)-1)*TABLE_BITS-1:0] CONTENT = '0,
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
  localparam int Wide = (IN_BITS > TABLE_BITS ? IN_BITS : TABLE_BITS) + 1;
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam int LevelAddress = LEVEL_ROWS > 1 ? $clog2(LEVEL_ROWS) : 1;
  localparam int Stages = 2 * LEVELS;
  localparam int Latency = Stages + 2;  // cycles from a firing to its word at the output

  logic enable;
  logic [Stages:0] valid;
  assign enable   = out_ready | ~out_valid;
  assign in_ready = enable;

  logic [LANES-1:0][Wide-1:0] x, x_first;
  logic [GroupBits-1:0] group, group_first;
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(Wide)
  ) u_x (
      .element(in_data),
      .value  (x_first)
  );
  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (enable & in_valid),
      .value(group_first),
      .last ()
  );
  always_ff @(posedge clk) begin
    if (enable) begin
      x <= x_first;
      group <= group_first;
    end
  end

  // Two stages a level: the table is read, the threshold is compared.
  for (genvar l = 0; l < LEVELS; ++l) begin : gen_level
    localparam int Depth = ROWS << l;
    localparam int Offset = LANES * ROWS * ((1 << l) - 1);
    localparam int AddressBits = Depth > 1 ? $clog2(Depth) : 1;
    logic [LANES-1:0][Wide-1:0] x_in, x_read, x_out;
    logic [LANES-1:0][LEVELS-1:0] count_in, count_out;
    logic [GroupBits-1:0] group_in, group_read, group_out;
    if (l == 0) begin : gen_first
      assign x_in = x;
      assign count_in = '0;
      assign group_in = group;
    end else begin : gen_next
      assign x_in = gen_level[l-1].x_out;
      assign count_in = gen_level[l-1].count_out;
      assign group_in = gen_level[l-1].group_out;
    end
    for (genvar i = 0; i < LANES; ++i) begin : gen_lane
      logic [AddressBits-1:0] address;
      logic [TABLE_BITS-1:0] entry;
      logic [Wide-1:0] threshold;
      logic [LEVELS-1:0] so_far, reached;
      if (ROWS > 1) begin : gen_rows
        assign address = AddressBits'({group_in, {l{1'b0}}}) + AddressBits'(count_in[i]);
      end else begin : gen_shared
        assign address = AddressBits'(count_in[i]);
      end
      fpgacomp_bank #(
          .BITS(TABLE_BITS),
          .DEPTH(Depth),
          .CONTENT(CONTENT[(Offset+i*Depth)*TABLE_BITS+:Depth*TABLE_BITS])
      ) u_bank (
          .clk,
          .enable,
          .address,
          .entry
      );
      fpgacomp_value #(
          .LANES(1),
          .BITS(TABLE_BITS),
          .KIND(TABLE_KIND),
          .VALUE_BITS(Wide)
      ) u_threshold (
          .element(entry),
          .value  (threshold)
      );
      always_ff @(posedge clk) begin
        if (enable) begin
          so_far  <= count_in[i];
          reached <= LEVELS'({so_far, $signed(threshold) <= $signed(x_read[i])});
        end
      end
      assign count_out[i] = reached;
    end
    always_ff @(posedge clk) begin
      if (enable) begin
        x_read <= x_in;
        x_out <= x_read;
        group_read <= group_in;
        group_out <= group_read;
      end
    end
  end

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
      .address(LevelAddress'(gen_level[LEVELS-1].group_read)),
      .row(levels)
  );
  fpgacomp_levels #(
      .LANES(LANES),
      .COUNT_BITS(LEVELS),
      .WIDE(LEVEL_BITS),
      .OUT_BITS(OUT_BITS),
      .OUT_KIND(OUT_KIND)
  ) u_level (
      .count(gen_level[LEVELS-1].count_out),
      .base (levels[0]),
      .step (levels[1]),
      .word
  );
  always_ff @(posedge clk) begin
    if (enable) out_data <= word;
    if (rst) begin
      valid <= '0;
      out_valid <= 1'b0;
    end else if (enable) begin
      valid <= {valid[Stages-1:0], in_valid};
      out_valid <= valid[Stages];
    end
  end
endmodule
