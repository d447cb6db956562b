"""Yosys' netlists of designs for ECP5, iCE40 and Gowin, and the estimate's fit to them.

    python -m examples.measure_yosys [--folder DIR] [--board BOARD] [--fit]

Needs pyosys (pip install pyosys==0.70). Every design is folded for the least area at a rate,
emitted, and synthesized as its own rtl/yosys/synth.ys does, but for the borders of its operators,
which are kept, so that each is measured by itself. The costs as shipped were fitted to 15 other
foldings of these networks (10 for ECP5, 5 for iCE40), so that the table checks them. Those of
Gowin were estimated with ECP5's costs, which the table checks there, before its own were fitted.

What was measured goes to examples/yosys_measured.csv, beside what was estimated before; with --fit
the costs that the estimate reads (engines/stream/estimate/yosys.json) are fitted anew. A LUT is
one of four inputs: a CCU2C counts as two, a TRELLIS_DPR16X4 or RAM16SDP4 as six (four hold its
words, two are lost to its writing).
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.benchmark_rtl import load
from fpgacomp.bitstream.reports.cells import amounts_of
from fpgacomp.devices.device import Device
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.rows import Part, Row
from fpgacomp.engines.shared.terms import unit_terms
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.emit.context import names_of
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.estimate.open_tools import (
    PATH,
    fifo_as_built,
    operator_as_built,
)
from fpgacomp.engines.stream.estimate.yosys_fit import yosys_content
from fpgacomp.engines.stream.fold.rtl_fifos import rtl_dataflow
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import read_network
from fpgacomp.host.yosys import require_written, run_script
from fpgacomp.ir import interpreter
from fpgacomp.lower import lower
from fpgacomp.results.target import Target

TABLE = Path(__file__).with_name("yosys_measured.csv")
COLUMNS = ("board", "network", "fps", "resource", "measured", "low", "estimate", "high")
# (board, network, frames a second of the least-area design)
DESIGNS = (
    ("ulx3s-85f", "digits", 50_000), ("ulx3s-85f", "digits", 300_000),
    ("ulx3s-85f", "digits_mlp", 50_000), ("ulx3s-85f", "tfc_w1a1", 20_000),
    ("ulx3s-85f", "tfc_w2a2", 10_000), ("ulx3s-85f", "conv1d_w4a4", 2_000),
    ("ulx3s-85f", "dscnn_w4a4", 100), ("ulx3s-85f", "autoencoder_w4a4", 2_000),
    ("ulx3s-85f", "resnet8_w4a4", 60),
    ("icebreaker", "digits", 2_000), ("icebreaker", "digits_mlp", 2_000),
    ("icebreaker", "tfc_w1a1", 1_000), ("icebreaker", "conv1d_w4a4", 50),
    ("tang-nano-9k", "digits", 2_000), ("tang-nano-9k", "digits", 10_000),
    ("tang-nano-9k", "digits_mlp", 10_000), ("tang-nano-9k", "tfc_w1a1", 5_000),
    ("tang-nano-9k", "tfc_w2a2", 2_000), ("tang-nano-9k", "conv1d_w4a4", 400),
    ("tang-nano-9k", "dscnn_w4a4", 20), ("tang-nano-9k", "autoencoder_w4a4", 400),
)  # fmt: skip
COUNTED = ("lut", "ff", "dsp", "bram18")
# Modules inside of operators, which are measured with them.
_PARTS = ("value", "element", "cast", "counter", "sum", "rom", "bank", "levels")


@dataclass(frozen=True)
class Measured:
    """A design, and what Yosys found in the modules of its top by instance name."""

    board: str
    network: str
    fps: int
    design: StreamDesign
    modules: Mapping[str, Mapping[str, float]]
    whole: Mapping[str, float]


def folded(board: str, network: str, fps: int) -> StreamDesign:
    """The design of least area at a rate."""
    the_board = load_board(board)
    graph = lower(read_network(load(network))).graph
    target = Target(goal="area", fps=fps)
    goal = Goal(board=the_board, clock_mhz=the_board.clock_mhz_default, target=target)
    return STREAM.fold(graph, goal).design


def measure(board: str, network: str, fps: int, folder: Path) -> Measured:
    """Fold, emit and synthesize."""
    design = folded(board, network, fps)
    values = interpreter.run(design.graph, integer_vectors(design.graph, 1, 0))
    STREAM.emit(design, {key: some[:1] for key, some in values.items()}).project.write(folder)
    rtl = folder / "rtl"
    (rtl / "measure.ys").write_text(_with_borders((rtl / "yosys" / "synth.ys").read_text()))
    require_written(run_script(rtl, "measure.ys", "yosys.log"), "yosys.log", rtl / "stat.json")
    stat = json.loads((rtl / "stat.json").read_text())
    modules = {
        name.split(".", 1)[1]: _figures(found["num_cells_by_type"])
        for name, found in stat["modules"].items()
        if "." in name
    }
    whole = _figures(stat["design"]["num_cells_by_type"])
    return Measured(board, network, fps, design, modules, whole)


def _with_borders(script: str) -> str:
    """The emitted script, with the operators and FIFOs as modules of their own."""
    lines = []
    for line in script.splitlines():
        if line.startswith("read_slang"):
            modules = (word for word in line.split() if word.startswith("lib/fpgacomp_"))
            names = [word.removeprefix("lib/").removesuffix(".sv") for word in modules]
            kept = [f"{n}*" for n in names if n.removeprefix("fpgacomp_") not in _PARTS]
            lines.append(line.replace("read_slang", "read_slang --best-effort-hierarchy"))
            lines.append(f"setattr -mod -set keep_hierarchy 1 {' '.join(kept)}")
        elif line.startswith("synth_"):
            lines += [line, "tee -q -o stat.json stat -json"]
        elif not line.startswith(("tee", "write_json")):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _figures(cells: Mapping[str, Any]) -> dict[str, float]:
    counts = {n: c["count"] if isinstance(c, dict) else c for n, c in cells.items()}
    amounts, _ = amounts_of(counts)
    return {what: amounts[what] for what in COUNTED}


def rows_of(measured: Measured) -> Iterator[Row]:
    """A row for each operator and FIFO, and one for the design."""
    device, dataflow = measured.design.board.device, rtl_dataflow(measured.design)
    parts: list[Part] = []
    for name, part in _parts(measured.design, dataflow, device):
        parts.append(part)
        found = measured.modules[name]
        yield Row(measured.network, part.kind, (part,), found, stage="logic_synth")
    yield Row(measured.network, "design", tuple(parts), measured.whole, stage="logic_synth")


def _parts(design: StreamDesign, dataflow: Any, device: Device) -> Iterator[tuple[str, Part]]:
    """(name of the instance, what it is made of), as `rtl_design` names them."""
    names = names_of(dataflow)
    for operator in dataflow.operators:
        terms = operator_as_built(operator.terms(device.wide_port_bits), device)
        yield names.used.unique(f"run_{operator.name}"), Part(operator.cost_kind, terms)
    for stream in dataflow.streams:
        depth = max(stream.depth, 2)
        terms = fifo_as_built(stream.bits, depth, device)
        yield f"u_{names.stream(stream).name}", Part("fifo", terms)
    yield "u_control", Part("process", unit_terms({"control": 1}, {"control": 1}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="where builds are kept")
    parser.add_argument("--board", help="measure designs for this one alone; keep the other rows")
    parser.add_argument("--fit", action="store_true", help="fit the costs anew")
    options = parser.parse_args()
    lines = [line for line in _kept() if options.board not in (None, line[0])]
    rows: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for board, network, fps in DESIGNS:
            if options.board not in (None, board):
                continue
            one = measure(board, network, fps, folder / f"{board}_{network}_{fps}")
            estimate = estimate_stream(one.design)
            for what in COUNTED:
                figure = estimate.resources[what]
                ends = (round(end) for end in (figure.low, figure.value, figure.high))
                lines.append((board, network, fps, what, round(one.whole[what]), *ends))
                print(*lines[-1], flush=True)
            rows.setdefault(one.design.board.device.block_ram.block, []).extend(rows_of(one))
    with TABLE.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *lines])
    if options.fit:
        content = {block: yosys_content(some, block) for block, some in rows.items()}
        earlier = json.loads(PATH.read_text()) if options.board else {}
        PATH.write_text(json.dumps(earlier | content, indent=1, sort_keys=True) + "\n")


def _kept() -> list[tuple[object, ...]]:
    """The rows of the table as it stands."""
    with TABLE.open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)][1:]


if __name__ == "__main__":
    main()
