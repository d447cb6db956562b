"""Lookup: any function of a small range as a table, by a call of fpgacomp_lookup.h."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from fpgacomp.engines.hls4ml.emit.nodes import Constants, Extension, ap_type, elements, parameter
from fpgacomp.engines.hls4ml.emit.planner import Planner
from fpgacomp.engines.hls4ml.lanes import LaneSchedule
from fpgacomp.engines.hls4ml.operators.with_lanes import LaneOperator, rom
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.ir.layers import Lookup
from fpgacomp.ir.types import IntArray, IntType


@dataclass(frozen=True)
class LookupOperator(LaneOperator[Lookup]):
    """One table per lane."""

    def nodes(self, planner: Planner) -> str:
        layer = self.layer
        rows, entries = layer.table.shape
        kernel, lanes = self.kernel("lookup", planner)
        weights = {"table": parameter(_interleaved(layer.table.array, lanes))}
        constants = elements(layer.output) | {
            "n_entries": entries, "table_rows": rows, "data_lo": layer.input.type.lo,
        }  # fmt: skip
        typedefs = {"index_t": ap_type(IntType(0, entries - 1))}
        extension = Extension(kernel, "fpgacomp_lookup.h", constants | lanes, typedefs,
                              tuple(weights))  # fmt: skip
        return planner.call(layer, extension, weights)

    def lane_terms(self, schedule: LaneSchedule) -> Iterator[Terms]:
        """A ROM bank per lane with the tables of its channels; logic of constants otherwise."""
        rows, depth = self.layer.table.shape
        width = self.layer.output.type.bits
        if rows > 1 and schedule.groups > 1:
            yield rom(schedule.lanes, width, depth * schedule.groups)
        else:
            yield unit_terms({"rom": schedule.lanes * width * ceil(depth / 64)})

    def unrolled(self, schedule: LaneSchedule) -> tuple[int, str] | None:
        """A table that each lane reads as constants is partitioned; a lane's own bank is not."""
        if self.layer.table.shape[0] > 1 and schedule.groups > 1:
            return None
        return self.layer.table.array.size, "table entries are partitioned"


def _interleaved(table: IntArray, lanes: Constants) -> IntArray:
    """[channels, entries] -> [groups, entries, lanes]: each lane's tables are one bank."""
    groups = int(lanes.get("n_groups", 1))
    if len(table) == 1 or groups == 1:
        return table
    return table.reshape(groups, -1, table.shape[1]).transpose(0, 2, 1)
