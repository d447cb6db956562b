"""QDQ networks beside the integer graph, in ONNX Runtime, and by the rules of TensorRT."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any, get_args

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import fpgacomp
from fpgacomp import zoo
from fpgacomp.errors import ModelError, Problems, ToolError
from fpgacomp.evidence.software import to_network_outputs
from fpgacomp.flows.integers import integer_graph
from fpgacomp.flows.options import Options
from fpgacomp.flows.stages import Stages
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import with_output
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Input, Layer
from fpgacomp.network.lowered import integer_name
from fpgacomp.network.runtime import open_session
from fpgacomp.qdq.network import _FORMS, answer_name, quantized_network
from fpgacomp.qdq.whole import opset_of
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.engines.stream.test_random import lowered
from tests.support import builders
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_cnn"


def assert_exact(graph: Graph, samples: int = 20) -> onnx.ModelProto:
    model = quantized_network(graph, 18).model
    onnx.checker.check_model(model, full_check=True)
    inputs = builders.inputs(graph, samples)
    given = {integer_name(name): values.astype(np.int64) for name, values in inputs.items()}
    expected = run(graph, inputs)
    session = open_session(model, exact_products=True)
    for tensor in dict.fromkeys(graph.outputs):
        (found,) = session.run([answer_name(tensor.name)], given)
        np.testing.assert_array_equal(found, expected[tensor.name], err_msg=tensor.name)
    return model


@pytest.mark.parametrize(
    "graph",
    [builders.mlp(), builders.cnn(), builders.windows(1), builders.windows(2), builders.labels(),
     builders.activations(), builders.traps()],
    ids=lambda graph: graph.name,
)  # fmt: skip
def test_every_layer_gives_its_integers(graph: Graph) -> None:
    assert_exact(graph)


@pytest.mark.slow
def test_random_graphs_give_their_integers() -> None:
    for seed in range(15):
        assert_exact(RandomGraph(seed).finished())
    for graph in islice(lowered(0), 15):
        assert_exact(graph)


def test_a_weight_is_int8_only_where_its_input_is() -> None:
    """ONNX Runtime quantizes the other operand on the fly, by the values that it finds in it."""
    b = builders.GraphBuilder("sums")
    x = b.input("x", (6,), -100, 100)
    graph = b.graph(b.dense("second", b.dense("first", x, 5), 4))
    model = assert_exact(graph)
    produced = {node.output[0]: node.op_type for node in model.graph.node}
    products = [node for node in model.graph.node if node.op_type == "MatMul"]
    from_int8 = [
        [produced.get(name) == "DequantizeLinear" for name in node.input] for node in products
    ]
    assert from_int8 == [[True, True], [False, False]]


@pytest.mark.parametrize("twice", [False, True])
def test_weights_of_8_bits_in_several_layers(twice: bool) -> None:
    """ONNX Runtime rewrites their zero points where it is told to keep sums exact."""
    b = builders.GraphBuilder("wide_weights")
    x = b.input("x", (6,), -8, 7)
    first = b.requantize("act", b.dense("first", x, 6, -127, 127), -8, 7)
    second = b.dense("second", first, 6, -127, 127)
    graph = b.graph(second)
    if twice:  # the same weights in two layers are one constant of the file
        layers = {layer.name: layer for layer in graph.layers}
        same = replace(layers["second"], weight=layers["first"].weight)
        graph = replace(graph, layers=(*graph.layers[:-1], with_output(same)))
        graph = replace(graph, outputs=(graph.layers[-1].output,))
    assert_exact(graph)


def test_sums_that_float32_would_round_are_refused() -> None:
    b = builders.GraphBuilder("wide")
    graph = b.graph(b.dense("fc", b.input("x", (40,), -30000, 30000), 2, -100, 100))
    with pytest.raises(ModelError, match=r"layer fc \(dense\): its integers .*fewer bits"):
        quantized_network(graph, 18)


def test_a_curve_whose_table_would_be_too_large_is_refused() -> None:
    b = builders.GraphBuilder("curve")
    x = b.input("x", (40,), -30000, 30000)
    graph = b.graph(b.thresholds("act", x, 3))
    with pytest.raises(ModelError, match=r"layer act .*a table of 2,400,040 entries is too large"):
        quantized_network(graph, 18)


def digits() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    model = onnx.load(DIGITS / "model.onnx")
    return model, fpgacomp.export(model, options=Options(vectors=50)).model


@pytest.mark.slow
def test_the_digits_network_answers_as_the_hardware_does() -> None:
    model, exported = digits()
    _, lowered_digits = integer_graph(model, Options(), Stages())
    rng = np.random.default_rng(3)
    (given,) = exported.graph.input
    shape = [d.dim_value for d in given.type.tensor_type.shape.dim][1:]
    samples = rng.uniform(-0.2, 1.2, size=(1000, *shape)).astype(np.float32)
    before = open_session(lowered_digits.before)
    names = [value.name for value in before.get_outputs()]
    integers = {
        name.removesuffix(integer_name("")): values
        for name, values in zip(names, before.run(names, {given.name: samples}))
    }
    outputs = to_network_outputs(lowered_digits.after, run(lowered_digits.graph, integers))
    found = open_session(exported, exact_products=True).run(None, {given.name: samples})
    for value, array in zip(exported.graph.output, found):
        np.testing.assert_allclose(array, outputs[value.name], rtol=1e-5)


@pytest.mark.slow
def test_tensorrt_takes_the_forms_of_the_file() -> None:
    """Its rules for explicit quantization, on a network with a curve and a wide input as well."""
    for model in (digits()[1], fpgacomp.export(zoo.build("unet_w4a4"),
                                               options=Options(vectors=4)).model):  # fmt: skip
        onnx.checker.check_model(model, full_check=True)
        constants = {t.name: t for t in model.graph.initializer}
        produced = {name: node for node in model.graph.node for name in node.output}
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
        assert TensorProto.DOUBLE not in {t.data_type for t in model.graph.initializer}
        quantizers = [n for n in model.graph.node if n.op_type == "QuantizeLinear"]
        dequantizers = [n for n in model.graph.node if n.op_type == "DequantizeLinear"]
        assert quantizers and len(dequantizers) > len(quantizers)
        for node in (*quantizers, *dequantizers):
            scale, zero = (numpy_helper.to_array(constants[name]) for name in node.input[1:])
            assert scale.dtype == np.float32 and (scale > 0).all()  # a constant, positive
            assert zero.dtype == np.int8 and not zero.any()  # symmetric, never uint8
        for node in quantizers:  # one scale for an activation, and only dequantizers read it
            assert constants[node.input[1]].dims in ([], [1])
            assert {reader.op_type for reader in readers[node.output[0]]} == {"DequantizeLinear"}
        for node in dequantizers:  # of an activation, or of int8 weights: a bias is never int32
            source = node.input[0]
            if source in constants:
                assert constants[source].data_type == TensorProto.INT8
                assert {r.op_type for r in readers[node.output[0]]} <= {"Conv", "MatMul"}
            else:
                assert produced[source].op_type == "QuantizeLinear"
        for node in model.graph.node:
            if node.op_type in ("Conv", "MatMul"):  # both operands from int8, or none
                kinds = {
                    name in produced and produced[name].op_type == "DequantizeLinear"
                    for name in node.input[:2]
                }
                assert len(kinds) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tfc_w1a1", "dscnn_w4a4", "resnet8_w4a4", "conv1d_w4a4"])
def test_networks_of_the_field(name: str) -> None:
    found = fpgacomp.export(zoo.build(name), options=Options(vectors=16)).summary()
    assert found["samples"] == 16
    assert found["outputs_differ"] < 1e-5


@pytest.mark.slow
def test_inputs_on_a_border_are_counted() -> None:
    """Where float32 rounds an input to the other integer, that is told, and is no mismatch."""
    model = zoo.build("conv1d_w4a4")
    _, found = integer_graph(model, Options(), Stages())
    (port,), (tensor,) = found.ports, (layer.output for layer in found.graph.inputs)
    rng = np.random.default_rng(0)
    halves = rng.integers(tensor.type.lo, tensor.type.hi, size=(20, *tensor.shape)) + 0.5
    raw = port.to_raw(halves).astype(np.float32)
    on_borders = fpgacomp.export(model, options=Options(inputs={port.name: raw}))
    assert on_borders.moved and on_borders.moved < on_borders.inputs == halves.size
    inside = port.to_raw(np.floor(halves)).astype(np.float32)
    assert fpgacomp.export(model, options=Options(inputs={port.name: inside})).moved == 0


def test_a_layer_without_a_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fpgacomp.qdq.network._FORMS", {Input: _FORMS[Input]})
    with pytest.raises(Problems, match="it has no form in QDQ ONNX") as refused:
        quantized_network(builders.mlp(), 18)
    assert len(refused.value.problems) == len(builders.mlp().layers) - 1


def test_every_layer_has_a_form() -> None:
    assert set(_FORMS) == set(get_args(Layer))


@pytest.mark.parametrize("imports", [[], [helper.make_opsetid("some.where", 1)],
                                     [helper.make_opsetid("", 12)]])  # fmt: skip
def test_a_software_side_of_no_known_opset_is_refused(imports: list[Any]) -> None:
    after = helper.make_model(helper.make_graph([], "after", [], []), opset_imports=imports)
    del after.opset_import[:]
    after.opset_import.extend(imports)
    with pytest.raises(ModelError, match=r"opset (0|12), and a quantized network needs 13"):
        opset_of(after)


def test_what_onnxruntime_does_not_take_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build may come from somebody else, with a software side of his own."""

    def broken(model: onnx.ModelProto, **_: Any) -> Any:
        raise RuntimeError("no kernel")

    monkeypatch.setattr("fpgacomp.flows.export.open_session", broken)
    with pytest.raises(ToolError, match="ONNX Runtime does not run it: no kernel"):
        fpgacomp.export(onnx.load(DIGITS / "model.onnx"), options=Options(vectors=2))
