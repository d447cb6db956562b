"""Looks over a parsed ONNX model before any library works on it: structure, sizes, repetition.

onnx.checker and the inliner follow calls and names as they stand, so a function that calls
itself ends them in a crash and a short chain of doubling calls takes all memory. Everything here
walks with a list of its own, in time linear in the size of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import onnx
from onnx import defs

from fpgacomp.errors import ModelError
from fpgacomp.network.budget import constant_problem

MAX_NODES = 200_000
"""Most nodes of a network once all calls of its functions are replaced by their bodies."""

_EXPORT = "export the model again."
Body = onnx.GraphProto | onnx.FunctionProto
# Texts that nothing here reads.
_UNREAD = frozenset(("doc_string", "producer_name", "producer_version"))
_FunctionKey = tuple[str, str, str]


def scan(model: onnx.ModelProto, where: str) -> None:
    """Refuse a model that is damaged, repeats itself or asks for more than the budget.

    Raises:
        ModelError: names the tensor, function or operator set at fault.
    """
    _check_opsets(model, where)
    bodies = list(all_bodies(model))
    _check_text(model, where)
    for body in bodies:
        _check_names(body, where)
    for tensor in all_tensors(model):
        _check_tensor(tensor, where)
    _check_calls(model, sum(len(body.node) for body in bodies), where)


def all_bodies(model: onnx.ModelProto) -> Iterator[Body]:
    """Yield the main graph, every function, and every graph inside a node of these."""
    waiting: list[Body] = [*model.functions, model.graph]
    while waiting:
        body = waiting.pop()
        yield body
        waiting += _inner_graphs(body.node)


def all_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor that a model holds, wherever it is."""
    for body in all_bodies(model):
        if isinstance(body, onnx.GraphProto):
            yield from body.initializer
            for sparse in body.sparse_initializer:
                yield from (sparse.values, sparse.indices)
        for attribute in _attributes(body):
            yield from _tensors_of(attribute)


def _attributes(body: Body) -> Iterator[onnx.AttributeProto]:
    for node in body.node:
        yield from node.attribute
    if isinstance(body, onnx.FunctionProto):
        yield from body.attribute_proto


