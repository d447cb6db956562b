"""Fits the costs of streaming operators to published FINN nodes after implementation.

A row is a distinct node, by attributes, sizes and folding; several builds of it count once.
Every error that is stated comes from a fit that did not see the row.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.engines.shared.fitting import Cost, dot, fit_terms
from fpgacomp.engines.shared.rows import CsvRow, Row, read_csv
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.operators.convert import converter_terms
from fpgacomp.engines.stream.operators.matrix_vector import matrix_terms
from fpgacomp.engines.stream.operators.thresholds import thresholds_terms

# Costs that no published node shows by itself, derived from the fabric: one LUT and register per
# bit where the term counts bits, a comparison of variables two bits a LUT6, half a LUT per bit of
# a word selected or gated on its way, a LUT6 per 64 ROM bits, a shift register LUT per 32 words.
FIXED: Cost = {
    "lut": {"wire": 0.5, "adder": 1.0, "rom": 1.0, "ram": 1.0, "comparator": 0.5, "fifo": 1.0},
    "ff": {"wire": 1.0, "register": 1.0, "fifo": 1.0},
    "dsp": {"product": 1.0, "scale": 1.0},
    "bram18": {"rom": 1.0, "buffer": 1.0, "fifo": 1.0},
}
FLOOR = 5.0  # LUTs or registers below which errors count as if the node had so many
BITS = {"BINARY": 1, "BIPOLAR": 1}
# HLS operators that only move words: their cost is a state machine with its handshakes.
PLAIN = ("ElementwiseAdd_hls", "ReplicateStream_hls", "Squeeze_hls", "Unsqueeze_hls")


def _bits(name: str) -> int:
    return BITS.get(name) or int("".join(c for c in name if c.isdigit()))


def stream_rows(folder: Path) -> list[Row]:
    """The distinct nodes whose terms follow from their published attributes.

    Args:
        folder: with finn_nodes.csv.
    """
    found: dict[str, list[Row]] = {}
    for x in read_csv(folder / "finn_nodes.csv"):
        if x["syn_LUT"] and (row := _row(x)) is not None:
            # Nodes without attributes differ in nothing but their names.
            unknown = x["node"] if row.kind in ("process", "window") else ""
            key = json.dumps([row.kind, row.terms, unknown], sort_keys=True)
            found.setdefault(key, []).append(row)
    return [
        Row(f"{rows[0].family} {index}", rows[0].kind, rows[0].terms, _median(rows))
        for index, rows in enumerate(found.values())
    ]


def _median(rows: Sequence[Row]) -> dict[str, float]:
    return {q: float(np.median([row.actual[q] for row in rows])) for q in rows[0].actual}


def _row(x: CsvRow) -> Row | None:
    attrs: Mapping[str, Any] = json.loads(x["attrs"] or "{}")
    family = x["repo"].split("/")[0]
    # FINN streams weights through shift registers; the designs estimated here have none.
    actual = {"lut": float(x["syn_LUT"]) - float(x["syn_SRL"] or 0), "ff": float(x["syn_FF"]),
              "dsp": float(x["syn_DSP"]),
              "bram18": 2 * float(x["syn_BRAM36"]) + float(x["syn_BRAM18"])}  # fmt: skip
    match x["op"]:
        case "MVAU_hls" if x["SIMD"] and x["PE"]:
            if not x["MW"]:
                actual.pop("bram18")  # the depth of its weight memory is not stated
            return Row(family, "matrix", _matrix(x), actual)
        case "Thresholding_rtl" if attrs:
            bits = _bits(attrs["inputDataType"])
            terms = thresholds_terms(
                lanes=attrs["PE"], channels=attrs["NumChannels"], rows=1, count=attrs["numSteps"],
                in_bits=bits, levels=0, memory="auto",
            )  # fmt: skip
            return Row(family, "thresholds", terms, actual)
        case "StreamingDataWidthConverter_rtl" if attrs:
            terms = converter_terms(attrs["inWidth"], attrs["outWidth"])
            return Row(family, "converter", terms, actual)
        case "StreamingFIFO_rtl" if attrs and attrs["depth"] <= 2:
            bits = _bits(attrs["dataType"]) * attrs["folded_shape"][-1]
            terms = unit_terms({"fifo_process": 1, "fifo_wire": bits},
                               {"fifo_process": 1, "fifo_wire": 2 * bits})  # fmt: skip
            return Row(family, "fifo", terms, actual)
        case "ConvolutionInputGenerator_rtl":
            return Row(family, "window", unit_terms({"window": 1}, {"window": 1}), actual)
        case op if op in PLAIN and not actual["dsp"]:
            return Row(family, "process", unit_terms({"process": 1}, {"process": 1}), actual)
    return None


def _matrix(x: CsvRow) -> Terms:
    """Terms of a matrix node.

    Where its report gives no widths, they are the network's: 2 bits, and 8 at its input.
    """
    simd, pe = round(float(x["SIMD"])), round(float(x["PE"]))
    dsp = float(x["syn_DSP"])
    if x["MW"]:
        weight, data = _bits(x["weightDataType"]), _bits(x["inputDataType"])
        reads, rows = round(float(x["MW"])) // simd, round(float(x["MH"])) // pe
    else:
        weight, data, reads, rows = 2, 8 if dsp else 2, 2, 2
    in_luts = not float(x["syn_BRAM36"]) + float(x["syn_BRAM18"])
    return matrix_terms(
        pe=pe, simd=simd, weight_bits=weight, input_bits=data, acc_bits=8, reads=reads, rows=rows,
        dsp=dsp, bipolar=weight == data == 1, memory="lutram" if in_luts else "bram",
    )  # fmt: skip


def fit_stream(rows: Sequence[Row]) -> Cost:
    """Cost of each term, by relative non-negative least squares per kind of node."""
    cost: Cost = {resource: dict(fixed) for resource, fixed in FIXED.items()}
    for kind in sorted({row.kind for row in rows}):
        for resource in ("lut", "ff"):
            cost[resource] |= fit_terms(
                [row for row in rows if row.kind == kind], resource,
                fixed=FIXED[resource], known=cost[resource], floor=FLOOR,
            )  # fmt: skip
    return cost


def held_out(rows: Sequence[Row]) -> list[tuple[Row, dict[str, float]]]:
    """Each row with its prediction by a fit without it.

    A term that only this row has costs nothing in that fit.
    """
    predicted = []
    for row in rows:
        cost = fit_stream([other for other in rows if other is not row])
        predicted.append((row, {r: dot(cost[r], row.terms[r]) for r in FIXED}))
    return predicted


def stream_content(folder: Path) -> dict[str, Any]:
    """The content of this engine's coefficients.json."""
    rows = stream_rows(folder)
    unseen = held_out(rows)
    return {
        "cost": fit_stream(rows),
        "spread": _spreads(unseen),
        "errors": _errors(unseen),
        "rows": dict(sorted(Counter(f"{r.family.split()[0]} {r.kind}" for r in rows).items())),
    }


