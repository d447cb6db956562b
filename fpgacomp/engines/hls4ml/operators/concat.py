"""Concat: tensors joined along the channels, two at a time, by calls of fpgacomp_concat.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, Setting
from fpgacomp.engines.hls4ml.emit.nodes import Constants, Extension
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.operators.without_folding import UnfoldedOperator
from fpgacomp.engines.hls4ml.timing import WIRES, Timing, word_loop
from fpgacomp.engines.shared.terms import Terms
from fpgacomp.ir.layers import Concat, Tensor


@dataclass(frozen=True)
class ConcatOperator(UnfoldedOperator[Concat]):
    """Wires only; in io_stream a process that joins the words of its inputs."""

    def nodes(self, planner: Planner) -> str:
        """One kernel per part after the first; the last one writes the layer's own tensor."""
        layer, first = self.layer, self.layer.parts[0]
        source = planner.read(first)
        if len(layer.parts) == 1:
            return planner.repack(first, source, layer.output, traced=True)
        for position, part in enumerate(layer.parts[1:], start=1):
            last = position == len(layer.parts) - 1
            constants: Constants = {
                "n_pixels": first.pixels, "channels_a": first.channels, "channels_b": part.channels,
            }  # fmt: skip
            extension = Extension("concat", "fpgacomp_concat.h", constants)
            first = layer.output if last else _joined(first, part, layer.output.name)
            source = planner.extension(
                extension, first, (source, planner.read(part)), traced=last,
                reuse_factor=planner.folding(layer).reuse_factor,
            )[0]  # fmt: skip
        return source

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        return iter(())

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return WIRES

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return word_loop(self.layer, folding)


def _joined(first: Tensor, second: Tensor, name: str) -> Tensor:
    """Two tensors side by side along the channels, in a type that holds both."""
    lo = min(first.type.lo, second.type.lo)
    hi = max(first.type.hi, second.type.hi)
    kind = replace(first.type, lo=lo, hi=hi, bipolar=False)
    return Tensor(name, (*first.shape[:-1], first.channels + second.channels), kind)
