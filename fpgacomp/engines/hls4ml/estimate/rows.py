"""Published synthesis results as rows of terms and measured figures (used by the fit only)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod, sqrt
from pathlib import Path

import numpy as np

from fpgacomp.devices.families import FAMILIES, family_of
from fpgacomp.engines.hls4ml.limits import MAX_REUSE, UNROLL_LIMIT
from fpgacomp.engines.hls4ml.operators.conv import STREAM_RESOURCE_STEP, STREAM_WINDOW_STEP
from fpgacomp.engines.hls4ml.operators.with_matrix import STREAM_PIXEL
from fpgacomp.engines.hls4ml.reuse_factors import resource_reuse_factors
from fpgacomp.engines.hls4ml.timing import product_cycles
from fpgacomp.engines.shared.digits import typical_weights
from fpgacomp.engines.shared.rows import CsvRow, Row, read_csv
from fpgacomp.engines.shared.terms import (
    DSP_MIN_CONSTANT_PRODUCT,
    DSP_MIN_PRODUCT,
    Product,
    Strategy,
    Terms,
    activation_terms,
    merge,
    process_terms,
    product_terms,
    unit_terms,
    unpack_terms,
    weight_stats,
    window_terms,
)
from fpgacomp.ir.types import IntArray


@dataclass(frozen=True)
class Pair:
    """One design with its figures after C synthesis and after logic synthesis."""

    family: str
    strategy: str
    csynth: Mapping[str, float]
    logic_synth: Mapping[str, float]


@dataclass(frozen=True)
class _Parameters:
    """Template parameters of one layer, as the report's C++ states them.

    Args:
        types: name -> declared C++ type or other text (in_t, accum_t, strategy, ...).
        sizes: name -> number (n_in, n_out, rf, in_width, ...).
    """

    types: Mapping[str, str]
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, text: str) -> _Parameters:
        """The parameters in the `params` column, a JSON object."""
        stated: dict[str, object] = json.loads(text)
        return cls(
            {name: value for name, value in stated.items() if isinstance(value, str)},
            {name: value for name, value in stated.items() if isinstance(value, int)},
        )

    def bits(self, name: str) -> int | None:
        """Width of a declared type; None where the report states none."""
        found = re.match(r"ap_u?(?:fixed|int)<(\d+)", self.types.get(name, ""))
        return int(found[1]) if found else None

    @property
    def streamed(self) -> bool:
        """Whether the input is a stream of words (nnet::array<..>*n*m), not an array."""
        return "*" in self.types["in_t"]

    @property
    def lanes(self) -> int:
        """Elements that arrive at once: of a stream's word, or of the whole array."""
        packed = re.search(r"\*(\d+)\*\d+$", self.types["in_t"])
        return int(packed[1]) if packed else self.sizes["n_in"]


def csynth_rows(folder: Path) -> list[Row]:
    """Every layer at C synthesis that hls4ml 1.3 would still build the same way."""
    layers = [row for x in read_csv(folder / "hls4ml_csynth_layers.csv") for row in _layer(x)]
    dense = read_csv(folder / "hls4ml_dense_csynth.csv")
    return layers + [_swept_dense(x) for x in dense if x["hls_synth_success"] == "True"]


def _layer(x: CsvRow) -> Iterator[Row]:
    """A row of hls4ml_csynth_layers.csv; `LUT_*` reports force products into fabric."""
    if not x["params"] or "/LUT_" in x["report"]:
        return
    params = _Parameters.of(x["params"])
    in_bits, out_bits = params.bits("in_t"), params.bits("out_t")
    if in_bits is None:
        return
    family = x["repo"].split("/")[0]
    actual = {
        "lut": float(x["lut"]), "ff": float(x["ff"]), "dsp": float(x["dsp"]),
        "bram18": float(x["bram18"]),
        "cycles": float(x["lat_max"] or 0), "interval": float(x["ii_max"] or 0),
    }  # fmt: skip
    if x["op"] in ("dense", "dense_latency", "conv_1d_cl", "conv_2d_cl"):
        unit = _product(x, params, in_bits)
        if unit is not None:
            yield _product_row(family, unit, params, x["op"], actual)
    elif x["op"] == "relu" and out_bits is not None and "AP_SAT" in params.types["out_t"]:
        lanes = params.lanes
        terms = [
            activation_terms(lanes, in_bits, out_bits),
            unit_terms({}, {"register": lanes * out_bits}),
        ]
        if params.streamed:
            terms.append(process_terms())
        yield Row(family, "activation", merge(terms), actual)


