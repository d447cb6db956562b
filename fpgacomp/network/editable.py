"""An editable view of an ONNX graph, which the rewrites work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from fpgacomp.errors import FpgacompError, ModelError, UnsupportedLayer, raise_all
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.attributes import (
    NARROW_TYPES,
    Attributes,
    constant_value,
    decode_attributes,
    to_array,
)
from fpgacomp.network.operators import FPGACOMP_DOMAIN, QONNX_DOMAIN

# ONNX's numbers of the two element types that canonical networks have.
FLOAT = onnx.TensorProto.FLOAT
INT64 = onnx.TensorProto.INT64
INVALID = "invalid"  # operator and domain of a node that nothing may rewrite


@dataclass(frozen=True)
class TensorInfo:
    """What is known of a tensor: its ONNX element type and its static shape (-1: unknown size)."""

    dtype: int
    shape: tuple[int, ...]


@dataclass(eq=False)
class Node:
    """One operator. Attributes are plain Python values (tensors as arrays).

    Args:
        op: operator type.
        inputs: names of the tensors that it reads, "" for an optional one that is absent.
        outputs: names of the tensors that it writes, "" for an optional one nobody wants.
        name: unique within the graph.
        domain: operator set; "" is ONNX's own.
        attributes: plain Python values by name (tensors as arrays).
        origin: name of the node of the user's file that this one comes from.
        file_name: how the file itself calls this node; "" where it gives no name.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    name: str
    domain: str = ""
    attributes: Attributes = field(default_factory=dict)
    origin: str = ""
    file_name: str = ""

    @property
    def output(self) -> str:
        """Name of the node's first output."""
        return self.outputs[0]

    def input(self, index: int) -> str:
        """Return the name of this input, "" for an optional one that is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""


class EditableGraph:
    """Nodes in topological order, constants, and what is known of every tensor.

    Nodes are only added, removed and rewired through the methods, which keep the
    producer and consumer maps. Graph inputs and outputs keep their names.
    """

    def __init__(self, name: str = "network") -> None:
        self.name = name
        self.opset = 18
        self.domains: dict[str, int] = {}
        self.nodes: list[Node] = []
        self.constants: dict[str, AnyArray] = {}
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.info: dict[str, TensorInfo] = {}
        self.source_opset = 18
        self.annotations: dict[str, str] = {}  # tensor -> the type FINN declares for it
        self.ranges: dict[str, tuple[int, int]] = {}  # of constants' types below a byte
        self.file_nodes: dict[str, str] = {}  # name -> operator of each node of the file
        self.problems: dict[str, list[FpgacompError]] = {}  # by node of the file, input or output
        self.warnings: list[str] = []
        self._producer: dict[str, Node] = {}
        self._consumers: dict[str, list[Node]] = {}
        self._names: set[str] = set()

    # ---- questions

    def producer(self, tensor: str) -> Node | None:
        """Return the node that writes the tensor; None for inputs and constants."""
        return self._producer.get(tensor)

    def consumers(self, tensor: str) -> list[Node]:
        """Return the nodes that read the tensor, each once (a graph output is not counted)."""
        return list(self._consumers.get(tensor, ()))

    def only_consumer(self, tensor: str) -> Node | None:
        """Return the one node that reads a tensor nobody else sees, else None."""
        readers = self._consumers.get(tensor, [])
        return readers[0] if len(readers) == 1 and tensor not in self.outputs else None

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the tensor's shape, batch included."""
        return self.info[tensor].shape

    def constant(self, tensor: str) -> AnyArray | None:
        """Return the tensor's values where it is a constant, else None."""
        return self.constants.get(tensor)

    def known(self, node: Node) -> bool:
        """Return whether shape and type of all inputs and outputs of the node are known."""
        return all(not tensor or tensor in self.info for tensor in node.inputs + node.outputs)

    def find(self, *ops: str, domain: str = "") -> list[Node]:
        """Return the nodes of these operators, as they are now, whose tensors are all known."""
        return [n for n in self.nodes if n.domain == domain and n.op in ops and self.known(n)]

    # ---- edits

    def report(
        self, node: Node, why: str, fix: str, *, error: type[ModelError] = UnsupportedLayer
    ) -> None:
        """Keep a problem of this node; `raise_problems` raises all of them together."""
        op = self.file_nodes.get(node.origin, node.op)
        self._keep(node.origin or node.name, error(f"node {node.origin} ({op})", why, fix))

    def disable(self, node: Node) -> None:
        """Turn a node that is reported already into one that no rewrite recognises."""
        node.op, node.domain = INVALID, INVALID

    def report_input(self, name: str, why: str, fix: str) -> None:
        """Keep a problem of this network input."""
        self._keep(name, ModelError(f"input {name}", why, fix))

    def report_output(self, name: str, why: str, fix: str) -> None:
        """Keep a problem of this network output."""
        self._keep(name, ModelError(f"output {name}", why, fix))

    def raise_problems(self) -> None:
        """Raise everything that was reported, at once; return where there is nothing.

        Raises:
            ModelError, UnsupportedLayer: the one problem that was reported.
            Problems: several of them.
        """
        raise_all([problem for kept in self.problems.values() for problem in kept])

    def _keep(self, place: str, problem: FpgacompError) -> None:
        kept = self.problems.setdefault(place, [])
        if str(problem) not in map(str, kept):
            kept.append(problem)

    def unique(self, hint: str) -> str:
        """Return a name that neither node nor tensor has yet: the hint, or the
        hint with a number.
        """
        name, count = hint, 1
        while name in self._names or not name:
            name, count = f"{hint}_{count}", count + 1
        self._names.add(name)
        return name

    def add_constant(self, hint: str, value: npt.ArrayLike) -> str:
        """Add a constant and return its name (float64 becomes float32, as in
        canonical networks).
        """
        array = np.asarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = self.unique(hint)
        self.set_constant(name, array)
        return name

    def set_constant(self, name: str, array: AnyArray) -> None:
        """Make this tensor a constant, or give a constant another value."""
        self._names.add(name)
        self.constants[name] = array
        self.info[name] = TensorInfo(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)

    def new_tensor(self, hint: str, shape: Sequence[int], dtype: int = FLOAT) -> str:
        """Announce a tensor of this shape and ONNX element type, and return its name."""
        name = self.unique(hint)
        self.info[name] = TensorInfo(dtype, tuple(shape))
        return name

    def append(self, node: Node) -> None:
        """Add a node behind all others."""
        self._insert(len(self.nodes), node)

    def insert_before(self, anchor: Node, node: Node) -> Node:
        """Add a node right in front of another, and return it."""
        self._insert(self.nodes.index(anchor), node)
        return node

    def insert_after(self, anchor: Node, node: Node) -> Node:
        """Add a node right behind another, and return it."""
        self._insert(self.nodes.index(anchor) + 1, node)
        return node

    def replace(self, node: Node, *successors: Node) -> None:
        """Put other nodes, in order, in the place of one."""
        index = self.nodes.index(node)
        self.remove(node)
        for offset, successor in enumerate(successors):
            self._insert(index + offset, successor)

    def make(
        self,
        anchor: Node,
        op: str,
        inputs: Sequence[str],
        output: str = "",
        *,
        shape: Sequence[int] | None = None,
        domain: str = "",
        after: bool = False,
        **attributes: Any,
    ) -> Node:
        """Add a node of operator `op` beside `anchor`, in front of it by default, and return it.

        `output` is an existing tensor that nobody writes (any more), or "" for a
        new float tensor of `shape` (default: that of the first input).
        """
        name = self.unique(f"{anchor.origin or anchor.name}_{op}")
        if not output:
            output = self.new_tensor(f"{name}_out", shape or self.shape(inputs[0]))
        node = Node(op, list(inputs), [output], name, domain, attributes, anchor.origin)
        return self.insert_after(anchor, node) if after else self.insert_before(anchor, node)

    def remove(self, node: Node) -> None:
        """Take a node out of the graph; its tensors keep their names."""
        self.nodes.remove(node)
        for tensor in set(node.inputs):
            if tensor:
                self._consumers[tensor].remove(node)
        for tensor in node.outputs:
            if self._producer.get(tensor) is node:
                del self._producer[tensor]

    def set_input(self, node: Node, index: int, tensor: str) -> None:
        """Let the node read another tensor at this input."""
        for old in set(node.inputs):
            if old:
                self._consumers[old].remove(node)
        node.inputs[index] = tensor
        self._link_inputs(node)

    def redirect(self, old: str, new: str, *, only: Iterable[Node] | None = None) -> None:
        """Let the readers of `old` (or only these) read `new`; graph outputs are left alone."""
        for reader in list(only) if only is not None else self.consumers(old):
            for index, tensor in enumerate(reader.inputs):
                if tensor == old:
                    self.set_input(reader, index, new)

    def bypass(self, node: Node) -> bool:
        """Remove a node whose output equals its first input; return False where names forbid it."""
        source, result = node.inputs[0], node.output
        if result not in self.outputs:
            self.redirect(result, source)
            self.remove(node)
            return True
        writer = self.producer(source)
        if writer is None or source in self.outputs:
            return False
        self.remove(node)
        self.redirect(source, result)
        self.rename_output(writer, result, old=source)
        return True

    def rename_output(self, node: Node, new: str, *, old: str = "") -> None:
        """Let the node write `new`, which nobody writes, in place of an output nobody reads."""
        old = old or node.output
        node.outputs[node.outputs.index(old)] = new
        del self._producer[old]
        self._producer[new] = node

    def _insert(self, index: int, node: Node) -> None:
        self.nodes.insert(index, node)
        for tensor in node.outputs:
            if tensor:
                self._names.add(tensor)
                self._producer[tensor] = node
        self._names.add(node.name)
        self._link_inputs(node)

    def _link_inputs(self, node: Node) -> None:
        for tensor in set(node.inputs):
            if tensor:
                self._names.add(tensor)
                self._consumers.setdefault(tensor, []).append(node)

    # ---- from and to ONNX

    @classmethod
    def from_model(cls, model: onnx.ModelProto) -> EditableGraph:
        """Read the graph of a model; initializers are no inputs, Constant nodes are constants.

        Shapes are those of the graph inputs as the file states them; a dimension
        that is symbolic or absent is -1.
        """
        graph = cls(model.graph.name or "network")
        graph.domains = {entry.domain: entry.version for entry in model.opset_import}
        graph.domains[""] = graph.domains.get("", graph.domains.pop("ai.onnx", 18))
        graph.opset = graph.source_opset = graph.domains[""]
        for tensor in model.graph.initializer:
            graph.set_constant(tensor.name, to_array(tensor))
            if tensor.data_type in NARROW_TYPES:
                graph.ranges[tensor.name] = NARROW_TYPES[tensor.data_type][1]
        for value in model.graph.input:
            if value.name not in graph.constants:
                graph.inputs.append(value.name)
                graph._names.add(value.name)
                graph.info[value.name] = _info(value)
        graph.outputs = [value.name for value in model.graph.output]
        for entry in model.graph.quantization_annotation:
            for pair in entry.quant_parameter_tensor_names:
                if pair.key == "finn_datatype":
                    graph.annotations[entry.tensor_name] = pair.value
        for index, proto in enumerate(model.graph.node):
            graph._read_node(index, proto)
        return graph

    def _read_node(self, index: int, proto: onnx.NodeProto) -> None:
        attributes = decode_attributes(proto)
        if proto.op_type == "Constant" and proto.domain in ("", "ai.onnx"):
            value = constant_value(attributes)
            if value is not None:
                self.set_constant(proto.output[0], value)
                return
        name = self.unique(proto.name or f"{proto.op_type}_{index}")
        self.file_nodes[name] = proto.op_type
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        inputs, outputs = list(proto.input), list(proto.output)
        node = Node(proto.op_type, inputs, outputs, name, domain, attributes, name, proto.name)
        self.append(node)

    def to_model(self) -> onnx.ModelProto:
        """Return the graph as an ONNX model; every known tensor is listed with its shape."""
        nodes = [node_proto(node) for node in self.nodes]
        inner = [t for n in self.nodes for t in n.outputs if t in self.info]
        graph = helper.make_graph(
            nodes,
            self.name,
            [self._value(name) for name in self.inputs],
            [self._value(name) for name in self.outputs],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
            value_info=[self._value(name) for name in inner if name not in self.outputs],
        )
        imports = [helper.make_opsetid("", self.opset)]
        used = {node.domain for node in self.nodes} - {""}
        versions = {QONNX_DOMAIN: 2, FPGACOMP_DOMAIN: 1} | self.domains
        imports += [helper.make_opsetid(domain, versions.get(domain, 1)) for domain in sorted(used)]
        model = helper.make_model(graph, opset_imports=imports, producer_name="fpgacomp")
        model.ir_version = 8 if self.opset < 21 else 10
        return model

    def _value(self, name: str) -> onnx.ValueInfoProto:
        info = self.info.get(name)
        if info is None:
            return helper.make_empty_tensor_value_info(name)
        return helper.make_tensor_value_info(name, info.dtype, info.shape)


def node_proto(node: Node) -> onnx.NodeProto:
    """Return the node in ONNX's own form."""
    attributes = {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
        if not (isinstance(value, list) and not value)
    }
    return helper.make_node(
        node.op, node.inputs, node.outputs, node.name, domain=node.domain, **attributes
    )


def _info(value: onnx.ValueInfoProto) -> TensorInfo:
    tensor = value.type.tensor_type
    dims = tensor.shape.dim if tensor.HasField("shape") else ()
    shape = tuple(d.dim_value if d.HasField("dim_value") else -1 for d in dims)
    return TensorInfo(tensor.elem_type, shape)
