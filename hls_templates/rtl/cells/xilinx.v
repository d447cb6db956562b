// Block RAM and multiplier of AMD's 7 series (E1) and UltraScale (E2), for simulation of netlists
// alone, as UG473, UG573 and UG579 describe them. Ports and parameters are those that Yosys writes;
// any other is an error of elaboration, as is a setting that is not modelled.

// What RAMB18 and RAMB36 have in common. A byte of nine bits has its parity bit above the others.
// Where a port is twice as wide as BYTES bytes, the two of them are one: reads leave through the
// outputs of A below and B above, writes come in through the inputs of A below and B above.
module fpgacomp_ramb #(
    parameter ADDRESS_BITS = 14,
    parameter BYTES = 2,
    parameter [2**ADDRESS_BITS-1:0] INIT = 0,
    parameter [2**(ADDRESS_BITS-3)-1:0] INITP = 0,
    parameter integer READ_A = 0,
    parameter integer READ_B = 0,
    parameter integer WRITE_A = 0,
    parameter integer WRITE_B = 0,
    parameter MODE_A = "WRITE_FIRST",
    parameter MODE_B = "WRITE_FIRST",
    parameter [9*BYTES-1:0] START_A = 0,
    parameter [9*BYTES-1:0] START_B = 0,
    parameter [9*BYTES-1:0] RESET_A = 0,
    parameter [9*BYTES-1:0] RESET_B = 0
) (
    input clk_a,
    input clk_b,
    input enable_a,
    input enable_b,
    input reset_a,
    input reset_b,
    input [ADDRESS_BITS-1:0] address_a,
    input [ADDRESS_BITS-1:0] address_b,
    input [BYTES-1:0] write_a,
    input [2*BYTES-1:0] write_b,
    input [8*BYTES-1:0] data_a,
    input [8*BYTES-1:0] data_b,
    input [BYTES-1:0] parity_a,
    input [BYTES-1:0] parity_b,
    output [8*BYTES-1:0] q_a,
    output [8*BYTES-1:0] q_b,
    output [BYTES-1:0] qp_a,
    output [BYTES-1:0] qp_b
);
  localparam WIDE = 18 * BYTES;
  if (READ_B == WIDE || WRITE_A == WIDE) begin : g_refused
    $fatal(1, "a block RAM of AMD reads wide words at port B, or writes them at A");
  end
  function integer mode(input [11*8-1:0] name);
    mode = name == "WRITE_FIRST" ? 1 : name == "READ_FIRST" ? 2 : name == "NO_CHANGE" ? 0 : 3;
  endfunction
  if (mode(MODE_A) == 3 || mode(MODE_B) == 3) begin : g_mode
    $fatal(1, "a block RAM of AMD has a write mode that is not modelled");
  end

  // Bytes of nine bits from data and parity apart.
  function [9*BYTES-1:0] joined(input [BYTES-1:0] parity, input [8*BYTES-1:0] data);
    integer n;
    for (n = 0; n < BYTES; n = n + 1) joined[9*n+:9] = {parity[n], data[8*n+:8]};
  endfunction
  function [9*BYTES-1:0] value(input [9*BYTES-1:0] bits, input integer width);
    integer n;
    begin
      value = bits;  // a parameter has the parity bits above all others
      if (width >= 18) begin
        for (n = 0; n < BYTES; n = n + 1) value[9*n+:9] = 0;
        for (n = 0; n < width / 9 && n < BYTES; n = n + 1) begin
          value[9*n+:9] = {bits[(width/9<BYTES?width/9:BYTES)*8+n], bits[8*n+:8]};
        end
      end
    end
  endfunction

  wire [71:0] out_a, out_b;
  wire [71:0] into_a = joined(parity_a, data_a);
  wire [71:0] into_b =
      WRITE_B == WIDE ? {joined(parity_b, data_b), joined(parity_a, data_a)} : joined(parity_b, data_b);
  fpgacomp_block_ram #(
      .ADDRESS_BITS(ADDRESS_BITS),
      .INIT_BYTE(8),
      .INIT_PAIR(16),
      .INIT(INIT),
      .INITP(INITP),
      .READ_A(READ_A),
      .READ_B(READ_B),
      .WRITE_A(WRITE_A),
      .WRITE_B(WRITE_B),
      .MODE_A(mode(MODE_A)),
      .MODE_B(mode(MODE_B)),
      .OLD_A(mode(MODE_A) == 2),
      .OLD_B(mode(MODE_B) == 2),
      .START_A(READ_A == WIDE ? {value(START_B, READ_A), value(START_A, READ_A)}
          : value(START_A, READ_A)),
      .START_B(value(START_B, READ_B)),
      .RESET_A(READ_A == WIDE ? {value(RESET_B, READ_A), value(RESET_A, READ_A)}
          : value(RESET_A, READ_A)),
      .RESET_B(value(RESET_B, READ_B))
  ) u_ram (
      .clk_a,
      .enable_a,
      .reset_a(reset_a & enable_a),
      .write_a(8'(write_a)),
      .address_a,
      .data_a(into_a),
      .q_a(out_a),
      .clk_b,
      .enable_b,
      .reset_b(reset_b & enable_b),
      .write_b(8'(write_b)),
      .address_b,
      .data_b(into_b),
      .q_b(out_b)
  );
  wire [2*9*BYTES-1:0] out =
      READ_A == WIDE ? out_a[2*9*BYTES-1:0] : {out_b[9*BYTES-1:0], out_a[9*BYTES-1:0]};
  for (genvar n = 0; n < BYTES; n = n + 1) begin : g_out
    assign {qp_a[n], q_a[8*n+:8]} = out[9*n+:9];
    assign {qp_b[n], q_b[8*n+:8]} = out[9*(BYTES+n)+:9];
  end
endmodule

module RAMB18E1 #(
    parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0,
    parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
    parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
    parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
    parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0,
    parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
    parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0,
    parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
    parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
    parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
    parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0,
    parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
    parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0,
    parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
    parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
    parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
    parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0,
    parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
    parameter RAM_MODE = "TDP",
    parameter integer DOA_REG = 0, DOB_REG = 0,
    parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
    parameter WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST",
    parameter [17:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
    parameter [0:0] IS_CLKARDCLK_INVERTED = 0,
    parameter [0:0] IS_CLKBWRCLK_INVERTED = 0,
    parameter [0:0] IS_ENARDEN_INVERTED = 0,
    parameter [0:0] IS_ENBWREN_INVERTED = 0,
    parameter [0:0] IS_RSTRAMARSTRAM_INVERTED = 0,
    parameter [0:0] IS_RSTRAMB_INVERTED = 0,
    parameter [0:0] IS_RSTREGARSTREG_INVERTED = 0,
    parameter [0:0] IS_RSTREGB_INVERTED = 0
) (
    input CLKARDCLK,
    input CLKBWRCLK,
    input ENARDEN,
    input ENBWREN,
    input REGCEAREGCE,  // of the registers behind the outputs, which are not modelled
    input REGCEB,
    input RSTRAMARSTRAM,
    input RSTRAMB,
    input RSTREGARSTREG,
    input RSTREGB,
    input [13:0] ADDRARDADDR,
    input [13:0] ADDRBWRADDR,
    input [15:0] DIADI,
    input [15:0] DIBDI,
    input [1:0] DIPADIP,
    input [1:0] DIPBDIP,
    input [1:0] WEA,
    input [3:0] WEBWE,
    output [15:0] DOADO,
    output [15:0] DOBDO,
    output [1:0] DOPADOP,
    output [1:0] DOPBDOP
);
  if (DOA_REG != 0 || DOB_REG != 0) begin : g_refused
    $fatal(1, "RAMB18E1: output registers are not modelled");
  end
  fpgacomp_ramb #(
      .ADDRESS_BITS(14),
      .BYTES(2),
      .INIT({
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
        INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
        INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
        INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
        INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
        INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
        INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
      }),
      .INITP({
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
      }),
      .READ_A(READ_WIDTH_A),
      .READ_B(READ_WIDTH_B),
      .WRITE_A(WRITE_WIDTH_A),
      .WRITE_B(WRITE_WIDTH_B),
      .MODE_A(WRITE_MODE_A),
      .MODE_B(WRITE_MODE_B),
      .START_A(INIT_A),
      .START_B(INIT_B),
      .RESET_A(SRVAL_A),
      .RESET_B(SRVAL_B)
  ) u_ram (
      .clk_a(CLKARDCLK ^ IS_CLKARDCLK_INVERTED[0]),
      .clk_b(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED[0]),
      .enable_a(ENARDEN ^ IS_ENARDEN_INVERTED[0]),
      .enable_b(ENBWREN ^ IS_ENBWREN_INVERTED[0]),
      .reset_a(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED[0]),
      .reset_b(RSTRAMB ^ IS_RSTRAMB_INVERTED[0]),
      .address_a(ADDRARDADDR[13:0]),
      .address_b(ADDRBWRADDR[13:0]),
      .write_a(WEA),
      .write_b(WEBWE),
      .data_a(DIADI),
      .data_b(DIBDI),
      .parity_a(DIPADIP),
      .parity_b(DIPBDIP),
      .q_a(DOADO),
      .q_b(DOBDO),
      .qp_a(DOPADOP),
      .qp_b(DOPBDOP)
  );
endmodule

module RAMB36E1 #(
    parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0,
    parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
    parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
    parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
    parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0,
    parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
    parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0,
    parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
    parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
    parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
    parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0,
    parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
    parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0,
    parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
    parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
    parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
    parameter [255:0] INIT_40 = 0, INIT_41 = 0, INIT_42 = 0, INIT_43 = 0,
    parameter [255:0] INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0,
    parameter [255:0] INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0,
    parameter [255:0] INIT_4C = 0, INIT_4D = 0, INIT_4E = 0, INIT_4F = 0,
    parameter [255:0] INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0,
    parameter [255:0] INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0,
    parameter [255:0] INIT_58 = 0, INIT_59 = 0, INIT_5A = 0, INIT_5B = 0,
    parameter [255:0] INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0,
    parameter [255:0] INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0,
    parameter [255:0] INIT_64 = 0, INIT_65 = 0, INIT_66 = 0, INIT_67 = 0,
    parameter [255:0] INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0,
    parameter [255:0] INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0,
    parameter [255:0] INIT_70 = 0, INIT_71 = 0, INIT_72 = 0, INIT_73 = 0,
    parameter [255:0] INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0,
    parameter [255:0] INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0,
    parameter [255:0] INIT_7C = 0, INIT_7D = 0, INIT_7E = 0, INIT_7F = 0,
    parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0,
    parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
    parameter [255:0] INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0,
    parameter [255:0] INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0,
    parameter RAM_MODE = "TDP",
    parameter RAM_EXTENSION_A = "NONE",
    parameter RAM_EXTENSION_B = "NONE",
    parameter integer DOA_REG = 0, DOB_REG = 0,
    parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
    parameter WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST",
    parameter [35:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
    parameter [0:0] IS_CLKARDCLK_INVERTED = 0,
    parameter [0:0] IS_CLKBWRCLK_INVERTED = 0,
    parameter [0:0] IS_ENARDEN_INVERTED = 0,
    parameter [0:0] IS_ENBWREN_INVERTED = 0,
    parameter [0:0] IS_RSTRAMARSTRAM_INVERTED = 0,
    parameter [0:0] IS_RSTRAMB_INVERTED = 0,
    parameter [0:0] IS_RSTREGARSTREG_INVERTED = 0,
    parameter [0:0] IS_RSTREGB_INVERTED = 0
) (
    input CLKARDCLK,
    input CLKBWRCLK,
    input ENARDEN,
    input ENBWREN,
    input REGCEAREGCE,  // of the registers behind the outputs, which are not modelled
    input REGCEB,
    input RSTRAMARSTRAM,
    input RSTRAMB,
    input RSTREGARSTREG,
    input RSTREGB,
    input [15:0] ADDRARDADDR,
    input [15:0] ADDRBWRADDR,
    input [31:0] DIADI,
    input [31:0] DIBDI,
    input [3:0] DIPADIP,
    input [3:0] DIPBDIP,
    input [3:0] WEA,
    input [7:0] WEBWE,
    output [31:0] DOADO,
    output [31:0] DOBDO,
    output [3:0] DOPADOP,
    output [3:0] DOPBDOP
);
  if (DOA_REG != 0 || DOB_REG != 0 ||
      RAM_EXTENSION_A != "NONE" || RAM_EXTENSION_B != "NONE") begin : g_refused
    $fatal(1, "RAMB36E1: output registers and cascades are not modelled");
  end
  fpgacomp_ramb #(
      .ADDRESS_BITS(15),
      .BYTES(4),
      .INIT({
        INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78,
        INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70,
        INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
        INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60,
        INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
        INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
        INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48,
        INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40,
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
        INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
        INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
        INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
        INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
        INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
        INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
      }),
      .INITP({
        INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08,
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
      }),
      .READ_A(READ_WIDTH_A),
      .READ_B(READ_WIDTH_B),
      .WRITE_A(WRITE_WIDTH_A),
      .WRITE_B(WRITE_WIDTH_B),
      .MODE_A(WRITE_MODE_A),
      .MODE_B(WRITE_MODE_B),
      .START_A(INIT_A),
      .START_B(INIT_B),
      .RESET_A(SRVAL_A),
      .RESET_B(SRVAL_B)
  ) u_ram (
      .clk_a(CLKARDCLK ^ IS_CLKARDCLK_INVERTED[0]),
      .clk_b(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED[0]),
      .enable_a(ENARDEN ^ IS_ENARDEN_INVERTED[0]),
      .enable_b(ENBWREN ^ IS_ENBWREN_INVERTED[0]),
      .reset_a(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED[0]),
      .reset_b(RSTRAMB ^ IS_RSTRAMB_INVERTED[0]),
      .address_a(ADDRARDADDR[14:0]),
      .address_b(ADDRBWRADDR[14:0]),
      .write_a(WEA),
      .write_b(WEBWE),
      .data_a(DIADI),
      .data_b(DIBDI),
      .parity_a(DIPADIP),
      .parity_b(DIPBDIP),
      .q_a(DOADO),
      .q_b(DOBDO),
      .qp_a(DOPADOP),
      .qp_b(DOPBDOP)
  );
