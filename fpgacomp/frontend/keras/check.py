"""Compares the exported network with the Keras model, layer by layer, on the same inputs.

Each layer's nodes run on the very tensors that Keras fed to that layer, so that a
difference cannot grow. Two float32 evaluations of one sum differ by rounding only; an
output under a quantizer must therefore be equal, except where rounding could carry the
value before the quantizer over one of its borders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.frontend.keras.builder import KerasTensor
from fpgacomp.frontend.keras.walk import Conversion, LayerCall, listed
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import QUANTIZERS

# 64 float32 epsilons of the largest value: the rounding of a dot product of some thousands
# of terms, which grows with the square root of their number.
ROUNDING = 64 * float(np.finfo(np.float32).eps)
# Float noise of binary and ternary quantizers, whose gradient trick adds the input and takes
# it off again and cannot be switched off. Their steps are far coarser.
STRAIGHT_THROUGH = 2 * float(np.finfo(np.float32).eps)

# Slopes of a LeakyRelu in front of a quantizer are powers of two.
EXACT = {"Relu", "LeakyRelu", "Clip", "Transpose"}

MakeTap = Callable[[Any, list[Any]], Any]


def probes(shape: tuple[int, ...], count: int) -> AnyArray:
    """Return seeded inputs [count, *shape]: normal, on binary grids, in 0..1, large, constant.

    The grids have steps of 1/2, 1/4, ...: half a step of whatever power-of-two quantizer
    comes first, so that its rounding of ties is seen.
    """
    random = np.random.default_rng(0)
    x = random.normal(size=(count, *shape))
    for bits, index in enumerate(range(count // 4, count // 2), start=1):
        x[index] = np.round(x[index] * 2.0**bits) / 2.0**bits
    x[count // 2 : 3 * count // 4] = random.uniform(size=x[count // 2 : 3 * count // 4].shape)
    x[3 * count // 4 :] *= 8
    for index, constant in enumerate((0.0, 1.0, -1.0, 100.0, -100.0)):
        x[index] = constant
    return x.astype(np.float32)


def check(model: Any, conversion: Conversion, make_tap: MakeTap, batch: int) -> None:
    """Compare every layer's output in qonnx with Keras' own.

    Args:
        conversion: the graph at this batch size.
        make_tap: (inputs, outputs) -> a Keras model that answers these tensors.

    Raises:
        ModelError: the layer and the difference, where the export is not the model.
    """
    feeds = [probes(tuple(tensor.shape)[1:], batch) for tensor in listed(model.inputs)]
    with _without_straight_through(model):
        _check_calls(model, conversion.graph, conversion.calls, feeds, make_tap)


def _check_calls(
    model: Any,
    graph: EditableGraph,
    calls: Sequence[LayerCall],
    feeds: list[AnyArray],
    make_tap: MakeTap,
) -> None:
    if not calls:
        return
    needed = {id(t): t for call in calls for t in (*call.tensors[0], call.tensors[1])}
    answers = make_tap(model.inputs, list(needed.values())).predict(
        feeds if len(feeds) > 1 else feeds[0], batch_size=len(feeds[0]), verbose=0
    )
    observed = {
        key: np.asarray(answer, dtype=np.float32) for key, answer in zip(needed, listed(answers))
    }
    for call in calls:
        if call.inner:  # a model used as a layer: its own layers, on what it was fed
            inner_feeds = [observed[id(tensor)] for tensor in call.tensors[0]]
            _check_calls(call.layer, graph, call.inner, inner_feeds, make_tap)
        else:
            _check_call(graph, call, observed)


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


def _check_call(graph: EditableGraph, call: LayerCall, observed: dict[int, AnyArray]) -> None:
    nodes = graph.nodes[call.nodes.start : call.nodes.stop]
    wanted = _in_layout(observed[id(call.tensors[1])], call.output)
    context: dict[str, AnyArray] = dict(graph.constants)
    for value, tensor in zip(call.inputs, call.tensors[0]):
        context[value.name] = _in_layout(observed[id(tensor)], value)
    run(graph, nodes, context)
    got = context[call.output.name]
    if wanted.shape != got.shape:
        _report(call, f"shape {got.shape} instead of {wanted.shape}")
    quantizer = _last_quantizer(nodes, graph)
    low, high = got, got
    if quantizer is None:
        allowed = ROUNDING * _largest(got, wanted)
    else:
        before = context[nodes[quantizer].inputs[0]]
        allowed = STRAIGHT_THROUGH * _largest(before) if _leaves_noise(call.layer) else 0.0
        if not _exact(nodes[:quantizer], call.layer):
            for shift in (-ROUNDING * _largest(before), ROUNDING * _largest(before)):
                shifted = context | {nodes[quantizer].inputs[0]: before + np.float32(shift)}
                run(graph, nodes[quantizer:], shifted)
                low = np.minimum(low, shifted[call.output.name])
                high = np.maximum(high, shifted[call.output.name])
    with np.errstate(invalid="ignore"):  # two equal infinities differ by NaN
        excess = np.maximum(wanted - high, low - wanted)
    excess = np.where((low <= wanted) & (wanted <= high), 0.0, excess)
    if not np.all(excess <= allowed):
        at = np.unravel_index(np.argmax(np.nan_to_num(excess, nan=np.inf)), got.shape)
        index = tuple(int(i) for i in at)
        _report(call, f"{got[at]:g} instead of {wanted[at]:g} at index {index}")


def _quantizer_names(layer: Any) -> set[str]:
    members = (getattr(layer, name, None) for name in ("quantizer", "activation"))
    return {type(member).__name__ for member in members}


def _leaves_noise(layer: Any) -> bool:
    noisy = {"binary", "ternary", "stochastic_binary", "stochastic_ternary"}
    return bool(noisy & _quantizer_names(layer))


def _exact(nodes: Sequence[Node], layer: Any) -> bool:
    """Return whether nothing before the quantizer rounds, here or in Keras (whose
    hard tanh does).
    """
    rounding_functions = {"quantized_tanh", "quantized_sigmoid", "quantized_hswish"}
    operators = {node.op for node in nodes}
    return operators <= EXACT and not rounding_functions & _quantizer_names(layer)


def _report(call: LayerCall, what: str) -> None:
    kind = type(call.layer).__name__
    raise ModelError(
        f"layer {call.layer.name} ({kind})",
        f"the exported nodes answer {what}, so the network was not exported.",
        "report this layer with its settings; until then express it with other layers.",
    )


def _largest(*arrays: AnyArray) -> float:
    return max(float(np.abs(a).max(initial=0.0)) for a in arrays)


def _in_layout(x: AnyArray, value: KerasTensor) -> AnyArray:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if value.first else x


def _last_quantizer(nodes: list[Node], graph: EditableGraph) -> int | None:
    """Return the index of the last quantizer that works on data, not on a constant."""
    for index in range(len(nodes) - 1, -1, -1):
        if nodes[index].op in QUANTIZERS and nodes[index].inputs[0] not in graph.constants:
            return index
    return None


def run(graph: EditableGraph, nodes: list[Node], context: dict[str, AnyArray]) -> None:
    """Execute nodes in qonnx and add their outputs to `context`."""
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
