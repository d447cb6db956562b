"""Random nodes of every ONNX operator, to ask ONNX's native shape inference about.

`python -m tests.support.inference_nodes SEED COUNT` asks about those that fpgacomp lets pass. It
prints the number of each before it asks, so that the last one is at fault where the process ends.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import defs, helper, numpy_helper, shape_inference

from fpgacomp.network.editable import Node
from fpgacomp.network.native import unsound

Kind = defs.OpSchema.AttrType
FEW = (-1, 0, 1, 2, 3)
MANY = (-(2**63), -(2**31), -3, *FEW, 5, 2**31, 2**62)
WORDS = ("", "SAME_UPPER", "VALID", "NOTSET", "nearest", "linear", "DCR", "forward", "ij->ji")
DTYPES = (1, 1, 1, 1, 7, 7, 6, 9, 11, 3, 2)


@dataclass(frozen=True)
class Asked:
    """A node with what is known of its inputs."""

    schema: defs.OpSchema
    proto: onnx.NodeProto
    shapes: dict[str, tuple[int, ...]]
    types: dict[str, onnx.TypeProto]
    values: dict[str, onnx.TensorProto]

    @property
    def node(self) -> Node:
        """The node as fpgacomp holds it."""
        attributes = {a.name: helper.get_attribute_value(a) for a in self.proto.attribute}
        return Node(self.proto.op_type, list(self.proto.input), list(self.proto.output), "n",
                    attributes=attributes)  # fmt: skip

    def infer(self) -> None:
        """Ask ONNX."""
        opset = helper.make_opsetid("", self.schema.since_version)
        shape_inference.infer_node_outputs(
            self.schema, self.proto, self.types, self.values, opset_imports=[opset]
        )


class Nodes:
    """A stream of random nodes, of which most have some number or rank that does not fit."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        every = defs.get_all_schemas_with_history()
        self.schemas = [s for s in every if not s.domain and not s.deprecated]

    def pick(self, choices: Any) -> Any:
        """One of some choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def node(self) -> Asked:
        """The next node."""
        schema = self.pick(self.schemas)
        most = max(schema.min_input, min(schema.max_input, schema.min_input + 3, 8))
        count = int(self.rng.integers(schema.min_input, most + 1))
        names = [f"i{index}" for index in range(count)]
        first = self.shape((0, 1, 2, 3, 4, 4, 4, 5), (0, 1, 2, 3, 4, 8))
        shapes, types, values = {}, {}, {}
        for name in names:
            shape, dtype = first, self.pick(DTYPES)
            if self.rng.random() < 0.4:
                shape = self.shape((0, 1, 1, 2, 3, 4), (0, 1, 2, 3, 4))
            if name != "i0" and self.rng.random() < 0.5:
                shape, dtype = self.shape((0, 1, 1, 1), (0, 1, 2, 3, 4)), 7
            shapes[name], types[name] = shape, helper.make_tensor_type_proto(dtype, shape)
            if self.rng.random() < 0.6 and np.prod(shape) < 200:
                some = np.array(
                    [self.pick((-3, -1, 0, 0, 1, 2, 3, 5)) for _ in range(int(np.prod(shape)))]
                )
                cast = some.reshape(shape).astype(helper.tensor_dtype_to_np_dtype(dtype))
                values[name] = numpy_helper.from_array(cast, name)
        outputs = (
            int(self.rng.integers(max(1, schema.min_output), max(1, min(schema.max_output, 3)) + 1))
            if schema.min_output <= 3
            else schema.min_output
        )
        proto = helper.make_node(schema.name, names, [f"o{i}" for i in range(outputs)])
        for name, attribute in schema.attributes.items():
            if attribute.required or self.rng.random() < 0.5:
                with suppress(KeyError, TypeError):
                    proto.attribute.append(self.attribute(name, attribute.type))
        return Asked(schema, proto, shapes, types, values)

    def shape(self, ranks: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
        """A shape of one of some ranks."""
        return tuple(self.pick(sizes) for _ in range(self.pick(ranks)))

    def attribute(self, name: str, kind: Any) -> onnx.AttributeProto:
        """An attribute, now and then of another type than the operator's."""
        if self.rng.random() < 0.1:
            kind = self.pick((Kind.INT, Kind.INTS, Kind.FLOAT, Kind.FLOATS, Kind.STRING))
        numbers = FEW if self.rng.random() < 0.75 else MANY
        several = range(self.pick((0, 1, 2, 2, 2, 2, 3, 4)))
        value = {
            Kind.INT: lambda: self.pick(numbers),
            Kind.INTS: lambda: [self.pick(numbers) for _ in several],
            Kind.FLOAT: lambda: self.pick((0.0, 1.0, -1.0, float("nan"), 1e30)),
            Kind.FLOATS: lambda: [self.pick((0.0, 1.0, float("nan"))) for _ in several],
            Kind.STRING: lambda: self.pick(WORDS),
        }[kind]()
        numbered = {Kind.INT: 2, Kind.INTS: 7, Kind.FLOAT: 1, Kind.FLOATS: 6, Kind.STRING: 3}
        return helper.make_attribute(name, value, attr_type=numbered[kind])


def main(seed: int, count: int) -> None:
    """Ask about so many nodes, and say how many ONNX found a shape for."""
    nodes, asked = Nodes(seed), 0
    for index in range(count):
        one = nodes.node()
        if unsound(one.node, [one.shapes[name] for name in one.proto.input]) is None:
            print(index, one.proto.op_type, flush=True)
            with suppress(Exception):
                one.infer()
                asked += 1
    print(f"{asked} nodes have a shape")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
