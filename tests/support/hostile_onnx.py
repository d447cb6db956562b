"""Small ONNX models that are damaged or hostile, each of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"


def plain(
    shape: Sequence[int] = (1, 4),
    *,
    nodes: Sequence[onnx.NodeProto] = (),
    constants: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    output: str = "xq",
    opset: int = 13,
    output_shape: Sequence[int] | None = None,
) -> onnx.ModelProto:
    """An input and its quantizer `xq`, and whatever else is put behind."""
    parameters = {"s": 0.125, "z": 0.0, "b": 4.0}
    known = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in parameters.items()]
    graph = helper.make_graph(
        [quant("x", "xq"), *nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, output_shape)],
        [*known, *constants],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(QONNX, 1)]
    if functions:
        imports.append(helper.make_opsetid("own", 1))
    return helper.make_model(graph, opset_imports=imports, functions=functions, ir_version=8)


def quant(x: str, y: str) -> onnx.NodeProto:
    return helper.make_node("Quant", [x, "s", "z", "b"], [y], domain=QONNX, signed=1, narrow=0)


def weight(name: str = "w", shape: Sequence[int] = (4, 2)) -> onnx.TensorProto:
    return numpy_helper.from_array(np.full(shape, 0.25, np.float32), name)


def outside(name: str, location: str, shape: Sequence[int] = (4, 2)) -> onnx.TensorProto:
    """A constant whose values are in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant_node(tensor: onnx.TensorProto, output: str = "w") -> onnx.NodeProto:
    return helper.make_node("Constant", [], [output], value=tensor)


def function(name: str, *nodes: onnx.NodeProto) -> onnx.FunctionProto:
    """A function of one input `a` and one output `r`."""
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["a"], ["r"], list(nodes), imports)


def call(name: str, x: str, y: str) -> onnx.NodeProto:
    return helper.make_node(name, [x], [y], domain="own")


def in_initializer(location: str) -> onnx.ModelProto:
    product = helper.make_node("MatMul", ["xq", "w"], ["y"])
    return plain(nodes=[product], constants=[outside("w", location)], output="y")


def in_function(location: str) -> onnx.ModelProto:
    body = [constant_node(outside("w", location)), helper.make_node("MatMul", ["a", "w"], ["r"])]
    return plain(nodes=[call("f", "xq", "y")], functions=[function("f", *body)], output="y")


def _graph(tensor: onnx.TensorProto, name: str) -> onnx.GraphProto:
    value = helper.make_tensor_value_info("w", TensorProto.FLOAT, tensor.dims)
    return helper.make_graph([constant_node(tensor)], name, [], [value])


def in_branch(location: str) -> onnx.ModelProto:
    condition = numpy_helper.from_array(np.asarray(True), "true")
    tensor = outside("t", location)
    branches = {"then_branch": _graph(tensor, "a"), "else_branch": _graph(tensor, "b")}
    nodes = [helper.make_node("If", ["true"], ["w"], **branches)]
    nodes.append(helper.make_node("MatMul", ["xq", "w"], ["y"]))
    return plain(nodes=nodes, constants=[condition], output="y")


def in_loop_of_function(location: str) -> onnx.ModelProto:
    """A Loop inside a function, whose body keeps its constant in another file."""
    tensor = outside("t", location)
    body = _graph(tensor, "body")
    loop = helper.make_node("Loop", ["n", "c", "a"], ["r"], body=body)
    return plain(nodes=[call("f", "xq", "y")], functions=[function("f", loop)], output="y")


def doubling_functions(depth: int) -> onnx.ModelProto:
    """Each function calls the one below twice."""
    functions = [function("f0", helper.make_node("Relu", ["a"], ["r"]))]
    for level in range(1, depth):
        below = f"f{level - 1}"
        functions.append(function(f"f{level}", call(below, "a", "b"), call(below, "b", "r")))
    nodes = [call(f"f{depth - 1}", "xq", "y")]
    return plain(nodes=nodes, functions=functions, output="y")


def doubling_activations(times: int) -> onnx.ModelProto:
    """Each Concat doubles its input."""
    names = ["xq", *(f"c{i}" for i in range(times))]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]
    return plain(nodes=nodes, output=names[-1])
