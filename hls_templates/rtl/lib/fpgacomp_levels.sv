// BASE + STEP * count for every lane: what a number of fired thresholds becomes. Combinational.
module fpgacomp_levels #(
    parameter int LANES = 1,
    parameter int COUNT_BITS = 2,
    parameter int WIDE = 8,
    parameter int OUT_BITS = 4,
    parameter int OUT_KIND = 0
) (
    input logic [LANES-1:0][COUNT_BITS-1:0] count,
    input logic [LANES-1:0][WIDE-1:0] base,
    input logic [LANES-1:0][WIDE-1:0] step,
    output logic [LANES*OUT_BITS-1:0] word
);
  logic [LANES-1:0][WIDE-1:0] level;
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    assign level[i] = base[i] + step[i] * WIDE'(count[i]);
  end
  fpgacomp_element #(
      .LANES(LANES),
      .BITS(OUT_BITS),
      .KIND(OUT_KIND),
      .VALUE_BITS(WIDE)
  ) u_element (
      .value  (level),
      .element(word)
  );
endmodule
