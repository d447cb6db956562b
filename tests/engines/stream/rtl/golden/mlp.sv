// Design of mlp: instances with a FIFO between each two, AXI4-Stream at both ends.
//
// Clock: everything runs on the rising edge of `aclk`. Reset: `aresetn` is active low and
// synchronous; one cycle is enough, and every frame in flight is lost with it. A write to the
// control registers does the same, and keeps the registers.
module mlp (
    input logic aclk,
    input logic aresetn,
    // x [6], int4[-8..7], 1 a beat, 6 beats a frame.
    input logic [7:0] in0_x_tdata,
    input logic in0_x_tvalid,
    input logic in0_x_tlast,
    output logic in0_x_tready,
    // fc3 [5], int10[-375..450], 1 a beat, 5 beats a frame.
    output logic [15:0] out0_fc3_tdata,
    output logic [1:0] out0_fc3_tkeep,
    output logic out0_fc3_tvalid,
    output logic out0_fc3_tlast,
    input logic out0_fc3_tready,
    // Control registers (README.md, registers.h), AXI4-Lite.
    input logic [11:0] s_axi_control_awaddr,
    input logic [2:0] s_axi_control_awprot,
    input logic s_axi_control_awvalid,
    output logic s_axi_control_awready,
    input logic [31:0] s_axi_control_wdata,
    input logic [3:0] s_axi_control_wstrb,
    input logic s_axi_control_wvalid,
    output logic s_axi_control_wready,
    output logic [1:0] s_axi_control_bresp,
    output logic s_axi_control_bvalid,
    input logic s_axi_control_bready,
    input logic [11:0] s_axi_control_araddr,
    input logic [2:0] s_axi_control_arprot,
    input logic s_axi_control_arvalid,
    output logic s_axi_control_arready,
    output logic [31:0] s_axi_control_rdata,
    output logic [1:0] s_axi_control_rresp,
    output logic s_axi_control_rvalid,
    input logic s_axi_control_rready,
    // High for one cycle for each input: a frame ended before, or did not end with, its last beat.
    output logic [0:0] frame_short,
    output logic [0:0] frame_long,
    // High for one cycle: a frame was taken whole from an input, or sent whole to an output.
    output logic [0:0] frame_taken,
    output logic [0:0] frame_sent
);
  logic rst, control_rst, core_rst;
  always_ff @(posedge aclk) begin
    rst <= ~aresetn | core_rst;
    control_rst <= ~aresetn;
  end
  fpgacomp_control #(
      .ADDRESS_BITS(12),
      .INPUTS(1),
      .OUTPUTS(1),
      .MAGIC(32'h46504743),
      .FORMAT(32'd1),
      .IDENTITY(128'hebb103d657b99fba4db7d90504e7d6f3),
      .AT_CONTROL('hc),
      .AT_FORMAT('h4),
      .AT_IDENTITY('h10),
      .AT_MAGIC('h0),
      .AT_PORT('h20),
      .AT_PORTS('h8),
      .PORT_STRIDE(16),
      .PORT_FRAMES('h0),
      .PORT_STALLS('h4),
      .PORT_ERRORS('h8),
      .BIT_RESET(0),
      .BIT_CLEAR(1),
      .BIT_SHORT(0),
      .BIT_LONG(1)
  ) u_control (
      .clk(aclk),
      .rst(control_rst),
      .awaddr(s_axi_control_awaddr),
      .awprot(s_axi_control_awprot),
      .awvalid(s_axi_control_awvalid),
      .awready(s_axi_control_awready),
      .wdata(s_axi_control_wdata),
      .wstrb(s_axi_control_wstrb),
      .wvalid(s_axi_control_wvalid),
      .wready(s_axi_control_wready),
      .bresp(s_axi_control_bresp),
      .bvalid(s_axi_control_bvalid),
      .bready(s_axi_control_bready),
      .araddr(s_axi_control_araddr),
      .arprot(s_axi_control_arprot),
      .arvalid(s_axi_control_arvalid),
      .arready(s_axi_control_arready),
      .rdata(s_axi_control_rdata),
      .rresp(s_axi_control_rresp),
      .rvalid(s_axi_control_rvalid),
      .rready(s_axi_control_rready),
      .port_valid({out0_fc3_tvalid, in0_x_tvalid}),
      .port_ready({out0_fc3_tready, in0_x_tready}),
      .port_frame({frame_sent, frame_taken}),
      .frame_short,
      .frame_long,
      .core_rst
  );

  logic [3:0] s_x_in_data, s_x_out_data;
  logic s_x_in_valid, s_x_in_ready, s_x_out_valid, s_x_out_ready;
  fpgacomp_fifo #(
      .BITS(4),
      .TAP("tap_s_x.txt"),
      .NAME("s_x"),
      .DEPTH(2)
  ) u_s_x (
      .clk(aclk),
      .rst,
      .in_data(s_x_in_data),
      .in_valid(s_x_in_valid),
      .in_ready(s_x_in_ready),
      .out_data(s_x_out_data),
      .out_valid(s_x_out_valid),
      .out_ready(s_x_out_ready)
  );
  logic [71:0] s_fc1_in_data, s_fc1_out_data;
  logic s_fc1_in_valid, s_fc1_in_ready, s_fc1_out_valid, s_fc1_out_ready;
  fpgacomp_fifo #(
      .BITS(72),
      .TAP("tap_s_fc1.txt"),
      .NAME("s_fc1"),
      .DEPTH(2)
  ) u_s_fc1 (
      .clk(aclk),
      .rst,
      .in_data(s_fc1_in_data),
      .in_valid(s_fc1_in_valid),
      .in_ready(s_fc1_in_ready),
      .out_data(s_fc1_out_data),
      .out_valid(s_fc1_out_valid),
      .out_ready(s_fc1_out_ready)
  );
  logic [17:0] s_fc1_for_act1_in_data, s_fc1_for_act1_out_data;
  logic s_fc1_for_act1_in_valid, s_fc1_for_act1_in_ready, s_fc1_for_act1_out_valid, s_fc1_for_act1_out_ready;
  fpgacomp_fifo #(
      .BITS(18),
      .NAME("s_fc1_for_act1"),
      .DEPTH(2)
  ) u_s_fc1_for_act1 (
      .clk(aclk),
      .rst,
      .in_data(s_fc1_for_act1_in_data),
      .in_valid(s_fc1_for_act1_in_valid),
      .in_ready(s_fc1_for_act1_in_ready),
      .out_data(s_fc1_for_act1_out_data),
      .out_valid(s_fc1_for_act1_out_valid),
      .out_ready(s_fc1_for_act1_out_ready)
  );
  logic [5:0] s_act1_in_data, s_act1_out_data;
  logic s_act1_in_valid, s_act1_in_ready, s_act1_out_valid, s_act1_out_ready;
  fpgacomp_fifo #(
      .BITS(6),
      .TAP("tap_s_act1.txt"),
      .NAME("s_act1"),
      .DEPTH(2)
  ) u_s_act1 (
      .clk(aclk),
      .rst,
      .in_data(s_act1_in_data),
      .in_valid(s_act1_in_valid),
      .in_ready(s_act1_in_ready),
      .out_data(s_act1_out_data),
      .out_valid(s_act1_out_valid),
      .out_ready(s_act1_out_ready)
  );
  logic [2:0] s_act1_for_fc2_in_data, s_act1_for_fc2_out_data;
  logic s_act1_for_fc2_in_valid, s_act1_for_fc2_in_ready, s_act1_for_fc2_out_valid, s_act1_for_fc2_out_ready;
  fpgacomp_fifo #(
      .BITS(3),
      .NAME("s_act1_for_fc2"),
      .DEPTH(2)
  ) u_s_act1_for_fc2 (
      .clk(aclk),
      .rst,
      .in_data(s_act1_for_fc2_in_data),
      .in_valid(s_act1_for_fc2_in_valid),
      .in_ready(s_act1_for_fc2_in_ready),
      .out_data(s_act1_for_fc2_out_data),
      .out_valid(s_act1_for_fc2_out_valid),
      .out_ready(s_act1_for_fc2_out_ready)
  );
  logic [8:0] s_fc2_in_data, s_fc2_out_data;
  logic s_fc2_in_valid, s_fc2_in_ready, s_fc2_out_valid, s_fc2_out_ready;
  fpgacomp_fifo #(
      .BITS(9),
      .TAP("tap_s_fc2.txt"),
      .NAME("s_fc2"),
      .DEPTH(2)
  ) u_s_fc2 (
      .clk(aclk),
      .rst,
      .in_data(s_fc2_in_data),
      .in_valid(s_fc2_in_valid),
      .in_ready(s_fc2_in_ready),
      .out_data(s_fc2_out_data),
      .out_valid(s_fc2_out_valid),
      .out_ready(s_fc2_out_ready)
  );
  logic [35:0] s_fc2_for_act2_in_data, s_fc2_for_act2_out_data;
  logic s_fc2_for_act2_in_valid, s_fc2_for_act2_in_ready, s_fc2_for_act2_out_valid, s_fc2_for_act2_out_ready;
  fpgacomp_fifo #(
      .BITS(36),
      .NAME("s_fc2_for_act2"),
      .DEPTH(2)
  ) u_s_fc2_for_act2 (
      .clk(aclk),
      .rst,
      .in_data(s_fc2_for_act2_in_data),
      .in_valid(s_fc2_for_act2_in_valid),
      .in_ready(s_fc2_for_act2_in_ready),
      .out_data(s_fc2_for_act2_out_data),
      .out_valid(s_fc2_for_act2_out_valid),
      .out_ready(s_fc2_for_act2_out_ready)
  );
  logic [15:0] s_act2_in_data, s_act2_out_data;
  logic s_act2_in_valid, s_act2_in_ready, s_act2_out_valid, s_act2_out_ready;
  fpgacomp_fifo #(
      .BITS(16),
      .TAP("tap_s_act2.txt"),
      .NAME("s_act2"),
      .DEPTH(2)
  ) u_s_act2 (
      .clk(aclk),
      .rst,
      .in_data(s_act2_in_data),
      .in_valid(s_act2_in_valid),
      .in_ready(s_act2_in_ready),
      .out_data(s_act2_out_data),
      .out_valid(s_act2_out_valid),
      .out_ready(s_act2_out_ready)
  );
  logic [3:0] s_act2_for_fc3_in_data, s_act2_for_fc3_out_data;
  logic s_act2_for_fc3_in_valid, s_act2_for_fc3_in_ready, s_act2_for_fc3_out_valid, s_act2_for_fc3_out_ready;
  fpgacomp_fifo #(
      .BITS(4),
      .NAME("s_act2_for_fc3"),
      .DEPTH(2)
  ) u_s_act2_for_fc3 (
      .clk(aclk),
      .rst,
      .in_data(s_act2_for_fc3_in_data),
      .in_valid(s_act2_for_fc3_in_valid),
      .in_ready(s_act2_for_fc3_in_ready),
      .out_data(s_act2_for_fc3_out_data),
      .out_valid(s_act2_for_fc3_out_valid),
      .out_ready(s_act2_for_fc3_out_ready)
  );
  logic [49:0] s_fc3_in_data, s_fc3_out_data;
  logic s_fc3_in_valid, s_fc3_in_ready, s_fc3_out_valid, s_fc3_out_ready;
  fpgacomp_fifo #(
      .BITS(50),
      .TAP("tap_s_fc3.txt"),
      .NAME("s_fc3"),
      .DEPTH(2)
  ) u_s_fc3 (
      .clk(aclk),
      .rst,
      .in_data(s_fc3_in_data),
      .in_valid(s_fc3_in_valid),
      .in_ready(s_fc3_in_ready),
      .out_data(s_fc3_out_data),
      .out_valid(s_fc3_out_valid),
      .out_ready(s_fc3_out_ready)
  );
  logic [9:0] s_fc3_for_fc3_sink_in_data, s_fc3_for_fc3_sink_out_data;
  logic s_fc3_for_fc3_sink_in_valid, s_fc3_for_fc3_sink_in_ready, s_fc3_for_fc3_sink_out_valid, s_fc3_for_fc3_sink_out_ready;
  fpgacomp_fifo #(
      .BITS(10),
      .NAME("s_fc3_for_fc3_sink"),
      .DEPTH(2)
  ) u_s_fc3_for_fc3_sink (
      .clk(aclk),
      .rst,
      .in_data(s_fc3_for_fc3_sink_in_data),
      .in_valid(s_fc3_for_fc3_sink_in_valid),
      .in_ready(s_fc3_for_fc3_sink_in_ready),
      .out_data(s_fc3_for_fc3_sink_out_data),
      .out_valid(s_fc3_for_fc3_sink_out_valid),
      .out_ready(s_fc3_for_fc3_sink_out_ready)
  );

  // Source of layer x
  fpgacomp_source #(
      .LANES(1),
      .CONTAINER(8),
      .BITS(4),
      .KIND(1),
      .BEATS(6)
  ) run_x (
      .clk(aclk),
      .rst,
      .out_data(s_x_in_data),
      .out_valid(s_x_in_valid),
      .out_ready(s_x_in_ready),
      .tdata(in0_x_tdata),
      .tvalid(in0_x_tvalid),
      .tlast(in0_x_tlast),
      .tready(in0_x_tready),
      .frame_taken(frame_taken[0]),
      .frame_short(frame_short[0]),
      .frame_long(frame_long[0])
  );

  // MatrixVector of layer fc1
  fpgacomp_matvec #(
      .SIMD(1),
      .PE(8),
      .READS(6),
      .ROWS(1),
      .IN_BITS(4),
      .IN_KIND(1),
      .WEIGHT_BITS(4),
      .WEIGHT_KIND(1),
      .TERM_BITS(7),
      .OUT_BITS(9),
      .TERNARY(1),
      .PACKED(4),
      .SHIFT(7),
      .DSP(1),
      .STYLE(1),
      .FILE("c_fc1.mem")
  ) run_fc1 (
      .clk(aclk),
      .rst,
      .in_data(s_x_out_data),
      .in_valid(s_x_out_valid),
      .in_ready(s_x_out_ready),
      .out_data(s_fc1_in_data),
      .out_valid(s_fc1_in_valid),
      .out_ready(s_fc1_in_ready)
  );

  // Convert of layer act1
  fpgacomp_convert #(
      .IN_BITS(72),
      .OUT_BITS(18),
      .UNIT(18)
  ) run_fc1_for_act1_width (
      .clk(aclk),
      .rst,
      .in_data(s_fc1_out_data),
      .in_valid(s_fc1_out_valid),
      .in_ready(s_fc1_out_ready),
      .out_data(s_fc1_for_act1_in_data),
      .out_valid(s_fc1_for_act1_in_valid),
      .out_ready(s_fc1_for_act1_in_ready)
  );

  // Activate of layer act1
  fpgacomp_thresholds_search #(
      .LANES(2),
      .GROUPS(4),
      .IN_BITS(9),
      .IN_KIND(1),
      .OUT_BITS(3),
      .OUT_KIND(0),
      .LEVEL_BITS(5),
      .LEVEL_ROWS(1),
      .LEVEL_ROW(20'h8400),
      .LEVELS(3),
      .ROWS(4),
      .TABLE_BITS(9),
      .TABLE_KIND(1),
      .CONTENT(504'h71f3f513d718a397ab71823b3a571a64a5c5718d7212d718777738719884355719dbd78d40e14c3b230f0d98422fdfc998c4df2513c7e27ffec53d682cb432)
  ) run_act1 (
      .clk(aclk),
      .rst,
      .in_data(s_fc1_for_act1_out_data),
      .in_valid(s_fc1_for_act1_out_valid),
      .in_ready(s_fc1_for_act1_out_ready),
      .out_data(s_act1_in_data),
      .out_valid(s_act1_in_valid),
      .out_ready(s_act1_in_ready)
  );

  // Convert of layer fc2
  fpgacomp_convert #(
      .IN_BITS(6),
      .OUT_BITS(3),
      .UNIT(3)
  ) run_act1_for_fc2_width (
      .clk(aclk),
      .rst,
      .in_data(s_act1_out_data),
      .in_valid(s_act1_out_valid),
      .in_ready(s_act1_out_ready),
      .out_data(s_act1_for_fc2_in_data),
      .out_valid(s_act1_for_fc2_in_valid),
      .out_ready(s_act1_for_fc2_in_ready)
  );

  // MatrixVector of layer fc2
  fpgacomp_matvec #(
      .SIMD(1),
      .PE(1),
      .READS(8),
      .ROWS(8),
      .IN_BITS(3),
      .IN_KIND(0),
      .WEIGHT_BITS(4),
      .WEIGHT_KIND(1),
      .TERM_BITS(7),
      .OUT_BITS(9),
      .TERNARY(1),
      .PACKED(1),
      .SHIFT(1),
      .DSP(1),
      .STYLE(0),
      .FILE("c_fc2.mem")
  ) run_fc2 (
      .clk(aclk),
      .rst,
      .in_data(s_act1_for_fc2_out_data),
      .in_valid(s_act1_for_fc2_out_valid),
      .in_ready(s_act1_for_fc2_out_ready),
      .out_data(s_fc2_in_data),
      .out_valid(s_fc2_in_valid),
      .out_ready(s_fc2_in_ready)
  );

  // Convert of layer act2
  fpgacomp_convert #(
      .IN_BITS(9),
      .OUT_BITS(36),
      .UNIT(9)
  ) run_fc2_for_act2_width (
      .clk(aclk),
      .rst,
      .in_data(s_fc2_out_data),
      .in_valid(s_fc2_out_valid),
      .in_ready(s_fc2_out_ready),
      .out_data(s_fc2_for_act2_in_data),
      .out_valid(s_fc2_for_act2_in_valid),
      .out_ready(s_fc2_for_act2_in_ready)
  );

  // Activate of layer act2
  fpgacomp_requantize #(
      .LANES(4),
      .GROUPS(2),
      .IN_BITS(9),
      .IN_KIND(1),
      .OUT_BITS(4),
      .OUT_KIND(0),
      .WIDE(12),
      .SHIFT(5),
      .ROUNDING(1),
      .LOW(12'h0),
      .HIGH(12'hf),
      .ZERO(12'h0),
      .FACTOR_BITS(4),
      .FACTOR_KIND(0),
      .FACTOR_ROWS(2),
      .FACTOR_FILE("c_act2_factor.mem"),
      .OFFSET_BITS(6),
      .OFFSET_KIND(1),
      .OFFSET_ROWS(2),
      .OFFSET_FILE("c_act2_offset.mem")
  ) run_act2 (
      .clk(aclk),
      .rst,
      .in_data(s_fc2_for_act2_out_data),
      .in_valid(s_fc2_for_act2_out_valid),
      .in_ready(s_fc2_for_act2_out_ready),
      .out_data(s_act2_in_data),
      .out_valid(s_act2_in_valid),
      .out_ready(s_act2_in_ready)
  );

  // Convert of layer fc3
  fpgacomp_convert #(
      .IN_BITS(16),
      .OUT_BITS(4),
      .UNIT(4)
  ) run_act2_for_fc3_width (
      .clk(aclk),
      .rst,
      .in_data(s_act2_out_data),
      .in_valid(s_act2_out_valid),
      .in_ready(s_act2_out_ready),
      .out_data(s_act2_for_fc3_in_data),
      .out_valid(s_act2_for_fc3_in_valid),
      .out_ready(s_act2_for_fc3_in_ready)
  );

  // MatrixVector of layer fc3
  fpgacomp_matvec #(
      .SIMD(1),
      .PE(5),
      .READS(8),
      .ROWS(1),
      .IN_BITS(4),
      .IN_KIND(0),
      .WEIGHT_BITS(4),
      .WEIGHT_KIND(1),
      .TERM_BITS(8),
      .OUT_BITS(10),
      .TERNARY(1),
      .PACKED(3),
      .SHIFT(8),
      .DSP(1),
      .STYLE(2),
      .FILE("c_fc3.mem")
  ) run_fc3 (
      .clk(aclk),
      .rst,
      .in_data(s_act2_for_fc3_out_data),
      .in_valid(s_act2_for_fc3_out_valid),
      .in_ready(s_act2_for_fc3_out_ready),
      .out_data(s_fc3_in_data),
      .out_valid(s_fc3_in_valid),
      .out_ready(s_fc3_in_ready)
  );

  // Convert
  fpgacomp_convert #(
      .IN_BITS(50),
      .OUT_BITS(10),
      .UNIT(10)
  ) run_fc3_for_fc3_sink_width (
      .clk(aclk),
      .rst,
      .in_data(s_fc3_out_data),
      .in_valid(s_fc3_out_valid),
      .in_ready(s_fc3_out_ready),
      .out_data(s_fc3_for_fc3_sink_in_data),
      .out_valid(s_fc3_for_fc3_sink_in_valid),
      .out_ready(s_fc3_for_fc3_sink_in_ready)
  );

  // Sink
  fpgacomp_sink #(
      .LANES(1),
      .CONTAINER(16),
      .BITS(10),
      .KIND(1),
      .BEATS(5),
      .REST(1)
  ) run_fc3_sink (
      .clk(aclk),
      .rst,
      .in_data(s_fc3_for_fc3_sink_out_data),
      .in_valid(s_fc3_for_fc3_sink_out_valid),
      .in_ready(s_fc3_for_fc3_sink_out_ready),
      .tdata(out0_fc3_tdata),
      .tkeep(out0_fc3_tkeep),
      .tvalid(out0_fc3_tvalid),
      .tlast(out0_fc3_tlast),
      .tready(out0_fc3_tready),
      .frame_sent(frame_sent[0])
  );

endmodule
