"""Networks and data so small that their figures follow by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.data.labelled import LabelledData, load_data

QONNX = "qonnx.custom_op.general"


class Builder:
    """Appends nodes; every method gives the name of the tensor it makes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def node(
        self, op: str, *inputs: str, name: str = "", domain: str = "", **attributes: Any
    ) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, inputs, [output], name or output, domain=domain, **attributes)
        )
        return output

    def quant(self, x: str, bits: int, scale: Any = 1.0, *, signed: bool = True,
              narrow: bool = False, rounding_mode: str = "ROUND") -> str:  # fmt: skip
        return self.node(
            "Quant", x, self.constant(scale), self.constant(0.0), self.constant(float(bits)),
            domain=QONNX, signed=int(signed), narrow=int(narrow), rounding_mode=rounding_mode,
        )  # fmt: skip

    def model(self, output: str, shape: Sequence[int], kind: int = TensorProto.FLOAT) -> Any:
        graph = helper.make_graph(
            self.nodes,
            "small",
            [helper.make_tensor_value_info("x", kind, [1, *shape])],
            [helper.make_empty_tensor_value_info(output)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(QONNX, 1)]
        return onnx.shape_inference.infer_shapes(
            helper.make_model(graph, opset_imports=opsets, ir_version=8)
        )


def linear(weights: Any, *, softmax: bool = False) -> onnx.ModelProto:
    """x [n] @ weights [n, classes], float."""
    build = Builder()
    output = build.node("MatMul", "x", build.constant(weights), name="fc")
    if softmax:
        output = build.node("Softmax", output, axis=1)
    return build.model(output, [len(weights)])


def quantized_linear(weights: Any, *, bits: int = 4, scale: float = 0.125) -> onnx.ModelProto:
    """The same with an unsigned input of `bits` and 2-bit weights of scale 1."""
    build = Builder()
    x = build.quant("x", bits, scale, signed=False)
    kernel = build.quant(build.constant(weights), 2, narrow=True)
    return build.model(build.node("MatMul", x, kernel, name="fc"), [len(weights)])


def corners(classes: int = 3, samples: int = 240, seed: int = 0) -> LabelledData:
    """Rows [classes] of 0..0.4, with 0.6..1 at the place of the label: `linear(eye)` knows all."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    x = rng.uniform(0, 0.4, (samples, classes))
    x[np.arange(samples), y] += 0.6
    return load_data((x.astype(np.float32), y))
