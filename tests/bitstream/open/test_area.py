"""The area by Yosys: which instances are the same, what is kept, what is summed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from fpgacomp.bitstream.open import area
from fpgacomp.bitstream.open.area import measured_area
from fpgacomp.bitstream.reports.cells import lut_ram
from fpgacomp.bitstream.reports.open_tools import read_yosys_text
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Emitted, HardwareUnit
from fpgacomp.engines.registry import engine_named
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.operators.matrix_vector import equal_dots
from fpgacomp.errors import ToolError
from fpgacomp.host.child import Ended
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import Yosys, find_yosys
from fpgacomp.host.yosys import commands, run_script
from fpgacomp.ir import interpreter
from fpgacomp.results.area import MeasuredArea
from fpgacomp.results.project import Project
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.depth import deep, deep_only

YOSYS = Yosys("0.70", Path())
PROJECT = Project(
    {
        "rtl/top.sv": b"module top; endmodule",
        "rtl/lib/rom.sv": b"module rom; part u (); endmodule",
        "rtl/lib/part.sv": b"module part; endmodule",
        "rtl/lib/fifo.sv": b"module fifo; endmodule",
        "rtl/a.mem": b"00\n01\n",
        "rtl/copy_of_a.mem": b"00\n01\n",
        "rtl/b.mem": b"00\n02\n",
    }
)
UNITS = (
    HardwareUnit("run_a", "rom", (("BITS", "8"), ("FILE", '"a.mem"')), "first"),
    HardwareUnit("run_copy", "rom", (("BITS", "8"), ("FILE", '"copy_of_a.mem"')), "second"),
    HardwareUnit("run_b", "rom", (("BITS", "8"), ("FILE", '"b.mem"')), "second"),
    HardwareUnit("u_s", "fifo", (("DEPTH", "2"),), ""),
)


class Played:
    """Yosys, each of whose modules has the cells that are stated for its source."""

    def __init__(self, cells: Mapping[str, Mapping[str, int]]) -> None:
        self.cells = cells
        self.ran: list[str] = []
        self.scripts: list[str] = []

    def __call__(self, folder: Path, script: str, log: str, *bounds: object, then: object) -> Ended:
        text = (folder / script).read_text()
        self.scripts.append(text)
        modules = {}
        for words in commands(text):
            if words[0] == "rename":
                self.ran.append(words[1])
                modules[words[2]] = {"num_cells_by_type": self.cells.get(words[1])}
            if words[0] == "read_slang":
                assert all((folder / word).is_file() for word in words if word.endswith(".sv"))
        (folder / "stat.json").write_text(json.dumps({"modules": modules}))
        return Ended(0, 0.0, False, ())


def played(monkeypatch: pytest.MonkeyPatch, cells: Mapping[str, Mapping[str, int]]) -> Played:
    found = Played(cells)
    monkeypatch.setattr(area, "run_script", found)
    return found


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


CELLS = {"rom": {"LUT4": 3, "TRELLIS_FF": 2}, "fifo": {"TRELLIS_DPR16X4": 1, "TRELLIS_FF": 5}}


def measure(project: Project = PROJECT) -> MeasuredArea:
    return measured_area(load_board("ulx3s-85f"), project, UNITS, YOSYS)


def test_equal_instances_are_mapped_once_and_all_are_summed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    yosys = played(monkeypatch, CELLS)
    found = measure()
    assert sorted(yosys.ran) == ["fifo", "rom", "rom"]
    assert (found.units, found.distinct, found.not_counted) == (4, 3, ())
    amounts = {"lut": 9 + 6, "lutram": 6, "ff": 6 + 5, "dsp": 0, "bram18": 0, "uram": 0}
    assert found.resources == amounts
    assert found.layers["first"]["lut"] == 3 and found.layers["second"]["lut"] == 6
    assert set(found.layers) == {"first", "second"}
    # What is mapped is told the family as the emitted script is, and all that a module needs.
    text = "\n".join(yosys.scripts)
    assert "synth_ecp5 -nowidelut -nodsp -run begin:check -top units" in text
    assert "-G BITS=8 -G FILE=" in text and "lib/part.sv lib/rom.sv" in text


def test_what_was_mapped_is_kept_under_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    first, yosys = played(monkeypatch, CELLS), None
    before = measure()
    assert first.ran
    yosys = played(monkeypatch, {})
    assert measure() == before and not yosys.ran
    other_table = Project({**PROJECT.files, "rtl/b.mem": b"00\n03\n"})
    yosys = played(monkeypatch, CELLS)
    measure(other_table)
    assert yosys.ran == ["rom"]
    # A module that another one instantiates is a part of it.
    other_part = Project({**PROJECT.files, "rtl/lib/part.sv": b"module part; wire x; endmodule"})
    yosys = played(monkeypatch, CELLS)
    measure(other_part)
    assert yosys.ran == ["rom", "rom"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[3]", "{", '{"LUT4": "3"}', '{"LUT4": -3.0}', '{"LUT4": NaN}', '{"LUT4": 1e999}',
     '{"LUT4": true}', '{"LUT4": 1.5}', '{"LUT4": 1.0, "LUT4": 2.0}'],
)  # fmt: skip
def test_what_is_kept_and_no_count_of_cells_is_mapped_again(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played(monkeypatch, CELLS)
    before = measure()
    for kept in (tmp_path / "cache").rglob("cells.json"):
        kept.write_text(content)
    yosys = played(monkeypatch, CELLS)
    assert measure() == before
    assert sorted(yosys.ran) == ["fifo", "rom", "rom"]


@pytest.mark.parametrize("what", ["pipe", "folder", "link", "room"])
def test_a_cache_that_cannot_be_used_costs_time_only(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played(monkeypatch, CELLS)
    before = measure()
    places = list((tmp_path / "cache").rglob("cells.json"))
    for place in places:
        place.unlink()
        match what:
            case "pipe":
                os.mkfifo(place)
            case "folder":
                place.mkdir()
            case "link":
                place.symlink_to(place)
            case _:
                place.parent.rmdir()
    if what == "room":
        (room,) = {place.parent.parent for place in places}
        room.rmdir()
        room.write_text("a file")
    yosys = played(monkeypatch, CELLS)
    assert measure() == before
    assert sorted(yosys.ran) == ["fifo", "rom", "rom"]


def test_cells_that_nothing_counts_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, CELLS | {"fifo": {"PUZZLE": 2}})
    assert measure().not_counted == ("2 PUZZLE",)


def test_a_module_without_figures_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, {"rom": CELLS["rom"]})
    with pytest.raises(ToolError, match="left no figures of fifo"):
        measure()


def test_memories_of_luts_are_told_from_logic() -> None:
    memory = ("SRL16E", "RAM32M", "RAM64X1D", "RAM64M8", "TRELLIS_DPR16X4", "RAM16SDP4")
    assert all(map(lut_ram, memory))
    assert not any(map(lut_ram, ("LUT6", "RAMB18E1", "RAMB36E2", "SB_RAM40_4K", "CCU2C", "ALU")))


def emitted(board: str) -> Emitted:
    made = replace(sd.design(builders.mlp(), 3, most=4), board=load_board(board))
    values = interpreter.run(made.graph, builders.inputs(made.graph, 2, 7))
    return STREAM.emit(made, values)


def test_the_units_of_a_design_are_all_that_its_top_holds() -> None:
    made = emitted("pynq-z2")
    units = STREAM.units(made)
    interface = json.loads(made.project.files["rtl/interface.json"])
    fifos = [unit for unit in units if unit.module == "fpgacomp_fifo"]
    assert [f"u_{one['name']}" for one in interface["streams"]] == [unit.name for unit in fifos]
    top = made.project.files[f"rtl/{interface['top']}.sv"].decode()
    assert len(units) == top.count("  fpgacomp_") and "u_control" in {u.name for u in units}
    assert not {"TAP", "NAME"} & {name for unit in units for name, _ in unit.parameters}
    layers = {layer.name for layer in made.graph.layers}
    works = {unit.layer for unit in units if unit.name.startswith("run_")}
    assert works <= layers | {""} and len(works) > 3
    # A FIFO is of the layer that writes to it.
    assert all(unit.layer in layers for unit in fifos)
    products = [unit for unit in units if unit.module == "fpgacomp_matvec"]
    assert products and all(dict(unit.parameters)["SIMD"].isdigit() for unit in products)
    assert engine_named("hls4ml").units(made) == ()


def test_runs_are_few_and_only_what_takes_far_longer_is_mapped_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuits = {
        f"rtl/c_{n}.sv": f"module c_{n}; endmodule\n".encode() + b"//" * size
        for n, size in enumerate((10, 2_000, 2_000, 500_000))
    }
    widths = (1024, 640, 4096)
    units = [HardwareUnit(f"run_{n}", f"c_{n}", (), "") for n in range(4)]
    units += [HardwareUnit(f"run_{w}", "rom", (("ROW", f"{w}'h1"),), "") for w in widths]
    modules = {f"c_{n}": {"LUT4": 1} for n in range(4)} | {"rom": {"LUT4": 1}}
    yosys = played(monkeypatch, modules)
    measured_area(load_board("ulx3s-85f"), Project({**PROJECT.files, **circuits}), units, YOSYS)
    runs = [
        [" ".join(words) for words in commands(text) if words[0] == "read_slang"]
        for text in yosys.scripts
    ]
    alone = [run[0] for run in runs if len(run) == 1]
    assert len(runs) == 4 and len(alone) == 2
    assert any("--top c_3" in one for one in alone) and any("ROW=4096" in one for one in alone)
    # Those that take a while are in different runs.
    for pair in (("ROW=1024", "ROW=640"), ("--top c_1 ", "--top c_2 ")):
        assert not any(all(one in " ".join(run) for one in pair) for run in runs)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="pip install pyosys==0.70")
def test_the_sum_is_near_the_netlist_of_the_whole(tmp_path: Path) -> None:
    made = emitted("ulx3s-85f")
    found = measured_area(
        load_board("ulx3s-85f"), made.project, STREAM.units(made), find_yosys("this test")
    )
    assert not found.not_counted
    made.project.write(tmp_path)
    run_script(tmp_path / "rtl", "yosys/synth.ys", "yosys/log")
    whole = read_yosys_text((tmp_path / "rtl" / "yosys" / "stat.txt").read_text())
    assert whole is not None
    for name in ("lut", "ff"):
        assert found.resources[name] == pytest.approx(whole.amounts[name], rel=0.1), name
    assert found.resources["bram18"] == whole.amounts["bram18"]
    assert found.resources["dsp"] == whole.amounts["dsp"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="pip install pyosys==0.70")
@pytest.mark.parametrize("board", ["pynq-z2", deep("ulx3s-85f")])
def test_one_of_equal_outputs_counts_for_all_of_them(board: str) -> None:
    """As many LUTs and registers as where Yosys maps every output, LUTs but for 3 %."""
    simd, pe, reads = 8, 8, 16
    rows = random.Random(5).choices(range(4), k=simd * pe * reads)
    words = ["".join(map(str, rows[n : n + simd * pe])) for n in range(0, len(rows), simd * pe)]
    library = data_folder("hls_templates") / "rtl"
    files = {f"rtl/lib/{path.name}": path.read_bytes() for path in (library / "lib").iterdir()}
    files["rtl/w.mem"] = "".join(f"{int(word, 4):x}\n" for word in words).encode()
    ternary = load_board(board).device.ternary_adders
    parameters = {
        "SIMD": simd, "PE": pe, "READS": reads, "ROWS": 1, "IN_BITS": 2, "IN_KIND": 1,
        "WEIGHT_BITS": 2, "WEIGHT_KIND": 1, "TERM_BITS": 2, "OUT_BITS": 9, "PACKED": 1, "SHIFT": 1,
        "TERNARY": int(ternary), "DSP": 0, "STYLE": 1 if ternary else 3, "FILE": '"w.mem"',
    }  # fmt: skip
    texts = tuple((name, str(value)) for name, value in parameters.items())
    alike = "fpgacomp_dot", "gen_products.gen_pe[0].u_dot"
    unit = HardwareUnit("run_fc", "fpgacomp_matvec", texts, "fc")
    found, whole = (
        measured_area(load_board(board), Project(files), [one], find_yosys("this"))
        for one in (replace(unit, alike=alike), unit)
    )
    assert found.not_counted == whole.not_counted == ()
    assert found.resources["ff"] == whole.resources["ff"] > 100
    assert found.resources["lut"] == pytest.approx(whole.resources["lut"], rel=0.03)


@pytest.mark.slow
@deep_only  # what is installed is pinned, and its cells change with its version alone
@pytest.mark.skipif(find_spec("pyosys") is None, reason="pip install pyosys==0.70")
def test_the_few_cells_that_are_read_are_all_that_is_mapped_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same cells as where Yosys begins with all of the vendor's."""
    library = data_folder("hls_templates") / "rtl"
    files = {f"rtl/lib/{path.name}": path.read_bytes() for path in (library / "lib").iterdir()}
    draw = random.Random(6)
    rows = [f"{draw.getrandbits(32):08x}" for _ in range(64)]
    files["rtl/w.mem"] = ("\n".join(rows) + "\n").encode()
    matrix = {
        "SIMD": 2, "PE": 2, "READS": 8, "ROWS": 8, "IN_BITS": 8, "IN_KIND": 1, "WEIGHT_BITS": 8,
        "WEIGHT_KIND": 1, "TERM_BITS": 16, "OUT_BITS": 20, "TERNARY": 1, "DSP": 1, "STYLE": 2,
        "FILE": '"w.mem"',
    }  # fmt: skip
    fifos = ({"BITS": 8, "DEPTH": 40}, {"BITS": 8, "DEPTH": 600, "BLOCK": 1})
    units = [
        HardwareUnit("u", module, tuple((name, str(value)) for name, value in each.items()), "")
        for module, each in [("fpgacomp_matvec", matrix)] + [("fpgacomp_fifo", f) for f in fifos]
    ]
    counted: list[Mapping[str, float]] = []
    sum_of = area._sum

    def noted(cells: list[Mapping[str, float]]) -> Mapping[str, float]:
        counted.append(sum_of(cells))
        return counted[-1]

    monkeypatch.setattr(area, "_sum", noted)
    monkeypatch.setattr(area, "usable_cores", lambda: 1)  # all in one run
    board, yosys = load_board("zcu104"), find_yosys("this")
    few = measured_area(board, Project(files), units, yosys)
    assert {"RAMB18E2", "DSP48E2"} <= {cell for cells in counted for cell in cells}
    monkeypatch.setattr(area, "_MANY_CELLS", "no family")
    first, counted[:] = counted[0], []
    everything = measured_area(board, Project(files), units, yosys)
    assert counted[0] == first and everything == few and not few.not_counted


def test_outputs_that_are_not_alike_are_mapped_each() -> None:
    alike = {"PE": "64", "SIMD": "16", "READS": "4", "ROWS": "1", "IN_KIND": "1",
             "WEIGHT_KIND": "1", "WEIGHT_BITS": "2", "TERM_BITS": "2", "PACKED": "1", "DSP": "0",
             "FILE": '"w.mem"', "ROW": "16'h0"}  # fmt: skip
    digits = 64 * 16 * 2 // 4
    varying = {"w.mem": "\n".join(digit * digits for digit in "0f25").encode()}
    assert equal_dots(alike, varying) == ("fpgacomp_dot", "gen_products.gen_pe[0].u_dot")
    # Signs are counted, products joined in DSP blocks; what Yosys makes of wide ones varies.
    for other in (
        {"IN_KIND": "2", "WEIGHT_KIND": "2"}, {"PACKED": "2"}, {"DSP": "1"}, {"TERM_BITS": "3"},
        {"PE": "32"}, {"READS": "1"},
    ):  # fmt: skip
        assert equal_dots(alike | other, varying) is None
    # A weight that is the same in every row is a constant.
    assert equal_dots(alike, {"w.mem": "\n".join(d * digits for d in "0725").encode()}) is None