def _tensors_of(attribute: onnx.AttributeProto) -> Iterator[onnx.TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    sparse = list(attribute.sparse_tensors)
    if attribute.HasField("sparse_tensor"):
        sparse.append(attribute.sparse_tensor)
    for entry in sparse:
        yield from (entry.values, entry.indices)


def _inner_graphs(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.GraphProto]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield attribute.g
            yield from attribute.graphs


def _refuse(where: str, why: str, fix: str = _EXPORT) -> NoReturn:
    raise ModelError(where, why, fix)


def _check_opsets(model: onnx.ModelProto, where: str) -> None:
    newest = defs.onnx_opset_version()
    imports = [entry for body in (model, *model.functions) for entry in body.opset_import]
    for entry in imports:
        domain = entry.domain or "ai.onnx"
        if entry.version < 1 or (domain == "ai.onnx" and entry.version > newest):
            why = f"is written in opset {entry.version} of {domain}, which does not exist."
            _refuse(where, why, f"export it with an opset from 7 to {newest}.")
    for body in (model, *model.functions):
        again = _repeated((entry.domain or "ai.onnx") for entry in body.opset_import)
        if again:
            _refuse(where, f"imports the operator set {again} twice.")


def _check_text(model: onnx.ModelProto, where: str) -> None:
    """Names are text: protobuf hands out those that are not UTF-8 as bytes."""
    waiting: list[Any] = [model]
    while waiting:
        for field, value in waiting.pop().ListFields():
            if field.type == field.TYPE_MESSAGE:
                waiting += [value] if hasattr(value, "ListFields") else value
            elif field.type == field.TYPE_STRING and field.name not in _UNREAD:
                for text in [value] if isinstance(value, str | bytes) else value:
                    if not isinstance(text, str):
                        _refuse(where, f"holds the name {text!r:.80}, which is not UTF-8.")


def _check_names(body: Body, where: str) -> None:
    """Names that stand for two things make every reader see another network."""
    for node in body.node:
        if not node.output:
            _refuse(where, f"node {(node.name or node.op_type)!r:.80} has no output.")
        again = _repeated(attribute.name for attribute in node.attribute)
        if again:
            told = f"node {node.name or node.op_type} states its attribute {again} twice."
            _refuse(where, told)
    if isinstance(body, onnx.FunctionProto):
        lists = {"input": body.input, "output": body.output}
    else:
        lists = {
            "constant": [tensor.name for tensor in body.initializer],
            "input": [value.name for value in body.input],
            "output": [value.name for value in body.output],
        }
    for kind, names in lists.items():
        again = _repeated(names)
        if again is not None:
            _refuse(where, f"lists the {kind} {again!r} twice in {body.name or 'its graph'}.")


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _check_tensor(tensor: onnx.TensorProto, where: str) -> None:
    name = tensor.name or "without a name"
    if any(size < 0 for size in tensor.dims):
        _refuse(where, f"gives the constant {name} the shape {list(tensor.dims)}.")
    if len(tensor.dims) > 1 and 0 in tensor.dims:
        _refuse(where, f"holds a constant {name} of shape {list(tensor.dims)}, without values.")
    too_large = constant_problem(name, tensor.dims)
    if too_large:
        _refuse(where, too_large, "give the network a smaller constant.")


@dataclass(frozen=True)
class _Function:
    """What one function costs and whom it calls, once for each call."""

    nodes: int
    calls: tuple[_FunctionKey, ...]


def _check_calls(model: onnx.ModelProto, nodes: int, where: str) -> None:
    """Refuse functions that call themselves, or whose calls multiply beyond the bound."""
    keys = [(f.domain, f.name, f.overload) for f in model.functions]
    if len(set(keys)) < len(keys):
        again = next(key for key, count in Counter(keys).items() if count > 1)
        _refuse(where, f"defines the function {again[1]} twice.")
    known = set(keys)
    functions = {key: _function(f, known) for key, f in zip(keys, model.functions)}
    sizes: dict[_FunctionKey, int] = {}
    for key in _callees_first(functions, where):
        called = sum(sizes[inner] for inner in functions[key].calls)
        sizes[key] = functions[key].nodes + called
    main = _function(model.graph, known)
    total = max(nodes, main.nodes + sum(sizes[key] for key in main.calls))
    if total > MAX_NODES:
        why = f"has {total:,} nodes with its functions in place, more than {MAX_NODES:,}."
        _refuse(where, why, "split the network, or export it without functions.")


def _function(body: Body, known: set[_FunctionKey]) -> _Function:
    """Count a body's own nodes and list its calls, those in graphs inside it included."""
    nodes = list(body.node)
    waiting = list(_inner_graphs(body.node))
    while waiting:
        inner = waiting.pop()
        nodes += inner.node
        waiting += _inner_graphs(inner.node)
    keys = ((node.domain, node.op_type, node.overload) for node in nodes)
    return _Function(len(nodes), tuple(key for key in keys if key in known))


def _callees_first(functions: dict[_FunctionKey, _Function], where: str) -> Iterator[_FunctionKey]:
    """Yield every function behind those that it calls."""
    missing = {key: set(function.calls) for key, function in functions.items()}
    callers: dict[_FunctionKey, list[_FunctionKey]] = {key: [] for key in functions}
    for key, calls in missing.items():
        for called in calls:
            callers[called].append(key)
    ready = [key for key, calls in missing.items() if not calls]
    done = 0
    while ready:
        key = ready.pop()
        done += 1
        yield key
        for caller in callers[key]:
            missing[caller].discard(key)
            if not missing[caller]:
                ready.append(caller)
    if done < len(functions):
        stuck = next(key for key, calls in missing.items() if calls)
        _refuse(where, f"defines the function {stuck[1]}, which ends up calling itself.")
