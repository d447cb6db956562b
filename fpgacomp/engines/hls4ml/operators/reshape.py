"""Reshape: free where the stream's words stay the same, else a call of fpgacomp_repack.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType, Setting
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.timing import WIRES, Timing, word_loop
from fpgacomp.engines.shared.terms import Terms, unpack_terms
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Dense, Reshape


@dataclass(frozen=True)
class ReshapeOperator(UnfoldedOperator[Reshape]):
    """The same integers in the same order, in words of another width."""

    def nodes(self, planner: Planner) -> str:
        layer = self.layer
        return planner.repack(layer.input, planner.read(layer.input), layer.output, traced=True)

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        layer = self.layer
        if setting.stream and layer.input.pixels != layer.output.pixels:
            yield unpack_terms(layer.output.size * layer.output.type.bits)

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return WIRES

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return word_loop(self.layer, folding)


def free_reshapes(graph: Graph, io_type: IoType) -> dict[str, str]:
    """Reshaped tensors that need no hardware -> the tensor whose array or stream they share.

    An array is flat anyway. A stream keeps its words where the channels stay the same,
    and hls4ml's Dense gathers a flattened tensor from any words (nnet_dense_stream.h).
    """
    aliases: dict[str, str] = {}
    leaving = {tensor.name for tensor in graph.outputs}
    for layer in graph.layers:
        if not isinstance(layer, Reshape) or layer.output.name in leaving:
            continue
        readers = graph.consumers[layer.output.name]
        only_dense = all(isinstance(reader, Dense) for reader in readers)
        same_words = layer.output.channels == layer.input.channels
        gathered = len(layer.output.shape) == 1 and only_dense
        if io_type == "io_parallel" or same_words or gathered:
            aliases[layer.output.name] = aliases.get(layer.input.name, layer.input.name)
    return aliases
