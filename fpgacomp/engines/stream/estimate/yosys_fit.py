"""Fits the costs of operators in Yosys' netlists to measured modules and designs.

A row is a module of a netlist (examples/measure_yosys.py), or all modules of a design together,
by the terms of `open_tools`. What one unit costs before anything is measured follows from LUTs of
four inputs: an adder bit is one LUT with its carry, 16 bits of a table are one LUT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from typing import Any

from fpgacomp.engines.shared.calibrate import LATE, Costs, content
from fpgacomp.engines.shared.fitting import Cost, fit_costs, rounded
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import dot
from fpgacomp.engines.stream.estimate.fit import distinct

KINDS = ("converter", "matrix", "process", "thresholds", "window", "fifo", "design")
FABRIC: Cost = {
    "lut": {
        "process": 35.0, "wire": 0.7, "adder": 1.3, "maximum": 2.0, "comparator": 1.0,
        "rom": 1.0, "ram": 1.0, "select": 0.8, "block_port": 0.5, "scale": 1.3,
        "matrix": 60.0, "input": 0.7, "product": 1.4, "constant": 1.3, "xnor": 1.5,
        "window_control": 3.0,
        "thresholds": 10.0, "thresholds_lane": 1.5,
        "converter": 8.0, "converter_select": 1.0,
        "fifo_process": 7.0, "fifo_wire": 0.7, "fifo_deep": 20.0,
        "control": 420.0,
    },
    "ff": {
        "process": 20.0, "wire": 1.0, "register": 1.0, "block_port": 0.5,
        "matrix": 40.0, "input": 1.0, "product_register": 0.6, "xnor": 0.5,
        "window_control": 1.5,
        "thresholds": 10.0, "thresholds_lane": 1.25,
        "converter": 5.0, "converter_keep": 1.0,
        "fifo_process": 3.0, "fifo_wire": 1.0, "fifo_deep": 8.0,
        "control": 196.0,
    },
    "dsp": {"product": 1.0},
    "bram18": {"block": 1.0},
}  # fmt: skip
_FEW = {"lut": (0.5, 2.0), "ff": (0.5, 2.0)}
ASSUMED: Mapping[str, Mapping[str, tuple[float, float]]] = dict.fromkeys(KINDS, _FEW)


def fit_yosys(rows: Sequence[Row]) -> Costs:
    """Stage -> cost of each term, fitted to these rows."""
    return {LATE: fit_costs(rows, FABRIC)}


# What all parts of a design share of the error: this power of the largest error of a whole design
# that the fit had not seen, and at least LEAST_SHARED.
_MARGIN, _LEAST_SHARED = 1.5, 1.2


# Designs that were synthesized after the fit lay that far off (measured / estimated): registers of
# unfolded ones, and line buffers that Yosys puts into blocks where a family has no LUT RAM.
_SEEN_SINCE: Mapping[str, Mapping[str, float]] = {
    "DP16KD": {"ff": 1.8}, "SB_RAM40_4K": {"bram18": 1.65},
}  # fmt: skip


def yosys_content(rows: Sequence[Row], block: str) -> dict[str, Any]:
    """The content of yosys.json for the family whose memory block has this name."""
    found = content(distinct(rows), fit_yosys, {LATE: KINDS}, ASSUMED)
    designs = [row for row in rows if row.kind == "design"]
    stage = found["stages"][LATE]
    for resource in ("lut", "ff"):
        errors = [
            abs(log(row.actual[resource] / dot(cost[LATE][resource], row.terms[resource])))
            for row, cost in _left_out(designs, rows)
        ]
        factor = rounded(max(exp(_MARGIN * max(errors)), _LEAST_SHARED))
        stage["tool"][resource] = [rounded(1 / factor), factor]
    for resource, factor in _SEEN_SINCE.get(block, {}).items():
        for factors in (stage["tool"], *stage["spread"].values()):
            low, high = factors[resource]
            factors[resource] = [low, max(high, factor)]
    return found | {"designs": len(designs)}


def _left_out(designs: Sequence[Row], rows: Sequence[Row]) -> Iterator[tuple[Row, Costs]]:
    """Each design with the costs of a fit that saw no design of its network."""
    for source in sorted({row.source for row in designs}):
        cost = fit_yosys(distinct([row for row in rows if row.source != source]))
        yield from ((row, cost) for row in designs if row.source == source)
