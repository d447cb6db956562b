"""DIR/measured: the reports that were imported for a build, and what they say of it.

    files/NAME      each report, as it was given
    report.json     what they say beside the estimate
    manifest.json   SHA-256 of the build's manifest and of each file here

The folder is replaced as a whole, and nothing else of the build is touched.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fpgacomp
from fpgacomp.bitstream.reports.compare import EstimatedDesign, NamedReport, of_design, stages_of
from fpgacomp.bitstream.reports.matching import PartNames
from fpgacomp.bitstream.reports.read import MAX_BYTES, read_report
from fpgacomp.errors import FileSystemError, InputDataError, UsageError
from fpgacomp.flows.build_facts import BuildFacts, digest_of
from fpgacomp.host import replace
from fpgacomp.host.plain import read_plain
from fpgacomp.host.strict_json import read_json
from fpgacomp.report.plain_json import json_text
from fpgacomp.results.side_by_side import MeasuredBuild

NAME, MANIFEST, REPORT, FILES = "measured", "manifest.json", "report.json", "files"
# What is of an earlier build goes there, with a number where there is one already.
EARLIER = "measured.earlier"
MARKER, FORM = "fpgacomp_measured", 1
MOST_FILES = 500
MAX_MANIFEST = 1 << 20


@dataclass(frozen=True)
class GivenReport:
    """A report's file: its name in the folder, and its bytes."""

    name: str
    content: bytes


class OfEarlierBuild(UsageError):
    """The folder of imported reports is of a design that was compiled again since."""


def imported(facts: BuildFacts) -> tuple[GivenReport, ...]:
    """The reports that were imported for a build; () where none were.

    Raises:
        OfEarlierBuild: they were imported for another design, in the same folder.
        UsageError: the folder is not ours, or is damaged or edited.
    """
    folder = facts.folder / NAME
    if not folder.exists() and not folder.is_symlink():
        return ()
    digests = _listed(folder, facts.digest)
    found = []
    for path, digest in digests.items():
        try:
            content = read_plain(folder / path, MAX_BYTES)
        except OSError as error:
            raise UsageError(
                f"{folder}/{path}", f"cannot be read ({error}).", _fix(folder)
            ) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise UsageError(f"{folder}/{path}", "was changed since it was written.", _fix(folder))
        if path.startswith(f"{FILES}/"):
            found.append(GivenReport(path.removeprefix(f"{FILES}/"), content))
    return tuple(found)


def _fix(folder: Path) -> str:
    return f"delete {folder}, and import the reports again."


