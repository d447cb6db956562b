// How Yosys maps tables in LUTs on devices with LUTs of six inputs (AMD 7 series and later).
//
// For techmap. First, a column of lut_tables.memlib becomes a $lut of six to eight inputs, of which
// equal ones are merged. Rows that are 0, as all are behind a table's last one, take none. Then
// that is a box, which `read_verilog -lib -D FPGACOMP_BOX` reads, while the rest of the design is
// mapped. At last a box becomes LUTs with the multiplexers behind them: in one step, since
// share/xilinx/lut_map.v takes forty times as long for them.
`ifdef FPGACOMP_BOX
module fpgacomp_lut_table (A, Y);
  parameter WIDTH = 6;
  parameter LUT = 0;
  input [WIDTH-1:0] A;
  output Y;
endmodule
`else
module fpgacomp_lut_table (A, Y);
  parameter WIDTH = 6;
  parameter LUT = 0;
  localparam [255:0] INIT = LUT;
  input [WIDTH-1:0] A;
  output Y;
  // Any other cell stays a box, which counts and simulations refuse.
  wire _TECHMAP_FAIL_ = WIDTH < 6 || WIDTH > 8;
  generate
    if (WIDTH == 6) begin : gen_64
      LUT6 #(
          .INIT(INIT[63:0])
      ) lut (
          .I0(A[0]), .I1(A[1]), .I2(A[2]), .I3(A[3]), .I4(A[4]), .I5(A[5]), .O(Y)
      );
    end else begin : gen_128
      wire [3:0] row;
      wire [1:0] half;
      LUT6 #(
          .INIT(INIT[63:0])
      ) lut_0 (
          .I0(A[0]), .I1(A[1]), .I2(A[2]), .I3(A[3]), .I4(A[4]), .I5(A[5]), .O(row[0])
      );
      LUT6 #(
          .INIT(INIT[127:64])
      ) lut_1 (
          .I0(A[0]), .I1(A[1]), .I2(A[2]), .I3(A[3]), .I4(A[4]), .I5(A[5]), .O(row[1])
      );
      MUXF7 lower (.I0(row[0]), .I1(row[1]), .S(A[6]), .O(half[0]));
      if (WIDTH == 7) begin : gen_one
        assign Y = half[0];
      end else begin : gen_256
        LUT6 #(
            .INIT(INIT[191:128])
        ) lut_2 (
            .I0(A[0]), .I1(A[1]), .I2(A[2]), .I3(A[3]), .I4(A[4]), .I5(A[5]), .O(row[2])
        );
        LUT6 #(
            .INIT(INIT[255:192])
        ) lut_3 (
            .I0(A[0]), .I1(A[1]), .I2(A[2]), .I3(A[3]), .I4(A[4]), .I5(A[5]), .O(row[3])
        );
        MUXF7 upper (.I0(row[2]), .I1(row[3]), .S(A[6]), .O(half[1]));
        MUXF8 both (.I0(half[0]), .I1(half[1]), .S(A[7]), .O(Y));
      end
    end
  endgenerate
endmodule

(* techmap_celltype = "$__FPGACOMP_TABLE64_ $__FPGACOMP_TABLE128_ $__FPGACOMP_TABLE256_" *)
module _lut_table_column (PORT_R_ADDR, PORT_R_RD_DATA);
  parameter INIT = 0;
  parameter _TECHMAP_CELLTYPE_ = "";
  localparam WIDTH = _TECHMAP_CELLTYPE_ == "$__FPGACOMP_TABLE64_" ? 6
      : _TECHMAP_CELLTYPE_ == "$__FPGACOMP_TABLE128_" ? 7 : 8;
  localparam [255:0] ROWS = INIT;
  // Address bits that tell rows apart of which some are not 0.
  localparam USED = ROWS[255:128] != 0 ? 8 : ROWS[127:64] != 0 ? 7 : 6;
  input [WIDTH-1:0] PORT_R_ADDR;
  output PORT_R_RD_DATA;
  generate
    if (ROWS == 0) begin : gen_zero
      assign PORT_R_RD_DATA = 1'b0;
    end else begin : gen_lut
      wire low;
      \$lut #(
          .WIDTH(USED), .LUT(ROWS[2**USED-1:0])
      ) lut (
          .A(PORT_R_ADDR[USED-1:0]), .Y(low)
      );
      if (USED == WIDTH) begin : gen_all
        assign PORT_R_RD_DATA = low;
      end else begin : gen_lower
        assign PORT_R_RD_DATA = low & ~|PORT_R_ADDR[WIDTH-1:USED];
      end
    end
  endgenerate
endmodule
`endif
