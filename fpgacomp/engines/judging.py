"""Estimates of published rows: with the shipped coefficients, or with each repository left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from fpgacomp.engines.published import (
    EngineName,
    Published,
    coefficients_from,
    fitted,
    shipped,
)
from fpgacomp.engines.shared.calibrate import stage_of
from fpgacomp.engines.shared.coefficients import Coefficients
from fpgacomp.engines.shared.rows import Row
from fpgacomp.engines.shared.terms import RESOURCES
from fpgacomp.results.estimate import LEVEL, Figure, Stage
from fpgacomp.results.judged import Judged, judge

Told = Callable[[str, float], None]  # (what is done, share of it that is done)
ALL = "all"
RESOURCES_TOGETHER = "resources"  # all of them, where only the coverage means anything
LATE = "late"  # logic synthesis or later
_ENGINES: tuple[EngineName, ...] = ("hls4ml", "stream")
_QUANTITIES = (*RESOURCES, "cycles", "interval")
_Pairs = list[tuple[str, Figure, float]]  # (repository, estimate, measured)


def judged(published: Published, *, leave_out: bool, told: Told) -> list[Judged]:
    """Every table, kind and quantity judged, and all rows of a stage together.

    Args:
        leave_out: predict each repository by a fit, and ranges, that saw none of its rows; else
            the shipped coefficients predict, which have seen what they were fitted to.
        told: told the share of the work that is done.
    """
    found: dict[tuple[str, str, str, str], _Pairs] = defaultdict(list)
    for name, row, coefficients in _with_coefficients(published, leave_out=leave_out, told=told):
        stage = "csynth" if row.stage == "csynth" else LATE
        for quantity, figure in figures_of(row, coefficients).items():
            if quantity in row.actual:
                pair = (row.source, figure, row.actual[quantity])
                for key in ((name, row.kind), (ALL, row.kind), (ALL, ALL)):
                    found[key[0], stage, key[1], quantity].append(pair)
                if quantity in RESOURCES and max(figure.value, pair[2]) > 0:
                    found[ALL, stage, ALL, RESOURCES_TOGETHER].append(pair)
    order = {quantity: index for index, quantity in enumerate((*_QUANTITIES, RESOURCES_TOGETHER))}
    judgements = [
        _judgement(key, found[key])
        for key in sorted(found, key=lambda k: (k[1], k[0] == ALL, k[0], k[2], order[k[3]]))
    ]
    return [judgement for judgement in judgements if judgement is not None]


def _judgement(key: tuple[str, str, str, str], pairs: _Pairs) -> Judged | None:
    repositories = len({source for source, _, _ in pairs})
    both = [(figure, actual) for _, figure, actual in pairs]
    return judge(key, both, repositories=repositories, level=LEVEL)


def _with_coefficients(
    published: Published, *, leave_out: bool, told: Told
) -> Iterator[tuple[str, Row, Coefficients]]:
    """(table, row, the coefficients that predict it) of every row."""
    for engine in _ENGINES:
        rows = published.rows[engine]
        if not leave_out:
            yield from ((name, row, shipped(engine, row.stage)) for name, row in rows)
            continue
        sources = sorted({row.source for _, row in rows})
        for index, source in enumerate(sources):
            told(f"{engine} without {source}", index / len(sources))
            at = partial(_left_out, engine, [row for _, row in rows if row.source != source])
            by_stage = at({stage_of(row) for _, row in rows if row.source == source})
            yield from ((n, r, by_stage[stage_of(r)]) for n, r in rows if r.source == source)


def _left_out(
    engine: EngineName, others: Sequence[Row], stages: set[Stage]
) -> dict[str, Coefficients]:
    content = fitted(engine, others)
    return {stage: coefficients_from(content, stage) for stage in sorted(stages)}


def figures_of(row: Row, coefficients: Coefficients) -> dict[str, Figure]:
    """The estimate of a row: the sum over its parts, and its cycles where they are predicted."""
    parts = [coefficients.priced(part.terms, part.kind) for part in row.parts]
    whole = sum(parts[1:], parts[0])
    kind = row.kind
    timing = {q: coefficients.ranged(q, value, kind) for q, value in row.timing.items()}
    return {resource: whole[resource] for resource in RESOURCES} | timing
