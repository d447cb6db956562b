"""Where a run's result goes: the build directory, or the evidence of a failure beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fpgacomp.errors import FpgacompError, UsageError
from fpgacomp.evidence.vectors import narrowed
from fpgacomp.flows.files import failed_folder
from fpgacomp.flows.options import checked_path
from fpgacomp.flows.reports import Evidence
from fpgacomp.ir import codec
from fpgacomp.ir.types import IntArray
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from fpgacomp.report import folder, html, json_report
from fpgacomp.report.manifest import with_manifest
from fpgacomp.results.project import Project
from fpgacomp.results.report import Report


@dataclass(frozen=True)
class Destination:
    """Folders that a run may write.

    Args:
        folder: the build directory, replaced only by a result that is right; None: nothing
            is written.
    """

    folder: Path | None

    @classmethod
    def of(cls, out: str | Path | None, dump: Path | None = None) -> Destination:
        """The destination of `--out`.

        Args:
            out: the build directory, or None.
            dump: the folder of `--dump-stages`, which must be another one.

        Raises:
            UsageError: this folder, or the one of a failure's evidence, holds something else;
                one of them and `dump` lie in each other.
        """
        found = cls(None if out is None else checked_path("out", out))
        if found.folder is not None:
            folder.check_free(found.folder)  # the root of the file system has nothing beside it
            folder.check_free(found.failed)
            for target in (found.folder, found.failed):
                if dump is not None and _meet(target.resolve(), dump.resolve()):
                    raise UsageError(
                        f"--dump-stages {dump}", f"and --out {target} lie in each other.",
                        "name two folders that do not.",
                    )  # fmt: skip
        return found

    @property
    def failed(self) -> Path:
        """The folder of a failure's evidence."""
        assert self.folder is not None
        return failed_folder(self.folder)

    def simulation(self, level: str, inputs: object) -> str:
        """The command that runs a level of the build later.

        Args:
            inputs: the samples of this run; where they are no file, X.npy stands for one.
        """
        folder = "DIR" if self.folder is None else shlex.quote(str(self.folder))
        samples = shlex.quote(str(inputs)) if isinstance(inputs, str | Path) else "X.npy"
        return f"fpgacomp simulate {folder} --inputs {samples} --level {level}"

    def write(
        self,
        report: Report,
        network: Network,
        lowered: Lowered,
        project: Project = Project({}),  # noqa: B008 - frozen and empty
        evidence: Evidence | None = None,
    ) -> Report:
        """Write the result, and give the report with the folder that it went to."""
        if self.folder is None:
            return report
        target = self.folder if report.status == "ok" else self.failed
        report = replace(report, folder=str(target))
        content = project.merged(
            _network_files(network, lowered), _vectors(lowered, evidence), _reports(report)
        )
        whole = with_manifest(content, network, report.options, report.backend)
        folder.replace_folder(whole, target)
        return report

    @contextmanager
    def evidence_of_errors(
        self,
        network: Network,
        lowered: Lowered,
        project: Project,
        values: Mapping[str, IntArray],
        backend: str,
    ) -> Iterator[None]:
        """Keep project, graph and vectors where a check ends in an error, which goes on."""
        try:
            yield
        except FpgacompError as error:
            if self.folder is not None:
                content = project.merged(
                    _network_files(network, lowered),
                    Project(_named("vectors", narrowed(lowered.graph, values))),
                    Project({"error.txt": f"{error}\n".encode()}),
                )
                folder.replace_folder(with_manifest(content, network, {}, backend), self.failed)
            raise


def _meet(one: Path, other: Path) -> bool:
    """Whether one of two resolved paths lies in the other."""
    return one == other or one in other.parents or other in one.parents


def _network_files(network: Network, lowered: Lowered) -> Project:
    """What a simulation needs beside the emitted project."""
    return Project(
        {
            "graph.json": codec.to_json(lowered.graph).encode(),
            "network.onnx": folder.onnx_bytes(network.model),
            "software/before.onnx": folder.onnx_bytes(lowered.before),
            "software/after.onnx": folder.onnx_bytes(lowered.after),
        }
    )


def _reports(report: Report) -> Project:
    return Project(
        {
            "report.json": json_report.to_json(report).encode(),
            "report.html": html.to_html(report).encode(),
        }
    )


def _vectors(lowered: Lowered, evidence: Evidence | None) -> Project:
    """The oracle's integers of every layer, and what C-simulation got where it differs."""
    if evidence is None:
        return Project({})
    files = _named("vectors", narrowed(lowered.graph, evidence.values))
    start = f"_from_{evidence.computed_start}" if evidence.computed_start else ""
    return Project(files | _named(f"vectors/computed{start}", evidence.computed))


def _named(place: str, arrays: Mapping[str, IntArray]) -> dict[str, bytes]:
    return {f"{place}/{name}.npy": folder.npy(array) for name, array in arrays.items()}
