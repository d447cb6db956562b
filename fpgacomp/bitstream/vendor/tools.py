"""AMD's programs on this machine: that they are there, their releases, and how they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.bitstream.vendor.steps import ToolName, ToolStep
from fpgacomp.bitstream.vendor.versions import FIRST, LAST, checked_release
from fpgacomp.errors import ToolError, raise_all
from fpgacomp.host.child import Ended, run_command
from fpgacomp.host.toolchain import environment_with, find_program

# The names of each tool, the newest first, and what stands between the name and the script.
_PROGRAMS: Mapping[ToolName, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "vivado": (("vivado", (), "-version"),),
    "hls": (
        ("vitis-run", ("--mode", "hls", "--tcl"), "--version"),
        ("vitis_hls", ("-f",), "-version"),
    ),
    "v++": (("v++", (), "--version"),),
}
_TITLES: Mapping[ToolName, str] = {"vivado": "Vivado", "hls": "Vitis HLS", "v++": "v++ of Vitis"}
_ANSWER_SECONDS = 180.0  # Vivado takes ten on a slow disk
_STEP_SECONDS = 48 * 3600.0  # an Alveo card's largest designs take a day


@dataclass(frozen=True)
class VendorTool:
    """A program that runs steps.

    Args:
        path: of the program.
        before: its arguments before those of a step.
        release: as it says.
    """

    path: Path
    before: tuple[str, ...]
    release: str

    def run(
        self, step: ToolStep, folder: Path, log: Path, more: Sequence[str],
        on_line: Callable[[str], None],
    ) -> Ended:  # fmt: skip
        """Run a step in its folder.

        Raises:
            ToolError: the program cannot be started.
        """
        command = [str(self.path), *self.before, *step.arguments, *more]
        return _run(command, folder, log, _STEP_SECONDS, on_line)


def missing(steps: Sequence[ToolStep], folder: str) -> ToolError | None:
    """What says that PATH lacks a program of these steps; None where all are there.

    Args:
        folder: where the scripts are written, for the message.
    """
    absent = [_TITLES[tool] for tool in _needed(steps) if _program(tool) is None]
    if not absent:
        return None
    why = f"not on PATH, so that only the scripts were written, to {folder}."
    fix = (
        f"copy {folder} to a machine with a release from {FIRST} to {LAST} and follow its "
        "README.md, which says how its bitstream comes back here, too; or put the tools on PATH "
        "(source settings64.sh) and run this again."
    )
    return ToolError(" and ".join(absent), why, fix)


def require_tools(
    steps: Sequence[ToolStep], scratch: Path, *, cards: bool
) -> dict[ToolName, VendorTool]:
    """The programs of these steps, which are all on PATH.

    Args:
        scratch: an existing folder for what they print.
        cards: whether they are to build for an accelerator card.

    Raises:
        ToolError, Problems: one does not run, or its release is none that the scripts are for.
    """
    found: dict[ToolName, VendorTool] = {}
    problems: list[ToolError] = []
    for tool in _needed(steps):
        program = _program(tool)
        assert program is not None, "missing() was asked before"
        path, before, ask = program
        try:
            said = _said([str(path), ask], scratch, _TITLES[tool])
            release = checked_release(_TITLES[tool], said, cards=cards)
            found[tool] = VendorTool(path, before, str(release))
        except ToolError as error:
            problems.append(error)
    raise_all(problems)
    return found


def _needed(steps: Sequence[ToolStep]) -> list[ToolName]:
    return list(dict.fromkeys(step.tool for step in steps))


def _program(tool: ToolName) -> tuple[Path, tuple[str, ...], str] | None:
    for name, before, ask in _PROGRAMS[tool]:
        path = find_program(name)
        if path is not None:
            return path, before, ask
    return None


def _said(command: list[str], scratch: Path, title: str) -> str:
    ended = _run(command, scratch, scratch / "version.log", _ANSWER_SECONDS, lambda line: None)
    if ended.code or ended.timed_out:
        last = next((line for line in reversed(ended.tail) if line.strip()), "it said nothing")
        why = f"{command[0]} {ended.how}: {last.strip()[:200]}"
        raise ToolError(title, why, "install it again.")
    return "\n".join(ended.tail)


def _run(
    command: list[str], folder: Path, log: Path, seconds: float, on_line: Callable[[str], None]
) -> Ended:
    try:
        return run_command(
            command, folder=folder, log=log, seconds=seconds, environment=environment_with(),
            on_line=on_line,
        )  # fmt: skip
    except OSError as error:
        why = f"{command[0]} does not run: {error.strerror or error}."
        raise ToolError(Path(command[0]).name, why, "install it again.") from error
