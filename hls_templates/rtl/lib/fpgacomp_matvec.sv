// y = x * W for one vector after the other: SIMD inputs and PE outputs a cycle.
//
// A vector is READS words of SIMD elements and becomes ROWS words of PE sums. Its words are
// kept for the later output words. Row nf * READS + sf of the table holds, in element
// pe * SIMD + s, the weight of input sf * SIMD + s and output nf * PE + pe. Every product fits
// TERM_BITS bits. Where PACKED is above 1, that many weights, SHIFT bits apart, share one
// multiplier. Where TERNARY is set, a row of LUTs adds three numbers, and counts six bits.
module fpgacomp_matvec #(
    parameter int SIMD = 1,
    parameter int PE = 1,
    parameter int READS = 1,
    parameter int ROWS = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int WEIGHT_BITS = 8,
    parameter int WEIGHT_KIND = 1,
    parameter int TERM_BITS = 16,
    parameter int OUT_BITS = 16,
    parameter int TERNARY = 0,
    parameter int PACKED = 1,
    parameter int SHIFT = 1,
    parameter int DSP = 0,
    parameter FILE = "",
    parameter int STYLE = 0,
    parameter logic [PE*SIMD*WEIGHT_BITS-1:0] ROW = '0
) (
    input logic clk,
    input logic rst,
    input logic [SIMD*IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [PE*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  // Levels of adders of three in fpgacomp_sum.
  function automatic int levels_of_three(input int numbers);
    levels_of_three = 0;
    for (int n = numbers; n > 1; n = (n + 2) / 3) levels_of_three = levels_of_three + 1;
  endfunction

  localparam bit Xnor = IN_KIND == 2 && WEIGHT_KIND == 2;
  localparam int InValue = IN_KIND == 2 ? 2 : IN_BITS + (IN_KIND == 0 ? 1 : 0);
  localparam int WeightValue = WEIGHT_KIND == 2 ? 2 : WEIGHT_BITS + (WEIGHT_KIND == 0 ? 1 : 0);
  localparam int Unpacking = PACKED > 1 ? 1 : 0;
  localparam int Grouped = Xnor && TERNARY != 0 ? 1 : 0;
  localparam int Terms = Grouped != 0 ? (SIMD + 5) / 6 : SIMD;
  localparam int TreeLatency = TERNARY != 0 ? levels_of_three(Terms) : ($clog2(SIMD) + 1) / 2;
  localparam int Stages = 2 + Unpacking + TreeLatency;  // from firing to the accumulators
  localparam int Latency = Stages + 1;  // cycles from a firing to its word at the output
  localparam int TileBits = READS * ROWS > 1 ? $clog2(READS * ROWS) : 1;
  localparam int WordBits = READS > 1 ? $clog2(READS) : 1;

  logic enable, fire, first_row, word_last, row_last;
  logic [WordBits-1:0] word;
  logic [TileBits-1:0] tile;
  logic [Stages-1:0] valid, first, last;

  assign enable = out_ready | ~out_valid;
  assign fire = enable & (in_valid | ~first_row);
  assign in_ready = enable & first_row;

  fpgacomp_counter #(
      .COUNT(READS)
  ) u_word (
      .clk,
      .rst,
      .step (fire),
      .value(word),
      .last (word_last)
  );
  fpgacomp_counter #(
      .COUNT(READS * ROWS)
  ) u_tile (
      .clk,
      .rst,
      .step (fire),
      .value(tile),
      .last (row_last)
  );
  always_ff @(posedge clk) begin
    if (rst) first_row <= 1'b1;
    else if (fire & word_last) first_row <= row_last;
  end

  always_ff @(posedge clk) begin
    if (rst) valid <= '0;
    else if (enable) valid <= {valid[Stages-2:0], fire};
    if (enable) begin
      first <= {first[Stages-2:0], word == '0};
      last  <= {last[Stages-2:0], word_last};
    end
  end

  // Stage 1: the word, fresh or kept, and its weights.
  logic [SIMD-1:0][IN_BITS-1:0] x;
  if (ROWS == 1) begin : gen_fresh
    always_ff @(posedge clk) if (enable) x <= in_data;
  end else begin : gen_kept
    logic [SIMD*IN_BITS-1:0] kept[READS];
    logic [SIMD*IN_BITS-1:0] fresh_word, kept_word;
    logic fresh;
    always_ff @(posedge clk) begin
      if (enable) begin
        fresh <= first_row;
        fresh_word <= in_data;
        kept_word <= kept[word];
        if (first_row) kept[word] <= in_data;
      end
    end
    assign x = fresh ? fresh_word : kept_word;
  end
  logic [PE-1:0][SIMD-1:0][WEIGHT_BITS-1:0] weights;
  fpgacomp_rom #(
      .BITS (PE * SIMD * WEIGHT_BITS),
      .DEPTH(READS * ROWS),
      .FILE (FILE),
      .STYLE(STYLE),
      .ROW  (ROW)
  ) u_weights (
      .clk,
      .enable,
      .address(tile),
      .row(weights)
  );

  // Stage 2: the products, or the equal signs. Behind them a tree of adders for every output.
  logic [SIMD-1:0][InValue-1:0] x_value;
  logic [PE*SIMD-1:0][WeightValue-1:0] weight_value;
  logic [PE-1:0][OUT_BITS-1:0] sums;
  fpgacomp_value #(
      .LANES(SIMD),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(InValue)
  ) u_x (
      .element(x),
      .value  (x_value)
  );
  fpgacomp_value #(
      .LANES(PE * SIMD),
      .BITS(WEIGHT_BITS),
      .KIND(WEIGHT_KIND),
      .VALUE_BITS(WeightValue)
  ) u_weight (
      .element(weights),
      .value  (weight_value)
  );
  if (PACKED > 1 || Xnor) begin : gen_terms
    logic [PE-1:0][Terms-1:0][TERM_BITS-1:0] terms;
    if (PACKED > 1) begin : gen_packed
      localparam int Factor = WeightValue + (PACKED - 1) * SHIFT + 1;
      localparam int Product = Factor + InValue;
      localparam int Groups = (PE + PACKED - 1) / PACKED;
      for (genvar g = 0; g < Groups; ++g) begin : gen_group
        localparam int Lanes = (g + 1) * PACKED <= PE ? PACKED : PE - g * PACKED;
        for (genvar s = 0; s < SIMD; ++s) begin : gen_product
          logic signed [ Factor-1:0] joined;
          (* use_dsp = "yes" *)logic signed [Product-1:0] product;
          always_comb begin
            joined = '0;
            for (int l = Lanes - 1; l >= 0; --l) begin
              joined = (joined <<< SHIFT) + Factor'($signed(weight_value[(g*PACKED+l)*SIMD+s]));
            end
          end
          always_ff @(posedge clk) if (enable) product <= joined * $signed(x_value[s]);
          // The low SHIFT bits are a lane's product; what is left are the lanes above it.
          for (genvar l = 0; l < Lanes; ++l) begin : gen_lane
            logic signed [Product-1:0] rest;
            if (l == 0) begin : gen_lowest
              assign rest = product;
            end else begin : gen_above
              assign rest = (gen_lane[l-1].rest - Product'($signed(
                  gen_lane[l-1].rest[SHIFT-1:0]
              ))) >>> SHIFT;
            end
            always_ff @(posedge clk) begin
              if (enable) terms[g*PACKED+l][s] <= TERM_BITS'($signed(rest[SHIFT-1:0]));
            end
          end
        end
      end
    end else if (Xnor) begin : gen_xnor
      for (genvar p = 0; p < PE; ++p) begin : gen_pe
        logic [SIMD-1:0] equal;
        always_ff @(posedge clk) if (enable) equal <= x ~^ weights[p];
        if (Grouped != 0) begin : gen_grouped
          logic [Terms-1:0][2:0] counts;
          fpgacomp_count #(
              .BITS(SIMD)
          ) u_count (
              .bits(equal),
              .counts
          );
          for (genvar t = 0; t < Terms; ++t) begin : gen_term
            assign terms[p][t] = {1'b0, counts[t]};
          end
        end else begin : gen_single
          for (genvar s = 0; s < SIMD; ++s) begin : gen_term
            assign terms[p][s] = {1'b0, equal[s]};
          end
        end
      end
    end
    for (genvar p = 0; p < PE; ++p) begin : gen_tree
      fpgacomp_sum #(
          .TERMS(Terms),
          .TERM_BITS(TERM_BITS),
          .OUT_BITS(OUT_BITS),
          .TERNARY(TERNARY)
      ) u_sum (
          .clk,
          .enable,
          .terms(terms[p]),
          .total(sums[p])
      );
    end
  end else begin : gen_products
    for (genvar p = 0; p < PE; ++p) begin : gen_pe
      fpgacomp_dot #(
          .SIMD(SIMD),
          .IN_BITS(InValue),
          .WEIGHT_BITS(WeightValue),
          .TERM_BITS(TERM_BITS),
          .OUT_BITS(OUT_BITS),
          .TERNARY(TERNARY),
          .DSP(DSP)
      ) u_dot (
          .clk,
          .enable,
          .x(x_value),
          .weights(weight_value[p*SIMD+:SIMD]),
          .total(sums[p])
      );
    end
  end
  for (genvar p = 0; p < PE; ++p) begin : gen_output
    logic [OUT_BITS-1:0] total, accumulator;
    assign total = sums[p] + (first[Stages-1] ? '0 : accumulator);
    always_ff @(posedge clk) begin
      if (enable & valid[Stages-1]) begin
        accumulator <= total;
        // Equal signs less unequal ones: twice the equal ones less all.
        out_data[p*OUT_BITS+:OUT_BITS] <=
            Xnor ? OUT_BITS'(total << 1) - OUT_BITS'(READS * SIMD) : total;
      end
    end
  end
  always_ff @(posedge clk) begin
    if (rst) out_valid <= 1'b0;
    else if (enable) out_valid <= valid[Stages-1] & last[Stages-1];
  end
endmodule
