"""The ONNX graph that is being built while a network is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from fpgacomp.compress.constraints import SHARED
from fpgacomp.errors import ModelError


@dataclass
class Writer:
    """Nodes and constants so far.

    Args:
        layer: whose nodes are being written; the one that makes its output bears its name.
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)
    layer: str = ""

    def constant(self, name: str, values: npt.ArrayLike | Tensor) -> str:
        """Store a constant, floats as float32, and return its name."""
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        self.constants[name] = numpy_helper.from_array(np.array(array, order="C"), name)
        return name

    def node(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = output if output.startswith(f"{self.layer}/") else self.layer
        kept = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(op, list(inputs), [output], name, **kept))
        return output

    def weight(self, layer: str, module: nn.Module) -> str:
        """Store the weight of a layer and return the name of the tensor.

        A weight that shares values is stored as a codebook and indices, with a Gather.
        """
        values = module.get_parameter("weight").detach()
        indices = getattr(module, SHARED, None)
        if indices is None:
            return self.constant(f"{layer}.weight", values)
        codebook = _codebook(layer, values, indices)
        # An index takes one byte in the file. A Cast follows, since Gather takes wider ones only.
        narrow = indices.to(torch.uint8 if len(codebook) <= 256 else torch.int32)
        stored = self.constant(f"{layer}.indices", narrow)
        wide = self.node("Cast", [stored], f"{layer}/indices", to=TensorProto.INT64)
        gathered = [self.constant(f"{layer}.codebook", codebook), wide]
        return self.node("Gather", gathered, f"{layer}/weight", axis=0)


def _codebook(layer: str, values: Tensor, indices: Tensor) -> Tensor:
    """The value of each index.

    Raises:
        ModelError: the weights are not shared as the layer says.
    """
    flat = indices.flatten()
    codebook = torch.zeros(int(flat.max()) + 1, dtype=values.dtype)
    codebook[flat] = values.flatten()
    if not torch.equal(codebook[indices], values):
        raise ModelError(
            layer,
            "its weights of one codebook index differ.",
            "project them first: Codebook(weight, indices).project(1.0).",
        )
    return codebook