def _listed(folder: Path, build: str) -> Mapping[str, str]:
    """Path -> SHA-256 of each file of the folder but the manifest."""
    try:
        content = read_json(read_plain(folder / MANIFEST, MAX_MANIFEST))
        if content[MARKER] != FORM:
            raise ValueError(f"form {content[MARKER]} of it is not known")
        digests = {str(path): str(digest) for path, digest in content["files"].items()}
        of = str(content["build"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"is no folder of imported reports ({error})."
        raise UsageError(str(folder), why, _fix(folder)) from error
    for path in map(PurePosixPath, digests):
        if path.is_absolute() or ".." in path.parts or len(path.parts) > 2:
            raise UsageError(str(folder), f"names a file outside of it ({path}).", _fix(folder))
    if of != build:
        why = "is of an earlier build, which was compiled again since."
        raise OfEarlierBuild(str(folder), why, _fix(folder))
    return digests


def measured(facts: BuildFacts, reports: Sequence[GivenReport]) -> MeasuredBuild:
    """What reports say of a build.

    Raises:
        InputDataError: a report is damaged, or is of another design or device.
    """
    design = EstimatedDesign(
        facts.top, facts.part, 1e3 / facts.clock_mhz, facts.figures,
        {layer.name: layer.figures for layer in facts.layers}, PartNames(facts.parts),
    )  # fmt: skip
    read = [of_design(x.name, read_report(x.content, x.name), design) for x in reports]
    return MeasuredBuild(
        str(facts.folder), facts.digest, facts.engine, facts.board, facts.part,
        stages_of(_distinct(read), design),
    )  # fmt: skip


def _distinct(reports: Sequence[NamedReport]) -> Sequence[NamedReport]:
    """The same, after a look that no two say the same thing of the same run.

    Raises:
        InputDataError: two are of one kind, stage and module.
    """
    seen: dict[tuple[str, ...], str] = {}
    for one in reports:
        if (first := seen.setdefault(kind_of(one), one.file)) != one.file:
            why = f"is a {one.report.format} report as {first} is, of the same stage."
            raise InputDataError(one.file, why, "give the one of the run that counts.")
    return reports


def kind_of(one: NamedReport) -> tuple[str, ...]:
    """What a later report must be to take this one's place."""
    return one.report.format, one.report.stage, one.report.top


def added(
    facts: BuildFacts, before: Sequence[GivenReport], new: Sequence[tuple[str, bytes]]
) -> tuple[GivenReport, ...]:
    """Earlier reports and new ones; a new one takes the place of one of its kind.

    Args:
        new: (name of the file, its bytes).

    Raises:
        InputDataError: a new one is damaged, of no known format, or of another design; or there
            are too many.
    """
    names = PartNames(facts.parts)
    design = EstimatedDesign(facts.top, facts.part, 1e3 / facts.clock_mhz, {}, {}, names)
    kinds = {kind_of(of_design(name, read_report(content, name), design)) for name, content in new}
    kept = [
        old for old in before
        if kind_of(of_design(old.name, read_report(old.content, old.name), design)) not in kinds
    ]  # fmt: skip
    taken = {one.name for one in kept}
    for name, content in new:
        free = _free_name(name, taken)
        taken.add(free)
        kept.append(GivenReport(free, content))
    if len(kept) > MOST_FILES:
        fix = "give csynth.xml instead of the reports of single modules."
        raise InputDataError(str(facts.folder), f"has more than {MOST_FILES} reports.", fix)
    return tuple(kept)


def _free_name(name: str, taken: set[str]) -> str:
    """A plain name for a file that no other of the folder has."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", Path(name).name)[-100:].lstrip(".") or "report"
    free, number = plain, 1
    while free in taken:
        number += 1
        free = f"{number}-{plain}"
    return free


@dataclass(frozen=True)
class KeptSummary:
    """What the report of imported measurements says.

    Args:
        stages: stage -> what was measured; nothing where there is no report, or none that counts.
        left_out: why a report that is there does not count; "" otherwise.
    """

    stages: Mapping[str, Any]
    left_out: str = ""


def kept_summary(folder: Path) -> KeptSummary:
    """What was measured of a build by stage, without reading the reports themselves anew.

    A folder that is of another build, or was damaged, gives no stages: `imported` refuses it.
    """
    place = folder / NAME
    if not os.path.lexists(place):
        return KeptSummary({})
    try:
        digests = _listed(place, digest_of(folder))
        content = read_plain(place / REPORT, MAX_BYTES)
        if hashlib.sha256(content).hexdigest() != digests.get(REPORT):
            return KeptSummary({}, f"{place}/{REPORT} was changed since it was written")
        stages = read_json(content)["stages"]
        if not isinstance(stages, dict):
            raise ValueError("it has no stages")
    except UsageError as error:
        return KeptSummary({}, f"{error.where} {error.why.rstrip('.')}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return KeptSummary({}, f"{place}/{REPORT} cannot be read ({error})")
    return KeptSummary(stages)


def put_aside(facts: BuildFacts) -> Path:
    """Rename a folder of an earlier build, so that nothing of it is lost; returns where it is.

    Raises:
        FileSystemError: it cannot be renamed.
    """
    folder, number = facts.folder / NAME, 1
    target = facts.folder / EARLIER
    while os.path.lexists(target):
        number += 1
        target = facts.folder / f"{EARLIER}-{number}"
    try:
        return folder.rename(target)
    except OSError as error:
        why = f"cannot be renamed to {target.name} ({error.strerror or error})."
        raise FileSystemError(str(folder), why, "check the permissions of the build.") from error


def write(
    facts: BuildFacts,
    before: Sequence[GivenReport],
    reports: Sequence[GivenReport],
    found: MeasuredBuild,
) -> None:
    """Replace the folder.

    Args:
        before: what it held when `reports` were put together.

    Raises:
        UsageError: something in it was edited, or another run imported reports meanwhile.
        FileSystemError: it cannot be written; it is as it was.
    """
    folder = facts.folder / NAME
    files = {f"{FILES}/{one.name}": one.content for one in reports}
    files[REPORT] = json_text(summary_in_build(found)).encode()
    digests = {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    manifest = {
        MARKER: FORM, "build": facts.digest, "fpgacomp": fpgacomp.__version__, "files": digests,
    }  # fmt: skip
    files[MANIFEST] = json_text(manifest).encode()

    def owned() -> frozenset[str]:
        """Asked while nobody else can replace the folder."""
        if imported(facts) != tuple(before):
            why = "was changed by another import meanwhile."
            raise UsageError(str(folder), why, "import the reports again.")
        return frozenset((*_listed(folder, facts.digest), MANIFEST)) if before else frozenset()

    replace.replace_folder(folder, files, owned=owned)


def summary_in_build(found: MeasuredBuild) -> dict[str, Any]:
    """The summary without the folder's path, which changes when the build is moved."""
    return {key: value for key, value in found.summary().items() if key != "folder"}
