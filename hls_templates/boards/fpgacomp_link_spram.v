// A single-port RAM of 32 KB, in Verilog, as Yosys alone knows its cells.
module fpgacomp_link_spram (
    input clk,
    input [13:0] address,
    input write,
    input [1:0] bytes,
    input [15:0] data_in,
    output [15:0] data_out
);
  SB_SPRAM256KA u_ram (
      .ADDRESS(address),
      .DATAIN(data_in),
      .MASKWREN({{2{bytes[1]}}, {2{bytes[0]}}}),
      .WREN(write),
      .CHIPSELECT(1'b1),
      .CLOCK(clk),
      .STANDBY(1'b0),
      .SLEEP(1'b0),
      .POWEROFF(1'b1),
      .DATAOUT(data_out)
  );
endmodule