endmodule

module RAMB18E2 #(
    parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0,
    parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
    parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
    parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
    parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0,
    parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
    parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0,
    parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
    parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
    parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
    parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0,
    parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
    parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0,
    parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
    parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
    parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
    parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0,
    parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
    parameter integer DOA_REG = 1, DOB_REG = 1,
    parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
    parameter WRITE_MODE_A = "NO_CHANGE", WRITE_MODE_B = "NO_CHANGE",
    parameter [17:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
    parameter [0:0] IS_CLKARDCLK_INVERTED = 0,
    parameter [0:0] IS_CLKBWRCLK_INVERTED = 0,
    parameter [0:0] IS_ENARDEN_INVERTED = 0,
    parameter [0:0] IS_ENBWREN_INVERTED = 0,
    parameter [0:0] IS_RSTRAMARSTRAM_INVERTED = 0,
    parameter [0:0] IS_RSTRAMB_INVERTED = 0,
    parameter [0:0] IS_RSTREGARSTREG_INVERTED = 0,
    parameter [0:0] IS_RSTREGB_INVERTED = 0
) (
    input CLKARDCLK,
    input CLKBWRCLK,
    input ENARDEN,
    input ENBWREN,
    input REGCEAREGCE,  // of the registers behind the outputs, which are not modelled
    input REGCEB,
    input RSTRAMARSTRAM,
    input RSTRAMB,
    input RSTREGARSTREG,
    input RSTREGB,
    input ADDRENA,
    input ADDRENB,
    input SLEEP,
    input [13:0] ADDRARDADDR,
    input [13:0] ADDRBWRADDR,
    input [15:0] DINADIN,
    input [15:0] DINBDIN,
    input [1:0] DINPADINP,
    input [1:0] DINPBDINP,
    input [1:0] WEA,
    input [3:0] WEBWE,
    output [15:0] DOUTADOUT,
    output [15:0] DOUTBDOUT,
    output [1:0] DOUTPADOUTP,
    output [1:0] DOUTPBDOUTP
);
  if (DOA_REG != 0 || DOB_REG != 0) begin : g_refused
    $fatal(1, "RAMB18E2: output registers are not modelled");
  end
  always @* begin
    if (SLEEP || !ADDRENA || !ADDRENB) $fatal(1, "RAMB18E2: sleep and address enables are not modelled");
  end
  fpgacomp_ramb #(
      .ADDRESS_BITS(14),
      .BYTES(2),
      .INIT({
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
        INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
        INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
        INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
        INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
        INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
        INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
      }),
      .INITP({
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
      }),
      .READ_A(READ_WIDTH_A),
      .READ_B(READ_WIDTH_B),
      .WRITE_A(WRITE_WIDTH_A),
      .WRITE_B(WRITE_WIDTH_B),
      .MODE_A(WRITE_MODE_A),
      .MODE_B(WRITE_MODE_B),
      .START_A(INIT_A),
      .START_B(INIT_B),
      .RESET_A(SRVAL_A),
      .RESET_B(SRVAL_B)
  ) u_ram (
      .clk_a(CLKARDCLK ^ IS_CLKARDCLK_INVERTED[0]),
      .clk_b(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED[0]),
      .enable_a(ENARDEN ^ IS_ENARDEN_INVERTED[0]),
      .enable_b(ENBWREN ^ IS_ENBWREN_INVERTED[0]),
      .reset_a(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED[0]),
      .reset_b(RSTRAMB ^ IS_RSTRAMB_INVERTED[0]),
      .address_a(ADDRARDADDR[13:0]),
      .address_b(ADDRBWRADDR[13:0]),
      .write_a(WEA),
      .write_b(WEBWE),
      .data_a(DINADIN),
      .data_b(DINBDIN),
      .parity_a(DINPADINP),
      .parity_b(DINPBDINP),
      .q_a(DOUTADOUT),
      .q_b(DOUTBDOUT),
      .qp_a(DOUTPADOUTP),
      .qp_b(DOUTPBDOUTP)
  );
