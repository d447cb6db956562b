"""Corrects estimates for the release of a tool that somebody uses, from builds of their own.

A factor says how much more of a resource the tool takes than was estimated. It is fitted as the
costs of terms are (`fitting.py`): the estimate of each kind of layer is a term, whose factor is
one until rows say otherwise. Only LUTs and flip-flops have factors: DSP blocks and memories follow
from structure, which no release shifts as a whole. Errors are those of builds that the fit had
not seen (`calibrate.left_out`), and ranges are their conformal ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import exp

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError

from fpgacomp.devices.board import Board
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.calibrate import (
    LATE,
    LEAST_FAMILIES,
    LEAST_ROWS,
    Costs,
    Scores,
    left_out,
    scores_of,
)
from fpgacomp.engines.shared.conformal import conformal_range
from fpgacomp.engines.shared.fitting import FLOOR, Cost, fit_costs
from fpgacomp.engines.shared.rows import Part, Row
from fpgacomp.engines.shared.terms import RESOURCES
from fpgacomp.errors import InputDataError
from fpgacomp.host.strict_json import read_json
from fpgacomp.results.estimate import Estimate, Figure, LayerEstimate, Stage

FORM = 1
LEAST_BUILDS = LEAST_FAMILIES  # of which one is left out, so that a fit has at least two
CORRECTED = tuple(FLOOR)  # resources that have a factor
ALL = "all"  # the factor of kinds that too few rows show, and of what no layer owns
DESIGN = "design"
_REST = "rest"
_FACTORS = (0.1, 10.0)  # beyond these, something other than a tool's release is at work
_EXACTLY = ConfigDict(extra="forbid", strict=True)
Amounts = Mapping[str, float]


@dataclass(frozen=True)
class MeasuredUnit:
    """A layer that was measured: its kind, and estimated and measured amounts."""

    kind: str
    estimated: Amounts
    measured: Amounts


@dataclass(frozen=True)
class MeasuredDesign:
    """A build whose whole was measured.

    Args:
        source: what tells the build from others.
        estimated: of the whole design.
        measured: of the whole design, resources that a report states.
        kinds: kind of layer -> resource -> estimate of the layers of this kind.
        layers: those that a report names.
    """

    source: str
    estimated: Amounts
    measured: Amounts
    kinds: Mapping[str, Amounts]
    layers: tuple[MeasuredUnit, ...] = ()


@dataclass(frozen=True)
class Correction:
    """What is known of one resource.

    Args:
        factors: kind of layer, or ALL -> measured over estimated.
        low, high: the range of a whole design as factors of the corrected value; None where
            fewer than LEAST_ROWS builds were measured, and the estimate's own range stays.
        before, after: median error of a whole design as a share, of builds that were left out.
        builds: how many builds state the resource.
    """

    __pydantic_config__ = _EXACTLY

    factors: Mapping[str, float]
    low: float | None
    high: float | None
    before: float
    after: float
    builds: int

    def factor(self, kind: str) -> float:
        """The factor of layers of a kind."""
        return self.factors.get(kind, self.factors[ALL])


@dataclass(frozen=True)
class ToolCalibration:
    """A correction of one engine's estimates for one release of a tool.

    Args:
        tool, version: whose results were measured; "" where its reports do not say.
        stage: of the tool flow that was measured.
        parts: the devices that the builds were for.
        sources: SHA-256 of the manifest of each build.
    """

    __pydantic_config__ = _EXACTLY

    fpgacomp_tool_calibration: int
    tool: str
    version: str
    stage: Stage
    engine: str
    toolchain: str
    parts: tuple[str, ...]
    sources: tuple[str, ...]
    corrections: Mapping[str, Correction]

    @property
    def name(self) -> str:
        """The tool and its version, in words."""
        return f"{self.tool} {self.version}" if self.version else f"{self.tool} (version not told)"

    @property
    def basis(self) -> str:
        """What an estimate says of it."""
        luts = self.corrections["lut"].factors[ALL] if "lut" in self.corrections else 1.0
        return f"{self.name}, {len(self.sources)} builds, LUT x{luts:.3g}"

    def factor(self, resource: str, kind: str = ALL) -> float:
        """What an estimate of a kind of layer is multiplied by."""
        found = self.corrections.get(resource)
        return 1.0 if found is None else found.factor(kind)

    def corrected(self, estimate: Estimate, kinds: Mapping[str, str]) -> Estimate:
        """The estimate as this tool would have it.

        Args:
            kinds: layer name -> its kind.
        """
        layers = {
            name: self._layer(layer, kinds.get(name, ALL))
            for name, layer in estimate.layers.items()
        }
        whole = Resources.of(lambda r: self._whole(r, estimate, kinds))
        basis = replace(estimate.basis, calibrated=self.basis)
        return replace(estimate, resources=whole, layers=layers, basis=basis)

    def _layer(self, layer: LayerEstimate, kind: str) -> LayerEstimate:
        scaled = Resources.of(lambda r: _scaled(layer.resources[r], self.factor(r, kind)))
        return replace(layer, resources=scaled)

    def _whole(self, resource: str, estimate: Estimate, kinds: Mapping[str, str]) -> Figure:
        figure, known = estimate.resources[resource], self.corrections.get(resource)
        if known is None or figure.value <= 0:
            return figure
        own = sum(layer.resources[resource].value for layer in estimate.layers.values())
        value = sum(
            layer.resources[resource].value * known.factor(kinds.get(name, ALL))
            for name, layer in estimate.layers.items()
        ) + (figure.value - own) * known.factor(ALL)
        if known.low is None or known.high is None:
            return _scaled(figure, value / figure.value)
        found = Figure.within(value, (known.low, known.high))
        return found.at_least(figure.least) if figure.least else found

    def tightened(self, board: Board, factors: Mapping[str, float]) -> Board:
        """The board that holds before the correction what the given one holds after it.

        Args:
            factors: resource -> what a design's estimate will be multiplied by.
        """
        free = board.budget
        less = Resources.of(lambda r: free[r] - free[r] / factors.get(r, 1.0))
        return replace(board, shell=board.shell + less)

    def to_json(self) -> str:
        """The content of its file."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def _scaled(figure: Figure, factor: float) -> Figure:
    """A figure times a factor, but no less than what a resource needs by what it is."""
    value, low, high = (max(end * factor, figure.least) for end in (
        figure.value, figure.low, figure.high,
    ))  # fmt: skip
    shared = figure.shared_low * factor, figure.shared_high * factor
    return Figure(value, low, high, *shared, figure.least)


