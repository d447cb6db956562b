"""What Thresholds, Requantize and Lookup have in common: lanes that are shared over time.

With reuse factor 1 every parameter is a constant of its lane. Lanes that serve several
channels (schedule.groups > 1) read per-channel parameters from a ROM bank each, and what was
an operation by a constant becomes one of two variables.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from fpgacomp.engines.hls4ml.design import Hls4mlFolding, IoType, Setting
from fpgacomp.engines.hls4ml.emit.nodes import Constants
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.lanes import LaneSchedule, lane_reuse_factors, lane_schedule
from fpgacomp.engines.hls4ml.limits import UNROLL_LIMIT, Complaint, beyond
from fpgacomp.engines.hls4ml.operators.base import CalibrationKind, Operator
from fpgacomp.engines.hls4ml.registers import at_once
from fpgacomp.engines.hls4ml.thinning import thinned
from fpgacomp.engines.hls4ml.timing import LOOP_OVERHEAD, Timing, word_loop
from fpgacomp.engines.shared.terms import Terms, memory_bram18, unit_terms
from fpgacomp.ir.layers import Activation
from fpgacomp.ir.types import Ints

ActivationT_co = TypeVar("ActivationT_co", bound=Activation, covariant=True)
# A table of up to this many bits is LUT ROM (64 bits per LUT), a larger one block RAM.
LUT_ROM_BITS = 4096
# LUTs of the loop counter and state of a kernel with shared lanes, beside its process.
LANE_CONTROL = 16.0
MOST_FOLDINGS = 10  # reuse factors of one layer that a search considers


@dataclass(frozen=True)
class LaneOperator(Operator[ActivationT_co]):
    """A layer of elements / reuse factor lanes, each of which computes one element per cycle."""

    @abstractmethod
    def lane_terms(self, schedule: LaneSchedule) -> Iterator[Terms]:
        """The units of the lanes and the tables that they read."""

    @abstractmethod
    def unrolled(self, schedule: LaneSchedule) -> tuple[int, str] | None:
        """What is compared or partitioned at once beside the elements: (how many, of what)."""

    def terms(self, folding: Hls4mlFolding, setting: Setting) -> Iterator[Terms]:
        layer = self.layer
        yield from self.lane_terms(self.schedule(folding.reuse_factor, setting.io_type))
        elements = at_once(layer.output, setting)
        yield unit_terms({}, {"register": elements * layer.output.type.bits})
        if folding.reuse_factor > 1:
            # Elements wait in one shift register, which is loaded in parallel, and an array's
            # are collected in another.
            waiting = elements * layer.input.type.bits
            collected = 0 if setting.stream else elements * layer.output.type.bits
            yield unit_terms(
                {"lane_shift": waiting, "adder": LANE_CONTROL}, {"register": waiting + collected}
            )

    def parallel_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        if folding.reuse_factor == 1:
            return Timing(1, 1, 1)
        cycles = folding.reuse_factor + LOOP_OVERHEAD
        return Timing(cycles, cycles, cycles)

    def stream_timing(self, folding: Hls4mlFolding, setting: Setting) -> Timing:
        return word_loop(self.layer, folding)

    def calibration_kind(self, folding: Hls4mlFolding) -> CalibrationKind:
        return "activation"

    def reuse_factors(self, io_type: IoType) -> tuple[int, ...]:
        """Reuse factors that keep the layer within the unroll limit, ascending (may be empty)."""
        valid = lane_reuse_factors(self.layer.output, io_type)
        return tuple(rf for rf in valid if not any(self._lane_problems(rf, io_type)))

    def foldings(self, io_type: IoType) -> tuple[Hls4mlFolding, ...]:
        factors = thinned(self.reuse_factors(io_type), MOST_FOLDINGS)
        return tuple(Hls4mlFolding("latency", rf) for rf in factors)

    def folding_problems(self, folding: Hls4mlFolding, io_type: IoType) -> Iterator[Complaint]:
        return self._lane_problems(folding.reuse_factor, io_type)

    def _lane_problems(self, rf: int, io_type: IoType) -> Iterator[Complaint]:
        output = self.layer.output
        valid = lane_reuse_factors(output, io_type)
        if rf not in valid:
            stream = io_type == "io_stream"
            what = f"{output.channels} channels" if stream else f"{output.size} elements"
            yield (f"reuse factor {rf} does not leave whole lanes of {what}.",
                   f"use one of {', '.join(map(str, valid))}.")  # fmt: skip
            return
        unrolled = self.unrolled(self.schedule(rf, io_type))
        if unrolled is not None and unrolled[0] > UNROLL_LIMIT:
            what = " ".join(map(str, unrolled))
            yield beyond(what, "use a larger reuse factor, or fewer bits.")

    def stream_problems(self) -> Iterator[Complaint]:
        return iter(())

    def shares_hardware(self, folding: Hls4mlFolding) -> bool:
        return folding.reuse_factor > 1

    def least_step(self, folding: Hls4mlFolding) -> int:
        return folding.reuse_factor

    @property
    def maps_words(self) -> bool:
        return True

    @property
    def is_process(self) -> bool:
        return True

    def schedule(self, reuse_factor: int, io_type: IoType) -> LaneSchedule:
        """The lanes and their cycles under one of the layer's valid reuse factors."""
        return lane_schedule(self.layer.output, reuse_factor, io_type)

    def kernel(self, name: str, planner: Planner) -> tuple[str, Constants]:
        """Function of the kernel's header for the planned folding, and the lanes' constants."""
        factor = planner.folding(self.layer).reuse_factor
        if factor == 1:
            return name, {}
        schedule = self.schedule(factor, planner.design.io_type)
        return f"{name}_folded", {
            "n_lanes": schedule.lanes, "n_groups": schedule.groups, "n_passes": schedule.passes,
        }  # fmt: skip


def parameter_banks(values: Ints, per_channel: int, schedule: LaneSchedule) -> Terms:
    """ROM banks of a parameter with `per_channel` values for each channel.

    Args:
        values: [1] or [C], or [1 or C, n]; what all channels share is a constant of the lanes.
    """
    if schedule.groups == 1 or values.shape[0] == 1 or not per_channel:
        return unit_terms({})
    return rom(schedule.lanes * per_channel, values.type.bits, schedule.groups)


def rom(banks: int, width: int, depth: int) -> Terms:
    """ROM banks of `width` bits and `depth` words each: LUTs where they are small enough."""
    if depth * width <= LUT_ROM_BITS:
        return unit_terms({"rom": banks * width * ceil(depth / 64)})
    return unit_terms({}, {}, {"lookup_rom": banks * memory_bram18(width, depth)})
