"""The price of one layer from its sizes alone: the estimator as a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fpgacomp.devices.families import FAMILIES, family_of
from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.hls4ml.estimate.layer import (
    convolution_terms,
    dense_terms,
    elementwise_terms,
)
from fpgacomp.engines.hls4ml.operators.dense import VECTOR_OVERHEAD
from fpgacomp.engines.hls4ml.timing import DEFAULT_TOOL, product_cycles, stream_convolution
from fpgacomp.engines.shared.products import Product
from fpgacomp.engines.shared.release import release_of
from fpgacomp.engines.shared.terms import (
    DSP_MIN_CONSTANT_PRODUCT,
    DSP_MIN_CONSTANT_PRODUCT_BEFORE_2022,
    Strategy,
    Terms,
)
from fpgacomp.engines.shared.weight_stats import WeightStats, typical_stats, weight_stats
from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.engines.stream.estimate import coefficients as stream
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms, fifo_words_terms
from fpgacomp.engines.stream.operators.convert import converter_terms
from fpgacomp.engines.stream.operators.matrix_vector import matrix_terms
from fpgacomp.engines.stream.operators.thresholds import thresholds_terms
from fpgacomp.engines.stream.operators.window import window_control, window_terms
from fpgacomp.errors import UsageError
from fpgacomp.results.estimate import LayerEstimate, Stage

LayerKind = Literal[
    "dense", "conv", "activation", "matrix", "thresholds", "window", "converter", "fifo"
]
_STAGES = get_args(Stage)
_MOST = 1 << 24  # largest size that is priced
_FASTEST_NS, _SLOWEST_NS = 0.1, 1e6
_NEEDS_PIXELS = ("conv", "window")


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """The arguments of `estimate_layer`, which describes them."""

    kind: LayerKind
    inputs: int
    outputs: int
    input_bits: int
    weight_bits: int
    accumulator_bits: int
    output_bits: int
    stats: WeightStats | None
    known: bool
    strategy: Strategy
    reuse_factor: int
    streamed: bool
    image: tuple[int, int]
    kernel: tuple[int, int]
    pe: int
    simd: int
    memory: Memory
    arithmetic: Arithmetic
    streamed_weights: bool
    depth: int
    stage: Stage
    tool: str
    clock_ns: float
    level_ns: float

    @property
    def weights(self) -> WeightStats:
        """Statistics of the layer's weights; typical ones where none were given."""
        if self.stats is not None:
            return self.stats
        taps = prod(self.kernel) * self.inputs
        return typical_stats(taps, self.outputs, self.weight_bits, taps * self.outputs)


@dataclass(frozen=True)
class _Priced:
    """What a layer is made of, the kind that its range comes from, and its cycles."""

    kind: str
    terms: Terms
    cycles: float
    interval: float


