"""What layers under hls4ml are made of, from their sizes alone: the terms that every caller shares.

The compiler's operators, the public `estimate_layer` and the fit to published reports all build
their terms here and in `engines.shared`, so that they cannot drift apart.
"""

from __future__ import annotations

from fpgacomp.engines.shared.products import Product, product_terms
from fpgacomp.engines.shared.terms import (
    Terms,
    activation_terms,
    merge,
    process_terms,
    unit_terms,
    unpack_terms,
    window_terms,
)


def dense_terms(unit: Product, *, stream: bool, lanes: int | None = None) -> Terms:
    """A Dense.

    Args:
        stream: it is a process between streams.
        lanes: elements of a word of its input stream; fewer than the vector's are gathered.
    """
    parts = [product_terms(unit)]
    if stream:
        parts.append(process_terms())
        if lanes is not None and lanes < unit.n_in:
            parts.append(unpack_terms(unit.n_in * unit.in_bits))
    return merge(parts)


def convolution_terms(unit: Product, *, rows: int, channels: int, width: int) -> Terms:
    """A convolution between streams: its sum of products behind a line buffer.

    Args:
        rows: kernel height - 1; 0 in one dimension.
        channels: of the input.
        width: columns of the padded input.
    """
    window = window_terms(unit.n_in, unit.in_bits, rows, channels, width)
    return merge([product_terms(unit), window, process_terms()])


def elementwise_terms(lanes: int, in_bits: int, out_bits: int, *, stream: bool) -> Terms:
    """A ReLU or another clip and round of `lanes` elements at once."""
    parts = [
        activation_terms(lanes, in_bits, out_bits),
        unit_terms({}, {"register": lanes * out_bits}),
    ]
    if stream:
        parts.append(process_terms())
    return merge(parts)


def typical(kind: str, unit: Product) -> str:
    """The kind of a unit for which typical weights stand in, where weights are constants.

    A Dense under Resource with reuse factor 1 is made of what Latency is made of.
    """
    if not unit.constant_weights:
        return kind
    return "latency_typical" if kind == "resource" else f"{kind}_typical"


def interface_terms(bits: float, *, stream: bool) -> Terms:
    """Registers at a port: one word of a stream, or the whole array."""
    return unit_terms({"interface": bits if stream else 0.0}, {"interface": bits})


def softmax_terms(classes: int, *, shared: bool) -> Terms:
    """A Softmax of hls4ml, which is no layer of ours: tables, a sum, a product per class.

    Args:
        shared: one class after the other goes through one product.
    """
    units = 1 if shared else classes
    terms = unit_terms({"softmax": classes}, {"softmax": classes}, {"lookup_rom": units + shared})
    return terms | {"dsp": {"resource": units}}
