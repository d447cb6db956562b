"""Integer layers as the units hls4ml builds of them, counted in terms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, prod
from typing import assert_never

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.estimate.lanes import lane_terms
from fpgacomp.engines.hls4ml.limits import matrix_shape, positions, products
from fpgacomp.engines.shared.terms import (
    Product,
    Terms,
    cached_weight_stats,
    constant_products,
    fifo_terms,
    merge,
    process_terms,
    product_terms,
    unit_terms,
    unpack_terms,
    window_terms,
)
from fpgacomp.ir.layers import (
    Add,
    ArgMax,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
    WeightLayer,
)
from fpgacomp.ir.types import Ints


def product_unit(
    layer: WeightLayer, folding: Hls4mlFolding, clock_ns: float, level_ns: float
) -> Product:
    """The layer's sum of products, its weight values included."""
    n_in, n_out = matrix_shape(layer)
    if isinstance(layer, Conv) and layer.depthwise:
        n_in //= n_out
    return Product(
        n_in=n_in, n_out=n_out, products=products(layer),
        stats=cached_weight_stats(layer.weight), in_bits=layer.input.type.bits,
        weight_bits=_weight_bits(layer.weight), acc_bits=layer.output.type.bits,
        strategy=folding.strategy, reuse_factor=folding.reuse_factor,
        at_once=folding.parallelization, clock_ns=clock_ns, level_ns=level_ns,
    )  # fmt: skip


@lru_cache(maxsize=128)
def _weight_bits(weight: Ints) -> int:
    """Width as a signed number, at least 2: narrower ones are declared wider (1-bit traps)."""
    low, high = int(weight.array.min()), int(weight.array.max())
    return max(max(high, -low - 1, 0).bit_length() + 1, 2)


def layer_terms(
    layer: Layer, folding: Hls4mlFolding, io_type: IoType, clock_ns: float, level_ns: float
) -> Terms:
    """All terms of one layer under its folding."""
    parts = [*_body(layer, folding, io_type, clock_ns, level_ns)]
    if io_type == "io_stream" and not isinstance(layer, Input):
        parts.append(process_terms())
    return merge(parts)


def fifo(tensor: Tensor, words: int) -> Terms:
    """The FIFO behind a tensor in io_stream: one word per position."""
    return fifo_terms(tensor.channels * tensor.type.bits, words)


def _body(
    layer: Layer, folding: Hls4mlFolding, io_type: IoType, clock_ns: float, level_ns: float
) -> Iterator[Terms]:
    stream = io_type == "io_stream"
    lanes = layer.output.channels if stream else layer.output.size
    match layer:
        case Input() | Concat():
            pass
        case Reshape():
            if stream and layer.input.pixels != layer.output.pixels:
                yield unpack_terms(layer.output.size * layer.output.type.bits)
        case Dense() | Conv():
            yield product_terms(product_unit(layer, folding, clock_ns, level_ns))
            yield from _stream_window(layer) if stream else _partitions(layer, folding)
        case MaxPool() | SumPool():
            # A maximum is a comparison and a selection, a sum one adder.
            taps = prod(layer.kernel) - 1
            cost = 1.5 if isinstance(layer, MaxPool) else 1.0
            yield unit_terms({"adder": cost * taps * lanes * layer.output.type.bits})
            yield from _registers(layer.output, stream)
            if isinstance(layer, SumPool) and layer.multiplier is not None:
                yield constant_products(layer.multiplier, lanes, layer.output.type.bits)
            if stream:
                yield _window(layer.input, layer.kernel, layer.pads)
        case Add():
            for tensor, by in ((layer.a, layer.multiplier_a), (layer.b, layer.multiplier_b)):
                yield constant_products(by, lanes, tensor.type.bits)
            yield unit_terms({"adder": lanes * layer.output.type.bits})
            yield from _registers(layer.output, stream)
        case Upsample():
            yield from _registers(layer.output, stream)
        case ArgMax():
            # A tree of comparisons; the index is selected along with the value.
            compared = (layer.input.channels - 1) * (1 if stream else layer.output.pixels)
            bits = layer.input.type.bits + layer.output.type.bits
            yield unit_terms({"adder": 1.5 * compared * bits})
            yield from _registers(layer.output, stream)
        case Requantize() | Thresholds() | Lookup():
            yield from lane_terms(layer, folding, io_type)
        case _:
            assert_never(layer)


def _registers(tensor: Tensor, stream: bool) -> Iterator[Terms]:
    """Output registers: one word in a stream, the whole array otherwise."""
    elements = tensor.channels if stream else tensor.size
    yield unit_terms({}, {"register": elements * tensor.type.bits})


def _partitions(layer: WeightLayer, folding: Hls4mlFolding) -> Iterator[Terms]:
    """io_parallel over several positions: the window is selected from the whole input array."""
    yield from _registers(layer.output, stream=False)
    steps = ceil(positions(layer) / folding.parallelization)
    if steps > 1:
        window = matrix_shape(layer)[0] * folding.parallelization * layer.input.type.bits
        written = layer.output.channels * folding.parallelization * layer.output.type.bits
        yield unit_terms({"partition_mux": (window + written) * steps}, {"window": window})


def _stream_window(layer: WeightLayer) -> Iterator[Terms]:
    match layer:
        case Dense():
            bits = layer.input.channels * layer.input.type.bits
            yield unit_terms({}, {"register": bits})
        case Conv():
            extent = tuple(d * (k - 1) + 1 for k, d in zip(layer.kernel, layer.dilations))
            yield _window(layer.input, extent, layer.pads)
            if any(before or after for before, after in layer.pads):
                yield process_terms()  # the zero-padding process in front
                padded = layer.input.channels * layer.input.type.bits
                yield fifo_terms(padded, layer.input.pixels)
        case _:
            assert_never(layer)


def _window(
    tensor: Tensor, kernel: tuple[int, ...], pads: tuple[tuple[int, int], ...] = ()
) -> Terms:
    width = tensor.shape[-2] + (sum(pads[-1]) if pads else 0)
    rows = kernel[0] - 1 if len(kernel) == 2 else 0
    window = prod(kernel) * tensor.channels
    return window_terms(window, tensor.type.bits, rows, tensor.channels, width)
