"""Lowers the canonical network to the integer graph, node by node in the network's own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import onnx

from fpgacomp.errors import FpgacompError, ModelError, UnsupportedLayer, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import ArgMax, Layer, Tensor
from fpgacomp.ir.types import Ints, Reals
from fpgacomp.ir.verify import verify
from fpgacomp.lower.activate import activate
from fpgacomp.lower.builder import (
    GraphBuilder,
    IntegerWeights,
    NetworkIndex,
    node_name,
    unsupported,
)
from fpgacomp.lower.inputs import lower_input
from fpgacomp.lower.labels import label_nodes, label_problems, lower_label
from fpgacomp.lower.quantizer_nodes import read_quantizer
from fpgacomp.lower.residual import quantize_sum
from fpgacomp.lower.rules import RULES, is_host_form, layer_name
from fpgacomp.lower.scalar import Affine, Chain
from fpgacomp.lower.software import (
    InputRecipe,
    after_model,
    before_model,
    frontier,
    tail_nodes,
)
from fpgacomp.lower.value import RawInput, Sum, Value
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import InputPort, Lowered
from fpgacomp.network.operators import HOST_AT_THE_END, HOST_EXTRAS, QUANTIZERS

_FIX_OPERATOR = (
    "move it behind the last quantized layer, where the host computes it, or cut the network there."
)


def lower(network: Network, *, argmax: bool = False) -> Lowered:
    """Lower a canonical network to integers.

    Args:
        network: from the front end; `fpgacomp.network.canonical` states what is canonical.
        argmax: every output is a label, whose ArgMax becomes hardware.

    Returns:
        The verified integer graph, the software side, and what each integer stands for.

    Raises:
        UnsupportedLayer: a node has no exact integer form, or an ArgMax is not provably
            that of integers (all such nodes at once).
    """
    source = NetworkIndex(network.model)
    builder = GraphBuilder(source)
    recipes: list[InputRecipe] = []
    tail, labels = _software_tail(source), set[int]()
    if argmax:
        raise_all(list(label_problems(source, tail)))
        labels = label_nodes(source, tail)
    for name, shape in source.inputs.items():
        order = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
        builder.values[name] = Value(RawInput(name), (order.size,), order, Chain.of(1.0))
    for node in source.nodes:
        if id(node) in labels and node.op_type == "ArgMax":
            _note(builder, node, partial(lower_label, builder, node))
        elif id(node) in labels or id(node) not in tail:
            _lower_node(builder, recipes, node)
    raise_all(builder.problems)
    return _finish(network, builder, recipes)


def _software_tail(source: NetworkIndex) -> set[int]:
    """Return the ids of the nodes that the host computes: behind them lies no hardware node."""
    tail: set[int] = set()
    needed = _behind_host_nodes(source)
    for node in reversed(source.nodes):
        readers = [r for name in node.output for r in source.consumers.get(name, [])]
        feeds_output = readers or any(name in source.outputs for name in node.output)
        on_host = node.op_type in HOST_AT_THE_END or id(node) in needed
        if on_host and feeds_output and all(id(r) in tail for r in readers):
            tail.add(id(node))
    return tail


def _behind_host_nodes(source: NetworkIndex) -> set[int]:
    """Return the ids of the nodes that no hardware computes, and of what reads their results."""
    found: set[int] = set()
    tensors: set[str] = set()
    for node in source.nodes:
        if node.op_type not in QUANTIZERS and (
            node.op_type in HOST_EXTRAS
            or is_host_form(source, node)
            or tensors.intersection(node.input)
        ):
            found.add(id(node))
            tensors.update(node.output)
    return found


def _lower_node(builder: GraphBuilder, recipes: list[InputRecipe], node: onnx.NodeProto) -> None:
    """Lower one node; a problem is noted, and what depends on it is passed over."""
    known = {**builder.values, **builder.weights, **builder.source.initializers, "": None}
    if any(name not in known for name in node.input):
        return
    _note(builder, node, lambda: _apply(builder, recipes, node))


def _note(builder: GraphBuilder, node: onnx.NodeProto, rule: Callable[[], Value | None]) -> None:
    """Keep what a rule makes of a node, or its problem."""
    try:
        result = rule()
    except FpgacompError as problem:
        builder.problems.append(problem)
        return
    if result is not None:
        builder.values[node.output[0]] = result


def _apply(builder: GraphBuilder, recipes: list[InputRecipe], node: onnx.NodeProto) -> Value | None:
    values = [builder.values[name] for name in node.input if name in builder.values]
    if node.op_type in QUANTIZERS:
        return _quantize(builder, recipes, node)
    if not values:
        raise unsupported(
            node, "computes from constants only.", "report this: it should be folded."
        )
    rule = RULES.get(node.op_type)
    if rule is None:
        raise unsupported(node, "has no integer form.", _FIX_OPERATOR)
    return rule(builder, node, values)


def _quantize(
    builder: GraphBuilder, recipes: list[InputRecipe], node: onnx.NodeProto
) -> Value | None:
    value = builder.values.get(node.input[0])
    if value is None:
        constant = builder.source.constant(node.input[0])
        assert constant is not None
        quantizer = read_quantizer(builder.source, node, None)
        integers = quantizer.integers(constant)
        if np.any(quantizer.offset):
            raise unsupported(node, "quantizes weights with a zero point that is no integer.",
                              "use an integer zero point.")  # fmt: skip
        builder.weights[node.output[0]] = IntegerWeights(integers, quantizer.scale)
        return None
    if isinstance(value.source, RawInput):
        value, recipe = lower_input(builder, node, value)
        recipes.append(recipe)
        builder.view(recipe.tensor, node.output[0], value, quantized=True)
        return value
    if value.order.ndim == 2 and _has_vector_parameters(builder.source, node):
        value = value if isinstance(value.source, Sum) else builder.flat(value)
    quantizer = read_quantizer(builder.source, node, value)
    name = layer_name(builder, node)
    if isinstance(value.source, Sum):
        result = quantize_sum(builder, node, value, quantizer, name)
    else:
        result = activate(builder, node, value, quantizer, name)
    assert isinstance(result.source, Tensor)
    builder.view(result.source, node.output[0], result, quantized=True)
    return result


def _has_vector_parameters(source: NetworkIndex, node: onnx.NodeProto) -> bool:
    constants = [source.constant(name) for name in node.input[1:]]
    return any(c is not None and c.size > 1 for c in constants)


def _finish(network: Network, builder: GraphBuilder, made: list[InputRecipe]) -> Lowered:
    source, values = builder.source, builder.values
    outputs = _graph_outputs(builder)
    layers = tuple(builder.layers)
    graph = verify(Graph(network.name, _needed(layers, outputs), outputs))
    kept = {layer.output.name for layer in graph.layers}
    recipes = [recipe for recipe in made if recipe.tensor.name in kept]
    after, kinds = after_model(source, graph, values)
    before = before_model(source, recipes)
    return Lowered(
        graph=graph,
        before=before,
        after=after,
        views={name: view for name, view in builder.views.items() if name in kept},
        ports=tuple(_port(source, r, builder.values) for r in recipes),
        software_before=tuple(_describe(r) for r in recipes),
        software_after=(*_dequantize(graph), *kinds),
        labels={name: view for name, view in builder.labels.items() if name in kept},
    )


def _dequantize(graph: Graph) -> tuple[str, ...]:
    """Return the host's last step for the report: none where all outputs are labels."""
    labels = all(isinstance(graph.producer[tensor.name], ArgMax) for tensor in graph.outputs)
    return () if labels else ("dequantize",)


