"""How Thresholds, Requantize and Lookup share their lanes over time under hls4ml.

With reuse factor RF, elements / RF lanes work in each cycle (fpgacomp_lanes.h). A lane
never changes its place among the channels it serves, so that a bank of its own holds what it
reads: the lanes are a divisor of the channels, or all channels of several pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.ir.layers import Tensor


@dataclass(frozen=True)
class LaneSchedule:
    """Lanes, cycles per pixel, and how often those are gone through in a frame.

    Args:
        lanes: elements computed per cycle.
        groups: cycles over the channels of a pixel; 1 where every channel has a lane.
        passes: pixels, or blocks of pixels that are computed at once.
    """

    lanes: int
    groups: int
    passes: int


def lane_reuse_factors(tensor: Tensor, io_type: IoType) -> tuple[int, ...]:
    """Reuse factors that leave whole lanes, ascending.

    io_stream: per word of one pixel's channels. io_parallel: over the whole array.
    """
    pixels = 1 if io_type == "io_stream" else tensor.pixels
    blocks = set(divisors(pixels))
    return tuple(sorted(blocks | {pixels * groups for groups in divisors(tensor.channels)}))


def lane_schedule(tensor: Tensor, reuse_factor: int, io_type: IoType) -> LaneSchedule:
    """The schedule of one of `lane_reuse_factors`."""
    if io_type == "io_stream":
        return LaneSchedule(tensor.channels // reuse_factor, reuse_factor, tensor.pixels)
    lanes = tensor.size // reuse_factor
    if lanes >= tensor.channels:
        return LaneSchedule(lanes, 1, reuse_factor)
    return LaneSchedule(lanes, tensor.channels // lanes, tensor.pixels)
