// The control registers of two inputs and two outputs, with the parameters of a real design.
module control (
    input logic clk,
    input logic rst,
    input logic [11:0] awaddr,
    input logic [2:0] awprot,
    input logic awvalid,
    output logic awready,
    input logic [31:0] wdata,
    input logic [3:0] wstrb,
    input logic wvalid,
    output logic wready,
    output logic [1:0] bresp,
    output logic bvalid,
    input logic bready,
    input logic [11:0] araddr,
    input logic [2:0] arprot,
    input logic arvalid,
    output logic arready,
    output logic [31:0] rdata,
    output logic [1:0] rresp,
    output logic rvalid,
    input logic rready,
    input logic [3:0] port_valid,
    input logic [3:0] port_ready,
    input logic [3:0] port_frame,
    input logic [1:0] frame_short,
    input logic [1:0] frame_long,
    output logic core_rst
);
  fpgacomp_control #(PARAMETERS) u_control (.*);
endmodule
