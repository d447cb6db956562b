"""The circuit of a network between AXI4-Stream ports, as operators of the streaming engine."""

from __future__ import annotations

from dataclasses import replace

from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.adders.unrolled import Unrolled
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators.sink import Sink
from fpgacomp.engines.stream.operators.source import Source
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.ir.layers import Reshape


def dataflow_of(design: AdderDesign) -> Dataflow:
    """Beats become one word, the circuit computes, its word becomes beats."""
    graph = design.graph
    (source,), (target,) = graph.inputs, graph.outputs
    plumbing = Plumbing(graph, {}, {})
    beats = plumbing.output(source.output, design.lanes_in)
    plumbing.add(Source(name=source.name, layer=source.name, output=beats))
    name = f"{graph.name}_circuit"
    word = plumbing.with_lanes(beats, source.output.size, "", "frame")
    answer = plumbing.output(target, target.size)
    # What the streams at both ends carry is looked at there; a Reshape is what it reads.
    seen = {source.output.name, target.name}
    seen |= {layer.output.name for layer in graph.layers if isinstance(layer, Reshape)}
    taps = {tensor: wires for tensor, wires in design.circuit.taps.items() if tensor not in seen}
    kinds = {layer.output.name: layer.output.type for layer in graph.layers}
    circuit = replace(design.circuit, taps=taps)
    plumbing.add(
        Unrolled(name=name, layer="", input=word, output=answer, network=graph.name,
                 circuit=circuit, plan=design.plan, kinds=kinds)
    )  # fmt: skip
    sink = f"{target.name}_sink"
    head = plumbing.with_lanes(answer, design.lanes_out, "", sink)
    plumbing.add(Sink(name=sink, layer="", input=head))
    return Dataflow(graph.name, tuple(plumbing.operators))
