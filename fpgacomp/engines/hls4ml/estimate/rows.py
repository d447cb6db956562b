"""Published synthesis results of hls4ml as rows of terms and measured figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from typing import cast, get_args

import numpy as np

from fpgacomp.devices.families import FAMILIES, family_of
from fpgacomp.engines.hls4ml.estimate.layer import (
    convolution_terms,
    dense_terms,
    elementwise_terms,
    interface_terms,
    softmax_terms,
    typical,
)
from fpgacomp.engines.hls4ml.estimate.reported import Reported, of_params, of_text
from fpgacomp.engines.hls4ml.limits import MAX_REUSE, UNROLL_LIMIT
from fpgacomp.engines.hls4ml.reuse_factors import resource_reuse_factors
from fpgacomp.engines.hls4ml.timing import product_cycles, stream_convolution
from fpgacomp.engines.shared.products import Product
from fpgacomp.engines.shared.release import release_of
from fpgacomp.engines.shared.rows import (
    CsvRow,
    NotRebuilt,
    Part,
    Row,
    block_ram,
    clock_ns,
    figures,
    repository,
)
from fpgacomp.engines.shared.terms import (
    Strategy,
    Terms,
    fifo_terms,
    least_constant_product,
    merge,
    process_terms,
    unit_terms,
    window_terms,
)
from fpgacomp.engines.shared.weight_stats import WeightStats, typical_stats, weight_stats
from fpgacomp.ir.types import IntArray
from fpgacomp.results.estimate import Stage

_LAYER = {"lut": "lut", "ff": "ff", "dsp": "dsp", "bram18": "bram18",
          "cycles": "lat_max", "interval": "ii_max"}  # fmt: skip
_SWEEP = {"lut": "LUT_hls", "ff": "FF_hls", "dsp": "DSP_hls", "bram18": "BRAM_18K_hls",
          "cycles": "WorstLatency_hls", "interval": "IntervalMax_hls"}  # fmt: skip
_DESIGN = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM18"}
_DENSE = ("dense", "dense_latency", "dense_resource")
_CONV = ("conv_1d_cl", "conv_2d_cl")
_SWEPT_BITS = 16  # hls4ml's default type, which the sweeps leave for inputs and accumulators
_MOST_SWEPT_BITS = 32
_MOST_WEIGHTS = 1 << 20  # of a layer of the sweeps, whose weights are drawn one by one
STAGES: Mapping[str, Stage] = {
    "csynth": "csynth", "csynth (paper)": "csynth", "logic_synth_ooc": "logic_synth",
    "ooc_synth": "logic_synth", "impl_optimized": "implementation",
    "impl_placed": "implementation", "impl_routed": "implementation",
}  # fmt: skip


class _Foreign(Exception):
    """Why a layer cannot be rebuilt."""


def layer_row(x: CsvRow) -> Row | NotRebuilt:
    """A row of hls4ml_csynth_layers.csv, one layer at C synthesis."""
    if not x["params"]:
        return NotRebuilt("the report states no parameters")
    if "/LUT_" in x["report"]:
        return NotRebuilt("the authors forced products into fabric")
    try:
        layer = of_params(x["op"], x["params"])
        part, timing = _part(layer, x["tool"], x["part"], clock_ns(x["clk_target_ns"]))
    except (_Foreign, ValueError) as error:
        return NotRebuilt(str(error))
    return Row(repository(x["repo"]), part.kind, (part,), figures(x, _LAYER), timing)


def design_row(x: CsvRow) -> Row | NotRebuilt:
    """A row of designs.csv whose `layers` are hls4ml's firmware."""
    if x["stage"] not in STAGES:
        return NotRebuilt(f"stage {x['stage']} is not one that is predicted")
    if "LUT_" in x["network"]:
        return NotRebuilt("the authors forced products into fabric")
    try:
        layers = list(of_text(x["layers"]))
        clock = clock_ns(x["clock_target_ns"])
        parts = [_part(layer, x["hls_tool"], x["device"], clock)[0] for layer in layers]
    except (_Foreign, ValueError) as error:
        return NotRebuilt(str(error))
    ports = interface_terms(_port_bits(layers), stream=layers[0].streamed)
    fifos = merge(_fifo(layer) for layer in layers if layer.streamed)
    found = (*parts, Part("activation", merge([ports, fifos])))
    return Row(repository(x["source"]), "design", found, figures(x, _DESIGN),
               stage=STAGES[x["stage"]])  # fmt: skip


