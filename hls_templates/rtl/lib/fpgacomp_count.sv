// How many bits are set in each group of six: a LUT of six inputs for each bit of such a number.
//
// The last group may have fewer. Combinational. It is said in gates, as tools make a chain of
// adders of a sum.
module fpgacomp_count #(
    parameter int BITS   = 6,
    parameter int GROUPS = (BITS + 5) / 6
) (
    input logic [BITS-1:0] bits,
    output logic [GROUPS-1:0][2:0] counts
);
  // A full adder's carry.
  function automatic logic majority(input logic a, input logic b, input logic c);
    majority = (a & b) | (a & c) | (b & c);
  endfunction

  for (genvar g = 0; g < GROUPS; ++g) begin : gen_group
    localparam int Width = BITS - 6 * g < 6 ? BITS - 6 * g : 6;
    logic [5:0] group;
    logic low, high, both;
    assign group = 6'(bits[6*g+:Width]);
    assign low = majority(group[0], group[1], group[2]);
    assign high = majority(group[3], group[4], group[5]);
    assign both = ^group[2:0] & ^group[5:3];
    assign counts[g] = {majority(low, high, both), low ^ high ^ both, ^group};
  end
endmodule