def _product(x: CsvRow, params: _Parameters, in_bits: int) -> Product | None:
    """None where the report lacks a width, or for a form that fpgacomp never emits.

    That is: beyond the unroll limit, a reuse factor that hls4ml changes or beyond
    MAX_REUSE, an accumulator that rounds and saturates at every addition, and headers
    changed by the authors (a stream word that is not one pixel's channels).
    """
    weight_bits, acc_bits = params.bits("weight_t"), params.bits("accum_t")
    if weight_bits is None or acc_bits is None or not params.sizes.get("rf"):
        return None
    foreign = x["op"].startswith("conv") and params.lanes != params.sizes["n_chan"]
    if foreign or "AP_SAT" in params.types["accum_t"]:
        return None
    n_in, n_out, rf = (params.sizes[name] for name in ("n_in", "n_out", "rf"))
    if rf > MAX_REUSE:
        return None
    strategy: Strategy = "latency" if params.types["strategy"] == "latency" else "resource"
    if strategy == "latency" and n_in * n_out > UNROLL_LIMIT:
        return None
    if strategy == "resource" and rf not in resource_reuse_factors(n_in, n_out):
        return None
    nonzero = n_in * n_out - params.sizes.get("n_zeros", 0)
    stats = weight_stats(typical_weights(n_in, n_out, weight_bits, nonzero))
    return Product(
        n_in=n_in, n_out=n_out, products=n_in * n_out, stats=stats, in_bits=in_bits,
        weight_bits=weight_bits, acc_bits=acc_bits, strategy=strategy, reuse_factor=rf,
        clock_ns=float(x["clk_target_ns"] or 5), level_ns=_level_ns(x["part"]),
        least_constant_product=DSP_MIN_CONSTANT_PRODUCT if x["tool"] >= "2022" else DSP_MIN_PRODUCT,
    )  # fmt: skip


def _level_ns(part: str) -> float:
    """Delay of one adder level of the part that a report was made for."""
    known = family_of(part)
    if known is None:
        raise ValueError(f"no device family is known for part {part!r} of a calibration row")
    return FAMILIES[known].level_ns


def _product_row(
    family: str, unit: Product, params: _Parameters, op: str, actual: Mapping[str, float]
) -> Row:
    parts = [product_terms(unit)]
    kind: str = unit.strategy
    timing: dict[str, float] = {}
    if op.startswith("dense"):
        if not params.streamed:
            timing = product_timing(unit)
        else:
            parts.append(process_terms())
            if params.lanes != unit.n_in:
                parts.append(unpack_terms(unit.n_in * unit.in_bits))
    else:
        kind = "conv"
        sizes = params.sizes
        height = sizes.get("filt_height", 1)
        parts += [
            window_terms(unit.n_in, unit.in_bits, height - 1, sizes["n_chan"], sizes["in_width"]),
            process_terms(),
        ]
        timing = _conv_timing(unit, params)
    return Row(family, kind, merge(parts), actual, timing)


def product_timing(unit: Product) -> dict[str, float]:
    """Cycles and interval of a Dense in io_parallel."""
    cycles, interval = product_cycles(unit)
    return {"cycles": cycles, "interval": interval}


def _conv_timing(unit: Product, params: _Parameters) -> dict[str, float]:
    pixels = prod(params.sizes.get(axis, 1) for axis in ("in_height", "in_width"))
    outputs = prod(params.sizes.get(axis, 1) for axis in ("out_height", "out_width"))
    if unit.strategy == "latency":
        _, interval = product_cycles(unit)
        step = max(interval, STREAM_WINDOW_STEP if "in_height" in params.sizes else 1)
        cycles = pixels * step + unit.depth + 2
    else:
        per_output = unit.reuse_factor + STREAM_RESOURCE_STEP - STREAM_PIXEL
        cycles = pixels * STREAM_PIXEL + outputs * per_output
    return {"cycles": cycles, "interval": cycles}