def _fifo(layer: Reported) -> Terms:
    """The FIFO behind a layer: a frame's words deep, as hls4ml makes it unless told otherwise."""
    sizes = layer.sizes
    lanes = sizes.get("n_out", layer.lanes)
    pixels = sizes.get("out_height", sizes.get("in_height", 1)) * sizes.get(
        "out_width", sizes.get("in_width", 1)
    )
    return fifo_terms(lanes * (layer.bits("out_t") or 0), pixels)


def _port_bits(layers: Sequence[Reported]) -> int:
    first, last = layers[0], layers[-1]
    return first.lanes * (first.bits("in_t") or 0) + last.sizes.get("n_out", last.lanes) * (
        last.bits("out_t") or 0
    )


def _part(layer: Reported, tool: str, part: str, clock: float) -> tuple[Part, Mapping[str, float]]:
    """The layer's terms, and its cycles where they are predicted.

    Raises:
        _Foreign: a figure is missing, or fpgacomp never emits this form.
    """
    in_bits, out_bits = layer.bits("in_t"), layer.bits("out_t")
    if not in_bits:
        raise _Foreign("the input's width is not stated")
    if layer.op in _DENSE:
        unit = _product(layer, in_bits, tool, part, clock)
        terms = dense_terms(unit, stream=layer.streamed, lanes=layer.lanes)
        cycles, interval = product_cycles(unit)
        timing = {} if layer.streamed else {"cycles": cycles, "interval": interval}
        return Part(typical(unit.strategy, unit), terms), timing
    if layer.op in _CONV and layer.streamed:
        return _convolution(layer, in_bits, tool, part, clock)
    terms = _other_terms(layer, in_bits, out_bits or in_bits)
    return Part("activation" if layer.op in ("relu", "linear") else "foreign", terms), {}


def _other_terms(layer: Reported, in_bits: int, out_bits: int) -> Terms:
    """What a layer without products is made of.

    Raises:
        _Foreign: neither fpgacomp emits a layer like it, nor is it known what it takes.
    """
    lanes, stream = layer.lanes, layer.streamed
    match layer.op:
        case "relu" | "linear" if layer.saturates("out_t"):
            return elementwise_terms(lanes, in_bits, out_bits, stream=stream)
        case "hard_tanh":
            return elementwise_terms(lanes, in_bits, out_bits, stream=stream)
        case op if op in ("relu", "linear") or "quant" in op:
            return unit_terms({"gate": lanes * out_bits}, {"register": lanes * out_bits})
        case "pooling2d_cl" if stream and "in_width" in layer.sizes:
            return _pool_terms(layer, in_bits)
        case "softmax":
            return softmax_terms(lanes, shared=layer.sizes.get("rf", 1) > 1 and stream)
        case "normalize":
            return unit_terms({"scaled": lanes * in_bits}, {"register": lanes * out_bits})
        case "zeropad1d_cl" | "zeropad2d_cl":
            return unit_terms({"gate": 3 * lanes * in_bits})
        case op:
            raise _Foreign(f"fpgacomp emits no layer like {op[:40]}")


def _pool_terms(layer: Reported, in_bits: int) -> Terms:
    sizes, channels = layer.sizes, layer.lanes
    height = sizes.get("pool_height", sizes.get("filt_height", 1))
    taps = height * sizes.get("pool_width", sizes.get("filt_width", 1))
    window = window_terms(taps * channels, in_bits, height - 1, channels, sizes["in_width"])
    cells = unit_terms({"pool": (taps - 1) * channels * in_bits})
    return merge([window, cells, process_terms()])