endmodule

module RAMB36E2 #(
    parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0,
    parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
    parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
    parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
    parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0,
    parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
    parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0,
    parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
    parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
    parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
    parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0,
    parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
    parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0,
    parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
    parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
    parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
    parameter [255:0] INIT_40 = 0, INIT_41 = 0, INIT_42 = 0, INIT_43 = 0,
    parameter [255:0] INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0,
    parameter [255:0] INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0,
    parameter [255:0] INIT_4C = 0, INIT_4D = 0, INIT_4E = 0, INIT_4F = 0,
    parameter [255:0] INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0,
    parameter [255:0] INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0,
    parameter [255:0] INIT_58 = 0, INIT_59 = 0, INIT_5A = 0, INIT_5B = 0,
    parameter [255:0] INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0,
    parameter [255:0] INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0,
    parameter [255:0] INIT_64 = 0, INIT_65 = 0, INIT_66 = 0, INIT_67 = 0,
    parameter [255:0] INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0,
    parameter [255:0] INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0,
    parameter [255:0] INIT_70 = 0, INIT_71 = 0, INIT_72 = 0, INIT_73 = 0,
    parameter [255:0] INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0,
    parameter [255:0] INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0,
    parameter [255:0] INIT_7C = 0, INIT_7D = 0, INIT_7E = 0, INIT_7F = 0,
    parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0,
    parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
    parameter [255:0] INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0,
    parameter [255:0] INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0,
    parameter integer DOA_REG = 1, DOB_REG = 1,
    parameter integer READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
    parameter WRITE_MODE_A = "NO_CHANGE", WRITE_MODE_B = "NO_CHANGE",
    parameter [35:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0,
    parameter [0:0] IS_CLKARDCLK_INVERTED = 0,
    parameter [0:0] IS_CLKBWRCLK_INVERTED = 0,
    parameter [0:0] IS_ENARDEN_INVERTED = 0,
    parameter [0:0] IS_ENBWREN_INVERTED = 0,
    parameter [0:0] IS_RSTRAMARSTRAM_INVERTED = 0,
    parameter [0:0] IS_RSTRAMB_INVERTED = 0,
    parameter [0:0] IS_RSTREGARSTREG_INVERTED = 0,
    parameter [0:0] IS_RSTREGB_INVERTED = 0
) (
    input CLKARDCLK,
    input CLKBWRCLK,
    input ENARDEN,
    input ENBWREN,
    input REGCEAREGCE,  // of the registers behind the outputs, which are not modelled
    input REGCEB,
    input RSTRAMARSTRAM,
    input RSTRAMB,
    input RSTREGARSTREG,
    input RSTREGB,
    input ADDRENA,
    input ADDRENB,
    input SLEEP,
    input [14:0] ADDRARDADDR,
    input [14:0] ADDRBWRADDR,
    input [31:0] DINADIN,
    input [31:0] DINBDIN,
    input [3:0] DINPADINP,
    input [3:0] DINPBDINP,
    input [3:0] WEA,
    input [7:0] WEBWE,
    output [31:0] DOUTADOUT,
    output [31:0] DOUTBDOUT,
    output [3:0] DOUTPADOUTP,
    output [3:0] DOUTPBDOUTP
);
  if (DOA_REG != 0 || DOB_REG != 0) begin : g_refused
    $fatal(1, "RAMB36E2: output registers are not modelled");
  end
  always @* begin
    if (SLEEP || !ADDRENA || !ADDRENB) $fatal(1, "RAMB36E2: sleep and address enables are not modelled");
  end
  fpgacomp_ramb #(
      .ADDRESS_BITS(15),
      .BYTES(4),
      .INIT({
        INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78,
        INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70,
        INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
        INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60,
        INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
        INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
        INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48,
        INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40,
        INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
        INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
        INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
        INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
        INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
        INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
        INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
        INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
      }),
      .INITP({
        INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08,
        INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
      }),
      .READ_A(READ_WIDTH_A),
      .READ_B(READ_WIDTH_B),
      .WRITE_A(WRITE_WIDTH_A),
      .WRITE_B(WRITE_WIDTH_B),
      .MODE_A(WRITE_MODE_A),
      .MODE_B(WRITE_MODE_B),
      .START_A(INIT_A),
      .START_B(INIT_B),
      .RESET_A(SRVAL_A),
      .RESET_B(SRVAL_B)
  ) u_ram (
      .clk_a(CLKARDCLK ^ IS_CLKARDCLK_INVERTED[0]),
      .clk_b(CLKBWRCLK ^ IS_CLKBWRCLK_INVERTED[0]),
      .enable_a(ENARDEN ^ IS_ENARDEN_INVERTED[0]),
      .enable_b(ENBWREN ^ IS_ENBWREN_INVERTED[0]),
      .reset_a(RSTRAMARSTRAM ^ IS_RSTRAMARSTRAM_INVERTED[0]),
      .reset_b(RSTRAMB ^ IS_RSTRAMB_INVERTED[0]),
      .address_a(ADDRARDADDR[14:0]),
      .address_b(ADDRBWRADDR[14:0]),
      .write_a(WEA),
      .write_b(WEBWE),
      .data_a(DINADIN),
      .data_b(DINBDIN),
      .parity_a(DINPADINP),
      .parity_b(DINPBDINP),
      .q_a(DOUTADOUT),
      .q_b(DOUTBDOUT),
      .qp_a(DOUTPADOUTP),
      .qp_b(DOUTPBDOUTP)
  );