def estimate_layer(
    kind: LayerKind,
    *,
    inputs: int,
    outputs: int = 1,
    input_bits: int = 8,
    weight_bits: int = 8,
    accumulator_bits: int | None = None,
    output_bits: int = 8,
    weights: npt.ArrayLike | None = None,
    nonzero: int | None = None,
    signed_digits: int | None = None,
    strategy: Strategy = "latency",
    reuse_factor: int = 1,
    streamed: bool = False,
    image: tuple[int, int] = (1, 1),
    kernel: tuple[int, int] = (1, 1),
    pe: int = 1,
    simd: int = 1,
    memory: Memory = "auto",
    arithmetic: Arithmetic = "lut",
    streamed_weights: bool = False,
    depth: int = 2,
    stage: Stage = "logic_synth",
    tool: str = DEFAULT_TOOL,
    part: str = "xc7z020clg400-1",
    clock_mhz: float = 200.0,
) -> LayerEstimate:
    """Say what one layer takes on an FPGA and how fast it is, before any synthesis.

    The compiler's own estimates are made of the same terms at the same costs.

    Args:
        kind: dense and conv (a convolution between streams) and activation (a clip and round of
            every element) are layers as hls4ml builds them; matrix (a matrix times vectors),
            thresholds, window (an image's sliding windows), converter (of a stream's words) and
            fifo are operators of a streaming dataflow, as FINN has them.
        inputs: of the matrix for dense and matrix; channels of the image for conv and window;
            elements at once for activation; channels for thresholds. Not used by converter and
            fifo.
        outputs: of the matrix, or channels that a conv writes.
        input_bits: of an element; of a whole word for converter and fifo.
        weight_bits: of the weights' declared type.
        accumulator_bits: of a sum; by default wide enough for any sum.
        output_bits: of an element; of a whole word for converter.
        weights: the integer weights [inputs, outputs], or [kernel and channels, outputs] of a
            conv; they decide what unrolled layers take.
        nonzero: how many weights are not zero, where the weights are not given.
        signed_digits: sum of the weights' nonzero digits in canonical signed digit form, where
            the weights are not given.
        strategy: of hls4ml: latency gives each product its own hardware, resource shares
            multipliers.
        reuse_factor: of hls4ml: products per multiplier.
        streamed: whether a dense or activation stands between streams instead of arrays.
        image: rows and columns of the (padded) input, for conv and window.
        kernel: rows and columns, for conv and window.
        pe: outputs at once of a streaming operator.
        simd: inputs at once of a matrix; channels at once of a window.
        memory: where a streaming operator keeps its tables: auto, lutram, bram or uram.
        arithmetic: what multiplies in a matrix: lut or dsp.
        streamed_weights: whether a matrix gets its weights from a streamer beside it, as in
            FINN's internal_decoupled mode.
        depth: words of a fifo; thresholds per channel for thresholds.
        stage: csynth (what Vitis HLS reports), logic_synth or implementation.
        tool: release of the vendor tool, such as "2023.2".
        part: device, which decides the delay of an adder.
        clock_mhz: of the design.

    Returns:
        Resources, and cycles and interval of one frame. Each figure has a range that is to hold
        90 % of what the tools measure (docs/estimates.md says how often it does).

    Raises:
        UsageError: a value that no layer has.
    """
    pixels = prod(kernel) if kind in _NEEDS_PIXELS else 1
    stats = _stats(weights, nonzero, signed_digits, inputs * pixels, outputs, weight_bits)
    spec = LayerSpec(
        kind=kind, inputs=inputs, outputs=outputs, input_bits=input_bits, weight_bits=weight_bits,
        accumulator_bits=accumulator_bits
        or input_bits + weight_bits + max(inputs * pixels - 1, 1).bit_length(),
        output_bits=output_bits, stats=stats, known=weights is not None, strategy=strategy,
        reuse_factor=reuse_factor, streamed=streamed, image=image, kernel=kernel, pe=pe, simd=simd,
        memory=memory, arithmetic=arithmetic, streamed_weights=streamed_weights, depth=depth,
        stage=stage, tool=tool, clock_ns=1e3 / clock_mhz if clock_mhz > 0 else 0.0,
        level_ns=_level_ns(part),
    )  # fmt: skip
    _check(spec)
    return price(spec)


def price(spec: LayerSpec) -> LayerEstimate:
    """The estimate of a described layer, with the shipped coefficients."""
    rule, of_hls4ml = _RULES[spec.kind]
    found = rule(spec)
    cost = hls4ml.load(spec.stage) if of_hls4ml else stream.load()
    return LayerEstimate(
        cycles=cost.ranged("cycles", found.cycles, found.kind),
        interval=cost.ranged("interval", found.interval, found.kind),
        resources=cost.priced(found.terms, found.kind),
    )