def _port(source: NetworkIndex, recipe: InputRecipe, values: dict[str, Value]) -> InputPort:
    value = next(v for v in values.values() if v.source == recipe.tensor)
    gain, bias = np.ones(1), np.zeros(1)
    for step in (recipe.chain.affine, *recipe.chain.steps):
        if isinstance(step, Affine):
            gain = gain * step.scale.array
            bias = bias * step.scale.array + step.offset.array
    port = InputPort(
        name=recipe.name,
        shape=source.inputs[recipe.name],
        tensor=recipe.tensor.name,
        place=Ints(recipe.place),
        gain=Reals(np.where(gain == 0, 1.0, gain)),
        bias=Reals(bias),
        scale=Reals(value.chain.scale),
        offset=Reals(value.chain.offset),
    )
    kind, shape = recipe.tensor.type, recipe.tensor.shape
    ends = np.stack([np.full(shape, kind.lo), np.full(shape, kind.hi)])
    with np.errstate(over="ignore", invalid="ignore"):
        raw = port.to_raw(ends).astype(np.float32)
    if not np.isfinite(raw).all():
        raise UnsupportedLayer(
            f"input {recipe.name}", "its quantizer stands for numbers that float32 cannot hold.",
            "give the quantizer a scale of the size of the data.",
        )  # fmt: skip
    return port


def _describe(recipe: InputRecipe) -> str:
    return f"quantize {recipe.name} to {recipe.tensor.type}"


def _graph_outputs(builder: GraphBuilder) -> tuple[Tensor, ...]:
    source, values = builder.source, builder.values
    for node in tail_nodes(source, values):
        for name in node.input:
            value = values.get(name)
            if value is not None and isinstance(value.source, RawInput):
                raise ModelError(
                    node_name(node),
                    f"uses the network input {name!r} beside the hardware's result.",
                    "move this skip connection into the quantized part.",
                )
    found: dict[str, Tensor] = {}
    for name in frontier(source, values):
        value = values[name]
        assert isinstance(value.source, Tensor)
        if value.source.name not in builder.labels:
            builder.view(value.source, name, value, quantized=False)
        found[value.source.name] = value.source
    if not found:
        raise ModelError(builder.source.model.graph.name or "network",
                         "no part of it needs hardware.",
                         "check that its weights and activations are quantized.")  # fmt: skip
    return tuple(found.values())


def _needed(layers: Sequence[Layer], outputs: Sequence[Tensor]) -> tuple[Layer, ...]:
    """Return only the layers whose result reaches an output."""
    wanted = {tensor.name for tensor in outputs}
    kept = []
    for layer in reversed(layers):
        if layer.output.name in wanted:
            kept.append(layer)
            wanted.update(tensor.name for tensor in layer.inputs)
    return tuple(reversed(kept))
