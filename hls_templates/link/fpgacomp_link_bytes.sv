// The frames of one output port: beats of an AXI4-Stream to bytes of the line.
//
// The last beat of a frame has REST bytes. A byte that waits is `data` while `valid`, and the beat is
// taken with its last byte, so the accelerator waits for the line.
module fpgacomp_link_bytes #(
    parameter int BEAT = 1,
    parameter int REST = BEAT
) (
    input logic clk,
    input logic rst,
    input logic [8*BEAT-1:0] tdata,
    input logic tvalid,
    input logic tlast,
    output logic tready,
    output logic [7:0] data,
    output logic valid,
    output logic last,  // of its frame
    input logic ready
);
  assign valid = tvalid;
  if (BEAT == 1) begin : gen_bytes
    assign data   = tdata;
    assign last   = tlast;
    assign tready = ready;
  end else begin : gen_words
    localparam int IndexBits = $clog2(BEAT);
    logic [IndexBits-1:0] index;
    assign data   = tdata[8*index+:8];
    assign last   = tlast & (index == IndexBits'(REST - 1));
    assign tready = ready & (last | (index == '1));
    always_ff @(posedge clk) begin
      if (rst) index <= '0;
      else if (tvalid & ready) index <= tready ? '0 : index + 1'b1;
    end
  end
endmodule
