"""Unrolled designs: what was counted, what Yosys made of it, and whether every integer is right.

    make bench-adders        or: python -m examples.benchmark_adders [--quick]

Networks: the circuit of each by itself, flattened, for Xilinx 7 series without DSP blocks; then the
whole design by RTL simulation on 1,000 vectors. Random constant layers: the count beside the cost
that the solver states, and beside Yosys. The exit code is 1 where an integer is wrong. --quick
leaves out the largest networks.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from examples.benchmark_rtl import load
from fpgacomp.devices.read import load_board
from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.engine import ADDERS
from fpgacomp.engines.engine import Goal
from fpgacomp.engines.shared.circuit.build import Builder
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.circuit.linear import place, times
from fpgacomp.engines.shared.circuit.nodes import Circuit
from fpgacomp.engines.shared.circuit.schedule import Schedule, schedule
from fpgacomp.engines.shared.circuit.solve import solve
from fpgacomp.engines.shared.circuit.sums import of_three
from fpgacomp.engines.shared.circuit.verilog import module
from fpgacomp.engines.stream.rtl.render import TEMPLATES
from fpgacomp.evidence.compare import compare
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.frontend import read_network
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.host.yosys import require_written, run_script
from fpgacomp.ir import interpreter
from fpgacomp.ir.types import IntArray, IntType
from fpgacomp.lower import lower
from fpgacomp.results.target import Target

RTL = TEMPLATES
NETWORKS = ("digits_mlp_w2a2", "jet_w6a6", "mlp14_w3a3", "digits_mlp", "tfc_w2a2")
LARGE = ("digits_mlp", "tfc_w2a2", "jet_w6a6")
VECTORS = 1000
# (inputs, outputs, weight bits, share of zeros): dense layers, and convolutions by one position
LAYERS = (
    (16, 8, 8, 0.0), (32, 16, 2, 0.5), (64, 10, 3, 0.3), (9, 8, 4, 0.0), (72, 16, 4, 0.2),
    (27, 16, 5, 0.6), (48, 24, 2, 0.9), (64, 32, 2, 0.0), (32, 32, 4, 0.8), (36, 12, 6, 0.4),
)  # fmt: skip


def yosys_cells(source: str, top: str) -> tuple[int, int]:
    """(LUTs, flip-flops) of a module for Xilinx 7 series."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / f"{top}.sv").write_text(source)
        (folder / "run.ys").write_text(
            f"read_slang {top}.sv {RTL / 'lib' / 'fpgacomp_ternary_add.sv'} --top {top} "
            "--blackboxed-module fpgacomp_ternary_add\n"
            f"opt_clean\ntechmap -map {RTL / 'deliver' / 'ternary_add.v'}\n"
            f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -nodsp -top {top}\n"
            "tee -q -o stat.json stat -json\n"
        )
        ended = run_script(folder, "run.ys", "run.log")
        require_written(ended, "run.log", folder / "stat.json")
        found = json.loads((folder / "stat.json").read_text())["design"]["num_cells_by_type"]
    counts = {n: c["count"] if isinstance(c, dict) else c for n, c in found.items()}
    return (
        sum(count for name, count in counts.items() if name.startswith("LUT")),
        sum(count for name, count in counts.items() if name.startswith("FD")),
    )


def circuit_cells(circuit: Circuit, plan: Schedule) -> tuple[int, int]:
    """What Yosys makes of a circuit by itself."""
    spans = [circuit.ranges[wire] for wire in circuit.outputs]
    written = IntType(min(lo for lo, _ in spans), max(hi for _, hi in spans))
    read = IntType(min(k.lo for k in circuit.inputs), max(k.hi for k in circuit.inputs))
    return yosys_cells(module("bench", "A circuit.", circuit, plan, (read, written)), "bench")


def simulated(design: AdderDesign) -> int:
    """Integers of the RTL that differ from the oracle's, of every layer."""
    graph = design.graph
    given = integer_vectors(graph, VECTORS, 0)
    expected = interpreter.run(graph, given)
    emitted = ADDERS.emit(design, {name: values[:2] for name, values in expected.items()})
    inputs = {layer.output.name: expected[layer.output.name] for layer in graph.inputs}
    with tempfile.TemporaryDirectory() as scratch:
        (run,) = ADDERS.simulate(
            emitted, [inputs], "rtl", compiler=find_compiler(), workdir=Path(scratch)
        )
    return compare(expected, run.values, graph).mismatches


def matrix(weight: IntArray, *, shared: bool) -> Circuit:
    """The circuit of a product of 6-bit inputs with a matrix; without sharing, term by term."""
    builder = Builder([IntType(0, 63)] * len(weight))
    inputs = [builder.source(index) for index in range(len(weight))]
    if shared:
        return builder.finish(
            place(of_three(solve(weight, [(0, 63)] * len(weight))), builder, inputs)
        )
    return builder.finish([_alone(builder, inputs, column) for column in weight.T])


def _alone(builder: Builder, inputs: Sequence[int], column: IntArray) -> int:
    """A balanced tree of the products of one output."""
    terms = [times(builder, x, int(w)) for x, w in zip(inputs, column) if w]
    while len(terms) > 1:
        pairs = [builder.sum(a, b) for a, b in zip(terms[::2], terms[1::2])]
        terms = pairs + terms[len(terms) - len(terms) % 2 :]
    return terms[0] if terms else builder.constant(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out the largest networks")
    quick = parser.parse_args().quick
    console, board, wrong = Console(), load_board("pynq-z2"), 0
    table = Table("network", "levels", "stages", "LUT counted", "Yosys", "FF counted", "Yosys",
                  "integers wrong")  # fmt: skip
    for name in NETWORKS:
        if quick and name in LARGE:
            continue
        graph = lower(read_network(load(name))).graph
        goal = Goal(board=board, clock_mhz=board.clock_mhz_default, target=Target())
        design = ADDERS.fold(graph, goal).design
        bare = replace(design.circuit, taps={})
        found, mismatches = circuit_cells(bare, design.plan), simulated(design)
        wrong += mismatches
        table.add_row(
            name, str(design.levels), str(design.plan.stages), f"{sum(luts(bare)):,.0f}",
            f"{found[0]:,}", f"{design.plan.registers:,}", f"{found[1]:,}", f"{mismatches}",
        )  # fmt: skip
    console.print(table)
    layers, ratios = Table("layer", "solver's cost", "counted", "Yosys", "not shared"), []
    for seed, (rows, columns, bits, zeros) in enumerate(LAYERS):
        rng = np.random.default_rng(seed)
        reach = 1 << (bits - 1)
        weight = rng.integers(1 - reach, reach, (rows, columns))
        weight[rng.random(weight.shape) < zeros] = 0
        circuit, plain = (matrix(weight, shared=shared) for shared in (True, False))
        counted = sum(luts(circuit))
        made = circuit_cells(circuit, schedule(circuit, 100))[0]
        ratios.append(made / max(counted, 1))
        theirs = solve(weight, [(0, 63)] * rows).theirs
        layers.add_row(f"{rows}x{columns}, {bits} bits, {zeros:.0%} zeros", f"{theirs:,.0f}",
                       f"{counted:,.0f}", f"{made:,}", f"{sum(luts(plain)):,.0f}")  # fmt: skip
    console.print(layers)
    console.print(f"Yosys / counted: {min(ratios):.2f} to {max(ratios):.2f}, "
                  f"median {median(ratios):.2f}")  # fmt: skip
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
