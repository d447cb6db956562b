"""Writes the integer graph as an int8 TFLite network with the same integers, or refuses it.

A tensor of at most 8 bits is int8 with scale 1. The integer y has the code y - base + zero:

    input          base 0, and zero such that the range fits int8: 0..255 becomes -128..127
    activation     base lo, and zero such that hi becomes 127: the fused ReLU clamps at lo, which
                   is the code `zero`, and int8 itself at hi, so that 4 bits need no further clamp

What a sum of products reads is y - base; its bias makes up for that, as it is a whole number. A
border is padded by an operator of its own, with the code of 0, or with -128 before a maximum.

A sum goes into the activation behind it, past a maximum in between, with a factor per channel; see
`fpgacomp.qdq.rounding`. A sum that leaves the hardware has no int8 kernel: it is computed in
float32, which is exact below 2**24. The outputs are the hardware's integers as int32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fpgacomp.errors import ModelError, Problems
from fpgacomp.host.tflite import LiteGraph, LiteOperator, LiteTensor
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import (
    Activation,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Rounding,
    Tensor,
    Thresholds,
    WeightLayer,
    kind,
)
from fpgacomp.ir.types import AnyArray, IntArray, IntType
from fpgacomp.qdq.line import FLOAT32_INTEGERS, channels_of, deciding_points
from fpgacomp.qdq.network import INT8, refuse_inexact
from fpgacomp.qdq.rounding import MOST_WEIGHT, KernelStep, kernel_steps

_REMEDY = "export the network as ONNX, which takes every layer (--out FILE.onnx)."
_RELU, _NO_ACTIVATION, _VALID = 1, 0, 1  # ActivationFunctionType and Padding of the schema


@dataclass(frozen=True)
class LiteNetwork:
    """The hardware's integers as a TFLite network.

    Args:
        graph: int8 inputs -> int32 outputs, channels last, called as the integer graph's tensors.
        zeros: what is added to the integers of each input to get its codes.
        tensors: activations and inputs that are int8 in the file.
        sums: layers that multiply in float32, as their sums leave the hardware.
    """

    graph: LiteGraph
    zeros: dict[str, int]
    tensors: tuple[str, ...]
    sums: tuple[str, ...]


@dataclass(frozen=True)
class _Codes:
    """A tensor of the file that holds the integers of one of ours: y = code - zero + base."""

    place: int
    zero: int
    base: int

    def of(self, integer: int) -> int:
        """The code of an integer, which need not fit int8."""
        return integer - self.base + self.zero


def lite_network(graph: Graph) -> LiteNetwork:
    """Write an integer graph as a TFLite network.

    Args:
        graph: a verified graph.

    Raises:
        ModelError, Problems: layers that TFLite's int8 kernels do not compute exactly.
    """
    writer = _Writer(graph)
    problems: list[ModelError] = []
    for layer in graph.layers:
        if any(tensor.name in writer.refused for tensor in layer.inputs):
            writer.refused.add(layer.output.name)  # the layer in front is told already
            continue
        try:
            writer.write(layer)
        except ModelError as problem:
            problems.append(problem)
            writer.stand_in(layer)
    if problems:
        raise problems[0] if len(problems) == 1 else Problems(problems)
    return writer.whole()


def _refused(layer: Layer, why: str, fix: str = _REMEDY) -> ModelError:
    return ModelError(f"layer {layer.name} ({kind(layer)})", why, fix)


def _no_step(layer: Activation, channels: Sequence[int], largest: IntArray) -> ModelError:
    """Why an activation is refused of which the kernels miss an integer in these channels."""
    where = f"in {len(channels)} of {len(largest)} channels (the first is {channels[0]})"
    if isinstance(layer, Requantize) and _meets_ties(layer):
        return _refused(
            layer, f"{where} it rounds ties to even, and TFLite's integer kernels round them away "
            "from zero.",
        )  # fmt: skip
    heaviest = int(largest[list(channels)].max())
    gain = MOST_WEIGHT // max(heaviest, 1)
    return _refused(
        layer, f"{where} no factor and whole bias give its integers in all of TFLite's kernels. "
        f"Beside weights of up to {heaviest}, int8 leaves the bias steps of 1/{gain}.",
        f"quantize the weights in front to fewer bits, so that the steps get finer, or {_REMEDY}",
    )  # fmt: skip


def _meets_ties(layer: Requantize) -> bool:
    """Whether a step of the layer lies at a tie that goes to even."""
    if layer.rounding is not Rounding.ROUND or not layer.shift:
        return False
    half = 1 << (layer.shift - 1)
    for single in channels_of(layer):
        assert isinstance(single, Requantize)
        x = deciding_points(single).x
        products = x * single.multiplier.array + single.offset.array
        if (products & (2 * half - 1) == half).any():
            return True
    return False


@dataclass
class _Writer:
    """The network so far, and where the tensors of the integer graph are in it."""

    graph: Graph
    tensors: list[LiteTensor] = field(default_factory=list)
    operators: list[LiteOperator] = field(default_factory=list)
    codes: dict[str, _Codes] = field(default_factory=dict)
    sums: dict[str, WeightLayer] = field(default_factory=dict)
    pooled: dict[str, MaxPool] = field(default_factory=dict)  # maxima of sums
    floats: list[str] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def whole(self) -> LiteNetwork:
        """The network of everything that was written."""
        inputs = [layer.output.name for layer in self.graph.inputs]
        outputs = tuple(self.answers[name] for name in self._outputs())
        places = tuple(self.codes[name].place for name in inputs)
        return LiteNetwork(
            LiteGraph(self.graph.name, tuple(self.tensors), tuple(self.operators), places, outputs),
            {name: self.codes[name].zero for name in inputs},
            tuple(self.codes), tuple(self.floats),
        )  # fmt: skip

    def _outputs(self) -> list[str]:
        return list(dict.fromkeys(tensor.name for tensor in self.graph.outputs))

    # Tensors and operators

    def _place(self, tensor: LiteTensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _constant(self, values: AnyArray, dtype: str, scales: Sequence[float] = (),
                  zero: int = 0, axis: int = 0) -> int:  # fmt: skip
        name = f"constant_{len(self.tensors)}"
        return self._place(LiteTensor(name, values.shape, dtype, values, tuple(scales), zero, axis))

    def _value(self, shape: Sequence[int], dtype: str, name: str = "", zero: int = 0) -> int:
        """A value of the batch; of int8 with scale 1."""
        scales = (1.0,) if dtype == "int8" else ()
        name = name or f"step_{len(self.tensors)}"
        return self._place(LiteTensor(name, (1, *shape), dtype, None, scales, zero))

    def _apply(self, operator: str, inputs: Sequence[int], output: int, **options: object) -> int:
        self.operators.append(LiteOperator(operator, tuple(inputs), (output,), options))
        return output

    # Layers

    def stand_in(self, layer: Layer) -> None:
        """Codes of a layer that is refused, so that all problems are found.

        What reads sums is not looked at: it is refused or not by the layer that makes them.
        """
        tensor = layer.output
        if isinstance(layer, Dense | Conv) or tensor.type.count > INT8.count:
            self.refused.add(tensor.name)
            return
        lo, zero = tensor.type.lo, INT8.hi - (tensor.type.count - 1)
        self.codes[tensor.name] = _Codes(self._value(tensor.shape, "int8", zero=zero), zero, lo)

    def write(self, layer: Layer) -> None:
        """Append a layer.

        Raises:
            ModelError: TFLite has no exact form of it.
        """
        match layer:
            case Input():
                self._input(layer)
            case Dense() | Conv():
                self._sum(layer)
            case Requantize() | Thresholds() | Lookup():
                self._activation(layer)
            case MaxPool():
                self._max_pool(layer)
            case Reshape():
                self._reshape(layer)
            case _:
                raise _refused(layer, "it has no int8 form in TFLite that is known to be exact.")
        name = layer.output.name
        if name in self._outputs():
            self._answer(layer)

    def _read(self, layer: Layer, tensor: Tensor) -> _Codes:
        if tensor.name not in self.codes:
            raise _refused(
                layer, f"it reads the sums {tensor.name}, and TFLite's int8 kernels hand sums to "
                "nothing but the activation behind them.",
            )  # fmt: skip
        return self.codes[tensor.name]

    def _input(self, layer: Input) -> None:
        given = layer.output
        if given.type.count > INT8.count:
            raise _refused(
                layer, f"its integers {given.type} do not fit int8.",
                f"quantize it to at most 8 bits, or {_REMEDY}",
            )  # fmt: skip
        zero = 0 if INT8.contains(given.type) else INT8.lo - given.type.lo
        self.codes[given.name] = _Codes(self._value(given.shape, "int8", given.name, zero), zero, 0)

    def _sum(self, layer: WeightLayer) -> None:
        """Keep a sum for the activations behind it; it is written with them."""
        self._read(layer, layer.input)
        if isinstance(layer, Conv) and len(layer.kernel) != 2:
            raise _refused(layer, "only convolutions over two axes are written as TFLite.")
        if isinstance(layer, Conv) and layer.groups > 1 and not layer.depthwise:
            raise _refused(layer, "its groups are neither one nor one for each channel.")
        if isinstance(layer, Dense) and len(layer.output.shape) == 2:
            raise _refused(layer, "it stands on a sequence, and only vectors and images are "
                           "written as TFLite.")  # fmt: skip
        self.sums[layer.output.name] = layer

    def _activation(self, layer: Activation) -> None:
        """The sum in front of it and itself, as one kernel."""
        pool = self.pooled.get(layer.input.name)
        source = self.sums.get(layer.input.name if pool is None else pool.input.name)
        if source is None:
            raise _refused(layer, "it stands behind no sum of products, which TFLite's int8 "
                           "kernels would requantize.")  # fmt: skip
        if source.weight.type.magnitude > MOST_WEIGHT:
            raise _refused(
                source, f"its weights {source.weight.type} are no symmetric int8, which ends at "
                f"-{MOST_WEIGHT}.", f"quantize its weights to fewer bits, or {_REMEDY}",
            )  # fmt: skip
        lo, hi = layer.output.type.lo, layer.output.type.hi
        if hi - lo >= INT8.count:
            raise _refused(
                layer, f"its outputs {layer.output.type} do not fit int8.",
                f"quantize it to at most 8 bits, or {_REMEDY}",
            )  # fmt: skip
        weight = source.weight.array
        largest = abs(weight).reshape(-1, weight.shape[-1]).max(axis=0)
        steps = kernel_steps(layer, largest.tolist())
        known = [step for step in steps if step is not None]
        if len(known) < len(steps):
            raise _no_step(layer, [i for i, step in enumerate(steps) if step is None], largest)
        if pool is not None and any(step.gain < 0 for step in known):
            raise _refused(layer, "it falls behind a maximum, so that it cannot go in front of it.")
        zero = INT8.hi - (hi - lo)
        name = layer.output.name if pool is None else ""
        output = self._value(source.output.shape, "int8", name, zero)
        self._product(source, known, output)
        codes = _Codes(output, zero, lo)
        if pool is not None:
            codes = self._maxima(pool, codes, layer.output.name)
        self.codes[layer.output.name] = codes

    def _product(self, layer: WeightLayer, steps: Sequence[KernelStep], output: int) -> None:
        """A sum of products whose channels are requantized."""
        x = self._padded(layer)
        gains = np.array([step.gain for step in steps])
        weight = layer.weight.array * gains
        bias = np.array([step.bias for step in steps]) + x.base * _totals(weight)
        reach = (INT8.count - 1) * _totals(abs(weight)) + abs(bias)
        if reach.max() > IntType.of_bits(32, signed=True).hi:
            raise _refused(layer, "its sums may leave int32 on the way.")
        scales = [step.factor for step in steps]
        name, values, axis = _filters(layer, weight)
        filters = self._constant(values, "int8", scales, axis=axis)
        offsets = self._constant(bias, "int32", scales)
        given, last = x.place, output
        if len(layer.output.shape) == 1:  # a vector is an image of one place
            given = self._reshaped(x.place, self._value((1, 1, layer.input.channels), "int8",
                                                        zero=x.zero))  # fmt: skip
            zero = self.tensors[output].zero
            last = self._value((1, 1, layer.output.channels), "int8", zero=zero)
        self._apply(name, (given, filters, offsets), last, **_options(layer, _RELU))
        if last != output:
            self._reshaped(last, output)

    def _reshaped(self, place: int, output: int) -> int:
        target = [-1, *self.tensors[output].shape[1:]]
        shape = self._constant(np.array(target), "int32")
        return self._apply("RESHAPE", (place, shape), output, newShape=target)

    def _answer_sum(self, layer: WeightLayer) -> int:
        """A sum of products in float32, which is the integer itself."""
        refuse_inexact(layer)
        x = self._padded(layer)
        weight, given_type = layer.weight.array, layer.input.type
        span = max(abs(given_type.lo - x.base), abs(given_type.hi - x.base))
        reach = int((span * _totals(abs(weight)) + abs(x.base * _totals(weight))).max())
        if reach >= FLOAT32_INTEGERS:
            raise _refused(
                layer, f"its sums may reach {reach:,} on the way, and float32, in which sums that "
                f"leave the hardware are computed, rounds from {FLOAT32_INTEGERS:,} on.",
                f"quantize its input or its weights to fewer bits, or {_REMEDY}",
            )  # fmt: skip
        self.floats.append(layer.name)
        shape = self.tensors[x.place].shape[1:]
        given = self._apply("DEQUANTIZE", (x.place,), self._value(shape, "float32"))
        vector = len(layer.output.shape) == 1
        name, values, _ = ("FULLY_CONNECTED", weight.T, 0) if vector else _filters(layer, weight)
        filters = self._constant(values, "float32")
        offsets = self._constant(x.base * _totals(weight), "float32")
        options = {} if vector else _options(layer, _NO_ACTIVATION)
        output = self._value(layer.output.shape, "float32")
        return self._apply(name, (given, filters, offsets), output, **options)

    def _answer(self, layer: Layer) -> None:
        """The integers of an output, as int32."""
        tensor = layer.output
        if isinstance(layer, Dense | Conv):
            real = self._answer_sum(layer)
        else:
            if tensor.name not in self.codes:
                raise _refused(layer, "maxima of sums leave the hardware, and do not fit int8.")
            codes = self.codes[tensor.name]
            real = self._apply("DEQUANTIZE", (codes.place,), self._value(tensor.shape, "float32"))
            if codes.base:
                base = self._constant(np.array([codes.base]), "float32")
                sums = self._value(tensor.shape, "float32")
                real = self._apply("ADD", (real, base), sums)
        output = self._value(tensor.shape, "int32", f"{tensor.name}_out")
        self.answers[tensor.name] = self._apply("CAST", (real,), output)

    def _padded(self, layer: WeightLayer) -> _Codes:
        """What a sum reads, with zeros around it where it is padded."""
        codes = self.codes[layer.input.name]
        pads = layer.pads if isinstance(layer, Conv) else ()
        if not any(map(any, pads)):
            return codes
        code = codes.of(0)
        if not INT8.lo <= code <= INT8.hi:
            raise _refused(
                layer, f"it pads with 0, which is no int8 code beside {layer.input.type}."
            )
        return self._with_border(codes, layer.input.shape, pads, code)

    def _with_border(self, codes: _Codes, shape: tuple[int, ...],
                     pads: tuple[tuple[int, int], ...], code: int) -> _Codes:  # fmt: skip
        """The codes of an image with one code around them."""
        around = [sum(pad) for pad in pads]
        wider = (*(n + more for n, more in zip(shape, around)), shape[-1])
        edges = self._constant(np.array([(0, 0), *pads, (0, 0)]), "int32")
        value = self._constant(np.array([code]), "int8", (1.0,), codes.zero)
        output = self._value(wider, "int8", zero=codes.zero)
        place = self._apply("PADV2", (codes.place, edges, value), output)
        return _Codes(place, codes.zero, codes.base)

    def _max_pool(self, layer: MaxPool) -> None:
        """A maximum of codes; one of sums goes behind their activation, which does not fall.

        The compiler moves it in front where that is cheaper in hardware.
        """
        if len(layer.kernel) != 2:
            raise _refused(layer, "only pools over two axes are written as TFLite.")
        if layer.input.name in self.sums:
            self.pooled[layer.output.name] = layer
            return
        codes = self._read(layer, layer.input)
        self.codes[layer.output.name] = self._maxima(layer, codes, layer.output.name)

    def _maxima(self, layer: MaxPool, codes: _Codes, name: str) -> _Codes:
        x = codes
        if any(map(any, layer.pads)):
            x = self._with_border(codes, layer.input.shape, layer.pads, INT8.lo)
        height, width = layer.kernel
        down, right = layer.strides
        output = self._value(layer.output.shape, "int8", name, codes.zero)
        self._apply("MAX_POOL_2D", (x.place,), output, padding=_VALID, strideH=down,
                    strideW=right, filterHeight=height, filterWidth=width)  # fmt: skip
        return _Codes(output, codes.zero, codes.base)

    def _reshape(self, layer: Reshape) -> None:
        codes = self._read(layer, layer.input)
        output = self._value(layer.output.shape, "int8", layer.output.name, codes.zero)
        self._reshaped(codes.place, output)
        self.codes[layer.output.name] = _Codes(output, codes.zero, codes.base)


def _totals(weight: IntArray) -> IntArray:
    """[C] sum of the weights of each output channel."""
    sums: IntArray = weight.reshape(-1, weight.shape[-1]).sum(axis=0)
    return sums


def _filters(layer: WeightLayer, weight: IntArray) -> tuple[str, IntArray, int]:
    """The operator of a sum, its weights in TFLite's order, and their axis of output channels.

    A dense layer is a convolution too: FULLY_CONNECTED has a factor for each channel only since
    its version 12, which not every set of kernels knows.
    """
    if isinstance(layer, Conv) and layer.depthwise:
        return "DEPTHWISE_CONV_2D", weight.transpose(2, 0, 1, 3), 3  # [1, height, width, C]
    if isinstance(layer, Conv):
        return "CONV_2D", weight.transpose(3, 0, 1, 2), 0  # [C out, height, width, C in]
    return "CONV_2D", weight.T[:, None, None], 0  # a dense layer at every place of an image


def _options(layer: WeightLayer, activation: int) -> dict[str, object]:
    strides, dilations = (1, 1), (1, 1)
    found: dict[str, object] = {"padding": _VALID, "fusedActivationFunction": activation}
    if isinstance(layer, Conv):
        strides, dilations = layer.strides, layer.dilations  # type: ignore[assignment]
        if layer.depthwise:
            found["depthMultiplier"] = 1
    found |= {"strideH": strides[0], "strideW": strides[1]}
    return found | {"dilationHFactor": dilations[0], "dilationWFactor": dilations[1]}
