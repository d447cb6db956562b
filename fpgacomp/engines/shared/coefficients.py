"""Coefficients of an estimate: the cost of one unit of a term, and how far off it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.terms import LUT_BITS, RESOURCES, ROM_BITS, Terms, dot
from fpgacomp.results.estimate import Figure, Stage

# Amounts below these count as these where errors are taken as factors.
LEAST = {"lut": 5.0, "ff": 5.0, "dsp": 1.0, "bram18": 1.0, "cycles": 1.0, "interval": 1.0}
Factors = tuple[float, float]  # (low, high) as factors of the value
_NONE: Factors = (1.0, 1.0)
_ZERO = Figure.exact(0.0)


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of one stage of the tool flow.

    Args:
        cost: resource -> term -> cost of one unit.
        declared: resource -> costs of which its range is a multiple, where they are not `cost`.
        spread: kind of unit -> resource, `cycles` or `interval` -> factors of the value that
            enclose 90 % of measured amounts.
        tool: resource -> the part of that spread that all units of a design share, because one
            tool made them all.
    """

    stage: Stage
    cost: Mapping[str, Mapping[str, float]]
    spread: Mapping[str, Mapping[str, Factors]]
    tool: Mapping[str, Factors]
    declared: Mapping[str, Mapping[str, float]]

    def value(self, resource: str, terms: Terms) -> float:
        """Amount of a resource that these terms take."""
        return dot(self.cost[resource], terms[resource])

    def priced(self, terms: Terms, kind: str) -> Resources[Figure]:
        """All resources of a unit of this kind; nothing lies in UltraRAM."""
        return Resources.of(lambda r: self.figure(r, terms, kind) if r in RESOURCES else _ZERO)

    def figure(self, resource: str, terms: Terms, kind: str) -> Figure:
        """The amount of a resource with the range that units of this kind have."""
        value = self.value(resource, terms)
        if resource == "lut" and (least := self.rom_luts(terms)) > 0:
            found = self.ranged(resource, max(value, least), kind)
            return found.at_least(least)
        if resource not in self.declared:
            return self.ranged(resource, value, kind)
        around = dot(self.declared[resource], terms[resource])
        found = self.ranged(resource, around, kind)
        return Figure(value, min(found.low, value), max(found.high, value))

    def rom_luts(self, terms: Terms) -> float:
        """LUTs that hold the part of ROMs that is counted in no block RAM, at LUT_BITS each.

        No coefficient can undercut them: they follow from what a LUT is.
        """
        blocks = self.cost["bram18"]
        bits = terms.get(ROM_BITS, {})
        return sum(max(1.0 - blocks[rom], 0.0) * held for rom, held in bits.items()) / LUT_BITS

    def ranged(self, quantity: str, value: float, kind: str) -> Figure:
        """A value of a resource, of `cycles` or of `interval` with that range.

        Amounts below LEAST have the range of LEAST: of a handful no factor means anything.
        """
        spread, tool = self.spread[kind][quantity], self.tool.get(quantity, _NONE)
        found = Figure.within(value, spread, tool)
        if not 0 < value < LEAST[quantity] or spread == _NONE:
            return found
        return replace(found, high=LEAST[quantity] * spread[1])


def coefficients_of(content: Mapping[str, Any], stage: Stage) -> Coefficients:
    """One stage's coefficients from the content of an engine's coefficients.json."""
    found = content["stages"]["csynth" if stage == "csynth" else "logic_synth"]
    spread = {
        kind: {name: _factors(factors) for name, factors in ranges.items()}
        for kind, ranges in found["spread"].items()
    }
    tool = {name: _factors(factors) for name, factors in found["tool"].items()}
    return Coefficients(stage, found["cost"], spread, tool, found["declared"])


def _factors(stated: list[float]) -> Factors:
    return stated[0], stated[1]