def _stats(
    weights: npt.ArrayLike | None, nonzero: int | None, digits: int | None, rows: int,
    columns: int, bits: int,
) -> WeightStats | None:  # fmt: skip
    """Statistics of weights that are given, or typical ones with the counts that are given."""
    if weights is not None:
        array = np.asarray(weights)
        if array.ndim < 2 or not np.issubdtype(array.dtype, np.integer):
            raise UsageError(
                "weights", "is no array of integers [inputs, outputs].", "give such an array."
            )
        return weight_stats(array.reshape(-1, array.shape[-1]).astype(np.int64))
    if nonzero is None and digits is None:
        return None
    count = rows * columns if nonzero is None else nonzero
    if not 0 <= count <= rows * columns <= _MOST:
        raise UsageError(f"nonzero {count}", f"is not within 0..{rows * columns}.", "count again.")
    found = typical_stats(rows, columns, bits, count)
    if digits is None:
        return found
    typical = found.adders + sum(kind.adders for kind in found.wide.values())
    share = max(digits - count, 0) / typical if typical else 0.0
    wide = {own: replace(kind, adders=kind.adders * share) for own, kind in found.wide.items()}
    return replace(found, adders=found.adders * share, wide=wide)


def _level_ns(part: str) -> float:
    known = family_of(part)
    if known is None:
        raise UsageError(f"part {part!r}", "is of no known family.", "name it as its vendor does.")
    return FAMILIES[known].level_ns


def _check(spec: LayerSpec) -> None:
    """Refuse what no layer has, naming the argument."""
    if spec.kind not in _RULES:
        raise UsageError(f"kind {spec.kind!r}", "is unknown.", f"use one of {', '.join(_RULES)}.")
    if spec.stage not in _STAGES:
        raise UsageError(f"stage {spec.stage!r}", "is unknown.", f"use {' or '.join(_STAGES)}.")
    if not _FASTEST_NS <= spec.clock_ns <= _SLOWEST_NS:
        raise UsageError("clock_mhz", "is not within 0.001..10000.", "give the clock in MHz.")
    sizes = {name: getattr(spec, name) for name in _SIZES}
    sizes |= {"image": prod(spec.image), "kernel": prod(spec.kernel)}
    for name, value in sizes.items():
        if not 1 <= value <= _MOST:
            raise UsageError(f"{name} {value}", f"is not within 1..{_MOST}.", "give its real size.")
    if spec.inputs * spec.outputs * prod(spec.kernel) > _MOST:
        raise UsageError("inputs, outputs", f"have more than {_MOST} weights.", "split the layer.")
    if spec.kind == "matrix" and (spec.inputs % spec.simd or spec.outputs % spec.pe):
        where = f"pe {spec.pe}, simd {spec.simd}"
        raise UsageError(where, "do not divide outputs and inputs.", "choose divisors.")


_SIZES = ("inputs", "outputs", "input_bits", "weight_bits", "accumulator_bits", "output_bits",
          "reuse_factor", "pe", "simd", "depth")  # fmt: skip


def _product(spec: LayerSpec) -> Product:
    n_in = spec.inputs * prod(spec.kernel)
    newer = spec.tool >= "2022"
    return Product(
        n_in=n_in, n_out=spec.outputs, products=n_in * spec.outputs, stats=spec.weights,
        in_bits=spec.input_bits, weight_bits=spec.weight_bits, acc_bits=spec.accumulator_bits,
        strategy=spec.strategy, reuse_factor=spec.reuse_factor, clock_ns=spec.clock_ns,
        level_ns=spec.level_ns,
        least_constant_product=DSP_MIN_CONSTANT_PRODUCT if newer
        else DSP_MIN_CONSTANT_PRODUCT_BEFORE_2022,
    )  # fmt: skip


def _of_weights(kind: str, spec: LayerSpec, unit: Product) -> str:
    """The kind of the range: wider where weights are constants that are not known."""
    return f"{kind}_typical" if unit.constant_weights and not spec.known else kind


