"""`fpgacomp import-report`: what tools measured of a build, beside what was estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpgacomp.bitstream.reports.read import read_file
from fpgacomp.errors import FpgacompError, UsageError, raise_all
from fpgacomp.flows import measured_folder
from fpgacomp.flows.build_facts import BuildFacts, build_facts
from fpgacomp.flows.measured_folder import GivenReport, OfEarlierBuild
from fpgacomp.flows.options import checked_path
from fpgacomp.results.side_by_side import MeasuredBuild


@dataclass(frozen=True)
class ImportedReports:
    """What is known of a build after an import.

    Args:
        measured: by stage, everything that was imported so far.
        formats: file that was given now -> what it is.
        notes: what else is to be known, one sentence each.
    """

    measured: MeasuredBuild
    formats: dict[str, str]
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.measured.summary(), "imported": self.formats, "notes": list(self.notes)}


def import_report(
    build: str | Path, files: Sequence[str | Path], *, write: bool = True
) -> ImportedReports:
    """Read reports of synthesis tools and hold them beside the estimate of a build.

    Each file is kept below BUILD/measured with its digest. One of the same kind, stage and
    module as an earlier one takes its place. Reports that were imported before the folder was
    compiled again are of another design: they are put aside, as BUILD/measured.earlier. Nothing
    else of the build changes.

    Args:
        build: a build directory.
        files: reports, in any format that `fpgacomp.bitstream.reports.read` lists.
        write: False only compares, and leaves the folder as it is.

    Raises:
        UsageError: the folder is no build directory or was edited, or no file is given.
        InputDataError: a file is no report that is known, is damaged, or is of another design.
        FileSystemError: the folder cannot be written.
    """
    folder = checked_path("build", build)
    if not files:
        raise UsageError("FILE", "is missing: there is nothing to import.", "name a report.")
    facts = build_facts(folder)
    before, stale = _before(facts)
    new: list[tuple[str, bytes]] = []
    formats: dict[str, str] = {}
    wrong: list[FpgacompError] = []
    for file in files:
        try:
            content, report = read_file(checked_path("file", file))
        except FpgacompError as error:
            wrong.append(error)
            continue
        new.append((str(file), content))
        formats[str(file)] = report.format
    raise_all(wrong)
    reports = measured_folder.added(facts, before, new)
    found = measured_folder.measured(facts, reports)
    notes: tuple[str, ...] = ()
    if stale:
        notes = ("what was imported before is of an earlier build, and is left out.",)
    if write:
        if stale:
            aside = measured_folder.put_aside(facts)
            notes = (f"what was imported before is of an earlier build: it is in {aside} now.",)
        measured_folder.write(facts, before, reports, found)
    return ImportedReports(found, formats, notes)


def _before(facts: BuildFacts) -> tuple[tuple[GivenReport, ...], bool]:
    """(the reports that were imported for this build, whether there are some of an earlier one)."""
    try:
        return measured_folder.imported(facts), False
    except OfEarlierBuild:
        return (), True
