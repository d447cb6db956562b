"""What is exported is what was trained, and compiles to the same integers."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")

from torch import nn  # noqa: E402

import fpgacomp  # noqa: E402
from fpgacomp.compress.quantize import QuantizeOptions, quantize_aware, to_qonnx  # noqa: E402
from fpgacomp.compress.quantize.torch.export import _rename  # noqa: E402
from fpgacomp.compress.quantize.torch.transform import quantize  # noqa: E402
from fpgacomp.compress.recipe import Recipe  # noqa: E402
from fpgacomp.compress.trainable import from_module  # noqa: E402
from fpgacomp.compress.training import scores, train  # noqa: E402
from tests.support.depth import deep, draws  # noqa: E402

pytestmark = pytest.mark.slow  # they train

SAMPLES = 150
ALIKE = 0.96  # share of the answers; a wrong export answers at random, one in ten right


class Residual(nn.Module):
    """Two blocks, one with a strided skip, and average pooling."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv1, self.norm1 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv2, self.norm2 = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.down, self.skip = nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(8, 16, 1, 2)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(16, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        y = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(x + self.norm2(self.conv2(y)))
        x = torch.relu(self.down(x) + self.skip(x))
        return self.fc(torch.flatten(self.pool(x), 1))


class Joined(nn.Module):
    """Concatenation of unlike activations, groups, depthwise, LeakyReLU and Tanh."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(1, 6, 1)
        self.both, self.pool = nn.Conv2d(12, 8, 3, padding=1), nn.MaxPool2d(2)
        self.grouped = nn.Conv2d(20, 8, 3, padding=1, groups=4)
        self.deep, self.fc = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Linear(128, 10)

    def forward(self, x):
        z = torch.cat([torch.relu(self.left(x)), self.right(x)], 1)
        y = torch.cat([z, torch.tanh(self.both(z))], 1)
        y = nn.functional.leaky_relu(self.grouped(self.pool(y)), 0.125)
        return self.fc(torch.flatten(torch.relu(self.deep(y)), 1))


class Activated(nn.Module):
    """A float normalisation first, activations before convolutions, sums of sums, a softmax."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv1, self.norm1 = nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.pool, self.fc = nn.AvgPool2d(2), nn.Linear(128, 10)

    def forward(self, x):
        x = self.conv(x * 2 - 1)
        x = x + self.conv1(torch.relu(self.norm(x)))
        x = x + self.conv2(torch.sigmoid(self.norm1(x))) + x
        return torch.softmax(self.fc(torch.flatten(self.pool(x), 1)), 1)


OPTIONS = {
    "W8A8": QuantizeOptions(granularity="tensor"),
    "W4A4": QuantizeOptions(weight_bits=4, activation_bits=4),
    "W2A2": QuantizeOptions(weight_bits=2, activation_bits=2, scale="power-of-two", narrow=False,
                            granularity="tensor", first_last_bits=None),
    "W1A2": QuantizeOptions(weight_bits=1, activation_bits=2, first_last_bits=None),
    "ternary": QuantizeOptions(weight_bits="ternary", activation_bits=3, scale="power-of-two"),
    "W1A1": QuantizeOptions(weight_bits=1, activation_bits=1, granularity="tensor"),
}  # fmt: skip


def _exact(network, digits):
    """Compile it; every integer equals the network's, and the answers are Brevitas' own.

    Brevitas computes in float32: a sum next to a rounding border may fall on its other side, on
    one processor and not on another, so that a few answers may differ.
    """
    x = digits.test.x[:SAMPLES]
    theirs = scores(network, x).argmax(axis=1)
    # That every level of a design is exact is tested where the engines are.
    options = fpgacomp.Options(
        inputs=x, labels=theirs, checks="quick", backend="stream", csim=False,
        target=fpgacomp.Target("area", fps=1e4),
    )  # fmt: skip
    report = fpgacomp.compile(to_qonnx(network), "pynq-z2", options=options)
    assert report.status == "ok"
    exactness = report.exactness
    assert exactness.network_mismatches == 0 < exactness.vectors
    assert exactness.top1_agreement_float32 >= ALIKE
    # The labels are Brevitas' own predictions.
    assert report.accuracy["top1"] >= ALIKE


@pytest.mark.slow
@pytest.mark.parametrize("name", [deep("W8A8"), "W4A4", "W2A2", "W1A2", "ternary", deep("W1A1")])
def test_cnn_compiles_exactly(float_cnn, digits, name):
    recipe = Recipe(epochs=2, learning_rate=0.005)
    _exact(quantize_aware(float_cnn, digits, OPTIONS[name], recipe).network, digits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "name"), [(Residual, "W1A2"), (Joined, "W4A4"), deep(Activated, "W4A4")]
)
def test_branches_compile_exactly(trained, digits, build, name):
    recipe = Recipe(epochs=1, learning_rate=0.005)
    _exact(quantize_aware(trained(build, epochs=3), digits, OPTIONS[name], recipe).network, digits)


