"""Post-training quantization: what it inserts, how close it stays, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from fpgacomp.errors import InputDataError, Problems, UnsupportedLayer, UsageError
from fpgacomp.frontend import read_network
from fpgacomp.frontend.calibrate import PtqOptions, quantize_post_training
from fpgacomp.frontend.calibrate.placement import place
from fpgacomp.frontend.calibrate.run import Runner
from fpgacomp.network.editable import EditableGraph
from fpgacomp.network.infer import infer_missing
from tests.support import frontend_runs

CNN = """
<ir_version: 8, opset_import: ["" : 18]>
cnn (float[1,2,6,6] x) => (float[1,3] y)
<float[4,2,3,3] w1, float[4] gamma, float[4] beta, float[4] mean, float[4] variance,
 float[4,4,3,3] w2, float[1,4,1,1] b2, float[8,3] w3, float[1,3] b3, int64[2] flat>
{
  c1 = Conv <pads: ints = [1,1,1,1], kernel_shape: ints = [3,3], strides: ints = [1,1],
             dilations: ints = [1,1], group: int = 1, auto_pad: string = "NOTSET"> (x, w1)
  n1 = BatchNormalization <epsilon: float = 0.001> (c1, gamma, beta, mean, variance)
  p1 = MaxPool <kernel_shape: ints = [2,2], strides: ints = [2,2], pads: ints = [0,0,0,0],
                ceil_mode: int = 0> (n1)
  r1 = Relu (p1)
  c2 = Conv <pads: ints = [1,1,1,1], kernel_shape: ints = [3,3], strides: ints = [1,1],
             dilations: ints = [1,1], group: int = 1, auto_pad: string = "NOTSET"> (r1, w2)
  a2 = Add (c2, b2)
  sum = Add (a2, r1)
  r2 = Relu (sum)
  joined = Concat <axis: int = 1> (r2, a2)
  pooled = GlobalAveragePool (joined)
  vector = Reshape (pooled, flat)
  m3 = MatMul (vector, w3)
  a3 = Add (m3, b3)
  y = Softmax <axis: int = 1> (a3)
}
"""


def cnn() -> onnx.ModelProto:
    """Residual sum, concatenation, both poolings, normalization: random weights."""
    model = parser.parse_model(CNN)
    random = np.random.default_rng(0)
    for value in list(model.graph.value_info):
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if value.name == "flat":
            array = np.array([1, 8], dtype=np.int64)
        elif value.name in ("gamma", "variance"):
            array = random.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            array = random.normal(0, 0.4, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, value.name))
    del model.graph.value_info[:]
    return read_network(model, name="cnn").model


def samples(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2, 6, 6)).astype(np.float32)


def run(model: onnx.ModelProto, x: np.ndarray, tensor: str = "") -> np.ndarray:
    graph = EditableGraph.from_model(model)
    infer_missing(graph)
    tensor = tensor or graph.outputs[0]
    chunks = Runner(graph, [tensor]).chunks({graph.inputs[0]: x})
    return np.concatenate([chunk[tensor] for chunk in chunks])


def quantized(model: onnx.ModelProto, x: np.ndarray, **options: object) -> onnx.ModelProto:
    name = model.graph.input[0].name
    return quantize_post_training(model, {name: x}, PtqOptions(**options))  # type: ignore[arg-type]


def quants(model: onnx.ModelProto) -> dict[str, tuple[onnx.NodeProto, np.ndarray]]:
    """Every Quant by the tensor it quantizes, with its scale."""
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    return {
        n.input[0]: (n, values[n.input[1]])
        for n in model.graph.node
        if n.op_type in ("Quant", "BipolarQuant")
    }


def attribute(node: onnx.NodeProto, name: str) -> int:
    return next(a.i for a in node.attribute if a.name == name)


def error(model: onnx.ModelProto, x: np.ndarray, **options: object) -> float:
    """Root mean square difference from the float network on data that calibration did not see."""
    test = np.random.default_rng(9).permutation(x.ravel()).reshape(x.shape)
    return float(
        np.sqrt(np.mean((run(quantized(model, x, **options), test) - run(model, test)) ** 2))
    )


def test_every_integer_operator_reads_integers() -> None:
    model = quantized(cnn(), samples(100))
    made = {t: n for n in model.graph.node for t in n.output}
    constants = {t.name for t in model.graph.initializer}
    integers = {t for t, n in made.items() if n.op_type == "Quant"}
    for node in model.graph.node:
        constant_add = node.op_type == "Add" and set(node.input) & constants
        if node.op_type in ("MaxPool", "Reshape", "Concat", "Transpose"):
            if all(t in integers or t in constants for t in node.input):
                integers.add(node.output[0])
        elif node.op_type in ("Conv", "MatMul", "GlobalAveragePool", "Add") and not constant_add:
            assert set(node.input) <= integers, node.name


def test_one_quantizer_per_tensor_and_unsigned_after_relu() -> None:
    model = quantized(cnn(), samples(100))
    inputs = [n.input[0] for n in model.graph.node if n.op_type == "Quant"]
    assert len(inputs) == len(set(inputs))
    made = {t: n.op_type for n in model.graph.node for t in n.output}
    for tensor, (node, _) in quants(model).items():
        if made.get(tensor) == "Relu":
            assert attribute(node, "signed") == 0
        if tensor == "x":
            assert attribute(node, "signed") == 1


def test_activation_moves_in_front_of_the_pool() -> None:
    model = quantized(cnn(), samples(50), bias_correction=False)
    made = {t: n for n in model.graph.node for t in n.output}
    pool = next(n for n in model.graph.node if n.op_type == "MaxPool")
    quant = made[pool.input[0]]
    assert quant.op_type == "Quant"
    assert made[quant.input[0]].op_type == "Relu"


def test_last_output_stays_float() -> None:
    model = quantized(cnn(), samples(50))
    made = {t: n for n in model.graph.node for t in n.output}
    node = made[model.graph.output[0].name]
    while node.op_type != "MatMul":
        assert node.op_type in ("Softmax", "Add")
        node = made[node.input[0]]


def test_powers_of_two() -> None:
    for _, scale in quants(quantized(cnn(), samples(50), scale="power-of-two")).values():
        mantissa, _ = np.frexp(scale)
        assert np.all(mantissa == 0.5)


def test_scales_per_channel_and_per_layer() -> None:
    names = {t.name for t in cnn().graph.initializer}
    per_channel = quants(quantized(cnn(), samples(50)))
    per_layer = quants(quantized(cnn(), samples(50), per_channel_weights=False))
    weights = [name for name in per_channel if name in names]
    assert len(weights) == 3
    assert {per_channel[name][1].size for name in weights} == {3, 4}
    assert {per_layer[name][1].size for name in weights} == {1}


@pytest.mark.parametrize("ranges", ["min-max", "percentile", "mse"])
def test_both_sides_of_an_add_share_a_free_scale(ranges: str) -> None:
    model = quantized(cnn(), samples(50), scale="free", ranges=ranges)
    made = {t: n for n in model.graph.node for t in n.output}
    constants = {t.name for t in model.graph.initializer}
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    joins = [
        n
        for n in model.graph.node
        if n.op_type == "Concat" or (n.op_type == "Add" and not set(n.input) & constants)
    ]
    assert len(joins) == 2
    for join in joins:
        scales = set()
        for tensor in join.input:
            node = made[tensor]
            while node.op_type == "MaxPool":
                node = made[node.input[0]]
            scales.add(float(values[node.input[1]]))
        assert len(scales) == 1


def test_concat_shares_a_scale_with_powers_of_two_too() -> None:
    model = quantized(cnn(), samples(50), scale="power-of-two")
    made = {t: n for n in model.graph.node for t in n.output}
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    concat = next(n for n in model.graph.node if n.op_type == "Concat")
    assert len({float(values[made[t].input[1]]) for t in concat.input}) == 1


@pytest.mark.slow
def test_more_bits_are_closer_and_sixteen_nearly_equal() -> None:
    x = samples(300)
    errors = [error(cnn(), x, weight_bits=b, activation_bits=b, input_bits=b) for b in (4, 8, 16)]
    assert errors[0] > 4 * errors[1] > 16 * errors[2]
    assert errors[2] < 1e-4


@pytest.mark.slow
def test_bias_correction_and_least_squares_help_at_four_bits() -> None:
    x = samples(300)
    bits = {"weight_bits": 4, "activation_bits": 6}
    naive = {"ranges": "min-max", "per_channel_weights": False, "bias_correction": False}
    plain = error(cnn(), x, **bits, **naive)
    better = error(cnn(), x, **bits)
    assert better < 0.7 * plain


@pytest.mark.slow
def test_bias_correction_removes_the_mean_error() -> None:
    x = samples(400)
    network = cnn()
    bits = {"weight_bits": 3, "activation_bits": 8}
    last = next(n.input[0] for n in network.graph.node if n.op_type == "Softmax")
    wanted = run(network, x, last).mean(axis=0)

    def offset(bias_correction: bool) -> float:
        model = quantized(network, x, bias_correction=bias_correction, **bits)
        tensor = next(n.input[0] for n in model.graph.node if n.op_type == "Softmax")
        return float(np.abs(run(model, x, tensor).mean(axis=0) - wanted).max())

    assert offset(False) > 1e-3
    assert offset(True) < 1e-5


def test_bipolar_and_first_and_last_layer_bits() -> None:
    model = quantized(cnn(), samples(50), weight_bits=1, first_layer_bits=8, last_layer_bits=4)
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    made = {t: n for n in model.graph.node for t in n.output}
    kinds = []
    for node in model.graph.node:
        if node.op_type in ("Conv", "MatMul"):
            quant = made[node.input[1]]
            bits = 1 if quant.op_type == "BipolarQuant" else int(values[quant.input[3]])
            kinds.append(bits)
    assert kinds == [8, 1, 4]


@pytest.mark.slow
def test_asymmetric_input_has_a_zero_point_only_where_asked() -> None:
    x = samples(50) * 0.5 + 1.0
    assert -0.5 * x.max() < x.min() < 0
    scales = {}
    for asymmetric in (False, True):
        model = quantized(cnn(), x, asymmetric_input=asymmetric, ranges="min-max", scale="free")
        values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        node, scale = quants(model)["x"]
        assert attribute(node, "signed") == (not asymmetric)
        assert (values[node.input[2]] > 0) == asymmetric
        scales[asymmetric] = float(scale)
    assert scales[True] < 0.8 * scales[False]


@pytest.mark.slow
def test_same_answer_as_qonnx_executes() -> None:
    model = quantized(cnn(), samples(50), scale="free")
    x = samples(3, seed=5)
    ours = run(model, x)
    wrapped = ModelWrapper(model)
    name = model.graph.output[0].name
    theirs = [execute_onnx(wrapped, {"x": one[None]})[name][0] for one in x]
    assert np.abs(ours - np.stack(theirs)).max() < 1e-6


def test_silu_and_gelu_are_run_through_standard_operators() -> None:
    text = """
    <ir_version: 8, opset_import: ["" : 18, "fpgacomp" : 1]>
    curves (float[1,4] x) => (float[1,4] y) <float[4,4] w, float[4,4] v>
    { a = MatMul (x, w)  b = fpgacomp.Silu (a)  c = MatMul (b, v)  y = fpgacomp.Gelu (c) }
    """
    model = parser.parse_model(text)
    random = np.random.default_rng(0)
    for name in ("w", "v"):
        array = random.normal(size=(4, 4)).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    x = random.normal(size=(200, 4)).astype(np.float32)
    result = quantized(model, x, weight_bits=12, activation_bits=12, input_bits=12)
    assert np.abs(run(result, x) - run(model, x)).max() < 0.02
    assert [n.op_type for n in result.graph.node if n.domain == "fpgacomp"] == ["Silu", "Gelu"]


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (quantized(cnn(), samples(80)).SerializeToString() for _ in range(2))
    assert first == second


def test_quantized_networks_are_refused() -> None:
    once = quantized(cnn(), samples(20))
    with pytest.raises(Problems, match="quantized here already"):
        quantized(once, samples(20))


def test_a_network_without_weights_is_refused() -> None:
    text = '<ir_version: 8, opset_import: ["" : 18]> r (float[1,4] x) => (float[1,4] y)'
    with pytest.raises(UnsupportedLayer, match="nothing to quantize"):
        quantized(parser.parse_model(text + "{ y = Relu (x) }"), np.zeros((3, 4)))


@pytest.mark.slow
def test_dead_channels_and_dead_activations_get_ordinary_scales() -> None:
    model = cnn()
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor).copy()
        if array.shape == (4, 2, 3, 3):
            array[1] = 0
        elif array.shape == (4, 4, 3, 3):
            array[:] = 0
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    for bits in (1, 8):
        result = quantized(model, samples(20), weight_bits=bits)
        for _, scale in quants(result).values():
            assert np.all((scale > 1e-5) & (scale < 10))
    assert np.isfinite(run(result, samples(20))).all()


def test_a_float_network_that_overflows_is_named() -> None:
    model = cnn()
    with pytest.raises(InputDataError, match="answers NaN or infinity at tensor"):
        quantized(model, np.clip(samples(10), -1, 1) * 3e38)


def test_bad_calibration_data_is_named() -> None:
    with pytest.raises(InputDataError, match="calibration data: shape"):
        quantized(cnn(), np.zeros((5, 6, 6, 2)))


def test_bad_options_are_reported_together() -> None:
    with pytest.raises(Problems) as caught:
        PtqOptions(weight_bits=0, activation_bits=40, scale="pow2")  # type: ignore[arg-type]
    text = str(caught.value)
    assert "--weight-bits 0: is out of range." in text
    assert "--activation-bits 40: is out of range." in text
    assert "unknown choice 'pow2'" in text
    with pytest.raises(UsageError, match="percentile"):
        replace(PtqOptions(), percentile=3)


@pytest.mark.parametrize(
    ("file", "shape", "largest", "rms"),
    [
        # Measured in November 2026 on these seeds: 0.0052 and 0.0006 of a range of 0.47,
        # 0.0012 and 0.0003 of a range of 0.08.
        ("conv2d_small_keras.onnx", (8, 8, 1), 0.008, 0.001),
        ("two_layer_pytorch.onnx", (10,), 0.002, 0.0005),
    ],
)
@pytest.mark.parametrize("scale", ["power-of-two", "free"])
def test_real_float_networks_stay_close(
    shared: Path, file: str, shape: tuple[int, ...], largest: float, rms: float, scale: str
) -> None:
    random = np.random.default_rng(0)
    model = read_network(shared / "models" / file).model
    calibration, test = (random.uniform(size=(n, *shape)).astype(np.float32) for n in (500, 2000))
    difference = run(quantized(model, calibration, scale=scale), test) - run(model, test)
    assert np.abs(difference).max() < largest
    assert np.sqrt(np.mean(difference**2)) < rms


def test_a_deep_chain_of_moves_is_walked() -> None:
    """The walk back from a product to what computes its input takes no stack."""
    names = ["x", *(f"t{number}" for number in range(3000))]
    nodes = [
        frontend_runs.node("Transpose", [before], after, perm=[1, 0])
        for before, after in pairwise(names)
    ]
    nodes.append(frontend_runs.node("MatMul", [names[-1], "w"], "y"))
    model = frontend_runs.build(nodes, [2, 2], {"w": np.eye(2, dtype=np.float32)})
    placement = place(EditableGraph.from_model(model), share_add_scales=True)
    assert [point.tensor for point in placement.sites] == ["x"]
