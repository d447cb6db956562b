"""Builds a canonical network node by node, executing each on a calibration batch as it goes.

So the next quantizer's scale can be chosen from what really arrives there: nothing is
dead, nothing saturates. Every tensor gets its static shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.evidence.reference.node import ReferenceNode
from fpgacomp.evidence.reference.operators import OPERATOR_FUNCTIONS
from fpgacomp.evidence.reference.quantizers import QUANTIZER_FUNCTIONS
from fpgacomp.network.attributes import decode_attributes

OPSET = 17
QONNX = "qonnx.custom_op.general"
FPGACOMP = "fpgacomp"
SAMPLES = 24
DOMAINS = dict.fromkeys(QUANTIZER_FUNCTIONS, QONNX) | {"Silu": FPGACOMP, "Gelu": FPGACOMP}


@dataclass(frozen=True)
class Grid:
    """What a quantizer's output looks like: real = (code - zero_point) * scale."""

    scale: Any = 1.0
    zero_point: float = 0.0
    bits: int = 4
    signed: bool = True
    narrow: bool = False
    rounding: str = "ROUND"

    @property
    def limits(self) -> tuple[int, int]:
        if self.signed:
            half = 1 << (self.bits - 1)
            return (1 - half if self.narrow else -half), half - 1
        return 0, (1 << self.bits) - (2 if self.narrow else 1)


class NetworkBuilder:
    """A growing network.

    `values` holds what each activation is on the calibration batch; `grids` the grid of
    each quantized activation.
    """

    def __init__(self, arrays: np.random.Generator, input_shape: tuple[int, ...]) -> None:
        self.arrays = arrays
        self.values: dict[str, np.ndarray] = {}
        self.grids: dict[str, Grid] = {}
        self._constants: dict[str, np.ndarray] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._versions = {"": OPSET, QONNX: 1}
        self.input = "network_input"
        self.values[self.input] = arrays.uniform(-1, 1, (SAMPLES, *input_shape))

    def shape(self, name: str) -> tuple[int, ...]:
        """Without the batch."""
        return self.values[name].shape[1:]

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        array = np.asarray(values, dtype=dtype)
        name = f"constant_{len(self._constants)}"
        self._constants[name] = array
        return name

    def op(self, kind: str, *inputs: str, version: int = 1, **attributes: Any) -> str:
        """Add a node, execute it, and return its (first) output."""
        number = len(self._nodes)
        output = f"{kind.lower()}_{number}"
        outputs = [output, f"{output}_index"] if kind == "TopK" else [output]
        domain = DOMAINS.get(kind, "")
        proto = helper.make_node(
            kind, list(inputs), outputs, name=f"{kind}_{number}", domain=domain, **attributes
        )
        if domain:
            self._versions[domain] = max(version, self._versions.get(domain, 1))
        self._nodes.append(proto)
        node = ReferenceNode(
            proto, decode_attributes(proto), OPSET, batched=inputs[0] in self.values
        )
        operands = [self._operand(name) for name in inputs]
        if kind in QUANTIZER_FUNCTIONS:
            result: Any = QUANTIZER_FUNCTIONS[kind](node, operands).real
        else:
            result = OPERATOR_FUNCTIONS[kind](node, operands)
        for name, value in zip(outputs, result if isinstance(result, tuple) else (result,)):
            if any(i in self.values for i in inputs):
                self.values[name] = value
            else:
                self._constants[name] = value  # a quantized weight: known, but not written out
        return output

    def same_grid(self, kind: str, x: str, *inputs: str, **attributes: Any) -> str:
        """A node that moves or selects values: what was on a grid stays on it."""
        output = self.op(kind, x, *inputs, **attributes)
        if x in self.grids:
            self.grids[output] = self.grids[x]
        return output

    def quant(self, x: str, grid: Grid) -> str:
        """Quant of an activation or of a weight."""
        output = self.op(
            "Quant", x, self.constant(grid.scale), self.constant(grid.zero_point),
            self.constant(grid.bits), signed=int(grid.signed), narrow=int(grid.narrow),
            rounding_mode=grid.rounding,
        )  # fmt: skip
        if x in self.values:
            self.grids[output] = grid
        return output

    def bipolar(self, x: str, scale: Any) -> str:
        output = self.op("BipolarQuant", x, self.constant(scale))
        if x in self.values:
            self.grids[output] = Grid(scale, 0.0, 1)
        return output

    def fitted(self, x: str, grid: Grid, *, power_of_two: bool, spread: float = 1.0) -> Grid:
        """The grid with a float32 scale under which x fills (spread = 1) the codes."""
        lo, hi = grid.limits
        low, high = np.quantile(self.values[x], (0.01, 0.99))
        up, down = hi - grid.zero_point, grid.zero_point - lo
        scale = max(high / up if up > 0 else 0, -low / down if down > 0 else 0, 1e-6) * spread
        if power_of_two:
            scale = 2.0 ** np.rint(np.log2(scale))
        return replace(grid, scale=np.float32(scale))

    def finish(self, *outputs: str, name: str = "random_network") -> onnx.ModelProto:
        """The canonical model."""
        written = {output for node in self._nodes for output in node.output}
        graph = helper.make_graph(
            self._nodes,
            name,
            [self._info(self.input)],
            [self._info(output) for output in outputs],
            [
                numpy_helper.from_array(array, name)
                for name, array in self._constants.items()
                if name not in written
            ],
            value_info=[self._info(name) for name in sorted(written - set(outputs))],
        )
        imports = [helper.make_opsetid(d, v) for d, v in sorted(self._versions.items())]
        model = helper.make_model(graph, opset_imports=imports, ir_version=8)
        return model

    def _operand(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        array = self._constants[name]
        return array.astype(np.float64) if array.dtype.kind == "f" else array

    def _info(self, name: str) -> onnx.ValueInfoProto:
        if name in self.values:
            shape: tuple[int, ...] = (1, *self.values[name].shape[1:])
            integer = self.values[name].dtype.kind == "i"
        else:
            shape, integer = self._constants[name].shape, False
        kind = TensorProto.INT64 if integer else TensorProto.FLOAT
        return helper.make_tensor_value_info(name, kind, shape)
