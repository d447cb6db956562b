"""Requantize: multiply, add, shift, round and clip, by a call of fpgacomp_requantize.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fpgacomp.engines.hls4ml.emit.nodes import Extension, elements, parameter, signed_ap_type
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.lanes import LaneSchedule
from fpgacomp.engines.hls4ml.operators.with_lanes import LaneOperator, parameter_banks
from fpgacomp.engines.shared.terms import (
    Terms,
    activation_terms,
    constant_products,
    unit_terms,
    variable_products,
)
from fpgacomp.ir.infer import round_shift
from fpgacomp.ir.layers import Requantize, Rounding


@dataclass(frozen=True)
class RequantizeOperator(LaneOperator[Requantize]):
    """One multiplier, adder, shift and clip per lane."""

    def nodes(self, planner: Planner) -> str:
        layer = self.layer
        kernel, lanes = self.kernel("requantize", planner)
        weights = {
            "multiplier": parameter(layer.multiplier.array),
            "offset": parameter(layer.offset.array),
        }
        low, high = self._scaled_ends()
        rounded = round_shift(np.array([low, high]), layer.shift, layer.rounding)
        # A bound beyond everything reachable costs no comparator, and must not widen the product.
        clip_lo, clip_hi = bool(layer.lo > rounded[0]), bool(layer.hi < rounded[1])
        lo, hi = layer.lo if clip_lo else 0, layer.hi if clip_hi else 0
        addend = 0 if layer.rounding is Rounding.FLOOR else (1 << layer.shift) - 1
        constants = elements(layer.output) | {
            "multiplier_rows": layer.multiplier.array.size,
            "offset_rows": layer.offset.array.size,
            "shift": layer.shift, "rounding": f"fpgacomp::round_{layer.rounding.value}",
            "clip_lo": clip_lo, "clip_hi": clip_hi, "lo": lo, "hi": hi,
            "zero_point": layer.zero_point,
        }  # fmt: skip
        product = signed_ap_type(low, high + addend, lo, hi, layer.zero_point)
        extension = Extension(kernel, "fpgacomp_requantize.h", constants | lanes,
                              {"product_t": product}, tuple(weights))  # fmt: skip
        return planner.call(layer, extension, weights)

    def _scaled_ends(self) -> tuple[int, int]:
        """Least and largest value of input * multiplier + offset over all channels."""
        layer = self.layer
        ends = [
            end * layer.multiplier.array + layer.offset.array
            for end in (layer.input.type.lo, layer.input.type.hi)
        ]
        return int(np.min(ends)), int(np.max(ends))

    def lane_terms(self, schedule: LaneSchedule) -> Iterator[Terms]:
        layer, lanes = self.layer, schedule.lanes
        in_bits = layer.input.type.bits
        wide = in_bits + int(abs(layer.multiplier.array).max()).bit_length()
        if schedule.groups > 1 and layer.multiplier.array.size > 1:
            yield variable_products(lanes, in_bits, layer.multiplier.type.bits)
        else:
            yield constant_products(layer.multiplier, lanes, in_bits)
        if np.any(layer.offset.array):
            yield unit_terms({"adder": lanes * wide})
        yield activation_terms(lanes, max(wide - layer.shift, 1), layer.output.type.bits)
        for values in (layer.multiplier, layer.offset):
            yield parameter_banks(values, 1, schedule)

    def unrolled(self, schedule: LaneSchedule) -> None:
        """A lane holds one product: nothing grows beside the elements themselves."""
