"""Integer graph and folding to a dataflow of streaming operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.ports import input_lanes, output_port, pace_of
from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all


def expand(design: StreamDesign) -> Dataflow:
    """The design's operators with every converter, duplicate and pad in place.

    Raises:
        UnsupportedLayer, Problems: a folding that does not divide what it folds.
    """
    raise_all(list(folding_problems(design)))
    graph = design.graph
    plumbing = _with_layers(design, {})
    lanes = input_lanes(graph, plumbing.operators)
    if any(count != 1 for count in lanes.values()):
        plumbing = _with_layers(design, lanes)
    pace = pace_of(plumbing.operators)
    for tensor in graph.outputs:
        name = f"{tensor.name}_sink"
        head = plumbing.take(tensor)
        head = plumbing.with_lanes(head, output_port(tensor, pace, head.lanes), "", name)
        plumbing.add(Sink(name=name, layer="", input=head))
    return Dataflow(graph.name, tuple(plumbing.operators))


def _with_layers(design: StreamDesign, lanes: Mapping[str, int]) -> Plumbing:
    """The operators of all layers behind inputs of so many elements per beat."""
    ternary = design.board.device.ternary_adders
    plumbing = Plumbing(design.graph, design.fifo_depths, lanes, ternary=ternary)
    for layer in design.graph.layers:
        folding = design.folding.get(layer.name, StreamFolding())
        plumbing.publish(layer.output, rules_of(layer).expand(folding, plumbing))
    return plumbing


def folding_problems(design: StreamDesign) -> Iterator[FpgacompError]:
    """Every folding that its layer or the device cannot have, and every output nobody reads."""
    graph = design.graph
    sinks = {tensor.name for tensor in graph.outputs}
    for layer in graph.layers:
        if not graph.consumers[layer.output.name] and layer.output.name not in sinks:
            yield UnsupportedLayer(layer.name, "nobody reads its output, so the stream would "
                                   "fill up and stop.", "remove the layer.")  # fmt: skip
        rules = rules_of(layer)
        if not rules.foldable:
            continue
        folding = design.folding.get(layer.name)
        if folding is None:
            yield UnsupportedLayer(layer.name, "has no folding.", "give it one (pe=1, simd=1).")
        elif why := rules.why_illegal(folding):
            yield UnsupportedLayer(layer.name, why, "choose divisors.")
        elif not folding.multiplies_on(design.board.device):
            yield UnsupportedLayer(layer.name, f"board {design.board.name} has no DSP multiplier.",
                                   "choose arithmetic lut.")  # fmt: skip
