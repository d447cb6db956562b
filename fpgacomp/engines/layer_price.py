"""The price of one layer from its sizes alone: the estimator as a function of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, prod

import numpy.typing as npt

from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.hls4ml.estimate.layer import (
    convolution_terms,
    dense_terms,
    elementwise_terms,
    typical,
)
from fpgacomp.engines.hls4ml.operators.dense import VECTOR_OVERHEAD
from fpgacomp.engines.hls4ml.timing import DEFAULT_TOOL, product_cycles, stream_convolution
from fpgacomp.engines.layer_spec import LayerKind, LayerSpec, Pair, layer_spec
from fpgacomp.engines.shared.products import Product
from fpgacomp.engines.shared.terms import Strategy, Terms, least_constant_product
from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.engines.stream.estimate import coefficients as stream
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms, fifo_words_terms
from fpgacomp.engines.stream.operators.convert import converter_terms
from fpgacomp.engines.stream.operators.matrix_vector import dsp_packing, matrix_terms
from fpgacomp.engines.stream.operators.thresholds import levels_of, thresholds_terms
from fpgacomp.engines.stream.operators.window import window_control, window_terms
from fpgacomp.ir.types import IntType
from fpgacomp.results.estimate import LayerEstimate, Stage


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
    image: Pair = (1, 1),
    kernel: Pair = (1, 1),
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
        weight_bits: of the weights' declared type, at most 64.
        accumulator_bits: of a sum; by default wide enough for any sum.
        output_bits: of an element; of a whole word for converter.
        weights: the integer weights [inputs, outputs], of a conv [rows, columns, inputs, outputs]
            of its kernel or [rows * columns * inputs, outputs]; a signed or unsigned type of
            weight_bits holds them, or they are of -1 and 1 only (1 bit). They decide what
            unrolled layers take.
        nonzero: how many weights are not zero, where the weights are not given.
        signed_digits: sum of the weights' nonzero digits in canonical signed digit form, where
            the weights are not given; at most weight_bits // 2 + 1 for each that is not zero.
        strategy: of hls4ml: latency gives each product its own hardware, resource shares
            multipliers.
        reuse_factor: of hls4ml, for dense and conv: products per multiplier. Factors that the
            compiler never emits are refused, not replaced by the nearest one as hls4ml does.
        streamed: whether a dense or activation stands between streams instead of arrays.
        image: rows and columns of the (padded) input, for conv and window, which read it, and
            for matrix and thresholds, which work on each of its pixels.
        kernel: rows and columns, for conv and window.
        pe: outputs at once of a matrix, channels at once of thresholds; it divides them.
        simd: inputs at once of a matrix, channels at once of a window; it divides them.
        memory: where a streaming operator keeps its tables: auto, lutram, bram or uram.
        arithmetic: what multiplies in a matrix: lut or dsp. A DSP block multiplies an unsigned
            input by as many weights as fit its wider port.
        streamed_weights: whether a matrix gets its weights from a streamer beside it, as in
            FINN's internal_decoupled mode.
        depth: words of a fifo; thresholds of each channel, which differ, for thresholds.
        stage: csynth (what Vitis HLS reports), logic_synth or implementation.
        tool: release of the vendor tool, such as "2023.2", "v2020.1" or "Vivado 2019.1".
        part: device, which decides the delay of an adder.
        clock_mhz: of the design.

    Returns:
        Resources, and cycles and interval of one frame. Each figure has a range that is to hold
        90 % of what the tools measure (docs/estimates.md says how often it does).

    Raises:
        UsageError: an argument that no layer has, alone or beside the others; it is named.
    """
    arguments: Mapping[str, object] = {
        "inputs": inputs, "outputs": outputs, "input_bits": input_bits, "weight_bits": weight_bits,
        "accumulator_bits": accumulator_bits, "output_bits": output_bits, "weights": weights,
        "nonzero": nonzero, "signed_digits": signed_digits, "strategy": strategy,
        "reuse_factor": reuse_factor, "streamed": streamed, "image": image, "kernel": kernel,
        "pe": pe, "simd": simd, "memory": memory, "arithmetic": arithmetic,
        "streamed_weights": streamed_weights, "depth": depth, "stage": stage, "tool": tool,
        "part": part, "clock_mhz": clock_mhz,
    }  # fmt: skip
    return price(layer_spec(kind, arguments))


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


def _product(spec: LayerSpec) -> Product:
    return Product(
        n_in=spec.taps, n_out=spec.outputs, products=spec.taps * spec.outputs, stats=spec.weights,
        in_bits=spec.input_bits, weight_bits=spec.weight_bits, acc_bits=spec.accumulator_bits,
        strategy=spec.strategy, reuse_factor=spec.reuse_factor, clock_ns=spec.clock_ns,
        level_ns=spec.device.level_ns, least_constant_product=least_constant_product(spec.release),
    )  # fmt: skip


def _of_weights(kind: str, spec: LayerSpec, unit: Product) -> str:
    """The kind of the range: wider where weights are constants that are not known."""
    return kind if spec.known else typical(kind, unit)


def _dense(spec: LayerSpec) -> _Priced:
    unit = _product(spec)
    cycles, interval = product_cycles(unit)
    if spec.streamed:
        cycles = interval = cycles + VECTOR_OVERHEAD
    terms = dense_terms(unit, stream=spec.streamed)
    return _Priced(_of_weights(unit.strategy, spec, unit), terms, cycles, interval)


def _conv(spec: LayerSpec) -> _Priced:
    unit, (rows, columns) = _product(spec), spec.kernel
    fill = (rows - 1) * spec.image[1] + columns
    found = stream_convolution(unit, pixels=prod(spec.image), fill=fill, release=spec.release)
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
    dsp = 0
    if spec.arithmetic == "dsp" and not bipolar:
        elements = IntType.of_bits(spec.input_bits, signed=False)
        lanes, _ = dsp_packing(spec.weight_type, elements, spec.pe, spec.device.wide_port_bits)
        dsp = ceil(spec.pe / lanes) * spec.simd
    terms = matrix_terms(
        pe=spec.pe, simd=spec.simd, weight_bits=spec.weight_bits, input_bits=spec.input_bits,
        acc_bits=spec.accumulator_bits, reads=reads, rows=rows, memory=spec.memory,
        dsp=dsp, bipolar=bipolar,
        stats=spec.weights if reads * rows == 1 else None,
        streamed_weights=spec.streamed_weights and reads * rows > 1,
    )  # fmt: skip
    cycles = prod(spec.image) * reads * rows
    return _Priced("matrix", terms, cycles, cycles)


def _thresholds(spec: LayerSpec) -> _Priced:
    terms = thresholds_terms(
        lanes=spec.pe, channels=spec.inputs, rows=spec.inputs, count=spec.depth,
        in_bits=spec.input_bits, levels=levels_of(spec.depth), memory=spec.memory,
    )  # fmt: skip
    cycles = prod(spec.image) * (spec.inputs // spec.pe)
    return _Priced("thresholds", terms, cycles, cycles)


def _window(spec: LayerSpec) -> _Priced:
    groups, (rows, columns) = spec.inputs // spec.simd, spec.kernel
    words = ((rows - 1) * spec.image[1] + columns) * groups
    bits = spec.simd * spec.input_bits
    control = window_control(spec.image, spec.kernel, groups, words)
    positions = (spec.image[0] - rows + 1) * (spec.image[1] - columns + 1)
    cycles = positions * prod(spec.kernel) * groups
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
