"""Walks a Keras model, Keras 2 or 3, in the order its layers run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fpgacomp.errors import FpgacompError, ModelError, UnsupportedLayer, raise_all
from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor
from fpgacomp.frontend.keras.layers import convert
from fpgacomp.network.editable import FLOAT, EditableGraph, TensorInfo


@dataclass(frozen=True)
class LayerCall:
    """One call of one layer, and the ONNX nodes that it became.

    Args:
        inputs: the values it reads, as they were when it was converted.
        tensors: the Keras tensors of inputs and output, for the check.
        nodes: range of its nodes in the graph.
        inner: the calls inside, where the layer is a model.
    """

    layer: Any
    inputs: tuple[KerasTensor, ...]
    output: KerasTensor
    tensors: tuple[tuple[Any, ...], Any]
    nodes: range
    inner: tuple[LayerCall, ...] = ()


@dataclass(frozen=True)
class Conversion:
    """The whole model as a graph of one batch size."""

    graph: EditableGraph
    calls: tuple[LayerCall, ...]


def listed(tensors: Any) -> list[Any]:
    """Return Keras' single tensors, lists, tuples and dicts of them as a list."""
    if isinstance(tensors, dict):
        return list(tensors.values())
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _steps(model: Any) -> Iterator[tuple[Any, list[Any], list[Any]]]:
    """Yield layer, input tensors and output tensors of every call, inputs first."""
    network = getattr(model, "_functional", None) or model
    by_depth = network._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            layer = getattr(node, "operation", None) or node.layer
            keras_2 = getattr(node, "keras_inputs", None)
            inputs = list(node.input_tensors if keras_2 is None else keras_2)
            yield layer, inputs, listed(node.outputs)


def require_functional(model: Any) -> None:
    """Refuse a model whose layers are not known before they run.

    Raises:
        ModelError: a subclassed or unbuilt model.
    """
    network = getattr(model, "_functional", None) or model
    if not getattr(network, "_nodes_by_depth", None) or not getattr(model, "built", False):
        raise ModelError(
            f"model {getattr(model, 'name', '?')}",
            "it is not built, or a subclassed model whose layers cannot be listed.",
            "build it as Sequential or functional model with an Input of fixed shape.",
        )


def input_name(tensor: Any) -> str:
    """Return the network's name for a Keras input tensor."""
    return str(tensor.name).split(":")[0].replace("/", "_")


def to_graph(model: Any, batch: int) -> Conversion:
    """Convert every layer, in order.

    Raises:
        UnsupportedLayer, Problems: everything that is not carried, at once.
    """
    require_functional(model)
    builder = KerasGraphWriter(batch, EditableGraph(str(model.name)))
    values: dict[int, KerasTensor] = {}
    for tensor in listed(model.inputs):
        values[id(tensor)] = _input(builder, tensor)
    calls: list[LayerCall] = []
    _convert_all(builder, model, values, calls)
    raise_all(builder.problems)
    builder.layer = "output"
    for tensor in listed(model.outputs):
        last = builder.channels_last(values[id(tensor)])
        if last.name in builder.graph.inputs or last.name in builder.graph.outputs:
            last = builder.same("Identity", last)
        builder.graph.outputs.append(last.name)
    return Conversion(builder.graph, tuple(calls))


def _shape(tensor: Any, where: str) -> tuple[int, ...]:
    shape = tuple(tensor.shape)[1:]
    if any(size is None for size in shape):
        raise UnsupportedLayer(
            where,
            f"its shape {('batch', *shape)} leaves a size open.",
            "give Input a fixed shape.",
        )
    return tuple(int(size) for size in shape)


def _input(builder: KerasGraphWriter, tensor: Any) -> KerasTensor:
    name = builder.graph.unique(input_name(tensor))
    shape = _shape(tensor, f"input {name}")
    builder.graph.inputs.append(name)
    builder.graph.info[name] = TensorInfo(FLOAT, (builder.batch, *shape))
    return KerasTensor(name, shape)


def _convert_all(
    builder: KerasGraphWriter,
    model: Any,
    values: dict[int, KerasTensor],
    calls: list[LayerCall],
    prefix: str = "",
) -> None:
    for layer, inputs, outputs in _steps(model):
        if type(layer).__name__ == "InputLayer" or all(id(t) in values for t in outputs):
            continue
        builder.layer = prefix + str(layer.name)
        if hasattr(layer, "_nodes_by_depth") or getattr(layer, "_functional", None):
            _inline(builder, layer, inputs, outputs, values, calls)
            continue
        sources = tuple(values[id(t)] for t in inputs)
        begin = len(builder.graph.nodes)
        result = _convert_or_note(builder, layer, sources, outputs)
        values[id(outputs[0])] = result
        nodes = range(begin, len(builder.graph.nodes))
        calls.append(LayerCall(layer, sources, result, (tuple(inputs), outputs[0]), nodes))


def _convert_or_note(
    builder: KerasGraphWriter, layer: Any, sources: tuple[KerasTensor, ...], outputs: list[Any]
) -> KerasTensor:
    """Return the layer's value; where it is not carried, keep the problem and go on."""
    try:
        if len(outputs) != 1:
            raise builder.refuse(f"it has {len(outputs)} outputs.", "split it into layers of one.")
        return convert(builder, layer, sources)
    except FpgacompError as problem:
        kind = type(layer).__name__
        where = f"layer {layer.name} ({kind})"
        builder.problems.append(UnsupportedLayer(where, problem.why, problem.fix))
        shape = tuple(int(size or 1) for size in tuple(outputs[0].shape)[1:])
        return builder.node("Identity", [sources[0].name], shape)


def _inline(
    builder: KerasGraphWriter,
    inner: Any,
    inputs: list[Any],
    outputs: list[Any],
    values: dict[int, KerasTensor],
    calls: list[LayerCall],
) -> None:
    """Run the layers of a model that is used as a layer in its place, on the outer tensors."""
    scope = {id(t): values[id(outer)] for t, outer in zip(listed(inner.inputs), inputs)}
    inner_calls: list[LayerCall] = []
    _convert_all(builder, inner, scope, inner_calls, prefix=f"{builder.layer}/")
    for outer, tensor in zip(outputs, listed(inner.outputs)):
        values[id(outer)] = scope[id(tensor)]
    if inner_calls:
        nodes = range(inner_calls[0].nodes.start, inner_calls[-1].nodes.stop)
        sources = tuple(values[id(t)] for t in inputs)
        tensors = (tuple(inputs), outputs[0])
        result = values[id(outputs[0])]
        calls.append(LayerCall(inner, sources, result, tensors, nodes, tuple(inner_calls)))
