"""Random networks keep their function on the way to the canonical form, or get an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

from fpgacomp.errors import FpgacompError, InvalidGraph
from fpgacomp.frontend import canonicalize, check
from fpgacomp.network.operators import HOST_ONLY
from tests.support.frontend_runs import MODELS, build, execute, node, ops, quant

CANONICAL = {
    *("Quant", "BipolarQuant", "Trunc", "MultiThreshold", "MatMul", "Conv", "MaxPool", "Add"),
    *("AveragePool", "GlobalAveragePool", "Mul", "Concat", "Resize", "Reshape", "Transpose"),
    *("BatchNormalization", "Relu", "LeakyRelu", "PRelu", "Clip", "HardSigmoid", "HardSwish"),
    *("Sigmoid", "Tanh", "Selu", "Elu", "Silu", "Gelu", "GeluTanh", *HOST_ONLY),
    *("Softplus", "Softsign", "Exp", "Abs", "Pow", "Reciprocal", "Sqrt", "Div"),
}


@dataclass
class Drawn:
    """A network under construction: the current tensor is channels first, [1, C, H, W].

    exact: every number is a multiple of 1/64 and small, and every operator computes it
    without rounding, so that quantizers can be compared to the bit. Otherwise there is
    no quantizer of an activation, which would turn a last digit into a whole step.
    """

    data: st.DataObject
    rng: np.random.Generator
    exact: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (1, 2, 6, 6)
    last: str = "x"

    def pick(self, *options: Any) -> Any:
        return self.data.draw(st.sampled_from(options))

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def add(self, op: str, *more: str, shape: tuple[int, ...] | None = None, **kw: Any) -> None:
        name = f"t{len(self.nodes)}"
        self.nodes.append(node(op, [self.last, *more], name, **kw))
        self.last, self.shape = name, shape or self.shape

    def quantize(self, source: str, scale: Any, **kw: Any) -> str:
        name = f"t{len(self.nodes)}"
        inputs = [source, self.constant(scale), self.constant(0.0), self.constant(4.0)]
        self.nodes.append(quant(inputs, name, **kw))
        return name

    def numbers(self, *shape: int) -> np.ndarray:
        if self.exact:
            return self.rng.integers(-8, 9, shape) / 4
        return self.rng.normal(size=shape)

    def weight(self, shape: tuple[int, ...]) -> str:
        """Float, or behind a quantizer per tensor or per first axis."""
        name = self.constant(self.numbers(*shape))
        kind = self.pick("float", "tensor", "channel")
        if kind == "float":
            return name
        per = (shape[0], *[1] * (len(shape) - 1)) if kind == "channel" else ()
        return self.quantize(name, self.rng.choice([0.25, self._step()], per), narrow=1)

    # ---- steps

    def conv(self) -> None:
        channels, kernel = self.shape[1], self.pick(1, 3)
        if self.shape[2] < kernel:
            return
        inputs = [self.weight((3, channels, kernel, kernel))]
        if self.pick(True, False):
            inputs.append(self.constant(self.numbers(3)))
        size = self.shape[2] if (same := self.pick(True, False)) else self.shape[2] - kernel + 1
        auto = self.pick("SAME_UPPER", "SAME_LOWER") if same else "VALID"
        self.add("Conv", *inputs, shape=(1, 3, size, size), auto_pad=auto)
        self.limit()

    def limit(self) -> None:
        if self.exact:
            self.last = self.quantize(self.last, 0.5, signed=self.pick(0, 1))

    def _step(self) -> float:
        return 0.5 if self.exact else 0.1

    def pad_conv(self) -> None:
        pads = self.constant(np.array([0, 0, 1, 0, 0, 0, 1, 2]))
        _, c, h, w = self.shape
        self.add("Pad", pads, shape=(1, c, h + 2, w + 2))
        if self.shape[2] >= 3:
            self.add("Conv", self.weight((2, c, 3, 3)), shape=(1, 2, h, w))
        else:
            self.add("Conv", self.weight((2, c, 1, 1)), shape=(1, 2, h + 2, w + 2))
        self.limit()

    def batchnorm(self) -> None:
        if self.exact:
            return
        c = self.shape[1]
        names = [self.constant(self.rng.normal(size=c)) for _ in range(3)]
        self.add("BatchNormalization", *names, self.constant(self.rng.uniform(0.5, 2, c)))

    def activation(self) -> None:
        exact = ("Relu", "Clip", "Quant", "PRelu", "Identity")
        curved = ("Relu", "Clip", "Silu", "LeakyRelu", "PRelu", "Identity", "Tanh")
        match self.pick(*(exact if self.exact else curved)):
            case "Clip":
                self.add("Clip", self.constant(-1.0), self.constant(3.0))
            case "Silu":
                x = self.last
                self.add("Sigmoid")
                self.add("Mul", x)
            case "Quant":
                self.limit()
            case "PRelu":
                slopes = self.rng.choice([0.25, 0.5], (self.shape[1], 1, 1))
                self.add("PRelu", self.constant(slopes))
                self.limit()
            case op:
                self.add(op)

    def scale(self) -> None:
        op = self.pick("Add", "Sub", "Mul", "Div")
        shape = (1, self.shape[1], 1, 1)
        exact = self.rng.choice([0.5, 1.0, 2.0], shape)
        self.add(op, self.constant(exact if self.exact else self.rng.uniform(0.5, 2, shape)))
        self.limit()

    def pool(self) -> None:
        _, c, h, w = self.shape
        if h < 2 or w < 2:
            return
        op = self.pick("MaxPool", "AveragePool")
        shape = (1, c, h // 2, w // 2)
        self.add(op, shape=shape, kernel_shape=[2, 2], strides=[2, 2])
        self.limit()

    def upsample(self) -> None:
        _, c, h, w = self.shape
        if h > 6:
            return
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        self.nodes.append(node("Resize", [self.last, "", scales], name := f"t{len(self.nodes)}"))
        self.last, self.shape = name, (1, c, 2 * h, 2 * w)

    def residual(self) -> None:
        x = self.last
        self.batchnorm()
        self.activation()
        self.add("Add", x)
        self.limit()

    def channels_last(self) -> None:
        self.add("Transpose", perm=[0, 2, 3, 1])
        self.add("Relu")
        self.add("Transpose", perm=[0, 3, 1, 2])

    def concat(self) -> None:
        n, c, h, w = self.shape
        x = self.last
        self.activation()
        self.add("Concat", x, shape=(n, 2 * c, h, w), axis=1)

    def head(self) -> None:
        _, c, h, w = self.shape
        match self.pick(*(("flatten", "chain") if self.exact else ("flatten", "mean", "chain"))):
            case "flatten":
                self.add("Flatten", shape=(1, c * h * w))
            case "mean":
                self.add("ReduceMean", shape=(1, c), axes=[2, 3], keepdims=0)
            case _:
                x = self.last
                self.add("Shape")
                self.add("Gather", self.constant(np.array([0])))
                self.add("Concat", self.constant(np.array([-1])), axis=0)
                self.last, target = x, self.last
                self.add("Reshape", target, shape=(1, c * h * w))
        n = self.shape[1]
        bias = self.quantize(self.constant(self.numbers(4)), 0.125)
        self.add("Gemm", self.weight((4, n)), bias, shape=(1, 4), transB=1)
        if not self.exact and self.pick(True, False):
            self.add("Softmax")


STEPS = (
    *("conv", "pad_conv", "batchnorm", "activation", "scale", "pool", "upsample", "residual"),
    *("channels_last", "concat"),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_random_networks_keep_their_function(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    drawn = Drawn(data, rng, exact=data.draw(st.booleans()))
    drawn.limit()
    for step in data.draw(st.lists(st.sampled_from(STEPS), max_size=6)):
        getattr(drawn, step)()
    drawn.head()
    model = build(drawn.nodes, [1, 2, 6, 6], drawn.constants)
    canonical = canonicalize(model)
    onnx.checker.check_model(canonical, full_check=False)
    assert set(ops(canonical)) <= CANONICAL
    again = canonicalize(canonical)
    assert ops(again) == ops(canonical)
    for _ in range(2):
        x = (rng.normal(size=(1, 2, 6, 6)) * 3).astype(np.float32)
        (expected,), (found,) = execute(model, x), execute(canonical, x)
        assert expected.shape == found.shape
        if drawn.exact:
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not MODELS.is_dir(), reason="the collected models are not here")
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_damaged_networks_never_crash(data: st.DataObject) -> None:
    """Whatever is wrong with a file, the answer is one of our own errors, or a network."""
    model = onnx.load(data.draw(st.sampled_from(sorted(MODELS.glob("*.onnx")))))
    for _ in range(data.draw(st.integers(1, 3))):
        damage(model, data)
    try:
        assert check(model)
        canonicalize(model)
    except InvalidGraph:
        raise
    except FpgacompError as error:
        assert str(error)


OPERATORS = ("Relu", "Gemm", "Conv", "Pad", "Resize", "Quant", "Trunc", "Clip", "QuantizeLinear")


def damage(model: onnx.ModelProto, data: st.DataObject) -> None:
    graph = model.graph
    victim = graph.node[data.draw(st.integers(0, len(graph.node) - 1))]
    constant = graph.initializer[data.draw(st.integers(0, len(graph.initializer) - 1))]
    match data.draw(st.sampled_from(["node", "op", "inputs", "attributes", "value", "dims", "in"])):
        case "node" if len(graph.node) > 1:
            graph.node.remove(victim)
        case "op":
            victim.op_type = data.draw(st.sampled_from(OPERATORS))
        case "inputs" if len(victim.input) > 1:
            del victim.input[data.draw(st.integers(1, len(victim.input) - 1)) :]
        case "attributes" if victim.attribute:
            del victim.attribute[:]
        case "value":
            array = numpy_helper.to_array(constant).astype(np.float32) * np.float32(-3.5)
            constant.CopyFrom(numpy_helper.from_array(array, constant.name))
        case "dims":
            array = numpy_helper.to_array(constant)
            array = np.concatenate([array.ravel(), array.ravel()])
            constant.CopyFrom(numpy_helper.from_array(array, constant.name))
        case "in":
            victim.input.insert(0, data.draw(st.sampled_from([i.name for i in graph.initializer])))
