// How Yosys maps fpgacomp_ternary_add to LUTs of six inputs with a carry chain behind them (AMD
// 7 series and later). For techmap, which tells which bits of a cell's inputs are constant.
//
// A LUT of two outputs adds a bit of each of the three numbers and the carry-save bit that the LUT
// below hands up: O6 is their parity, which the chain adds carries to, O5 the majority of the
// three, which the LUT above takes. So one LUT a bit adds three numbers, where two adders take two.
//
//   below CHAIN   one number alone has bits: they pass.
//   below SAVE    two numbers have bits: an ordinary adder.
//   from SAVE on  three numbers, or the 1 of a second two's complement.
(* techmap_celltype = "fpgacomp_ternary_add" *)
module _ternary_add (a, b, c, sum);
  parameter W = 1;
  parameter MINUS_B = 0;
  parameter MINUS_C = 0;
  parameter [W-1:0] _TECHMAP_CONSTMSK_a_ = 0;
  parameter [W-1:0] _TECHMAP_CONSTMSK_b_ = 0;
  parameter [W-1:0] _TECHMAP_CONSTMSK_c_ = 0;
  parameter [W-1:0] _TECHMAP_CONSTVAL_a_ = 0;
  parameter [W-1:0] _TECHMAP_CONSTVAL_b_ = 0;
  parameter [W-1:0] _TECHMAP_CONSTVAL_c_ = 0;
  input [W-1:0] a;
  input [W-1:0] b;
  input [W-1:0] c;
  output [W-1:0] sum;

  // Which bits of a number are not always 0. Constants are written without loops: with one for
  // the content of each LUT, Yosys took eleven times as long for this map.
  localparam [W-1:0] A_BITS = ~_TECHMAP_CONSTMSK_a_ | _TECHMAP_CONSTVAL_a_;
  localparam [W-1:0] B_BITS = ~_TECHMAP_CONSTMSK_b_ | _TECHMAP_CONSTVAL_b_;
  localparam [W-1:0] C_BITS = ~_TECHMAP_CONSTMSK_c_ | _TECHMAP_CONSTVAL_c_;
  // The lowest of them: what is left of a number and its two's complement is a power of two.
  localparam A = A_BITS == 0 ? W : $clog2(A_BITS & -A_BITS);
  localparam B = B_BITS == 0 ? W : $clog2(B_BITS & -B_BITS);
  localparam C = C_BITS == 0 ? W : $clog2(C_BITS & -C_BITS);
  localparam FIRST = A < B ? (A < C ? A : C) : (B < C ? B : C);
  localparam THIRD = A > B ? (A > C ? A : C) : (B > C ? B : C);
  localparam SECOND = A + B + C - FIRST - THIRD;
  localparam CHAIN = ((MINUS_B && B == FIRST) || (MINUS_C && C == FIRST)) ? FIRST : SECOND;
  // Each two's complement adds a 1 at the lowest bit of its number: one enters the chain, the
  // other is the first carry-save bit.
  localparam B_ENTERS = MINUS_B && B == CHAIN;
  localparam C_ENTERS = MINUS_C && C == CHAIN && !B_ENTERS;
  localparam B_SAVED = MINUS_B && !B_ENTERS;
  localparam C_SAVED = MINUS_C && !C_ENTERS;
  localparam SAVE = B_SAVED ? B : C_SAVED ? C : THIRD;
  localparam LINKS = W > CHAIN ? (W - CHAIN + 3) / 4 : 0;
  localparam PADDED = CHAIN + 4 * LINKS;

  // A LUT's inputs, the carry-save bit below being the fourth, in each of its 64 rows: the upper
  // half of the content is O6.
  localparam [63:0] X = 64'hAAAAAAAAAAAAAAAA, Y = 64'hCCCCCCCCCCCCCCCC;
  localparam [63:0] Z = 64'hF0F0F0F0F0F0F0F0, BELOW = 64'hFF00FF00FF00FF00;

  wire [W:0] saved;  // carry-save bits
  wire [PADDED:0] parity, either;
  genvar i;
  generate
    for (i = 0; i < W; i = i + 1) begin : gen_bit
      if (i < CHAIN) begin : gen_pass
        assign sum[i] = a[i] | b[i] | c[i];
      end else begin : gen_add
        // Below its lowest bit a number stays 0, whether it is subtracted or not.
        localparam INVERT_B = MINUS_B && i >= B;
        localparam INVERT_C = MINUS_C && i >= C;
        localparam [63:0] Y_ADDED = INVERT_B ? ~Y : Y;
        localparam [63:0] Z_ADDED = INVERT_C ? ~Z : Z;
        localparam [63:0] PARITY = X ^ Y_ADDED ^ Z_ADDED ^ BELOW;
        localparam [63:0] MAJORITY = X & Y_ADDED | X & Z_ADDED | Y_ADDED & Z_ADDED;
        localparam A_VARIES = !_TECHMAP_CONSTMSK_a_[i];
        localparam B_VARIES = !_TECHMAP_CONSTMSK_b_[i];
        localparam C_VARIES = !_TECHMAP_CONSTMSK_c_[i];
        localparam integer VARY = A_VARIES + B_VARIES + C_VARIES;
        wire x = a[i];
        wire y = b[i] ^ INVERT_B;
        wire z = c[i] ^ INVERT_C;
        if (i >= SAVE) begin : gen_three
          wire below = i == SAVE ? (B_SAVED || C_SAVED) : saved[i];
          assign either[i] = below;
          if (VARY >= 2 && i < W - 1) begin : gen_lut
            LUT6_2 #(
                .INIT({PARITY[63:32], MAJORITY[31:0]})
            ) lut (
                .I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(below), .I4(1'b0), .I5(1'b1),
                .O6(parity[i]), .O5(saved[i+1])
            );
          end else begin : gen_logic
            assign parity[i] = x ^ y ^ z ^ below;
            assign saved[i+1] = (x & y) | (x & z) | (y & z);
          end
        end else if (A_VARIES || VARY <= 1 || !(INVERT_B || INVERT_C)) begin : gen_two
          // Where both are equal, either is the carry.
          assign parity[i] = x ^ y ^ z;
          assign either[i] = A_VARIES ? x : VARY <= 1 ? (x & y) | (x & z) | (y & z) : y;
        end else begin : gen_two_lut
          LUT6_2 #(
              .INIT({PARITY[63:32], Y_ADDED[31:0]})
          ) lut (
              .I0(a[i]), .I1(b[i]), .I2(c[i]), .I3(1'b0), .I4(1'b0), .I5(1'b1),
              .O6(parity[i]), .O5(either[i])
          );
        end
      end
    end
    for (i = W; i < PADDED; i = i + 1) begin : gen_end
      assign parity[i] = 1'b0;
      assign either[i] = 1'b0;
    end
    if (LINKS > 0) begin : gen_chain
      wire [4*LINKS-1:0] carry, total;
      for (i = 0; i < LINKS; i = i + 1) begin : gen_link
        CARRY4 link (
            .CI(i == 0 ? 1'b0 : carry[4*i-1]),
            .CYINIT(i == 0 ? (B_ENTERS || C_ENTERS) : 1'b0),
            .DI(either[CHAIN+4*i+:4]),
            .S(parity[CHAIN+4*i+:4]),
            .O(total[4*i+:4]),
            .CO(carry[4*i+:4])
        );
      end
      assign sum[W-1:CHAIN] = total[W-CHAIN-1:0];
    end
  endgenerate
endmodule
