"""Tables in LUTs hold what their files hold, and count as what Yosys makes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fpgacomp.bitstream.open.area import measured_area
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import HardwareUnit
from fpgacomp.engines.stream.estimate.rtl.tally import column_of
from fpgacomp.engines.stream.rtl.render import TEMPLATES, render
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import Yosys, find_yosys
from fpgacomp.host.yosys import run_script
from fpgacomp.results.project import Project
from tests.support.depth import deep

Bits = npt.NDArray[np.int64]
MAPS = ("lut_tables.v", "lut_tables.memlib")
# Rows up to which tables are logic, ends of a LUT and of a column, and what lies between.
DEPTHS = (2, 16, 17, 64, 65, 100, 128, 129, 256, 257, 300, 641, 1152)
COLUMNS = 7


@pytest.fixture(scope="module")
def yosys() -> Yosys:
    try:
        return find_yosys("this test")
    except ToolError as error:
        pytest.skip(str(error))


def table_of(depth: int) -> Bits:
    """[depth, COLUMNS] bits: constant, equal and sparse columns beside random ones."""
    draw = np.random.default_rng(depth)
    table = draw.integers(0, 2, (depth, COLUMNS))
    table[:, 0] = 0
    table[:, 1] = 1
    table[:, 3] = table[:, 2]
    table[:, 4] = draw.random(depth) < 0.05
    table[depth // 3 :, 5] = 0
    return table


def file_of(table: Bits) -> str:
    """Column 0 is the lowest bit of each row."""
    return "".join(f"{sum(int(bit) << n for n, bit in enumerate(row)):x}\n" for row in table)


def instance(depth: int) -> str:
    address = max((depth - 1).bit_length(), 1)
    return (
        f'  fpgacomp_rom #(.BITS({COLUMNS}), .DEPTH({depth}), .FILE("t{depth}.mem"), .STYLE(1)) '
        f"u{depth} (.clk, .enable, .address(a{depth}[{address - 1}:0]), .row(q{depth}));\n"
    )


def netlist(folder: Path, family: str) -> Mapping[str, Any]:
    """The module that the emitted script leaves of a table of each depth."""
    ports = "".join(
        f", input logic [11:0] a{depth}, output logic [{COLUMNS - 1}:0] q{depth}"
        for depth in DEPTHS
    )
    body = "".join(map(instance, DEPTHS))
    (folder / "yosys").mkdir()
    (folder / "all.sv").write_text(
        f"module all (input logic clk, enable{ports});\n{body}endmodule\n"
    )
    for depth in DEPTHS:
        (folder / f"t{depth}.mem").write_text(file_of(table_of(depth)))
    for name in MAPS:
        (folder / "yosys" / name).write_bytes((TEMPLATES / "deliver" / name).read_bytes())
    (folder / "fpgacomp_rom.sv").write_bytes((TEMPLATES / "lib" / "fpgacomp_rom.sv").read_bytes())
    device = FAMILIES[family]
    script = render(
        "deliver/synth.ys", name="all", part=family, sources=("fpgacomp_rom.sv", "all.sv"),
        check="-check ", cells="", ternary=False, lut_tables=True, multipliers=False,
        multipliers_of=device.yosys_multipliers, synthesis=device.yosys,
    )  # fmt: skip
    (folder / "synth.ys").write_bytes(script)
    ended = run_script(folder, "synth.ys", "log")
    made = folder / "yosys" / "all.json"
    assert made.is_file(), (ended, (folder / "log").read_text()[-800:])
    found: Mapping[str, Any] = json.loads(made.read_text())["modules"]["all"]
    return found


class Evaluated:
    """The wires of a netlist of LUTs a cycle later, for many values of its inputs at once.

    Args:
        inputs: number of a wire -> its values; registers are enabled.
    """

    def __init__(self, module: Mapping[str, Any], inputs: Mapping[int | str, Bits]) -> None:
        self.known: dict[int | str, Bits] = {**inputs}
        some = next(iter(inputs.values()))
        self.known |= {"0": np.zeros_like(some), "1": np.ones_like(some)}
        self.drivers = {
            cell["connections"][port][0]: cell
            for cell in module["cells"].values()
            for port in ("O", "Q") if port in cell["connections"]
        }  # fmt: skip

    def wire(self, bit: int | str) -> Bits:
        if bit not in self.known:
            self.known[bit] = self._driven(self.drivers[bit])
        return self.known[bit]

    def _driven(self, cell: Mapping[str, Any]) -> Bits:
        at = {port: bits[0] for port, bits in cell["connections"].items()}
        match cell["type"]:
            case "MUXF7" | "MUXF8":
                return np.where(self.wire(at["S"]), self.wire(at["I1"]), self.wire(at["I0"]))
            case "INV":
                return 1 - self.wire(at["I"])
            case "FDRE" | "FDSE":
                # What it held does not matter, though its enable may be a part of what it reads.
                self.known[at["Q"]] = self.known["0"]
                if cell["type"] == "FDRE":
                    return self.wire(at["D"]) & (1 - self.wire(at["R"]))
                return self.wire(at["D"]) | self.wire(at["S"])
            case kind if kind.startswith("LUT"):
                content = np.array([int(bit) for bit in reversed(cell["parameters"]["INIT"])])
                row = sum(self.wire(at[f"I{n}"]) << n for n in range(int(kind[3:])))
                found: Bits = content[row]
                return found
            case kind:
                raise AssertionError(f"{kind} is neither a LUT nor a register")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["zynq-7000", deep("zynq-ultrascale+")])
def test_every_row_is_what_the_file_says(yosys: Yosys, family: str, tmp_path: Path) -> None:
    module = netlist(tmp_path, family)
    types = {cell["type"] for cell in module["cells"].values()}
    assert {"LUT6", "MUXF7", "MUXF8"} <= types
    assert not any("fpgacomp" in kind or kind.startswith("$") for kind in types), types
    rows = {depth: np.arange(max(DEPTHS)) % depth for depth in DEPTHS}
    inputs: dict[int | str, Bits] = {
        bit: rows[depth] >> n & 1
        for depth in DEPTHS
        for n, bit in enumerate(module["ports"][f"a{depth}"]["bits"])
    }
    inputs[module["ports"]["enable"]["bits"][0]] = np.ones(max(DEPTHS), dtype=np.int64)
    wires = Evaluated(module, inputs)
    for depth in DEPTHS:
        table = table_of(depth)
        for column, bit in enumerate(module["ports"][f"q{depth}"]["bits"]):
            wrong = np.flatnonzero(wires.wire(bit) != table[rows[depth], column])
            assert not wrong.size, (depth, column, rows[depth][wrong[:5]])


@pytest.mark.slow
def test_a_wrong_map_is_found_out(
    yosys: Yosys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "deliver" / "lut_tables.v"
    (tmp_path / "lib").mkdir()
    broken.parent.mkdir()
    for path in (f"deliver/{MAPS[1]}", "lib/fpgacomp_rom.sv"):
        (tmp_path / path).write_bytes((TEMPLATES / path).read_bytes())
    text = (TEMPLATES / "deliver" / "lut_tables.v").read_text()
    broken.write_text(text.replace(".I0(row[2]), .I1(row[3])", ".I0(row[3]), .I1(row[2])"))
    assert broken.read_text() != text
    monkeypatch.setattr(f"{__name__}.TEMPLATES", tmp_path)
    (tmp_path / "run").mkdir()
    with pytest.raises(AssertionError, match=r"\(129, 2, "):
        test_every_row_is_what_the_file_says(yosys, "zynq-7000", tmp_path / "run")


@pytest.mark.slow
def test_the_measured_area_is_that_of_the_netlist(yosys: Yosys, tmp_path: Path) -> None:
    """Columns of tables are counted without being mapped."""
    module = netlist(tmp_path, "zynq-7000")
    files = {"rtl/lib/fpgacomp_rom.sv": (TEMPLATES / "lib" / "fpgacomp_rom.sv").read_bytes()}
    files |= {f"rtl/t{depth}.mem": file_of(table_of(depth)).encode() for depth in DEPTHS}
    units = [
        HardwareUnit(
            f"u{depth}", "fpgacomp_rom",
            (("BITS", str(COLUMNS)), ("DEPTH", str(depth)), ("FILE", f'"t{depth}.mem"'),
             ("STYLE", "1")), f"{depth}",
        )
        for depth in DEPTHS
    ]  # fmt: skip
    found = measured_area(load_board("pynq-z2"), Project(files), units, yosys)
    assert not found.not_counted
    luts = [cell["type"] for cell in module["cells"].values() if cell["type"].startswith("LUT")]
    assert found.resources["lut"] == pytest.approx(len(luts), abs=len(DEPTHS))
    # What the estimate counts of the columns that are neither equal nor partly empty.
    for depth in (65, 129, 257, 641, 1152):
        each, selected = column_of(depth)
        assert 2 * each <= found.layers[f"{depth}"]["lut"] <= 4 * (each + selected) + 4
    # Four columns have a content of their own, 18 LUTs each and three to select, one of them six.
    assert 3 * 18 + 6 <= found.layers["1152"]["lut"] <= 3 * 21 + 8
