// The sum of TERMS signed numbers: a tree of adders of two, or of three where TERNARY is set.
//
// A register stands behind every second level of adders of two and behind every level of adders of
// three, and behind the last. OUT_BITS may cut the result: then every sum inside is cut, too,
// which wraps.
module fpgacomp_sum #(
    parameter int TERMS = 2,
    parameter int TERM_BITS = 8,
    parameter int OUT_BITS = 9,
    parameter int TERNARY = 0
) (
    input logic clk,
    input logic enable,
    input logic [TERMS-1:0][TERM_BITS-1:0] terms,
    output logic [OUT_BITS-1:0] total
);
  // Levels of adders of three until one number is left.
  function automatic int levels_of_three(input int numbers);
    levels_of_three = 0;
    for (int n = numbers; n > 1; n = (n + 2) / 3) levels_of_three = levels_of_three + 1;
  endfunction

  localparam int Radix = TERNARY != 0 ? 3 : 2;
  localparam int Levels = TERNARY != 0 ? levels_of_three(TERMS) : $clog2(TERMS);
  // A signal for each number: simulators keep one array of them much more slowly.
  for (genvar l = 0; l <= Levels; ++l) begin : gen_level
    localparam int Summed = Radix ** l;  // terms in a number of this level
    localparam int Count = (TERMS + Summed - 1) / Summed;
    localparam int Grown = TERM_BITS + $clog2(Summed);
    localparam int Bits = l == 0 || Grown < OUT_BITS ? Grown : OUT_BITS;
    for (genvar i = 0; i < Count; ++i) begin : gen_number
      logic signed [Bits-1:0] partial;
      if (l == 0) begin : gen_term
        assign partial = $signed(terms[i]);
      end else begin : gen_sum
        localparam int Below = (TERMS + Summed / Radix - 1) / (Summed / Radix);
        logic signed [Bits-1:0] next;
        if (Radix == 3 && 3 * i + 2 < Below) begin : gen_three
          fpgacomp_ternary_add #(
              .W(Bits)
          ) u_add (
              .a  (Bits'(gen_level[l-1].gen_number[3*i].partial)),
              .b  (Bits'(gen_level[l-1].gen_number[3*i+1].partial)),
              .c  (Bits'(gen_level[l-1].gen_number[3*i+2].partial)),
              .sum(next)
          );
        end else if (Radix * i + 1 < Below) begin : gen_pair
          assign next = Bits'(gen_level[l-1].gen_number[Radix*i].partial) +
              Bits'(gen_level[l-1].gen_number[Radix*i+1].partial);
        end else begin : gen_odd
          assign next = Bits'(gen_level[l-1].gen_number[Radix*i].partial);
        end
        if (TERNARY != 0 || l % 2 == 0 || l == Levels) begin : gen_register
          always_ff @(posedge clk) if (enable) partial <= next;
        end else begin : gen_wire
          assign partial = next;
        end
      end
    end
  end
  assign total = OUT_BITS'(gen_level[Levels].gen_number[0].partial);
endmodule
