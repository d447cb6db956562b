// y = table[c][x - LOW]: one table per lane, for all channels or for each.
//
// CONTENT holds lane after lane; a lane's entry f * COUNT + (x - LOW) belongs to group f.
module fpgacomp_lookup #(
    parameter int LANES = 1,
    parameter int GROUPS = 1,
    parameter int ROWS = 1,
    parameter int COUNT = 2,
    parameter int IN_BITS = 8,
    parameter int IN_KIND = 1,
    parameter int OUT_BITS = 8,
    parameter logic signed [IN_BITS+1:0] LOW = '0,
    parameter logic [LANES*ROWS*COUNT*OUT_BITS-1:0] CONTENT = '0
) (
    input logic clk,
    input logic rst,
    input logic [LANES*IN_BITS-1:0] in_data,
    input logic in_valid,
    output logic in_ready,
    output logic [LANES*OUT_BITS-1:0] out_data,
    output logic out_valid,
    input logic out_ready
);
  localparam int Latency = 3;  // cycles from a firing to its word at the output
  localparam int Wide = IN_BITS + 2;
  localparam int Depth = ROWS * COUNT;
  localparam int AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int GroupBits = GROUPS > 1 ? $clog2(GROUPS) : 1;

  logic enable;
  logic [1:0] valid;
  logic [GroupBits-1:0] group;
  logic [LANES-1:0][Wide-1:0] x_value;
  assign enable   = out_ready | ~out_valid;
  assign in_ready = enable;
  fpgacomp_counter #(
      .COUNT(GROUPS)
  ) u_group (
      .clk,
      .rst,
      .step (enable & in_valid),
      .value(group),
      .last ()
  );
  fpgacomp_value #(
      .LANES(LANES),
      .BITS(IN_BITS),
      .KIND(IN_KIND),
      .VALUE_BITS(Wide)
  ) u_x (
      .element(in_data),
      .value  (x_value)
  );
  for (genvar i = 0; i < LANES; ++i) begin : gen_lane
    logic [AddressBits-1:0] address;
    logic [OUT_BITS-1:0] entry;
    logic signed [Wide-1:0] index;
    assign index = $signed(x_value[i]) - LOW;
    always_ff @(posedge clk) begin
      if (enable) begin
        address <= AddressBits'(ROWS > 1 ? 32'(group) * COUNT : 0) + AddressBits'(index);
        out_data[i*OUT_BITS+:OUT_BITS] <= entry;
      end
    end
    fpgacomp_bank #(
        .BITS(OUT_BITS),
        .DEPTH(Depth),
        .CONTENT(CONTENT[i*Depth*OUT_BITS+:Depth*OUT_BITS])
    ) u_bank (
        .clk,
        .enable,
        .address,
        .entry
    );
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
      out_valid <= 1'b0;
    end else if (enable) begin
      valid <= {valid[0], in_valid};
      out_valid <= valid[1];
    end
  end
endmodule
