"""A netlist of another device is told by its cells, as its report names no device."""

from __future__ import annotations

import json

import pytest

from fpgacomp.bitstream.reports.cells import counted, silicon_of
from fpgacomp.bitstream.reports.compare import EstimatedDesign, of_design
from fpgacomp.bitstream.reports.matching import PartNames
from fpgacomp.bitstream.reports.open_tools import read_yosys_json, read_yosys_text
from fpgacomp.errors import InputDataError
from tests.support.tool_reports import yosys_json, yosys_text

CELLS = {
    "ecp5": {"LUT4": 40, "TRELLIS_FF": 20, "CCU2C": 3},
    "ice40": {"SB_LUT4": 40, "SB_DFFE": 20},
    "xilinx": {"LUT4": 40, "FDRE": 20, "CARRY4": 3},
    "gowin": {"LUT4": 40, "DFFRE": 20, "ALU": 3},
}
PARTS = {
    "ecp5": "LFE5U-85F-6BG381C", "ice40": "iCE40UP5K-SG48", "xilinx": "xc7z020clg400-1",
    "gowin": "GW1NR-LV9QN88PC6/I5",
}  # fmt: skip


def design(part: str) -> EstimatedDesign:
    return EstimatedDesign("model", part, 10.0, {}, {}, PartNames({}))


@pytest.mark.parametrize("silicon", CELLS)
def test_cells_tell_the_silicon(silicon: str) -> None:
    modules = {"model": CELLS[silicon]}
    found = read_yosys_json(json.loads(yosys_json(modules, None)))
    text = read_yosys_text(yosys_text(modules, None))
    assert found is not None and text is not None
    assert found.silicon == text.silicon == silicon
    for of, part in PARTS.items():
        if of == silicon:
            assert of_design("stat.json", found, design(part)).report is found
        else:
            with pytest.raises(InputDataError, match=f"has cells of {silicon}, .* for {part}"):
                of_design("stat.json", found, design(part))


@pytest.mark.parametrize(
    ("cell", "luts"),
    [("RAM64X1S", 1), ("RAM32X1D", 2), ("RAM128X1S", 2), ("RAM128X1D", 4), ("RAM64M", 4),
     ("RAM256X1D", 8), ("RAM32M16", 8), ("RAM64M8", 8), ("SRL16E", 1)],
)  # fmt: skip
def test_memories_of_amd_take_the_luts_of_their_slices(cell: str, luts: int) -> None:
    assert counted(cell) == {"lut": luts}


def test_adders_of_three_numbers_are_of_one_vendor() -> None:
    assert silicon_of(["INV", "LUT6_2"]) == "xilinx"
