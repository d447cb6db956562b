"""FINN's MultiThreshold and datatype annotations."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.frontend import canonicalize, read_network
from fpgacomp.network.editable import EditableGraph
from tests.support.frontend_runs import build, execute, node, ops

RNG = np.random.default_rng(11)


def thresholds(data_layout: str | None = None, **attributes: Any) -> onnx.NodeProto:
    more = attributes | ({"data_layout": data_layout} if data_layout else {})
    return helper.make_node(
        "MultiThreshold",
        ["m", "t"],
        ["y"],
        domain="finn.custom_op.general",
        out_dtype="INT2",
        **more,
    )


def annotate(model: onnx.ModelProto, **types: str) -> onnx.ModelProto:
    for tensor, declared in types.items():
        entry = model.graph.quantization_annotation.add(tensor_name=tensor)
        entry.quant_parameter_tensor_names.add(key="finn_datatype", value=declared)
    return model


def mlp(weight: np.ndarray, **types: str) -> onnx.ModelProto:
    nodes = [node("MatMul", ["x", "w"], "m"), thresholds(out_scale=0.5, out_bias=-1.0)]
    steps = np.sort(RNG.integers(-20, 20, (3, 3)).astype(np.float32), axis=1)
    return annotate(build(nodes, [1, 4], {"w": weight, "t": steps}), **types)


KINDS = {
    "BIPOLAR": ("BipolarQuant", RNG.choice([-1.0, 1.0], (4, 3))),
    "TERNARY": ("Quant", RNG.integers(-1, 2, (4, 3)).astype(float)),
    "INT4": ("Quant", RNG.integers(-8, 8, (4, 3)).astype(float)),
    "UINT2": ("Quant", RNG.integers(0, 4, (4, 3)).astype(float)),
    "BINARY": ("Quant", RNG.integers(0, 2, (4, 3)).astype(float)),
}


@pytest.mark.parametrize("declared", KINDS)
def test_declared_weights_and_inputs_get_quantizers(declared: str) -> None:
    op, weight = KINDS[declared]
    model = mlp(weight, w=declared, x="UINT8")
    network = read_network(model)
    assert network.format == "finn"
    assert sorted(ops(network.model)) == sorted(["Quant", op, "MatMul", "MultiThreshold"])
    assert "The input x is declared UINT8: it is rounded and clipped to it." in network.warnings
    for _ in range(5):
        x = RNG.integers(0, 256, (1, 4)).astype(np.float32)
        np.testing.assert_array_equal(execute(network.model, x)[0], execute(network.original, x)[0])


def test_undeclared_integer_weights_get_the_narrowest_type() -> None:
    graph = EditableGraph.from_model(canonicalize(mlp(np.array([[3.0, -4, 1]] * 4))))
    (weight,) = [n for n in graph.nodes if n.op == "Quant"]
    assert graph.constants[weight.inputs[3]] == 3
    assert weight.attributes["signed"] == 1


def test_float_weights_stay_float() -> None:
    assert "Quant" not in ops(canonicalize(mlp(np.full((4, 3), 0.3))))


def test_a_weight_outside_its_declared_type_is_told() -> None:
    with pytest.raises(UnsupportedLayer, match="outside its declared type INT2"):
        canonicalize(mlp(np.full((4, 3), 7.0), w="INT2"))


@pytest.mark.parametrize(("shape", "layout"), [([1, 3], "NC"), ([1, 5, 3], "NWC")])
def test_the_layout_is_written_out_as_qonnx_guesses_it(shape: list[int], layout: str) -> None:
    steps = np.sort(RNG.normal(size=(3, 3)), axis=1)
    model = build([node("Identity", ["x"], "m"), thresholds()], shape, {"t": steps})
    canonical = canonicalize(model)
    attributes = {a.name: helper.get_attribute_value(a) for a in canonical.graph.node[0].attribute}
    assert attributes == {
        "out_dtype": b"INT2",
        "out_scale": 1.0,
        "out_bias": 0.0,
        "data_layout": layout.encode(),
    }
    x = RNG.normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(execute(canonical, x)[0], execute(model, x)[0])


def test_channels_last_thresholds() -> None:
    steps = np.sort(RNG.normal(size=(3, 3)), axis=1)
    nodes = [node("Relu", ["x"], "m"), thresholds("NHWC")]
    model = build(nodes, [1, 2, 2, 3], {"t": steps})
    x = RNG.normal(size=(1, 2, 2, 3)).astype(np.float32)
    np.testing.assert_array_equal(execute(canonicalize(model), x)[0], execute(model, x)[0])
