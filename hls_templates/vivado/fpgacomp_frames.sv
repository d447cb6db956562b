// Watches a stream that goes past: where frames of BEATS beats end, and which have another length.
//
// As at the input of a design in SystemVerilog, a frame that goes on beyond its last beat is one
// frame up to its TLAST.
module fpgacomp_frames #(
    parameter int BEATS = 1
) (
    input logic clk,
    input logic rst,
    input logic tvalid,
    input logic tready,
    input logic tlast,
    output logic frame,  // high for one cycle for each frame
    output logic frame_short,
    output logic frame_long
);
  localparam int Bits = BEATS > 1 ? $clog2(BEATS) : 1;
  logic beat, beat_last, dropping;
  logic [Bits-1:0] count;
  assign beat = tvalid & tready;
  assign beat_last = count == Bits'(BEATS - 1);
  always_ff @(posedge clk) begin
    if (rst) begin
      count <= '0;
      dropping <= 1'b0;
      frame <= 1'b0;
      frame_short <= 1'b0;
      frame_long <= 1'b0;
    end else begin
      frame <= beat & ~dropping & (tlast | beat_last);
      frame_short <= beat & ~dropping & tlast & ~beat_last;
      frame_long <= beat & ~dropping & ~tlast & beat_last;
      if (beat) begin
        dropping <= dropping ? ~tlast : beat_last & ~tlast;
        if (~dropping) count <= tlast | beat_last ? '0 : count + 1'b1;
      end
    end
  end
endmodule