def _dense(spec: LayerSpec) -> _Priced:
    unit = _product(replace(spec, kernel=(1, 1)))
    cycles, interval = product_cycles(unit)
    if spec.streamed:
        cycles = interval = cycles + VECTOR_OVERHEAD
    terms = dense_terms(unit, stream=spec.streamed)
    return _Priced(_of_weights(unit.strategy, spec, unit), terms, cycles, interval)


def _conv(spec: LayerSpec) -> _Priced:
    unit, (rows, columns) = _product(spec), spec.kernel
    fill = (rows - 1) * spec.image[1] + columns
    found = stream_convolution(
        unit, pixels=prod(spec.image), fill=fill, release=release_of(spec.tool)
    )
    terms = convolution_terms(unit, rows=rows - 1, channels=spec.inputs, width=spec.image[1])
    kind = "latency" if spec.strategy == "latency" else "conv"
    return _Priced(_of_weights(kind, spec, unit), terms, found.cycles, found.interval)


def _activation(spec: LayerSpec) -> _Priced:
    lanes, bits = spec.inputs, spec.output_bits
    terms = elementwise_terms(lanes, spec.input_bits, bits, stream=spec.streamed)
    return _Priced("activation", terms, 1, 1)


def _matrix(spec: LayerSpec) -> _Priced:
    reads, rows = spec.inputs // spec.simd, spec.outputs // spec.pe
    bipolar = spec.input_bits == spec.weight_bits == 1
    on_dsp = spec.arithmetic == "dsp" and not bipolar
    terms = matrix_terms(
        pe=spec.pe, simd=spec.simd, weight_bits=spec.weight_bits, input_bits=spec.input_bits,
        acc_bits=spec.accumulator_bits, reads=reads, rows=rows, memory=spec.memory,
        dsp=spec.pe * spec.simd if on_dsp else 0, bipolar=bipolar,
        stats=spec.weights if reads * rows == 1 else None,
        streamed_weights=spec.streamed_weights and reads * rows > 1,
    )  # fmt: skip
    cycles = prod(spec.image) * reads * rows
    return _Priced("matrix", terms, cycles, cycles)


def _thresholds(spec: LayerSpec) -> _Priced:
    terms = thresholds_terms(
        lanes=spec.pe, channels=spec.inputs, rows=1, count=spec.depth, in_bits=spec.input_bits,
        levels=0, memory=spec.memory,
    )  # fmt: skip
    cycles = prod(spec.image) * ceil(spec.inputs / spec.pe)
    return _Priced("thresholds", terms, cycles, cycles)


def _window(spec: LayerSpec) -> _Priced:
    groups, (rows, columns) = max(spec.inputs // spec.simd, 1), spec.kernel
    words = ((rows - 1) * spec.image[1] + columns) * groups
    bits = spec.simd * spec.input_bits
    control = window_control(spec.image, spec.kernel, groups, words)
    positions = (spec.image[0] - rows + 1) * (spec.image[1] - columns + 1)
    cycles = max(positions, 1) * prod(spec.kernel) * groups
    return _Priced("window", added(window_terms(control, bits), buffer_terms(bits, words)),
                   cycles, cycles)  # fmt: skip


def _converter(spec: LayerSpec) -> _Priced:
    return _Priced("converter", converter_terms(spec.input_bits, spec.output_bits), 1, 1)


def _fifo(spec: LayerSpec) -> _Priced:
    return _Priced("fifo", fifo_words_terms(spec.input_bits, spec.depth), 1, 1)


# kind -> (what prices it, whether hls4ml's costs do)
_RULES: Mapping[str, tuple[Callable[[LayerSpec], _Priced], bool]] = {
    "dense": (_dense, True), "conv": (_conv, True), "activation": (_activation, True),
    "matrix": (_matrix, False), "thresholds": (_thresholds, False), "window": (_window, False),
    "converter": (_converter, False), "fifo": (_fifo, False),
}  # fmt: skip
