"""Depths of the FIFOs between the processes of an hls4ml stream design.

hls4ml makes every FIFO as deep as a whole frame. In front of a layer that maps words (reads
one, writes one: Thresholds, Requantize and Lookup) a few words are enough where both of these
hold:

No deadlock. Every process blocks on one FIFO at a time, so a deadlock is a cycle of processes
that wait for one another, and it follows FIFOs. On a single FIFO writer and reader never wait
for one another (it would have to be full and empty). A bridge, whose removal cuts the network
in two, is on no longer cycle; the processes of a cycle elsewhere are stuck whatever a bridge
holds. So the depth of a bridge never decides. The host counts as one process that feeds all
inputs and as another that takes all outputs.

No loss of rate. A reader that takes a word at least as often as its writer can make one holds
nothing back; it hands on to its own FIFO, which keeps the frame's depth.
"""

from __future__ import annotations

from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Input, Layer, Tensor

# Vitis keeps a FIFO in shift registers up to 1,024 bits or two words (config_storage).
SRL_BITS = 1024
MOST_WORDS = 16
LEAST_WORDS = 2

_SOURCE, _SINK = "<host sends>", "<host receives>"  # no layer is called so: not C identifiers


def fifo_depths(design: Hls4mlDesign) -> dict[str, int]:
    """Tensor -> words of the FIFO behind it, for each tensor of a stream design."""
    graph = design.graph
    return {
        layer.output.name: _few(layer.output)
        if _few_are_enough(layer, graph, design)
        else layer.output.pixels
        for layer in graph.layers
    }


def _few(tensor: Tensor) -> int:
    """As many words as stay in shift registers."""
    words = min(SRL_BITS // (tensor.channels * tensor.type.bits), MOST_WORDS)
    return min(max(words, LEAST_WORDS), tensor.pixels)


def _few_are_enough(layer: Layer, graph: Graph, design: Hls4mlDesign) -> bool:
    readers = graph.consumers[layer.output.name]
    if isinstance(layer, Input) or len(readers) != 1 or not operator_of(readers[0]).maps_words:
        return False  # the host's pace is not known, and other readers keep words back
    reader = readers[0]
    least_step = operator_of(layer).least_step(design.folding[layer.name])
    kept_up = design.folding[reader.name].reuse_factor <= least_step
    leaves = layer.output.name in {tensor.name for tensor in graph.outputs}
    return kept_up and not leaves and is_bridge(graph, layer.name, reader.name)


def is_bridge(graph: Graph, writer: str, reader: str) -> bool:
    """Whether the only way from one layer to the other, in either direction, is their FIFO."""
    neighbours = _neighbours(graph)
    seen, waiting = {writer}, [writer]
    while waiting:
        here = waiting.pop()
        for there in neighbours[here]:
            if {here, there} != {writer, reader} and there not in seen:
                seen.add(there)
                waiting.append(there)
    return reader not in seen


def _neighbours(graph: Graph) -> dict[str, set[str]]:
    """Layers, and the host's two ends, that a stream connects."""
    makers = {layer.output.name: layer.name for layer in graph.layers}
    pairs = [(makers[t.name], layer.name) for layer in graph.layers for t in layer.inputs]
    pairs += [(_SOURCE, layer.name) for layer in graph.inputs]
    pairs += [(makers[tensor.name], _SINK) for tensor in graph.outputs]
    found: dict[str, set[str]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found