def from_json(content: bytes, where: str) -> ToolCalibration:
    """The calibration that `to_json` wrote, of whoever it comes from.

    Raises:
        InputDataError: it is none, or its figures are beyond all reason.
    """
    fix = "give a file that `fpgacomp calibrate --out` wrote."
    try:
        found = TypeAdapter(ToolCalibration).validate_json(content)
        read_json(content)  # pydantic takes the last of two keys
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputDataError(where, f"{place}: {first['msg']}.", fix) from None
    except ValueError as error:
        raise InputDataError(where, f"is no JSON that can be used: {error}.", fix) from None
    if why := _unreasonable(found):
        raise InputDataError(where, why, fix)
    return found


def _unreasonable(found: ToolCalibration) -> str:
    if found.fpgacomp_tool_calibration != FORM:
        return f"has the form {found.fpgacomp_tool_calibration}, and {FORM} is known."
    for resource, known in found.corrections.items():
        if resource not in RESOURCES:
            return f"corrects {resource[:40]}, which no estimate counts."
        if ALL not in known.factors:
            return f"has no common factor of {resource}."
        if not all(_FACTORS[0] <= factor <= _FACTORS[1] for factor in known.factors.values()):
            return f"has a factor of {resource} that is not within {_FACTORS[0]} to {_FACTORS[1]}."
        low, high = known.low, known.high
        if (low is None) != (high is None):
            return f"has one end of the range of {resource} and not the other."
        if low is not None and high is not None and not 0 < low <= 1 <= high < 1e4:
            return f"has a range of {resource} that does not hold its own value."
    return ""


# ---- the fit


