"""Names of place and route, and the signals, operators, layers and lines that they stand for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fpgacomp.bitstream.open.names import CellNames, DesignPlace
from fpgacomp.bitstream.open.slowest import slowest_path
from fpgacomp.bitstream.open.timing import CriticalPath, PathStep
from fpgacomp.errors import ToolError

BOARD = """\
module fpgacomp_board (
    input logic oscillator
);
  net_uart u_design (
      .clk
  );
endmodule
"""
LINK = """\
module net_uart (
  fpgacomp_uart_link #(
      .INPUTS(1)
  ) u_link (
  net u_accelerator (
"""
TOP = """\
module net (
  fpgacomp_matvec #(
      .PE(2),
      .SIMD(1)
  ) run_fc (
      .clk(aclk)
  );
  fpgacomp_fifo #(
      .BITS(4)
  ) u_s_fc (
      .clk(aclk)
  );
"""
MATVEC = """\
module fpgacomp_matvec #(
    parameter int PE = 1
) (
    input logic clk
);
  logic signed [7:0] sum, total;  // of a row
  if (PE > 1) begin : gen_kept
    logic [7:0] kept[PE];
  end
  fpgacomp_rom #(
      .BITS(4)
  ) u_weights (
"""
ROM = "module fpgacomp_rom (\n  logic [3:0] content[8];\n"
SOURCES = {
    "fpgacomp_board.sv": BOARD, "net_uart.sv": LINK, "net.sv": TOP,
    "lib/fpgacomp_matvec.sv": MATVEC, "lib/fpgacomp_rom.sv": ROM,
    "lib/fpgacomp_fifo.sv": "",
    "fpgacomp_uart_link.sv": "  logic [3:0] line;\n  speaking_t speaking;\n",
}  # fmt: skip
FC = "u_design.u_accelerator.run_fc"
TOOL = "/opt/yosys/share/ice40/cells_map.v:6.21-6.22"


def net(bits: list[int], src: str = TOOL, **more: str) -> dict[str, Any]:
    return {"bits": bits, "attributes": {"src": src, **more}}


def cell(src: str = TOOL, **connections: list[int]) -> dict[str, Any]:
    return {"attributes": {"src": src}, "connections": connections}


NETLIST = {
    "netnames": {
        "waited": net([90, 91], "fpgacomp_board.sv:2.3"),
        f"{FC}.sum": net([10, 11], "lib/fpgacomp_matvec.sv:6.22", hdlname="u_design ... sum"),
        f"{FC}.sum_SB_DFF_Q_D": net([20]),
        f"{FC}.sum_SB_DFF_Q_D_SB_LUT4_O_I3": net([21], f"{TOOL}|lib/fpgacomp_matvec.sv:9.4-9.8"),
        f"{FC}.gen_kept.kept[1]": {"bits": [30], "attributes": {}},
    },
    "cells": {
        f"{FC}.sum_SB_DFF_Q": cell(f"lib/fpgacomp_matvec.sv:7.5-7.30|{TOOL}", Q=[11]),
        f"{FC}.sum_SB_DFF_Q_D_SB_LUT4_O": cell(O=[20]),
        f"{FC}.gen_kept.kept[1]_SB_DFFE_Q": cell(Q=[30]),
        f"{FC}.u_weights.content.0.0": cell(RDATA=[40, 41]),
    },
}
PARTS = {"run_fc": "fc", "s_fc": "fc", "run_image": ""}


def names(netlist: dict[str, Any] = NETLIST) -> CellNames:
    content = json.dumps({"modules": {"fpgacomp_board": netlist}}).encode()
    sources = {path: text.encode() for path, text in SOURCES.items()}
    return CellNames(content, "fpgacomp_board", sources, PARTS)


def at_fc(signal: str, source: str) -> DesignPlace:
    return DesignPlace(signal, "run_fc", "fpgacomp_matvec", "fc", source)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        # A register with its bit; what nextpnr appends does not hide it.
        (f"{FC}.sum_SB_DFF_Q_DFFLC", at_fc("sum[1]", "lib/fpgacomp_matvec.sv:7.5")),
        # A LUT whose line was lost takes that of the register that it makes.
        (f"{FC}.sum_SB_DFF_Q_D_SB_LUT4_O_LC", at_fc("sum", "lib/fpgacomp_matvec.sv:7.5")),
        # One whose net kept it has its own.
        (
            f"{FC}.sum_SB_DFF_Q_D_SB_LUT4_O_I3_SB_LUT4_O_LC",
            at_fc("sum", "lib/fpgacomp_matvec.sv:9.4"),
        ),
        # Memories in registers and in block RAM, declared in the module around them.
        (
            f"{FC}.gen_kept.kept[1]_SB_DFFE_Q_DFFLC",
            at_fc("gen_kept.kept[1]_SB_DFFE_Q", "lib/fpgacomp_matvec.sv:8"),
        ),
        (
            f"{FC}.u_weights.content.0.0_RDATA_3_SB_LUT4_I3_LC",
            at_fc("u_weights.content.0.0", "lib/fpgacomp_rom.sv:2"),
        ),
        (
            "u_design.u_accelerator.u_s_fc.full_LC",
            DesignPlace("full_LC", "u_s_fc", "fpgacomp_fifo", "fc", ""),
        ),
        ("u_design.u_link.line_LC", DesignPlace("u_link.line_LC", "host link", "", "",
                                          "fpgacomp_uart_link.sv:1")),
        # A register of an enumeration, of which no cell has a line.
        ("u_design.u_link.speaking_LUT4_C_Z", DesignPlace(
            "u_link.speaking_LUT4_C_Z", "host link", "", "", "fpgacomp_uart_link.sv:2")),
        ("waited_SB_DFF_Q_LC", DesignPlace("waited", "board", "", "", "fpgacomp_board.sv:2.3")),
        ("$PACKER_GND", DesignPlace("$PACKER_GND", "", "", "", "")),
    ],
)  # fmt: skip
def test_a_name_of_place_and_route_leads_to_its_place_in_the_design(
    name: str, place: DesignPlace
) -> None:
    assert names().place(name) == place


def test_a_netlist_of_another_form_is_refused() -> None:
    with pytest.raises(ToolError, match="netlist has another form"):
        names({"cells": {}})
    with pytest.raises(ToolError, match="netlist has another form"):
        CellNames(b"{", "fpgacomp_board", {}, {})


def test_the_slowest_path_is_told_in_words_of_the_design() -> None:
    steps = (
        PathStep("clk-to-q", f"{FC}.gen_kept.kept[1]_SB_DFFE_Q_DFFLC", 1.0),
        PathStep("routing", "$PACKER_GND", 0.5),
        PathStep("routing", "$nextpnr_1", 0.5, (TOOL, "lib/fpgacomp_matvec.sv:8.1-8.9")),
        *[PathStep("logic", f"{FC}.sum_SB_DFF_Q_D_SB_LUT4_O_LC", 0.1)] * 50,
        PathStep("setup", "waited_SB_DFF_Q_LC", 0.2),
    )
    found = slowest_path(CriticalPath("posedge clk", "posedge clk", 7.2, 6.7, 0.5, steps), names())
    assert (
        found["from"]["signal"] == "gen_kept.kept[1]_SB_DFFE_Q" and found["from"]["layer"] == "fc"
    )
    assert found["to"]["operator"] == "board" and found["to"]["source"] == "fpgacomp_board.sv:2.3"
    assert [(one["operator"], one["layer"], one["steps"]) for one in found["through"]] == [
        ("run_fc", "fc", 51), ("board", "", 1),
    ]  # fmt: skip
    assert (found["length"], found["steps_with_source"], len(found["steps"])) == (54, 53, 40)
    assert found["steps"][2]["source"] == "lib/fpgacomp_matvec.sv:8.1"