def lecun_weights(n_in: int, n_out: int, bits: int) -> IntArray:
    """The sweeps' own weights: lecun_uniform, quantized to `bits` with no integer bit."""
    limit = sqrt(3 / n_in)
    drawn = np.random.default_rng(0).uniform(-limit, limit, (n_in, n_out))
    top = 1 << (bits - 1)
    return np.clip(np.round(drawn * top), -top, top - 1).astype(np.int64)


def _swept_dense(x: CsvRow) -> Row:
    n_in, n_out, bits = int(x["d_in"]), int(x["d_out"]), int(x["prec"])
    unit = Product(
        n_in=n_in, n_out=n_out, products=n_in * n_out,
        stats=weight_stats(lecun_weights(n_in, n_out, bits)), in_bits=16, weight_bits=bits,
        acc_bits=16, strategy="latency" if x["strategy"] == "latency" else "resource",
        reuse_factor=int(x["rf"]),
    )  # fmt: skip
    actual = {
        "lut": float(x["LUT_hls"]), "ff": float(x["FF_hls"]), "dsp": float(x["DSP_hls"]),
        "bram18": float(x["BRAM_18K_hls"]),
        "cycles": float(x["WorstLatency_hls"]), "interval": float(x["IntervalMax_hls"]),
    }  # fmt: skip
    terms = merge([product_terms(unit), _whole_design()])
    return Row("wa-hls4ml-search", unit.strategy, terms, actual, product_timing(unit))


def _whole_design() -> Terms:
    """Marks a report that covers a top level too; the product does not use its coefficient."""
    return unit_terms({"design": 1.0}, {"design": 1.0})


def logic_synth_rows(folder: Path) -> list[Row]:
    """Two Dense layers after logic synthesis, Resource, the nearest valid reuse factor each."""
    return [_two_dense(x) for x in read_csv(folder / "hls4ml_two_dense_logic_synth.csv")]


def _two_dense(x: CsvRow) -> Row:
    sizes = [int(n) for n in x["arch"].split("-")]
    bits, wanted = int(x["prec_bits"]), int(x["reuse_factor"])
    parts = [_whole_design()]
    for n_in, n_out in pairwise(sizes):
        valid = resource_reuse_factors(n_in, n_out)
        nearest = min(valid, key=lambda rf: (abs(rf - wanted), rf))
        stats = weight_stats(lecun_weights(n_in, n_out, bits))
        parts.append(product_terms(Product(
            n_in=n_in, n_out=n_out, products=n_in * n_out, stats=stats, in_bits=16,
            weight_bits=bits, acc_bits=16, strategy="resource", reuse_factor=nearest,
        )))  # fmt: skip
    actual = {
        "lut": float(x["LUT"]), "ff": float(x["FF"]), "dsp": float(x["DSP"]),
        "bram18": 2 * float(x["BRAM36"]),
    }  # fmt: skip
    return Row("wa-hls4ml-two-dense", "resource", merge(parts), actual)


def stage_pairs(folder: Path) -> list[Pair]:
    """hls4ml designs known at C synthesis and after logic synthesis."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for x in read_csv(folder / "designs.csv"):
        if x["flow"] == "hls4ml" and x["pair_id"]:
            found.setdefault(x["pair_id"], {})[x["stage"]] = x
    return [
        _pair(stages["csynth"], stages["logic_synth_ooc"])
        for stages in found.values()
        if {"csynth", "logic_synth_ooc"} <= stages.keys()
    ]


def _pair(csynth: CsvRow, logic: CsvRow) -> Pair:
    text = f"{csynth['network']} {csynth['folding']} {csynth['layers']}".lower()
    folded = "resource" in text or "10k" in text or "phil" in text
    family = csynth["source"].removeprefix("github ").split("/")[0]
    return Pair(family, "resource" if folded else "latency", _figures(csynth), _figures(logic))


def _figures(x: CsvRow) -> dict[str, float]:
    names = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM18"}
    return {name: float(x[column]) for name, column in names.items() if x[column]}