CURVES = [nn.ELU(0.7), nn.SELU(), nn.SiLU(), nn.GELU(), nn.Hardswish(), nn.Hardsigmoid()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("curve", "name"),
    [(curve, ("W4A4", "W2A2")[index % 2]) for index, curve in enumerate(CURVES[: draws(3, 6)])],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_curved_activations_compile_exactly(digits, curve, name):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), curve, nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1), curve, nn.Flatten(), nn.Linear(128, 10), nn.LogSoftmax(1),
    )  # fmt: skip
    network = from_module(module, torch.zeros(1, 1, 8, 8))
    train(network, digits, Recipe(epochs=2, learning_rate=0.01))
    recipe = Recipe(epochs=1, learning_rate=0.005)
    _exact(quantize_aware(network, digits, OPTIONS[name], recipe).network, digits)


def test_same_bytes_again_and_names_kept(float_cnn, digits):
    float_cnn.meta |= {"input_name": "image", "output_name": "scores"}
    network = quantize(float_cnn, digits, OPTIONS["W4A4"]).network
    first, second = to_qonnx(network), to_qonnx(network)
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )
    assert [value.name for value in first.graph.input][:1] == ["image"]
    assert [value.name for value in first.graph.output] == ["scores"]


def test_names_that_the_exporter_refuses_are_kept_all_the_same(float_cnn, digits):
    """Older torch calls tensors by numbers, and a name may be taken within the exported graph."""
    options = fpgacomp.Options(
        inputs=digits.test.x[:20], csim=False, backend="stream",
        target=fpgacomp.Target("area", fps=1e4),
    )  # fmt: skip
    found = []
    others = (("37", "41"), ("x:0", "/fc/Gemm_output_0"), ("1", "input"))
    for names in (("input", "output"), *draws(others[1:2], others)):
        named = copy.deepcopy(float_cnn)
        named.meta |= {"input_name": names[0], "output_name": names[1]}
        model = to_qonnx(quantize(named, digits, OPTIONS["W4A4"]).network)
        assert (model.graph.input[0].name, model.graph.output[0].name) == names
        found.append(fpgacomp.compile(model, "pynq-z2", options=options).exactness)
    assert all(one == found[0] for one in found)


def test_a_taken_name_moves_out_of_the_way():
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["a"], ["b"]), onnx.helper.make_node("Neg", ["b"], ["c"])],
        "g",
        [onnx.helper.make_tensor_value_info("a", 1, [1])],
        [onnx.helper.make_tensor_value_info("c", 1, [1])],
    )
    _rename(graph, "c", "b")
    assert [(*node.input, *node.output) for node in graph.node] == [
        ("a", "b_inner"),
        ("b_inner", "b"),
    ]
    assert graph.output[0].name == "b"


def test_unsigned_single_bit_is_no_sign(float_cnn, digits):
    """After a ReLU one bit is 0 or 1; Brevitas' own export would write -1 or 1."""
    options = QuantizeOptions(weight_bits=4, activation_bits=1)
    model = to_qonnx(quantize(float_cnn, digits, options).network)
    assert not any(node.op_type == "BipolarQuant" for node in model.graph.node)


def test_two_sides_of_a_sum_differ_by_a_power_of_two(digits):
    network = from_module(Residual(), torch.zeros(1, 1, 8, 8))
    quantized = quantize(network, digits, QuantizeOptions(activation_bits=4)).network
    for one, other in (("relu", "norm2_quant"), ("down_quant", "skip_quant")):
        scales = [quantized.get_submodule(n).act_quant.scale().item() for n in (one, other)]
        octaves = np.log2(scales[0] / scales[1])
        assert octaves == round(octaves)


def test_ties_hold_while_scales_are_learned(digits):
    network = from_module(Joined(), torch.zeros(1, 1, 8, 8))
    before = quantize(network, digits, QuantizeOptions(activation_bits=4)).network
    options, recipe = QuantizeOptions(activation_bits=4), Recipe(epochs=1, learning_rate=0.01)
    after = quantize_aware(network, digits, options, recipe).network
    names = ("relu", "right_quant", "tanh_quant")
    scales = {after.get_submodule(name).act_quant.scale().item() for name in names}
    assert len(scales) == 1
    assert scales != {before.get_submodule("relu").act_quant.scale().item()}
