// The elements that store the given numbers; the inverse of fpgacomp_value. Combinational.
//
// A number that its element cannot hold wraps. The compiler proves that none occurs.
module fpgacomp_element #(
    parameter int LANES = 1,
    parameter int BITS = 8,
    parameter int KIND = 1,
    parameter int VALUE_BITS = 8
) (
    input logic [LANES-1:0][VALUE_BITS-1:0] value,
    output logic [LANES-1:0][BITS-1:0] element
);
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    if (KIND == 2) begin : gen_bipolar
      assign element[i] = ~value[i][VALUE_BITS-1];
    end else if (VALUE_BITS >= BITS) begin : gen_low
      assign element[i] = value[i][BITS-1:0];
    end else begin : gen_extended
      assign element[i] = BITS'($signed(value[i]));
    end
  end
endmodule