endmodule

// A product of 27 and 18 signed bits, and nothing else that the block can do.
module DSP48E2 #(
    parameter integer ACASCREG = 1, ADREG = 1, ALUMODEREG = 1, AREG = 1, BCASCREG = 1, BREG = 1,
    parameter integer CARRYINREG = 1, CARRYINSELREG = 1, CREG = 1, DREG = 1, INMODEREG = 1,
    parameter integer MREG = 1, OPMODEREG = 1, PREG = 1,
    parameter A_INPUT = "DIRECT", B_INPUT = "DIRECT", AMULTSEL = "A", BMULTSEL = "B",
    parameter USE_MULT = "MULTIPLY", USE_SIMD = "ONE48"
) (
    input [29:0] A,
    input [17:0] B,
    input [47:0] C,
    input [26:0] D,
    input CARRYIN,
    input [4:0] INMODE,
    input [3:0] ALUMODE,
    input [8:0] OPMODE,
    input [2:0] CARRYINSEL,
    input [29:0] ACIN,
    input [17:0] BCIN,
    input [47:0] PCIN,
    output [47:0] P
);
  // ACASCREG, BCASCREG, and the registers of ports that the product does not use, do not matter.
  if (ADREG + ALUMODEREG + AREG + BREG + CARRYINREG + CARRYINSELREG + INMODEREG + MREG + OPMODEREG +
      PREG != 0 || A_INPUT != "DIRECT" || B_INPUT != "DIRECT" || AMULTSEL != "A" ||
      BMULTSEL != "B" || USE_MULT != "MULTIPLY" || USE_SIMD != "ONE48") begin : g_refused
    $fatal(1, "DSP48E2: only a product without registers is modelled");
  end
  always @* begin
    if (OPMODE != 9'b000000101 || ALUMODE != 0 || INMODE != 0 || CARRYINSEL != 0 || CARRYIN) begin
      $fatal(1, "DSP48E2: only a product is modelled");
    end
  end
  wire signed [44:0] product = $signed(A[26:0]) * $signed(B);
  assign P = {{3{product[44]}}, product};
endmodule
