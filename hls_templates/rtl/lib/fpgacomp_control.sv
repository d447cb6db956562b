// AXI4-Lite registers of a design: who it is, what went wrong, frames and stalls of each port.
//
// Which register lies where is described in Python (engines/stream/rtl/registers.py) and comes
// in as parameters, offsets in bytes. Ports are numbered inputs first. An address without a
// register reads 0, and a write to it is ignored; both answer OKAY, because an error response
// ends in a bus fault on many processors.
//
// Each channel has a register of its own and none waits for another: address and data of a write
// come in any order, and ready never depends on valid. `rst` comes from `aresetn` alone, so that
// the registers outlive the reset of the core that they start.
module fpgacomp_control #(
    parameter int ADDRESS_BITS = 12,
    parameter int INPUTS = 1,
    parameter int OUTPUTS = 1,
    parameter logic [31:0] MAGIC = 32'd0,
    parameter logic [31:0] FORMAT = 32'd0,
    parameter logic [127:0] IDENTITY = 128'd0,  // the first word in the upper bits
    parameter int AT_MAGIC = 0,
    parameter int AT_FORMAT = 4,
    parameter int AT_PORTS = 8,
    parameter int AT_CONTROL = 12,
    parameter int AT_IDENTITY = 16,
    parameter int AT_PORT = 32,  // of port 0; the others follow, PORT_STRIDE bytes each
    parameter int PORT_STRIDE = 16,
    parameter int PORT_FRAMES = 0,
    parameter int PORT_STALLS = 4,
    parameter int PORT_ERRORS = 8,
    parameter int BIT_RESET = 0,
    parameter int BIT_CLEAR = 1,
    parameter int BIT_SHORT = 0,
    parameter int BIT_LONG = 1
) (
    input logic clk,
    input logic rst,
    input logic [ADDRESS_BITS-1:0] awaddr,
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
    input logic [ADDRESS_BITS-1:0] araddr,
    input logic [2:0] arprot,
    input logic arvalid,
    output logic arready,
    output logic [31:0] rdata,
    output logic [1:0] rresp,
    output logic rvalid,
    input logic rready,
    // The ports of the design as they are, and what is high for one cycle for each frame.
    input logic [INPUTS+OUTPUTS-1:0] port_valid,
    input logic [INPUTS+OUTPUTS-1:0] port_ready,
    input logic [INPUTS+OUTPUTS-1:0] port_frame,
    input logic [INPUTS-1:0] frame_short,
    input logic [INPUTS-1:0] frame_long,
    output logic core_rst  // high for one cycle: reset everything but these registers
);
  localparam int Ports = INPUTS + OUTPUTS;

  // Writes: an address and a word are kept until both are there and the answer has room.
  logic awake, address_held, word_held, write;
  logic [ADDRESS_BITS-3:0] write_word;
  logic [31:0] write_at, write_data;
  logic write_low;  // the lowest byte, where every bit lies that can be written
  assign awready  = awake & ~address_held;
  assign wready   = awake & ~word_held;
  assign bresp    = 2'b00;
  assign write    = address_held & word_held & (~bvalid | bready);
  assign write_at = 32'({write_word, 2'b00});
  always_ff @(posedge clk) begin
    if (awvalid & awready) write_word <= awaddr[ADDRESS_BITS-1:2];
    if (wvalid & wready) begin
      write_data <= wdata;
      write_low  <= wstrb[0];
    end
    if (rst) begin
      awake <= 1'b0;
      address_held <= 1'b0;
      word_held <= 1'b0;
      bvalid <= 1'b0;
    end else begin
      awake <= 1'b1;
      address_held <= address_held ? ~write : awvalid & awready;
      word_held <= word_held ? ~write : wvalid & wready;
      bvalid <= write | (bvalid & ~bready);
    end
  end

  // Resets and counters. What happens at a port is counted one cycle later.
  logic control, clear;
  logic [Ports-1:0] framed, stalled;
  logic [Ports-1:0][31:0] frames, stalls;
  assign control = write & write_low & (write_at == AT_CONTROL);
  assign clear   = control & write_data[BIT_CLEAR];
  always_ff @(posedge clk) begin
    core_rst <= ~rst & control & write_data[BIT_RESET];
    framed   <= port_frame;
    stalled  <= port_valid & ~port_ready;
    for (int p = 0; p < Ports; ++p) begin
      if (rst | clear) frames[p] <= '0;
      else frames[p] <= frames[p] + 32'(framed[p]);
      if (rst | clear) stalls[p] <= '0;
      else stalls[p] <= stalls[p] + 32'(stalled[p]);
    end
  end

  // Flags: a 1 that is written clears one, unless it is set again in the same cycle.
  logic [Ports-1:0][31:0] errors;
  for (genvar p = 0; p < Ports; ++p) begin : gen_port
    if (p < INPUTS) begin : gen_flags
      logic hit, was_short, was_long;
      assign hit = write & write_low & (write_at == AT_PORT + p * PORT_STRIDE + PORT_ERRORS);
      always_ff @(posedge clk) begin
        if (rst) was_short <= 1'b0;
        else was_short <= frame_short[p] | (was_short & ~(hit & write_data[BIT_SHORT]));
        if (rst) was_long <= 1'b0;
        else was_long <= frame_long[p] | (was_long & ~(hit & write_data[BIT_LONG]));
      end
      assign errors[p] = (32'(was_short) << BIT_SHORT) | (32'(was_long) << BIT_LONG);
    end else begin : gen_none
      assign errors[p] = '0;
    end
  end

  // Reads: the address is kept, then the register's value.
  logic read_held, read;
  logic [ADDRESS_BITS-3:0] read_word;
  logic [31:0] read_at, value;
  assign arready = awake & ~read_held;
  assign rresp   = 2'b00;
  assign read    = read_held & (~rvalid | rready);
  assign read_at = 32'({read_word, 2'b00});
  always_comb begin
    value = '0;
    if (read_at == AT_MAGIC) value = MAGIC;
    if (read_at == AT_FORMAT) value = FORMAT;
    if (read_at == AT_PORTS) value = {16'(OUTPUTS), 16'(INPUTS)};
    for (int w = 0; w < 4; ++w) begin
      if (read_at == AT_IDENTITY + 4 * w) value = IDENTITY[32*(3-w)+:32];
    end
    for (int p = 0; p < Ports; ++p) begin
      if (read_at == AT_PORT + p * PORT_STRIDE + PORT_FRAMES) value = frames[p];
      if (read_at == AT_PORT + p * PORT_STRIDE + PORT_STALLS) value = stalls[p];
      if (read_at == AT_PORT + p * PORT_STRIDE + PORT_ERRORS) value = errors[p];
    end
  end
  always_ff @(posedge clk) begin
    if (arvalid & arready) read_word <= araddr[ADDRESS_BITS-1:2];
    if (read) rdata <= value;
    if (rst) begin
      read_held <= 1'b0;
      rvalid <= 1'b0;
    end else begin
      read_held <= read_held ? ~read : arvalid & arready;
      rvalid <= read | (rvalid & ~rready);
    end
  end
endmodule