def _convolution(
    layer: Reported, in_bits: int, tool: str, part: str, clock: float
) -> tuple[Part, Mapping[str, float]]:
    sizes = layer.sizes
    if "in_width" not in sizes or "n_chan" not in sizes:
        raise _Foreign("the sizes are not stated")
    if layer.lanes != sizes["n_chan"]:
        raise _Foreign("the authors' headers stream other words than pixels")
    unit = _product(layer, in_bits, tool, part, clock)
    width, height = sizes["in_width"], sizes.get("filt_height", 1)
    fill = (height - 1) * width + sizes.get("filt_width", 1)
    found = stream_convolution(unit, pixels=layer.pixels, fill=fill, release=release_of(tool))
    terms = convolution_terms(unit, rows=height - 1, channels=sizes["n_chan"], width=width)
    return Part(typical("conv", unit), terms), {"cycles": found.cycles, "interval": found.interval}


def _product(layer: Reported, in_bits: int, tool: str, part: str, clock: float) -> Product:
    """The layer's sum of products.

    Raises:
        _Foreign: the report lacks a width, or fpgacomp never emits this form: beyond the unroll
            limit, a reuse factor that hls4ml changes or beyond MAX_REUSE, an accumulator that
            rounds and saturates at every addition.
    """
    weight_bits, acc_bits = layer.bits("weight_t"), layer.bits("accum_t")
    if not weight_bits or not acc_bits or layer.sizes.get("rf", 0) < 1:
        raise _Foreign("a width or the reuse factor is not stated")
    if layer.saturates("accum_t"):
        raise _Foreign("the accumulator saturates at every addition")
    n_in, n_out, rf = (layer.sizes.get(name, 0) for name in ("n_in", "n_out", "rf"))
    if min(n_in, n_out) < 1:
        raise _Foreign("the sizes are not stated")
    strategy: Strategy = "latency" if layer.types.get("strategy") == "latency" else "resource"
    why = _never_emitted(n_in, n_out, rf, strategy)
    if why:
        raise _Foreign(why)
    zeros = min(layer.sizes.get("n_zeros", 0), n_in * n_out)
    return Product(
        n_in=n_in, n_out=n_out, products=n_in * n_out,
        stats=typical_stats(n_in, n_out, weight_bits, n_in * n_out - zeros),
        in_bits=in_bits, weight_bits=weight_bits, acc_bits=acc_bits, strategy=strategy,
        reuse_factor=rf, clock_ns=clock, level_ns=level_ns(part),
        least_constant_product=least_constant_product(release_of(tool)),
    )  # fmt: skip


def _never_emitted(n_in: int, n_out: int, rf: int, strategy: Strategy) -> str:
    if rf > MAX_REUSE:
        return f"reuse factor {rf} is beyond {MAX_REUSE}"
    if strategy == "latency" and n_in * n_out > UNROLL_LIMIT:
        return f"{n_in * n_out} products are unrolled, beyond Vitis' limit"
    if strategy == "resource" and rf not in resource_reuse_factors(n_in, n_out):
        return f"reuse factor {rf} is not one that hls4ml keeps"
    return ""


def level_ns(part: str) -> float:
    """Delay of one adder level of the part that a report was made for.

    Raises:
        ValueError: the part's family is not known.
    """
    known = family_of(part)
    if known is None:
        raise ValueError(f"the device family of part {part[:40]!r} is not known")
    return FAMILIES[known].level_ns


def lecun_weights(n_in: int, n_out: int, bits: int) -> IntArray:
    """The sweeps' own weights: lecun_uniform, quantized to `bits` with no integer bit."""
    limit = sqrt(3 / n_in)
    drawn = np.random.default_rng(0).uniform(-limit, limit, (n_in, n_out))
    top = 1 << (bits - 1)
    return np.clip(np.round(drawn * top), -top, top - 1).astype(np.int64)


@lru_cache(maxsize=4096)
def _lecun_stats(n_in: int, n_out: int, bits: int) -> WeightStats:
    return weight_stats(lecun_weights(n_in, n_out, bits))


