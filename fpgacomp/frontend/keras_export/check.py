"""Compares the exported network with the Keras model, layer by layer, on the same inputs.

Each layer's nodes run on the very tensors that Keras fed to that layer, so that a
difference cannot grow. Two float32 evaluations of one sum differ by rounding only; an
output under a quantizer must therefore be equal, except where rounding could carry the
value before the quantizer over one of its borders.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.frontend.editable import EditableGraph, Node
from fpgacomp.frontend.keras_export.builder import Array, Value
from fpgacomp.frontend.keras_export.walk import Call, Conversion
from fpgacomp.ir.network import QUANTIZERS

# 64 float32 epsilons of the largest value: the rounding of a dot product of some thousands
# of terms, which grows with the square root of their number.
ROUNDING = 64 * float(np.finfo(np.float32).eps)
# One addition and subtraction of the input, left by gradient tricks that cannot be switched off.
STRAIGHT_THROUGH = 2 * float(np.finfo(np.float32).eps)


def probes(shape: tuple[int, ...], count: int) -> Array:
    """Seeded inputs [count, *shape]: normal, on a binary grid, small, large, constant."""
    random = np.random.default_rng(0)
    x = random.normal(size=(count, *shape))
    x[count // 4 : count // 2] = np.round(x[count // 4 : count // 2] * 64) / 32
    x[count // 2 : 3 * count // 4] = random.uniform(size=x[count // 2 : 3 * count // 4].shape)
    x[3 * count // 4 :] *= 8
    for index, constant in enumerate((0.0, 1.0, -1.0, 100.0, -100.0)):
        x[index] = constant
    return x.astype(np.float32)


def check(model: Any, conversion: Conversion, make_tap: Any, batch: int) -> None:
    """Compare every layer's output.

    Args:
        conversion: the graph at this batch size.
        make_tap: (inputs, outputs) -> a Keras model that answers these tensors.

    Raises:
        ModelError: the layer and the difference, where the export is not the model.
    """
    needed: dict[int, Any] = {}
    for call in conversion.calls:
        for tensor in (*call.tensors[0], call.tensors[1]):
            needed[id(tensor)] = tensor
    inputs = model.inputs if isinstance(model.inputs, (list, tuple)) else [model.inputs]
    feeds = [probes(tuple(t.shape)[1:], batch) for t in inputs]
    with _without_straight_through(model):
        answers = make_tap(inputs, list(needed.values())).predict(
            feeds if len(feeds) > 1 else feeds[0], batch_size=batch, verbose=0
        )
    answers = answers if isinstance(answers, list) else [answers]
    observed = {key: np.asarray(y, dtype=np.float32) for key, y in zip(needed, answers)}
    for call in conversion.calls:
        _check_call(conversion.graph, call, observed)


@contextmanager
def _without_straight_through(model: Any) -> Iterator[None]:
    """Switch off x + (q - x) in all quantizers that allow it: its float noise is no function."""
    # Keras 3 models have no submodules, and no QKeras quantizers either
    parts = [*getattr(model, "submodules", ())]
    parts += [member for part in parts for member in vars(part).values()]
    holders = [part for part in parts if getattr(part, "use_ste", None) is True]
    for holder in holders:
        holder.use_ste = False
    try:
        yield
    finally:
        for holder in holders:
            holder.use_ste = True


def _check_call(graph: EditableGraph, call: Call, observed: dict[int, Array]) -> None:
    nodes = graph.nodes[call.nodes.start : call.nodes.stop]
    wanted = _in_layout(observed[id(call.tensors[1])], call.output)
    context = dict(graph.constants)
    for value, tensor in zip(call.inputs, call.tensors[0]):
        context[value.name] = _in_layout(observed[id(tensor)], value)
    run(graph, nodes, context)
    got = context[call.output.name]
    low, high, noise = got, got, 0.0
    quantizer = _last_quantizer(nodes, graph)
    if quantizer is None:
        allowed = np.full(got.shape, ROUNDING * _largest(got, wanted))
    else:
        before = context[nodes[quantizer].inputs[0]]
        delta = ROUNDING * _largest(before)
        ends = []
        for shift in (-delta, delta):
            shifted = dict(context) | {nodes[quantizer].inputs[0]: before + np.float32(shift)}
            run(graph, nodes[quantizer:], shifted)
            ends.append(shifted[call.output.name])
        low, high = np.minimum(*ends), np.maximum(*ends)
        low, high = np.minimum(low, got), np.maximum(high, got)
        noise = STRAIGHT_THROUGH * _largest(before, wanted)
        allowed = np.full(got.shape, noise)
    excess = np.maximum(wanted - high, low - wanted)
    if wanted.shape != got.shape or not np.all(excess <= allowed):
        _report(call, got, wanted)


def _report(call: Call, got: Array, wanted: Array) -> None:
    kind = type(call.layer).__name__
    if got.shape != wanted.shape:
        what = f"shape {got.shape} instead of {wanted.shape}"
    else:
        at = np.unravel_index(np.nanargmax(np.abs(got - wanted)), got.shape)
        what = f"{got[at]!r} instead of {wanted[at]!r} at index {tuple(int(i) for i in at)}"
    raise ModelError(
        f"layer {call.layer.name} ({kind})",
        f"the exported nodes answer {what}, so the network was not exported.",
        "report this layer with its settings; until then express it with other layers.",
    )


def _largest(*arrays: Array) -> float:
    return max(float(np.abs(a).max(initial=0.0)) for a in arrays)


def _in_layout(x: Array, value: Value) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if value.first else x


def _last_quantizer(nodes: list[Node], graph: EditableGraph) -> int | None:
    """Index of the last quantizer that works on data, not on a constant."""
    for index in range(len(nodes) - 1, -1, -1):
        if nodes[index].op in QUANTIZERS and nodes[index].inputs[0] not in graph.constants:
            return index
    return None


def run(graph: EditableGraph, nodes: list[Node], context: dict[str, Array]) -> None:
    """Execute nodes in qonnx, adding their outputs to `context`."""
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_node

    if not nodes:
        return
    part = EditableGraph("part")
    part.opset, part.info, part.constants = graph.opset, dict(graph.info), graph.constants
    made = {tensor for node in nodes for tensor in node.outputs}
    read = {tensor for node in nodes for tensor in node.inputs if tensor}
    part.inputs = sorted(read - made - set(graph.constants))
    part.outputs = [nodes[-1].output]
    for node in nodes:
        part.append(node)
    model = ModelWrapper(part.to_model())
    for tensor in made:  # qonnx compares what it computed with the shape it finds here
        context[tensor] = np.zeros(graph.shape(tensor), dtype=np.float32)
    for proto in model.graph.node:
        execute_node(proto, context, model.graph, part.opset)
