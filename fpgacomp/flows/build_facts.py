"""What a build directory says of itself, for whoever holds something else against it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.engines import registry
from fpgacomp.engines.shared.interface import FILE
from fpgacomp.errors import UsageError
from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.report import folder
from fpgacomp.report.manifest import MANIFEST, MAX_BYTES
from fpgacomp.results.estimate import Figure


@dataclass(frozen=True)
class LayerFacts:
    """A layer as the build's report has it.

    Args:
        figures: quantity (a resource, `latency` or `interval`) -> its estimate.
    """

    name: str
    kind: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class BuildFacts:
    """A build directory.

    Args:
        digest: SHA-256 of its manifest.
        top: name of the top function, and of the RTL's top module.
        figures: quantity (a resource, `latency` or `interval`) -> the estimate of the design.
        calibrated: for which tool's results the estimate was corrected; "" for none's.
        parts: name in the hardware -> the layer that it works for; "" for none.
    """

    folder: Path
    digest: str
    model: str
    engine: str
    board: str
    part: str
    toolchain: str
    clock_mhz: float
    top: str
    figures: Mapping[str, Figure]
    layers: tuple[LayerFacts, ...]
    calibrated: str
    parts: Mapping[str, str]


def build_facts(path: Path) -> BuildFacts:
    """What a build directory says of itself.

    Raises:
        UsageError: it is none, was edited, or holds no design.
    """
    build = folder.read_build(path)
    engine = registry.engine_named(build.backend)
    try:
        report = read_json(build.project.files["report.json"])
        top = read_json(build.project.files[f"hls/{FILE}"])["top"]
        parts = dict(engine.parts(build.graph, build.project))
        for companion in registry.companions_of(engine):
            parts |= companion.parts(build.graph, build.project)
        return _facts(path, report, engine.name, str(top), parts)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        why = f"holds no whole design ({type(error).__name__}: {error})."
        raise UsageError(str(path), why, "compile it again.") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a build's manifest.

    Raises:
        UsageError: there is no manifest.
    """
    try:
        return hashlib.sha256(read_plain(path / MANIFEST, MAX_BYTES)).hexdigest()
    except OSError as error:
        fix = "name the folder that `fpgacomp compile --out` wrote."
        raise UsageError(str(path), f"is no build directory ({error}).", fix) from error


def _facts(
    path: Path, report: Mapping[str, Any], engine: str, top: str, parts: Mapping[str, str]
) -> BuildFacts:
    estimate, board = report["estimate"], report["board"]
    layers = tuple(
        LayerFacts(layer["name"], layer["kind"], _figures(layer)) for layer in report["layers"]
    )
    return BuildFacts(
        folder=path,
        digest=digest_of(path),
        model=str(report["model"]["name"]),
        engine=engine,
        board=str(board["name"]),
        part=str(board["part"]),
        toolchain=str(board["toolchain"]),
        clock_mhz=float(estimate["clock_mhz"]),
        top=top,
        figures=_figures(estimate),
        layers=layers,
        calibrated=str(estimate["basis"].get("calibrated") or ""),
        parts=parts,
    )


def _figures(of: Mapping[str, Any]) -> dict[str, Figure]:
    found = {
        name: _figure(of["resources"][name]) for name in RESOURCE_FIELDS if name in of["resources"]
    }
    return found | {
        "latency": _figure(of["latency_cycles"]), "interval": _figure(of["interval_cycles"])
    }  # fmt: skip


def _figure(stated: Mapping[str, Any]) -> Figure:
    return Figure(float(stated["value"]), float(stated["low"]), float(stated["high"]))
