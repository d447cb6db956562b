"""Writes a network layer by layer, calibrating each quantizer on what really arrives there.

Every layer is executed on a calibration batch as it is added. Products are sums of integers
and thus exact, so the bytes of a network do not depend on the BLAS that computed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.network.operators import QONNX_DOMAIN, QUANTIZERS
from fpgacomp.zoo import operators
from fpgacomp.zoo.operators import Array, Codes

OPSET = 18
IR_VERSION = 8
EPSILON = 1e-5
# Share of the values that a calibrated quantizer clips, at least; few levels clip more: the
# three levels of two narrow bits err least on a bell curve with a quarter clipped.
SATURATED = 0.01


class Net:
    """A growing network.

    Args:
        name: of the graph.
        samples: [N, *shape] the calibration batch.
        seed: of weights and normalisation.
    """

    def __init__(self, name: str, samples: Codes, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}
        self._shapes: dict[str, tuple[int, ...]] = {"input": (1, *samples.shape[1:])}
        self.input = NetTensor(self, "input", samples.astype(np.float64), 1.0)

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """An initializer; scalars of one name and value are written once."""
        self._constants[name] = np.asarray(values, dtype=dtype)
        return name

    def node(
        self, op: str, stem: str, inputs: Sequence[str], codes: Codes, scale: Any, **attributes: Any
    ) -> NetTensor:
        """Add a node whose output, named after `stem`, is codes * scale on the batch."""
        name = self.fresh(stem)
        self._add(op, name, inputs, attributes)
        self._shapes[name] = (1, *codes.shape[1:])
        return NetTensor(self, name, codes, scale)

    def fresh(self, stem: str) -> str:
        return f"{stem}_{len(self._nodes)}"

    def weights(self, shape: tuple[int, ...], bits: int, *, axis: int) -> tuple[str, Codes, Array]:
        """Seeded weights behind their quantizer: (tensor name, integers, scale [O]).

        Bell-shaped with a spread of its own per output channel, and cut off closer to zero
        for few bits, as training with quantized weights leaves them.

        Args:
            shape: of the ONNX weight.
            bits: 1 is bipolar, else signed and narrow: -(2^(bits-1) - 1) to its positive.
            axis: of the output channels.
        """
        channels = [1] * len(shape)
        channels[axis] = shape[axis]
        fan_in = np.prod(shape) / shape[axis]
        cut = 1 + bits / 2
        spread = self.rng.uniform(0.6, 1.6, channels) * np.sqrt(2 / fan_in)
        values = (np.clip(self.rng.standard_normal(shape), -cut, cut) * spread).astype(np.float32)
        others = tuple(i for i in range(len(shape)) if i != axis)
        name = self.fresh("weight")
        raw = self.constant(f"{name}_float", values)
        if bits == 1:
            scale = abs(values.astype(np.float64)).mean(axis=others, keepdims=True)
            scale = scale.astype(np.float32)
            inputs = [raw, self.constant(f"{name}_scale", scale)]
            self._add("BipolarQuant", name, inputs, {})
            codes = np.where(values >= 0, 1.0, -1.0)
        else:
            highest = (1 << (bits - 1)) - 1
            scale = abs(values).max(axis=others, keepdims=True) / np.float32(highest)
            inputs = [raw, *self.grid(name, scale, bits)]
            self._add("Quant", name, inputs, _rounding(signed=True, narrow=True))
            codes = np.clip(np.round(values / scale), -highest, highest)
        self._shapes[name] = shape
        return name, codes, scale.astype(np.float64).ravel()

    def grid(self, name: str, scale: Any, bits: int) -> list[str]:
        """Scale, zero point and bit width of a Quant."""
        return [
            self.constant(f"{name}_scale", scale),
            self.constant("zero", 0),
            self.constant(f"bits_{bits}", bits),
        ]

    def model(self, output: NetTensor) -> onnx.ModelProto:
        """The canonical network that ends in this tensor."""
        infos = {
            name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in self._shapes.items()
        }
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [infos.pop("input")],
            [infos.pop(output.name)],
            [numpy_helper.from_array(array, name) for name, array in self._constants.items()],
            value_info=list(infos.values()),
        )
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX_DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)

    def _add(self, op: str, name: str, inputs: Sequence[str], attributes: dict[str, Any]) -> None:
        domain = QONNX_DOMAIN if op in QUANTIZERS else ""
        self._nodes.append(
            helper.make_node(op, list(inputs), [name], name=name, domain=domain, **attributes)
        )


@dataclass(frozen=True, eq=False)
class NetTensor:
    """An activation; each method adds one layer and returns its output.

    Args:
        net: that it belongs to.
        name: in the graph.
        codes: [N, *shape] on the calibration batch; whole numbers behind a quantizer and
            behind what only sums or moves its values.
        scale: real = codes * scale; a number, or one per channel (axis 1).
    """

    net: Net
    name: str
    codes: Codes
    scale: Any

    @property
    def real(self) -> Array:
        values: Array = self.codes.astype(np.float64) * self._wide(self.scale)
        return values

    def conv(
        self, filters: int, kernel: int | tuple[int, ...], *,
        bits: int, stride: int = 1, same: bool = True,
    ) -> NetTensor:  # fmt: skip
        """Convolution without bias; padded as TensorFlow's SAME, or not at all."""
        return self._conv(filters, self.codes.shape[1], kernel, bits, stride, same)

    def depthwise(self, kernel: int, *, bits: int, stride: int = 1) -> NetTensor:
        """One filter per channel, padded as SAME."""
        return self._conv(self.codes.shape[1], 1, kernel, bits, stride, True)

    def dense(self, units: int, *, bits: int) -> NetTensor:
        weight, integers, scale = self.net.weights((self.codes.shape[1], units), bits, axis=1)
        product = operators.dense(self.codes, integers)
        return self.net.node(
            "MatMul", "dense", [self.name, weight], product, self._number() * scale
        )

    def batch_norm(self, *, shift: float = 0.0) -> NetTensor:
        """Normalisation by the batch's own statistics, then a seeded gain and shift.

        Args:
            shift: the channels' typical shift; below zero, ReLU leaves sparse features.
        """
        mean, variance = self._statistics()
        rng, name = self.net.rng, self.net.fresh("batch_norm")
        drawn = {
            "gain": rng.uniform(0.7, 1.3, mean.shape),
            "shift": shift + np.clip(rng.normal(0, 0.25, mean.shape), -0.6, 0.6),
            "mean": mean,
            "variance": variance,
        }
        names = [self.net.constant(f"{name}_{role}", values) for role, values in drawn.items()]
        rounded = [values.astype(np.float32).astype(np.float64) for values in drawn.values()]
        gain, offset, mean, variance = (self._wide(values) for values in rounded)
        real = (self.real - mean) * (gain / np.sqrt(variance + EPSILON)) + offset
        return self.net.node(
            "BatchNormalization", "batch_norm", [self.name, *names], real, 1.0, epsilon=EPSILON
        )

    def bias(self) -> NetTensor:
        """An addend per channel that takes the mean off: no class wins on every sample."""
        mean, variance = self._statistics()
        addend = self.net.rng.normal(0, 0.1, mean.shape) * np.sqrt(variance) - mean
        single = self._wide(addend.astype(np.float32))
        name = self.net.constant(f"{self.net.fresh('bias')}_addend", single)
        real = self.real + single.astype(np.float64)
        return self.net.node("Add", "bias", [self.name, name], real, 1.0)

    def scaled(self, factor: float, addend: float) -> NetTensor:
        """x * factor + addend with two numbers: a normalisation on the host."""
        net = self.net
        name = net.constant(f"{net.fresh('scaled')}_factor", factor)
        real = self.real * float(np.float32(factor))
        scaled = net.node("Mul", "scaled", [self.name, name], real, 1.0)
        name = net.constant(f"{net.fresh('shifted')}_addend", addend)
        real = real + float(np.float32(addend))
        return net.node("Add", "shifted", [scaled.name, name], real, 1.0)

    def relu(self, *, bits: int, scale: float | None = None) -> NetTensor:
        """ReLU and an unsigned quantizer, of calibrated scale where none is given."""
        rectified = self.net.node("Relu", "relu", [self.name], np.maximum(self.real, 0), 1.0)
        return rectified.quant(bits=bits, signed=False, scale=scale)

    def quant(
        self, *, bits: int, signed: bool = True, narrow: bool = False, scale: float | None = None
    ) -> NetTensor:
        """A Quant with one scale, calibrated where none is given."""
        highest = (1 << (bits - signed)) - 1
        lowest = 0 if not signed else -highest if narrow else -highest - 1
        if scale is None:
            clipped = max(SATURATED, 4.0 ** (1 - bits))
            scale = float(np.quantile(abs(self.real), 1 - clipped)) / highest
        single = np.float32(scale)
        codes = np.clip(np.round(self.real / float(single)), lowest, highest)
        inputs = [self.name, *self.net.grid(self.net.fresh("quant"), single, bits)]
        attributes = _rounding(signed=signed, narrow=narrow)
        return self.net.node("Quant", "quant", inputs, codes, float(single), **attributes)

    def bipolar(self) -> NetTensor:
        """+1 from zero upwards, else -1."""
        codes = np.where(self.real >= 0, 1.0, -1.0)
        inputs = [self.name, self.net.constant("one", 1)]
        return self.net.node("BipolarQuant", "bipolar", inputs, codes, 1.0)

    def max_pool(self, size: int = 2) -> NetTensor:
        rank = self.codes.ndim - 2
        window = [size] * rank
        pooled = operators.max_pool(self.codes, size)
        return self.net.node(
            "MaxPool", "max_pool", [self.name], pooled, self.scale,
            kernel_shape=window, strides=window, pads=[0] * 2 * rank, dilations=[1] * rank,
        )  # fmt: skip

    def global_average_pool(self) -> NetTensor:
        spatial = tuple(range(2, self.codes.ndim))
        total = self.codes.sum(axis=spatial, keepdims=True, dtype=np.float64)
        scale = self._number() * total.size / self.codes.size
        return self.net.node("GlobalAveragePool", "average", [self.name], total, scale)

    def flatten(self) -> NetTensor:
        """To [N, features]; keeps a single scale."""
        flat = self.codes.reshape(len(self.codes), -1)
        target = self.net.constant(
            f"{self.net.fresh('flat')}_shape", (1, flat.shape[1]), dtype=np.int64
        )
        return self.net.node("Reshape", "flat", [self.name, target], flat, self._number())

    def upsample(self, factor: int = 2) -> NetTensor:
        scales = (1, 1, *(factor,) * (self.codes.ndim - 2))
        name = self.net.constant(f"{self.net.fresh('upsample')}_scales", scales)
        return self.net.node(
            "Resize", "upsample", [self.name, "", name],
            operators.upsample(self.codes, factor), self.scale,
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip

    def add(self, other: NetTensor) -> NetTensor:
        return self.net.node("Add", "add", [self.name, other.name], self.real + other.real, 1.0)

    def concat(self, other: NetTensor) -> NetTensor:
        """Along the channels; both sides have one scale, so that a convolution can sum them."""
        assert self._number() == other._number(), "concat needs one scale on both sides"
        codes = np.concatenate([self.codes, other.codes], axis=1)
        names = [self.name, other.name]
        return self.net.node("Concat", "concat", names, codes, self.scale, axis=1)

    def _conv(
        self, filters: int, depth: int, kernel: int | tuple[int, ...],
        bits: int, stride: int, same: bool,
    ) -> NetTensor:  # fmt: skip
        sizes = self.codes.shape[2:]
        kernel = (kernel,) * len(sizes) if isinstance(kernel, int) else kernel
        pads = operators.same_pads(sizes, kernel, stride) if same else ((0, 0),) * len(sizes)
        weight, integers, scale = self.net.weights((filters, depth, *kernel), bits, axis=0)
        product = operators.convolve(self.codes, integers, stride, pads)
        befores, afters = zip(*pads)
        return self.net.node(
            "Conv", "conv", [self.name, weight], product, self._number() * scale,
            kernel_shape=kernel, strides=[stride] * len(sizes), dilations=[1] * len(sizes),
            pads=[*befores, *afters], group=self.codes.shape[1] // depth,
        )  # fmt: skip

    def _statistics(self) -> tuple[Array, Array]:
        """(mean, variance) per channel over the batch, of whole-numbered codes."""
        # Sums of squares of large integers are exact in int64 alone.
        whole = operators.whole(self.codes)
        axes = (0, *range(2, whole.ndim))
        count = whole.size / whole.shape[1]
        mean = whole.sum(axis=axes) / count
        variance = (whole * whole).sum(axis=axes) / count - mean * mean
        # A channel that never changes on the batch stays harmless.
        return mean * self.scale, np.maximum(variance, 0.25) * np.square(self.scale)

    def _number(self) -> float:
        """The scale, which is one number wherever values are summed up."""
        assert np.ndim(self.scale) == 0, f"{self.name} has a scale per channel: quantize it first"
        return float(self.scale)

    def _wide(self, values: Any) -> Any:
        """Per-channel values as they broadcast over the codes."""
        if np.ndim(values) == 0:
            return values
        return np.reshape(values, (1, -1, *(1,) * (self.codes.ndim - 2)))


def _rounding(*, signed: bool, narrow: bool) -> dict[str, Any]:
    return {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