def _kinds(unseen: Iterable[tuple[Row, Mapping[str, float]]]) -> list[str]:
    return sorted({row.kind for row, _ in unseen})


def _spreads(unseen: Sequence[tuple[Row, Mapping[str, float]]]) -> dict[str, Any]:
    """The 10 % and 90 % quantiles of measured / predicted, per kind of node and resource."""
    found: dict[str, Any] = {}
    for kind in _kinds(unseen):
        found[kind] = {}
        for resource in ("lut", "ff"):
            log = [
                np.log(max(row.actual[resource], FLOOR) / max(guess[resource], FLOOR))
                for row, guess in unseen
                if row.kind == kind
            ]
            low, high = np.exp(np.quantile(log, [0.1, 0.9]))
            found[kind][resource] = [round(min(low, 1.0), 3), round(max(high, 1.0), 3)]
    return found


def _errors(unseen: Sequence[tuple[Row, Mapping[str, float]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in _kinds(unseen):
        found[kind] = {}
        for resource in FIXED:
            pairs = [
                (guess[resource], row.actual[resource])
                for row, guess in unseen
                if row.kind == kind
                and max(guess[resource], row.actual.get(resource, 0)) > 0
                and resource in row.actual
            ]
            if pairs:
                guess, actual = np.array(pairs).T
                share = 200 * np.abs(guess - actual) / (guess + actual)
                some = actual > 0
                relative = 100 * np.abs(guess - actual)[some] / actual[some]
                found[kind][resource] = {
                    "count": len(pairs),
                    "median_ape": round(float(np.median(relative)), 1) if some.any() else None,
                    "smape": round(float(share.mean()), 1),
                    "sum_ratio": round(float(guess.sum() / actual.sum()), 2)
                    if some.any()
                    else None,
                }
    return found


def stream_markdown(content: Mapping[str, Any]) -> str:
    """The error table of docs/estimates.md."""
    lines = ["| nodes | quantity | n | median APE % | SMAPE % | sum predicted / measured |"]
    lines.append("|---|---|---|---|---|---|")
    for kind, quantities in content["errors"].items():
        for quantity, found in quantities.items():
            numbers = [found[name] for name in ("count", "median_ape", "smape", "sum_ratio")]
            lines.append("| " + " | ".join([kind, quantity, *map(str, numbers)]) + " |")
    return "\n".join(lines)
