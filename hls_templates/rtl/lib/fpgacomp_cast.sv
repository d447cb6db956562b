// The same numbers as elements of another type, which must hold them. Combinational.
module fpgacomp_cast #(
    parameter int LANES = 1,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 8,
    parameter int OUT_KIND = 1,
    parameter int VALUE_BITS = 9
) (
    input  logic [ LANES*IN_BITS-1:0] in_word,
    output logic [LANES*OUT_BITS-1:0] out_word
);
  logic [LANES-1:0][VALUE_BITS-1:0] value;
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(VALUE_BITS)
  ) u_value (
      .element(in_word),
      .value
  );
  fpgacomp_element #(
      .LANES(LANES),
      .BITS(OUT_BITS),
      .KIND(OUT_KIND),
      .VALUE_BITS(VALUE_BITS)
  ) u_element (
      .value,
      .element(out_word)
  );
endmodule
