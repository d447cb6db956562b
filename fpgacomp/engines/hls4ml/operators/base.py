"""The questions that this engine asks of every kind of layer, as one abstract class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType, Setting
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.limits import Complaint, partition_problems, word_problems
from fpgacomp.engines.hls4ml.timing import Timing
from fpgacomp.engines.shared.terms import Terms, merge, process_terms
from fpgacomp.ir.layers import Layer

LayerT_co = TypeVar("LayerT_co", bound=Layer, covariant=True)
# The kinds of measured layers that coefficients.json states a spread for.
CalibrationKind = Literal["latency", "resource", "conv", "activation", "cells", "shared"]


@dataclass(frozen=True)
class Operator(ABC, Generic[LayerT_co]):
    """One layer as hls4ml builds it.

    Every abstract member is an answer that a new kind of layer has to give. mypy refuses to
    create an operator that lacks one, and `dispatch.operator_of` to leave a layer out.

    Args:
        layer: a verified layer of the integer graph.
    """

    layer: LayerT_co

    @abstractmethod
    def nodes(self, planner: Planner) -> str:
        """Add the layer's hls4ml nodes to the plan and return the name of its output."""

    @abstractmethod
    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        """The units that the layer is built of, without its process in a stream design."""

    @abstractmethod
    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        """Cycles in io_parallel."""

    @abstractmethod
    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        """Cycles in io_stream."""

    @abstractmethod
    def calibration_kind(self, folding: Hls4mlFolding) -> CalibrationKind:
        """The kind of measured layers whose errors the layer's estimate is given."""

    @abstractmethod
    def foldings(self, io_type: IoType) -> tuple[Hls4mlFolding, ...]:
        """The legal foldings that a search considers, fastest first (may be empty)."""

    @abstractmethod
    def folding_problems(self, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Complaint]:
        """Why hls4ml or Vitis HLS would refuse or change this folding."""

    @abstractmethod
    def stream_problems(self) -> Iterator[Complaint]:
        """Why io_stream cannot carry the layer under any folding, beside its word width."""

    @abstractmethod
    def shares_hardware(self, folding: Hls4mlFolding) -> bool:
        """Whether some hardware of the layer works several times per frame, in a loop."""

    @abstractmethod
    def least_step(self, folding: Hls4mlFolding) -> int:
        """Least number of cycles between two words that the layer writes in io_stream."""

    @property
    @abstractmethod
    def maps_words(self) -> bool:
        """Whether the layer reads one stream word, writes one, and keeps nothing of it."""

    @property
    @abstractmethod
    def is_process(self) -> bool:
        """Whether the layer is a process of its own in a stream design."""

    def cost(self, folding: Hls4mlFolding, setting: Setting) -> Terms:
        """All terms of the layer, its process in a stream design included, FIFOs excluded."""
        parts = [*self.terms(folding, setting)]
        if setting.stream and self.is_process:
            parts.append(process_terms())
        return merge(parts)

    def timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        """Cycles in the io type of the setting."""
        timed = self.stream_timing if setting.stream else self.parallel_timing
        return timed(folding, setting)

    def form_problems(self, io_type: IoType) -> Iterator[Complaint]:
        """Why this io type cannot carry the layer, whatever its folding."""
        if io_type == "io_parallel":
            yield from partition_problems(self.layer)
        else:
            yield from word_problems(self.layer)
            yield from self.stream_problems()

    def problems(self, folding: Hls4mlFolding, io_type: IoType) -> list[Complaint]:
        """Every rule of hls4ml or Vitis HLS that the layer breaks under this folding."""
        return [*self.form_problems(io_type), *self.folding_problems(folding, io_type)]
