"""Weights as a device stores them, multiplications, and operations on bits, layer by layer.

Operations on bits count a product of a b-bit and an a-bit number as b x a: macs x b x a (van
Baalen et al. 2020, Bayesian Bits), times the share of weights that are not zero. The second
figure adds the accumulation: macs x ((1 - pruned) x b x a + b + a + log2(fan-in)) (Hawks et al.
2021, Ps and Qs, after Baskin et al. 2018, UNIQ). Numbers that nothing quantizes count 32 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, log2, prod
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.compress.evaluate.quantizers import NodeQuantizer
from fpgacomp.network.attributes import initializers, ints_attribute, to_array
from fpgacomp.results.comparison import Cost, LayerCost

Array = npt.NDArray[Any]
FLOAT_BITS = 32
# Operators each of whose output values is one of their input values.
_SELECTS = {"Reshape", "Transpose", "MaxPool", "Resize", "Relu", "Concat"}


def cost(
    canonical: onnx.ModelProto, original: onnx.ModelProto, *, parameters: int, file_bytes: int
) -> Cost:
    """Count the weights of a network, and its operations per sample, layer by layer.

    Args:
        canonical: the canonical network; see `fpgacomp.network.canonical`.
        original: the network as read. It still has the codebooks (Gather) that the canonical one
            has folded into weights.
        parameters: number of parameters, handed on to the result.
        file_bytes: size of the file, handed on to the result.
    """
    return Cost(_Counter(canonical, _codebooks(original)).layers(), parameters, file_bytes)


@dataclass(frozen=True, eq=False)
class _Codebook:
    """A codebook of a file.

    Args:
        entries: number of its values.
        weights: all weights that are gathered from it, sorted, since rewrites may have reordered
            them.
    """

    entries: int
    weights: Array


def _codebooks(original: onnx.ModelProto) -> list[_Codebook]:
    """The weights that a file stores as Gather(codebook, indices)."""
    constants = {t.name: t for t in original.graph.initializer}
    for node in original.graph.node:  # indices are stored as bytes in front of a Cast
        if node.op_type == "Cast" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    found = []
    for node in original.graph.node:
        if node.op_type != "Gather" or not all(name in constants for name in node.input):
            continue
        values, indices = (to_array(constants[name]) for name in node.input)
        if values.ndim == 1 and values.dtype.kind == "f" and indices.ndim >= 2:
            found.append(_Codebook(len(values), np.sort(values[indices], axis=None)))
    return found


@dataclass(eq=False)
class _Counter:
    """One pass over the canonical network. Weights that layers have in common are counted once."""

    model: onnx.ModelProto
    codebooks: list[_Codebook]
    stored: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        graph = self.model.graph
        self.constants = initializers(graph)
        self.makers = {name: node for node in graph.node for name in node.output}
        self.shapes = {
            value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
            for value in (*graph.input, *graph.value_info, *graph.output)
        } | {name: array.shape for name, array in self.constants.items()}

    def layers(self) -> tuple[LayerCost, ...]:
        return tuple(
            self._layer(node)
            for node in self.model.graph.node
            if node.op_type in ("MatMul", "Conv")
        )

    def _layer(self, node: onnx.NodeProto) -> LayerCost:
        source, factor = node.input[0], node.input[1]
        if node.op_type == "MatMul":
            fan_in = self.shapes[source][-1]
            if self._is_weight(source):
                source, factor = factor, source
        else:
            fan_in = prod(self.shapes[factor][1:])
        macs = prod(self.shapes[node.output[0]]) * fan_in
        weight_bits, activation_bits = self.bits(factor), self.bits(source)
        weights, nonzero, storage, stored_bits = self._weights(factor, weight_bits)
        products = macs * (nonzero / weights) * weight_bits * activation_bits
        sums = macs * (weight_bits + activation_bits + log2(fan_in))
        return LayerCost(
            name=node.name or node.output[0],
            kind=node.op_type,
            macs=macs,
            weights=weights,
            nonzero=nonzero,
            weight_bits=weight_bits,
            activation_bits=activation_bits,
            storage=storage,
            stored_bits=stored_bits,
            bops=products,
            bops_with_additions=products + sums,
        )

    def _is_weight(self, tensor: str) -> bool:
        """A constant, or the quantizer of one."""
        maker = self.makers.get(tensor)
        return tensor in self.constants or (
            maker is not None and all(name in self.constants for name in maker.input)
        )

    def _weights(self, tensor: str, bits: int) -> tuple[int, int, str, int]:
        """Number of weights, and of those not zero; how they are packed, and in how many bits."""
        name = tensor if tensor in self.constants else self.makers[tensor].input[0]
        raw = self.constants[name]
        quantized = name != tensor
        values = NodeQuantizer.of(self.makers[tensor], self.constants)(raw) if quantized else raw
        storage, size = f"{bits}-bit" if quantized else "float32", bits * raw.size
        for book in self.codebooks:
            indexed = max(1, ceil(log2(book.entries))) * raw.size + book.entries * bits
            same = book.weights.size == raw.size and np.array_equal(
                book.weights, np.sort(raw, axis=None)
            )
            if same and indexed < size:
                storage, size = f"codebook of {book.entries}", indexed
        seen = name in self.stored
        self.stored.add(name)
        return raw.size, int(np.count_nonzero(values)), storage, 0 if seen else size

    def bits(self, tensor: str) -> int:
        """Bits of one value of a tensor; 32 where no quantizer decides its range."""
        node = self.makers.get(tensor)
        if node is None:
            return FLOAT_BITS
        inputs = [name for name in node.input if name and name not in self.constants]
        if node.op_type in ("Quant", "BipolarQuant"):
            return NodeQuantizer.of(node, self.constants).bits
        if node.op_type == "Trunc":
            return int(self.constants[node.input[5]].item())
        if node.op_type == "MultiThreshold":
            steps = self.constants[node.input[1]].shape[-1]
            return max(1, ceil(log2(steps + 1)))
        if node.op_type in _SELECTS:
            return max(map(self.bits, inputs))
        widths = [self.bits(name) for name in inputs]
        if FLOAT_BITS in widths:
            return FLOAT_BITS
        if node.op_type == "Add" and len(inputs) == 2:
            return min(FLOAT_BITS, max(widths) + 1)
        if node.op_type in ("AveragePool", "GlobalAveragePool"):
            return min(FLOAT_BITS, widths[0] + ceil(log2(self._pooled(node))))
        return FLOAT_BITS

    def _pooled(self, node: onnx.NodeProto) -> int:
        """Number of values that an average pooling adds up; hardware goes on with their sum."""
        return prod(ints_attribute(node, "kernel_shape", self.shapes[node.input[0]][2:]))
