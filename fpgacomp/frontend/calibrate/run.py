"""Runs a canonical network on many samples in ONNX Runtime, with any of its tensors as outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.frontend.quantizers import integer_range
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.network.editable import FLOAT, EditableGraph, Node, TensorInfo
from fpgacomp.network.operators import FPGACOMP_DOMAIN, QONNX_DOMAIN
from fpgacomp.network.runtime import open_session
from fpgacomp.network.standard_form import write_standard_form

CHUNK = 64


class Runner:
    """An ONNX Runtime session that returns chosen tensors for any number of samples.

    Args:
        graph: canonical, batch 1; it is not changed.
        tensors: what to answer.

    Raises:
        ModelError: ONNX Runtime does not accept the network.
    """

    def __init__(self, graph: EditableGraph, tensors: Sequence[str]) -> None:
        self.tensors = list(tensors)
        self.inputs = list(graph.inputs)
        model = _runnable(graph, self.tensors).to_model()
        try:
            self._session = open_session(model)
        except Exception as problem:
            reason = " ".join(str(problem).split())[:300]
            raise ModelError(
                f"network {graph.name}",
                f"ONNX Runtime cannot run it for calibration: {reason}",
                "run fpgacomp check on the file.",
            ) from problem

    def chunks(self, feeds: NamedArrays) -> Iterator[dict[str, AnyArray]]:
        """Yield the tensors' values, `CHUNK` samples at a time."""
        count = len(next(iter(feeds.values())))
        for begin in range(0, count, CHUNK):
            part = {name: feeds[name][begin : begin + CHUNK] for name in self.inputs}
            values = self._session.run(self.tensors, part)
            yield dict(zip(self.tensors, (np.asarray(v) for v in values)))


def _runnable(graph: EditableGraph, tensors: Sequence[str]) -> EditableGraph:
    """Return a copy with an open batch axis, and with functions of other domains written out."""
    copy = EditableGraph(graph.name)
    copy.opset = graph.opset
    copy.constants = dict(graph.constants)
    copy.info = dict(graph.info)
    copy._names = set(graph._names)
    copy.inputs = list(graph.inputs)
    for node in _needed(graph, tensors):
        twin = Node(node.op, list(node.inputs), list(node.outputs), node.name, node.domain)
        twin.attributes = dict(node.attributes)
        if node.op == "Reshape" and node.domain == "":
            _keep_batch(copy, twin)
        if node.domain == QONNX_DOMAIN:
            _write_quantizer_out(copy, twin)
        elif node.domain == FPGACOMP_DOMAIN:
            _write_function_out(copy, twin)
        else:
            copy.append(twin)
    made = {t for n in copy.nodes for t in n.outputs}
    for name in made:
        copy.info.pop(name, None)  # ONNX Runtime finds the shapes with the open batch
    copy.outputs = list(tensors)
    for name in copy.inputs:
        info = copy.info[name]
        copy.info[name] = TensorInfo(info.dtype, ("N", *info.shape[1:]))  # type: ignore[arg-type]
    for name in copy.outputs:
        if name in made:
            rank = len(graph.info[name].shape) - 1
            shape = ("N", *(f"{name}_{axis}" for axis in range(rank)))
            copy.info[name] = TensorInfo(FLOAT, shape)  # type: ignore[arg-type]
    return copy


def _needed(graph: EditableGraph, tensors: Sequence[str]) -> list[Node]:
    """Return the nodes that the tensors depend on, in order."""
    wanted, nodes = set(tensors), []
    for node in reversed(graph.nodes):
        if wanted & set(node.outputs):
            nodes.append(node)
            wanted |= {t for t in node.inputs if t}
    return nodes[::-1]


def _keep_batch(graph: EditableGraph, node: Node) -> None:
    """Let a Reshape to [1, ...] keep the batch it finds (0 in ONNX)."""
    shape = np.array(graph.constants[node.inputs[1]], dtype=np.int64)
    if shape.size and shape[0] == 1:
        shape[0] = 0
        node.inputs[1] = graph.add_constant("shape", shape)


def _emit(graph: EditableGraph, of: Node, op: str, inputs: list[str], output: str = "") -> str:
    """Append one operator of those that make up `of`; return its output."""
    tensor = output or graph.unique(f"{of.name}_{op}_part")
    graph.append(Node(op, inputs, [tensor], graph.unique(f"{of.name}_{op}")))
    return tensor


def _write_quantizer_out(graph: EditableGraph, node: Node) -> None:
    """Write Quant and BipolarQuant in standard operators."""
    x, scale = node.inputs[0], node.inputs[1]
    if node.op == "BipolarQuant":
        zero, one = graph.add_constant("zero", 0.0), graph.add_constant("one", 1.0)
        positive = _emit(graph, node, "GreaterOrEqual", [x, zero])
        sign = _emit(graph, node, "Where", [positive, one, graph.add_constant("minus", -1.0)])
        _emit(graph, node, "Mul", [sign, scale], node.output)
        return
    if node.op != "Quant":
        raise ModelError(
            f"node {node.origin or node.name} ({node.op})",
            "calibration does not run this quantizer.",
            "quantize with Quant nodes, or calibrate the float network.",
        )
    zero_point, bits = node.inputs[2], int(graph.constants[node.inputs[3]].item())
    signed, narrow = (bool(node.attributes.get(key, 0)) for key in ("signed", "narrow"))
    ends = [
        graph.add_constant("end", float(end))
        for end in integer_range(bits, signed=signed, narrow=narrow)
    ]
    y = _emit(graph, node, "Add", [_emit(graph, node, "Div", [x, scale]), zero_point])
    y = _emit(graph, node, "Clip", [_round(graph, node, y), *ends])
    y = _emit(graph, node, "Sub", [y, zero_point])
    _emit(graph, node, "Mul", [y, scale], node.output)


def _round(graph: EditableGraph, node: Node, x: str) -> str:
    """Write QONNX's rounding modes: most of them round the magnitude and keep the sign."""
    mode = str(node.attributes.get("rounding_mode", "ROUND"))
    plain = {"ROUND": "Round", "FLOOR": "Floor", "CEIL": "Ceil"}
    if mode in plain:
        return _emit(graph, node, plain[mode], [x])
    sign, size = _emit(graph, node, "Sign", [x]), _emit(graph, node, "Abs", [x])
    half = graph.add_constant("half", 0.5)
    match mode:
        case "DOWN":
            size = _emit(graph, node, "Floor", [size])
        case "UP":
            size = _emit(graph, node, "Ceil", [size])
        case "HALF_UP":
            size = _emit(graph, node, "Floor", [_emit(graph, node, "Add", [size, half])])
        case "HALF_DOWN":
            size = _emit(graph, node, "Ceil", [_emit(graph, node, "Sub", [size, half])])
        case _:
            raise ValueError(f"rounding mode {mode!r} is none of a canonical network")
    return _emit(graph, node, "Mul", [sign, size])


def _write_function_out(graph: EditableGraph, node: Node) -> None:
    """Write a function of our own domain in standard operators."""
    write_standard_form(
        node.op,
        node.inputs[0],
        node.output,
        emit=lambda op, inputs, output: _emit(graph, node, op, list(inputs), output),
        constant=lambda value: graph.add_constant("factor", value),
    )
