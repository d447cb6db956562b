"""`fpgacomp compare`: what two builds say of themselves, side by side.

A build is known by its report.json, whose keys are stable: an older build compares with a newer
one, and a figure that one of them lacks is shown as absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fpgacomp.errors import UsageError
from fpgacomp.flows.measured_folder import kept_summary
from fpgacomp.flows.options import checked_path
from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.report.manifest import MAX_BYTES
from fpgacomp.results.builds import AGREEMENT, CERTAIN, FITS, Aspect, BuildComparison
from fpgacomp.results.tool_report import STAGES

# (section, heading, path of keys in report.json)
_FIGURES = (
    ("build", "network", "model.name"),
    ("build", "board", "board.name"),
    ("build", "engine", "backend"),
    ("build", "fpgacomp", "fpgacomp"),
    ("verdict", FITS, "verdict.fits"),
    ("verdict", CERTAIN, "verdict.certain"),
    ("verdict", "limiting resource", "verdict.limiting_resource"),
    ("speed", "clock in MHz", "estimate.clock_mhz"),
    ("speed", "latency in us", "estimate.latency_us"),
    ("speed", "latency in cycles", "estimate.latency_cycles.value"),
    ("speed", "cycles between frames", "estimate.interval_cycles.value"),
    ("speed", "frames per second", "estimate.frames_per_second"),
    *(
        ("resources", name.upper(), f"estimate.resources.{name}.value")
        for name in ("lut", "ff", "dsp", "bram18", "uram")
    ),
    ("exactness", "vectors", "exactness.vectors"),
    ("exactness", "C-simulation mismatches", "exactness.csim_mismatches"),
    ("exactness", "RTL simulation mismatches", "exactness.rtl_mismatches"),
    ("exactness", "network mismatches", "exactness.network_mismatches"),
    ("exactness", "ties", "exactness.ties"),
    ("exactness", AGREEMENT, "exactness.top1_agreement_float32"),
)
_MEASURED = ("lut", "ff", "dsp", "bram18", "uram", "latency", "interval")
_LAYER_FIGURES = (("LUT", "resources.lut.value"), ("cycles", "cycles"))


def compare(first: str | Path, second: str | Path) -> BuildComparison:
    """Compare two build folders by verdict, resources, speed, exactness, accuracy and layers.

    Args:
        first, second: folders that `fpgacomp compile` wrote, also those of a failure
            (DIR.failed).

    Raises:
        UsageError: a folder holds no report.json of ours.
    """
    one = _report(checked_path("first", first))
    other = _report(checked_path("second", second))
    figures = [
        Aspect(section, name, _at(one, path), _at(other, path)) for section, name, path in _FIGURES
    ]
    # Which of two builds is taken is decided by their accuracy as often as by their size.
    before = sum(aspect.section in ("build", "verdict") for aspect in figures)
    kept = kept_summary(Path(first)), kept_summary(Path(second))
    measured = _measured(*(summary.stages for summary in kept))
    aspects = [
        *figures[:before], *_accuracy(one, other), *figures[before:], *measured,
        *_layers(one, other),
    ]  # fmt: skip
    left_out = dict.fromkeys(summary.left_out for summary in kept if summary.left_out)
    notes = tuple(f"what was measured is left out: {why}." for why in left_out)
    return BuildComparison(str(first), str(second), tuple(aspects), notes)


def _report(folder: Path) -> dict[str, Any]:
    fix = "name a folder that `fpgacomp compile` wrote."
    path = folder / "report.json"
    if folder.exists() and not folder.is_dir():
        raise UsageError(str(folder), "is a file, not a build folder.", fix)
    try:
        found = read_json(read_plain(path, MAX_BYTES))
    except FileNotFoundError as error:
        raise UsageError(str(folder), "holds no report.json.", fix) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(str(path), f"cannot be read ({error}).", fix) from error
    if not isinstance(found, dict) or not {"fpgacomp", "estimate", "layers"} <= set(found):
        raise UsageError(str(path), "is no report of fpgacomp.", fix)
    return found


def _at(report: Mapping[str, Any], path: str) -> Any:
    """The value under dotted keys; None where a key is absent."""
    value: Any = report
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _measured(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Aspect]:
    """What tools measured of the two builds, where reports of either were imported."""
    for stage, title in STAGES.items():
        for name in _MEASURED:
            path = f"{stage}.whole.{name}.measured"
            values = _at(one, path), _at(other, path)
            if values != (None, None):
                yield Aspect("measured", f"{name.upper()} by {title}", *values)


def _accuracy(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Aspect]:
    names = _in_order(one.get("accuracy") or {}, other.get("accuracy") or {})
    for name in names:
        path = f"accuracy.{name}"
        yield Aspect("accuracy", name, _at(one, path), _at(other, path))


def _layers(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Aspect]:
    """LUTs and cycles of each layer, and its folding where the two builds differ in it."""
    first, second = ({layer["name"]: layer for layer in r["layers"]} for r in (one, other))
    for name in _in_order(first, second):
        mine, theirs = first.get(name, {}), second.get(name, {})
        for figure, path in _LAYER_FIGURES:
            yield Aspect("layers", f"{name}: {figure}", _at(mine, path), _at(theirs, path))
        if mine.get("folding") != theirs.get("folding"):
            texts = (_folding(layer.get("folding")) for layer in (mine, theirs))
            yield Aspect("layers", f"{name}: folding", *texts)


def _folding(folding: Mapping[str, Any] | None) -> str | None:
    if not folding:
        return None
    return ", ".join(f"{key} {value}" for key, value in folding.items())


def _in_order(first: Mapping[str, Any], second: Mapping[str, Any]) -> Sequence[str]:
    """The names of both, the first one's before those that only the second has."""
    return [*first, *(name for name in second if name not in first)]
