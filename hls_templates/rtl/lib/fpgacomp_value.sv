// The numbers that the elements of a word stand for, as signed integers of VALUE_BITS bits.
//
// KIND says how an element is stored: 0 is unsigned, 1 is two's complement, and 2 is one bit
// that means +1 where it is set and -1 where it is not. Combinational.
module fpgacomp_value #(
    parameter int LANES = 1,
    parameter int BITS = 8,
    parameter int KIND = 1,
    parameter int VALUE_BITS = 8
) (
    input logic [LANES-1:0][BITS-1:0] element,
    output logic [LANES-1:0][VALUE_BITS-1:0] value
);
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    if (KIND == 2) begin : gen_bipolar
      assign value[i] = element[i][0] ? VALUE_BITS'(1) : '1;
    end else if (KIND == 1) begin : gen_signed
      assign value[i] = VALUE_BITS'($signed(element[i]));
    end else begin : gen_unsigned
      assign value[i] = VALUE_BITS'(element[i]);
    end
  end
endmodule