def corrections(designs: Sequence[MeasuredDesign]) -> dict[str, Correction]:
    """What is known of each resource that the designs' reports state."""
    rows = [row for design in designs for row in _rows(design)]
    before = scores_of(((row, _ones(row)) for row in rows), {})
    after = scores_of(left_out(rows, _fit), {})
    fitted = _factors(rows)
    found = {}
    for resource in RESOURCES:
        told = sum(resource in design.measured for design in designs)
        if told < LEAST_BUILDS:
            continue
        found[resource] = _correction(resource, fitted, before, after, told)
    return found


def _correction(
    resource: str, fitted: Cost, before: Scores, after: Scores, builds: int
) -> Correction:
    """A factor that does not bring builds nearer that were left out is not taken."""
    at = (LATE, DESIGN, resource)
    raw, left = _error(before, resource), _error(after, resource)
    helps = resource in CORRECTED and left < raw
    factors = dict(fitted[resource]) if helps else {ALL: 1.0}
    scores = (after if helps else before).get(at, [])
    spread = conformal_range(scores) if len(scores) >= LEAST_ROWS else None
    return Correction(
        factors=factors,
        low=None if spread is None else spread.low,
        high=None if spread is None else spread.high,
        before=raw, after=left if helps else raw, builds=builds,
    )  # fmt: skip


def _error(scores: Scores, resource: str) -> float:
    """Median of |predicted - measured| / measured over whole designs; 0 where there are none."""
    some = scores.get((LATE, DESIGN, resource), [])
    if not some:
        return 0.0
    return float(f"{np.median([abs(exp(-score.log) - 1) for score in some]):.4g}")


def _rows(design: MeasuredDesign) -> Iterable[Row]:
    """The whole design and its layers, with the estimate of each kind of layer as a term."""
    terms = {
        resource: {kind: amounts[resource] for kind, amounts in design.kinds.items()
                   if amounts.get(resource)}
        for resource in RESOURCES
    }  # fmt: skip
    for resource in RESOURCES:
        rest = design.estimated.get(resource, 0.0) - sum(terms[resource].values())
        if rest > 0:
            terms[resource][_REST] = rest
    actual = {r: design.measured[r] for r in RESOURCES if r in design.measured}
    yield Row(design.source, DESIGN, (Part(DESIGN, terms),), actual, stage=LATE)
    for layer in design.layers:
        own = {r: ({layer.kind: layer.estimated[r]} if layer.estimated.get(r) else {})
               for r in RESOURCES}  # fmt: skip
        actual = {r: layer.measured[r] for r in CORRECTED if r in layer.measured}
        yield Row(design.source, layer.kind, (Part(layer.kind, own),), actual, stage=LATE)


def _ones(row: Row) -> Cost:
    return {r: dict.fromkeys(row.terms[r], 1.0) for r in RESOURCES}


def _fit(rows: Sequence[Row]) -> Costs:
    """Costs of all kinds, also those that these rows do not have."""
    found = _factors(rows)
    return {LATE: {r: _WithDefault(factors) for r, factors in found.items()}}


class _WithDefault(dict[str, float]):
    """Factors by kind; that of ALL for a kind that the fit did not see."""

    def __missing__(self, kind: str) -> float:
        return self[ALL]


def _factors(rows: Sequence[Row]) -> Cost:
    """Factors by kind: one for all, and own ones of kinds that enough rows show."""
    together = [replace(row, parts=(Part(row.kind, _summed(row)),)) for row in rows]
    common = fit_costs(together, {r: {ALL: 1.0} for r in RESOURCES})
    shown = [row.kind for row in rows]
    enough = {kind for kind in shown if kind != DESIGN and shown.count(kind) >= LEAST_ROWS}
    if not enough:
        return common
    kinds = {kind for row in rows for r in RESOURCES for kind in row.terms[r]}
    start = {r: dict.fromkeys(kinds, common[r][ALL]) for r in RESOURCES}
    own = fit_costs(rows, start)
    return {
        r: {ALL: common[r][ALL]} | {kind: own[r][kind] for kind in sorted(enough & set(own[r]))}
        for r in RESOURCES
    }


def _summed(row: Row) -> dict[str, dict[str, float]]:
    sums = {r: sum(row.terms[r].values()) for r in RESOURCES}
    return {r: {ALL: total} if total else {} for r, total in sums.items()}
