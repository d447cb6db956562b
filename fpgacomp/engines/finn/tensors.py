"""A FINN hardware graph under construction: tensors with their types, nodes, constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fpgacomp.engines.finn.types import finn_type
from fpgacomp.ir.types import FloatArray, IntArray, IntType

DOMAIN = "finn.custom_op.fpgadataflow"


@dataclass(frozen=True)
class Wire:
    """A stream of the dataflow as a tensor of the FINN graph.

    Args:
        name: the FINN tensor.
        shape: (1, H, W, C) or, behind a window, (1, H, W, taps * C).
        range: of our integers, bipolar only where FINN's type is.
        sign, gain, offset: how our integers follow from FINN's (see `Coding`).
    """

    name: str
    shape: tuple[int, ...]
    type: str
    range: IntType
    sign: IntArray | None = None
    gain: int = 1
    offset: int = 0

    @property
    def vectors(self) -> list[int]:
        return list(self.shape[:-1])

    @property
    def channels(self) -> int:
        return self.shape[-1]

    def named(self, name: str) -> Wire:
        return replace(self, name=name)


class Canvas:
    """Nodes and tensors in the order they were made."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: dict[str, IntArray | FloatArray] = {}
        self.wires: dict[str, Wire] = {}
        self.inputs: list[Wire] = []
        self.outputs: list[Wire] = []

    def node(
        self, kind: str, name: str, inputs: Sequence[str], outputs: Sequence[Wire], **fields: Any
    ) -> None:
        from onnx import helper

        for wire in outputs:
            self.wires[wire.name] = wire
        self.nodes.append(
            helper.make_node(
                kind,
                list(inputs),
                [wire.name for wire in outputs],
                name=name,
                domain=DOMAIN,
                backend="fpgadataflow",
                **fields,
            )
        )

    def constant(self, name: str, values: IntArray, shape: tuple[int, ...], kind: str) -> str:
        self.initializers[name] = values
        self.wires[name] = Wire(name, shape, kind, IntType.of_values(values))
        return name

    def real(self, name: str, values: FloatArray) -> str:
        """A constant of numbers that float32 holds exactly."""
        self.initializers[name] = values
        self.wires[name] = Wire(name, values.shape, "FLOAT32", IntType(0, 0))
        return name

    def times(self, name: str, wire: Wire, factors: IntArray, output: Wire, lanes: int) -> Wire:
        """Multiply by constants of a shape that broadcasts to the wire's, `lanes` a cycle."""
        kind = finn_type(IntType.of_values(factors))
        constant = self.constant(f"{name}_factors", factors, factors.shape, kind)
        self.node(
            "ElementwiseMul", name, [wire.name, constant], [output],
            lhs_shape=list(wire.shape), rhs_shape=list(factors.shape), out_shape=list(wire.shape),
            lhs_dtype=wire.type, rhs_dtype=kind, out_dtype=output.type,
            lhs_style="input", rhs_style="const", PE=lanes,
        )  # fmt: skip
        return output

    def plus(self, name: str, wire: Wire, addends: IntArray, output: Wire, lanes: int) -> Wire:
        """Add constants, one per channel or one for all, `lanes` a cycle."""
        # FINN's own width rules go wrong where a signed operand is left of an unsigned one.
        lowest = -1 if wire.type.startswith("INT") else 0
        held = IntType(min(int(addends.min()), lowest), max(int(addends.max()), 0))
        kind = finn_type(held)
        constant = self.constant(f"{name}_addends", addends, addends.shape, kind)
        self.node(
            "ElementwiseAdd", name, [wire.name, constant], [output],
            lhs_shape=list(wire.shape), rhs_shape=list(addends.shape), out_shape=list(wire.shape),
            lhs_dtype=wire.type, rhs_dtype=kind, out_dtype=output.type,
            lhs_style="input", rhs_style="const", PE=lanes,
        )  # fmt: skip
        return output

    def reshaped(self, wire: Wire, shape: tuple[int, ...], name: str, lanes: int) -> Wire:
        """The same integers as the reader's shape; no node where it is the writer's."""
        if wire.shape == shape:
            return wire
        output = replace(wire, name=f"{name}_reshaped", shape=shape)
        self.node(
            "Reshape", f"{name}_reshape", [wire.name], [output],
            inp_shape=list(wire.shape), out_shape=list(shape), dtype=wire.type,
            PE=lanes if wire.channels % lanes == 0 else 1,
        )  # fmt: skip
        return output

    def model(self, name: str) -> Any:
        """A qonnx ModelWrapper of it all."""
        from onnx import TensorProto, helper
        from qonnx.core.datatype import DataType
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.util.basic import qonnx_make_model

        def info(wire: Wire) -> Any:
            return helper.make_tensor_value_info(wire.name, TensorProto.FLOAT, list(wire.shape))

        ends = {wire.name for wire in (*self.inputs, *self.outputs)}
        inner = [info(w) for w in self.wires.values() if w.name not in ends]
        graph = helper.make_graph(
            self.nodes, name, list(map(info, self.inputs)), list(map(info, self.outputs)),
            value_info=inner,
        )  # fmt: skip
        model = ModelWrapper(qonnx_make_model(graph, producer_name="fpgacomp"))
        for key, values in self.initializers.items():
            model.set_initializer(key, values.astype(np.float32))
        for wire in self.wires.values():
            model.set_tensor_datatype(wire.name, DataType[wire.type])
        return model
