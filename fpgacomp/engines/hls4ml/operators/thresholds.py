"""Thresholds: how many of a channel's thresholds are reached, by fpgacomp_thresholds.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlFolding
from fpgacomp.engines.hls4ml.emit.nodes import Extension, ap_type, elements, parameter
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.lanes import LaneSchedule
from fpgacomp.engines.hls4ml.operators.base import CalibrationKind
from fpgacomp.engines.hls4ml.operators.with_lanes import LaneOperator, parameter_banks
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.ir.layers import Thresholds
from fpgacomp.ir.types import IntType

# A comparison with a variable takes half a LUT per bit, one with a constant a third.
VARIABLE_COMPARATOR = 1.5


@dataclass(frozen=True)
class ThresholdsOperator(LaneOperator[Thresholds]):
    """One comparator per threshold in each lane, and the count of those that fire."""

    def nodes(self, planner: Planner) -> str:
        layer, data = self.layer, self.layer.input.type
        kernel, lanes = self.kernel("thresholds", planner)
        table = layer.thresholds.array
        if table.shape[1] == 0:  # a constant: C++ has no empty arrays, so one that never fires
            table = np.full((len(table), 1), data.hi + 1)
        # One type holds data and thresholds: one that never fires is the data's hi + 1.
        held = IntType(min(int(table.min()), data.lo), max(int(table.max()), data.hi))
        weights = {
            "thresholds": replace(parameter(table), type=ap_type(held)),
            "base": parameter(layer.base.array),
            "step": parameter(layer.step.array),
        }
        constants = elements(layer.output) | {
            "n_thresholds": table.shape[1], "threshold_rows": len(table),
            "base_rows": layer.base.array.size, "step_rows": layer.step.array.size,
        }  # fmt: skip
        typedefs = {"count_t": ap_type(IntType(0, table.shape[1]))}
        extension = Extension(kernel, "fpgacomp_thresholds.h", constants | lanes, typedefs,
                              tuple(weights))  # fmt: skip
        return planner.call(layer, extension, weights)

    def lane_terms(self, schedule: LaneSchedule) -> Iterator[Terms]:
        layer = self.layer
        rows, count = layer.thresholds.shape
        variable = schedule.groups > 1 and rows > 1
        compare = (VARIABLE_COMPARATOR if variable else 1.0) * count * layer.input.type.bits
        adders = schedule.lanes * max(count - 1, 0)
        yield unit_terms({"comparator": schedule.lanes * compare, "popcount": adders})
        for values, each in ((layer.thresholds, count), (layer.base, 1), (layer.step, 1)):
            yield parameter_banks(values, each, schedule)

    def calibration_kind(self, folding: Hls4mlFolding) -> CalibrationKind:
        return "cells"

    def unrolled(self, schedule: LaneSchedule) -> tuple[int, str]:
        return schedule.lanes * self.layer.thresholds.shape[1], "comparisons are unrolled"
