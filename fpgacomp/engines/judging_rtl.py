"""Estimates of instances of our SystemVerilog that the fit had not seen, beside what Yosys made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from fpgacomp.engines.judging import ALL, RESOURCES_TOGETHER
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import RESOURCES
from fpgacomp.engines.stream.estimate.rtl.fit import family_content, parts
from fpgacomp.engines.stream.estimate.rtl.measured import FIRST, content, of_family
from fpgacomp.engines.stream.estimate.rtl.prices import priced
from fpgacomp.results.estimate import LEVEL, Figure
from fpgacomp.results.judged import Judged, judge

_PREFIX = "fpgacomp_"
_ORDER = {name: index for index, name in enumerate((*RESOURCES, RESOURCES_TOGETHER))}


@dataclass(frozen=True)
class JudgedInstance:
    """An instance with figures of a fit, and ranges, that saw nothing of its part."""

    silicon: str
    row: Row
    figures: dict[str, Figure]


def families() -> tuple[str, ...]:
    """The families that were measured, the first one first."""
    return tuple(sorted(content()["families"], key=lambda name: (name != FIRST, name)))


def instances_left_out() -> Iterator[JudgedInstance]:
    """Every instance of every family, predicted by four fifths of the others."""
    for cells in families():
        first = () if cells == FIRST else of_family(FIRST)
        for out, kept, others in parts(of_family(cells), first):
            fitted = family_content(kept, others)
            for row in out:
                if row.kind in fitted["costs"]:
                    found = priced(row.terms, row.kind, fitted)
                    yield JudgedInstance(cells, row, {r: found[r] for r in RESOURCES})


def judged_instances(some: list[JudgedInstance]) -> list[Judged]:
    """Every family, module and resource judged, and all modules of a family together."""
    pairs: dict[tuple[str, str, str, str], list[tuple[Figure, float]]] = defaultdict(list)
    for one in some:
        for resource, figure in one.figures.items():
            pair = figure, one.row.actual[resource]
            for kind in (one.row.kind.removeprefix(_PREFIX), ALL):
                pairs["our RTL", one.silicon, kind, resource].append(pair)
            if max(figure.value, pair[1]) > 0:
                pairs["our RTL", one.silicon, ALL, RESOURCES_TOGETHER].append(pair)
    order = {family: index for index, family in enumerate(families())}
    keys = sorted(pairs, key=lambda k: (order[k[1]], k[2] != ALL, k[2], _ORDER[k[3]]))
    found = [judge(key, pairs[key], repositories=1, level=LEVEL) for key in keys]
    return [one for one in found if one is not None]
