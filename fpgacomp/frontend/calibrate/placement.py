"""Where quantizers go: which tensors integer operators read, and which must share a scale.

An integer operator needs integers at every data input. Reshape, Transpose, max pooling,
Resize and Concat pass integers through unchanged, so the quantizer stands in front of
them, right behind the operator that computes the values: one per tensor, and the chain
of bias, normalization and activation function before it becomes one integer activation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.operators import PRODUCTS, names_of

AVERAGES = ("AveragePool", "GlobalAveragePool")
# Operators behind which the integers are the same ones, moved or picked.
TRANSPARENT = (*names_of("move"), "MaxPool")
# Functions that never fall, whatever their attributes: MaxPool may come before or after them.
RISING = ("Relu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "Selu", "Elu")


@dataclass(frozen=True)
class QuantizationPoint:
    """A tensor to be quantized.

    Args:
        tensor: the float tensor.
        readers: the nodes that are to read its quantized form.
        is_input: it is an input of the network.
    """

    tensor: str
    readers: tuple[Node, ...]
    is_input: bool


@dataclass(frozen=True)
class Placement:
    """All points where quantizers go, and the groups of them (by tensor) whose
    scales must be one.
    """

    sites: tuple[QuantizationPoint, ...]
    groups: tuple[tuple[str, ...], ...]


def data_inputs(graph: EditableGraph, node: Node) -> list[str]:
    """Return the inputs that carry data and must be integers; [] for a node that needs none."""
    if node.domain:
        return []
    if node.op in PRODUCTS:
        return [t for t in node.inputs[:2] if t not in graph.constants]
    if node.op in AVERAGES or node.op in ("MaxPool", "Resize"):
        return [node.inputs[0]]
    if node.op == "Concat" or (node.op in ("Add", "Mul") and not _constant_side(graph, node)):
        return list(node.inputs)
    return []


def _constant_side(graph: EditableGraph, node: Node) -> bool:
    return any(tensor in graph.constants for tensor in node.inputs)


def place(graph: EditableGraph, *, share_add_scales: bool) -> Placement:
    """Find all points where a quantizer must go.

    Args:
        share_add_scales: both sides of an Add get one scale (else only parts of a Concat).
    """
    readers: dict[str, list[Node]] = {}
    union = _Union()
    for node in graph.nodes:
        roots = []
        for tensor in data_inputs(graph, node):
            for root, reader in _roots(graph, tensor, node):
                roots.append(root)
                entry = readers.setdefault(root, [])
                if reader not in entry:
                    entry.append(reader)
        if node.op == "Concat" or (node.op == "Add" and share_add_scales):
            union.join(roots)
    sites = tuple(
        QuantizationPoint(tensor, tuple(nodes), tensor in graph.inputs)
        for tensor, nodes in readers.items()
    )
    return Placement(sites, union.groups(list(readers)))


def _roots(graph: EditableGraph, tensor: str, reader: Node) -> Iterator[tuple[str, Node]]:
    """Yield the computed tensors behind `tensor`, each with the node that reads it directly."""
    waiting = [(tensor, reader)]
    while waiting:
        tensor, reader = waiting.pop()
        if tensor in graph.constants:
            continue
        producer = graph.producer(tensor)
        if producer is None or producer.domain or producer.op not in TRANSPARENT:
            yield tensor, reader
            continue
        sources = producer.inputs if producer.op == "Concat" else producer.inputs[:1]
        waiting += [(source, producer) for source in reversed(sources)]


class _Union:
    """Sets that merge where they meet."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def _find(self, item: str) -> str:
        while self._parent.setdefault(item, item) != item:
            item = self._parent[item]
        return item

    def join(self, items: list[str]) -> None:
        """Make one group of the groups that these items are in."""
        for other in items[1:]:
            self._parent[self._find(other)] = self._find(items[0])

    def groups(self, items: list[str]) -> tuple[tuple[str, ...], ...]:
        """Return the groups, in the order of the items."""
        members: dict[str, list[str]] = {}
        for item in items:
            members.setdefault(self._find(item), []).append(item)
        return tuple(tuple(group) for group in members.values())


def move_activations_before_pools(graph: EditableGraph) -> None:
    """Turn MaxPool then a rising function into the function then MaxPool: the same values.

    So that the function and its quantizer follow the accumulator, and pooling compares
    narrow integers.
    """
    for pool in graph.find("MaxPool"):
        after = graph.only_consumer(pool.output)
        if after is None or after.domain or after.op not in RISING or len(pool.outputs) != 1:
            continue
        if any(tensor not in graph.constants for tensor in after.inputs[1:] if tensor):
            continue
        source, result = pool.inputs[0], after.output
        attributes, function = dict(pool.attributes), dict(after.attributes)
        moved = graph.new_tensor(f"{source}_active", graph.shape(source))
        first = Node(
            after.op, [source, *after.inputs[1:]], [moved], after.name, "", function, after.origin
        )
        second = Node("MaxPool", [moved], [result], pool.name, "", attributes, pool.origin)
        graph.remove(after)
        graph.replace(pool, first, second)