def swept_row(x: CsvRow) -> Row | NotRebuilt:
    """A row of hls4ml_dense_csynth.csv, one Dense at C synthesis with its top level."""
    if x["hls_synth_success"] != "True":
        return NotRebuilt("synthesis failed")
    try:
        n_in, n_out, rf = (_size(x[name]) for name in ("d_in", "d_out", "rf"))
        bits, strategy = _swept_width(x["prec"]), _strategy(x["strategy"])
        _check_weights(n_in, n_out)
    except ValueError as error:
        return NotRebuilt(str(error))
    constant = strategy == "latency" or rf == 1
    if constant and bits <= 2:
        return NotRebuilt("2-bit weights select a ternary product, which fpgacomp never emits")
    if why := _never_emitted(n_in, n_out, rf, strategy):
        return NotRebuilt(why)
    unit = _swept(n_in, n_out, bits, strategy, rf)
    cycles, interval = product_cycles(unit)
    parts = (Part(unit.strategy, dense_terms(unit, stream=False)), _ports(n_in, n_out))
    return Row("fastmachinelearning/wa-hls4ml-search", unit.strategy, parts, figures(x, _SWEEP),
               {"cycles": cycles, "interval": interval})  # fmt: skip


def two_dense_row(x: CsvRow) -> Row | NotRebuilt:
    """A row of hls4ml_two_dense_logic_synth.csv: two Dense, the nearest valid reuse factor each."""
    try:
        sizes = _layer_sizes(x["arch"])
        bits, wanted = _swept_width(x["prec_bits"]), _size(x["reuse_factor"])
    except ValueError as error:
        return NotRebuilt(str(error))
    parts = []
    for n_in, n_out in pairwise(sizes):
        nearest = min(resource_reuse_factors(n_in, n_out), key=lambda rf: (abs(rf - wanted), rf))
        unit = _swept(n_in, n_out, bits, "resource", nearest)
        parts.append(Part("resource", dense_terms(unit, stream=False)))
    actual = figures(x, {"lut": "LUT", "ff": "FF", "dsp": "DSP"}) | block_ram(x, of36="BRAM36")
    source = x["source"].split(" ")[0] or "unknown"
    return Row(repository(source), "resource", (*parts, _ports(sizes[0], sizes[-1])), actual,
               stage="logic_synth")  # fmt: skip


def _layer_sizes(text: str) -> list[int]:
    """Inputs, hidden neurons and outputs of two Dense layers, written as 64-112-128.

    Raises:
        ValueError: the cell states something else, or more weights than are rebuilt.
    """
    sizes = [_size(n) for n in text.split("-")]
    if len(sizes) != 3:
        raise ValueError(f"arch {text[:40]!r} is not of the form inputs-hidden-outputs")
    for n_in, n_out in pairwise(sizes):
        _check_weights(n_in, n_out)
    return sizes


def _swept(n_in: int, n_out: int, bits: int, strategy: Strategy, rf: int) -> Product:
    return Product(
        n_in=n_in, n_out=n_out, products=n_in * n_out, stats=_lecun_stats(n_in, n_out, bits),
        in_bits=_SWEPT_BITS, weight_bits=bits, acc_bits=_SWEPT_BITS, strategy=strategy,
        reuse_factor=rf,
    )  # fmt: skip


def _ports(n_in: int, n_out: int) -> Part:
    return Part("activation", interface_terms((n_in + n_out) * _SWEPT_BITS, stream=False))


def _strategy(text: str) -> Strategy:
    """The strategy that a cell names.

    Raises:
        ValueError: it is none of hls4ml's two.
    """
    for known in get_args(Strategy):
        if text == known:
            return cast("Strategy", known)
    raise ValueError(f"strategy {text[:40]!r} is neither latency nor resource")


def _swept_width(text: str) -> int:
    """The weights' bits that a cell of a sweep states.

    Raises:
        ValueError: it is not a whole number from 1 to 32.
    """
    bits = _size(text)
    if bits > _MOST_SWEPT_BITS:
        raise ValueError(f"weights of {bits} bits are wider than {_MOST_SWEPT_BITS}")
    return bits


def _check_weights(n_in: int, n_out: int) -> None:
    """Refuse matrices that are too large to draw their weights.

    Raises:
        ValueError: it is one.
    """
    if n_in * n_out > _MOST_WEIGHTS:
        raise ValueError(f"a layer has more than {_MOST_WEIGHTS} weights")


def _size(text: str) -> int:
    """A size that a cell states.

    Raises:
        ValueError: it is not a whole number from 1 to 65,536.
    """
    value = int(text)
    if not 1 <= value <= 1 << 16:
        raise ValueError(f"size {value} is not within 1..65536")
    return value
