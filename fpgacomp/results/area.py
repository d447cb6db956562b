"""What a synthesis tool found of a design that was not synthesized as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# In the order of tables. `lutram` is the part of `lut` that is memory or a shift register.
AREA_FIELDS = ("lut", "lutram", "ff", "dsp", "bram18", "uram")


@dataclass(frozen=True, kw_only=True)
class MeasuredArea:
    """The sum of the instances of a design, each mapped to a family by itself.

    Args:
        tool: name of the tool.
        version: of the tool.
        family: of the board's device.
        command: of the tool, which maps to the family.
        resources: of the whole, by the names of `AREA_FIELDS`.
        layers: layer -> the same for the instances that work for it; those of no layer are only in
            the whole.
        units: how many instances there are.
        distinct: how many different ones were synthesized, now or in an earlier run.
        not_counted: `COUNT NAME` of cells that no resource counts.
    """

    tool: str
    version: str
    family: str
    command: str
    resources: Mapping[str, float]
    layers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    units: int = 0
    distinct: int = 0
    not_counted: tuple[str, ...] = ()
