// The sum of TERMS signed numbers: a tree of adders with a register behind every second level.
//
// The result is LATENCY enabled cycles behind its terms; OUT_BITS may cut it, which wraps.
module fpgacomp_sum #(
    parameter int TERMS = 2,
    parameter int TERM_BITS = 8,
    parameter int OUT_BITS = 9,
    parameter int LEVELS = $clog2(TERMS),
    parameter int LATENCY = (LEVELS + 1) / 2
) (
    input logic clk,
    input logic enable,
    input logic [TERMS-1:0][TERM_BITS-1:0] terms,
    output logic [OUT_BITS-1:0] total
);
  // A signal for each number: simulators keep one array of them much more slowly.
  for (genvar l = 0; l <= LEVELS; ++l) begin : gen_level
    localparam int Count = (TERMS + (1 << l) - 1) >> l;
    localparam int Bits = TERM_BITS + l;
    for (genvar i = 0; i < Count; ++i) begin : gen_number
      logic signed [Bits-1:0] partial;
      if (l == 0) begin : gen_term
        assign partial = $signed(terms[i]);
      end else begin : gen_sum
        localparam int Below = (TERMS + (1 << (l - 1)) - 1) >> (l - 1);
        logic signed [Bits-1:0] next;
        if (2 * i + 1 < Below) begin : gen_pair
          assign next = Bits'(gen_level[l-1].gen_number[2*i].partial) +
              Bits'(gen_level[l-1].gen_number[2*i+1].partial);
        end else begin : gen_odd
          assign next = Bits'(gen_level[l-1].gen_number[2*i].partial);
        end
        if (l % 2 == 0 || l == LEVELS) begin : gen_register
          always_ff @(posedge clk) if (enable) partial <= next;
        end else begin : gen_wire
          assign partial = next;
        end
      end
    end
  end
  assign total = OUT_BITS'(gen_level[LEVELS].gen_number[0].partial);
endmodule
