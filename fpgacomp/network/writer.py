"""Writes an ONNX graph of our own, operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper


@dataclass
class OnnxWriter:
    """Nodes and constants of one ONNX graph, names made as it goes."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float64) -> str:
        """Add a constant and return its name."""
        name = f"fpgacomp_constant_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(np.asarray(values, dtype=dtype), name)
        return name

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Append an operator and return the name of its output."""
        name = output or f"fpgacomp_step_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def model(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        opsets: Sequence[onnx.OperatorSetIdProto],
    ) -> onnx.ModelProto:
        """Return the nodes and constants so far as a model."""
        graph = helper.make_graph(
            self.nodes, name, inputs, outputs, initializer=list(self.constants.values())
        )
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=8, producer_name="fpgacomp"
        )
