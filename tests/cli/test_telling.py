"""How much a run tells: -v, -q, --log-file, --time-stages; how it ends where it fails."""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fpgacomp.cli import app as command
from fpgacomp.cli.log import logged, logger
from fpgacomp.cli.progress import training_progress
from fpgacomp.cli.telling import Telling, Verbosity
from fpgacomp.cli.verb import Verb
from fpgacomp.compress.recipe import Epoch
from fpgacomp.errors import UsageError
from tests.cli.test_cli import DIGITS, fpgacomp

ESTIMATE = ("estimate", DIGITS, "--board", "pynq-z2")
STEPS = ("read", "quantize", "lower", "fold")
EPOCHS = [Epoch(n, 20, 0.5, 0.75, 0.6, best=False) for n in range(1, 21)]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """No run leaves a handler or a level behind."""
    root = logging.getLogger()
    before = list(root.handlers), root.level, logger.level
    yield
    assert (list(root.handlers), root.level, logger.level) == before


def only(run: Any) -> typer.Typer:
    """A command line of one verb, beside another so that it keeps its name."""
    app = typer.Typer()
    app.command("run", cls=Verb)(run)
    app.command("other", cls=Verb)(lambda: None)
    return app


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [(*ESTIMATE, "-v"), (*ESTIMATE, "--verbose"), ("-v", *ESTIMATE)]
)
def test_verbose_tells_each_step_and_note_as_a_line(arguments: tuple[str, ...]) -> None:
    result = fpgacomp(*arguments)
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    for step in STEPS:
        assert lines.index(f"{step}: started") < next(
            i for i, line in enumerate(lines) if re.fullmatch(rf"{step}: done after \S+ s", line)
        )
    assert any(line.startswith("note: ") for line in lines)


@pytest.mark.slow
def test_without_verbose_nothing_is_told_where_there_is_no_terminal() -> None:
    result = fpgacomp(*ESTIMATE)
    assert result.exit_code == 0 and result.stderr == "" and result.stdout


@pytest.mark.slow
def test_verbose_leaves_standard_output_to_the_json_document() -> None:
    result = fpgacomp(*ESTIMATE, "--json", "-v")
    assert json.loads(result.stdout)["verdict"]["fits"]
    assert "fold: started" in result.stderr


@pytest.mark.slow
def test_bars_on_terminals_unless_lines_or_nothing_was_asked_for() -> None:
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}
    runner = CliRunner(env=terminal)
    bars = runner.invoke(command.app, list(ESTIMATE)).stderr
    assert "fold" in bars and "\x1b[" in bars and "started" not in bars
    lines = runner.invoke(command.app, [*ESTIMATE, "-v"]).stderr
    assert "fold: started" in lines and "\x1b[" not in lines
    for flag in ("-q", "--json"):
        assert runner.invoke(command.app, [*ESTIMATE, flag]).stderr == ""


@pytest.mark.slow
def test_quiet_tells_errors_only() -> None:
    assert fpgacomp(*ESTIMATE, "-q").stderr == ""
    result = fpgacomp("estimate", DIGITS, "--board", "pynq-z3", "--quiet")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --board")


def test_quiet_and_verbose_contradict_each_other() -> None:
    for arguments in ((*ESTIMATE, "-q", "-v"), ("-q", *ESTIMATE, "-v")):
        result = fpgacomp(*arguments)
        assert result.exit_code == 2
        assert "contradict each other" in result.stderr


@pytest.mark.parametrize(
    ("flags", "told"), [([], True), (["-v"], True), (["-q"], False)], ids=["", "-v", "-q"]
)
def test_warnings_of_libraries(flags: list[str], told: bool, tmp_path: Path) -> None:
    def run() -> None:
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
        logging.getLogger("a.library").info("of no interest")

    path = tmp_path / "log.txt"
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = CliRunner().invoke(only(run), ["run", *flags, "--log-file", str(path)])
    assert result.exit_code == 0
    assert ("mind the gap" in result.stderr) == told
    assert "of no interest" not in result.stderr
    assert "mind the gap" in path.read_text() and "of no interest" in path.read_text()


@pytest.mark.slow
def test_the_log_file_has_everything_with_times(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_text("2026-01-01 00:00:00.000 of an earlier run\n")
    result = fpgacomp(*ESTIMATE, "-q", "--log-file", path)
    assert result.exit_code == 0 and result.stderr == ""
    lines = path.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]+ ", line) for line in lines)
    text = "\n".join(lines)
    for step in STEPS:
        assert f"{step}: started" in text and f"{step}: done after" in text
    assert "DEBUG" in lines[0] and "fpgacomp 0." in lines[0]
    assert "earlier" not in text


def test_the_log_file_has_the_error(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    result = fpgacomp("--log-file", path, "estimate", DIGITS, "--board", "pynq-z3")
    assert result.exit_code == 2
    assert result.stderr.count("there is no board") == 1
    assert "ERROR" in path.read_text() and "there is no board 'pynq-z3'" in path.read_text()


def test_a_log_file_in_no_folder_is_usage(tmp_path: Path) -> None:
    result = fpgacomp(*ESTIMATE, "--log-file", tmp_path / "none" / "run.log")
    assert result.exit_code == 2
    assert "its folder does not exist" in " ".join(result.stderr.split())


def test_a_log_file_that_cannot_be_written_is_the_file_system(tmp_path: Path) -> None:
    result = fpgacomp(*ESTIMATE, "--log-file", "/dev/full/run.log")
    assert result.exit_code == 2
    assert "lies in /dev/full, which is a file" in " ".join(result.stderr.split())


@pytest.mark.slow
def test_stages_are_timed_on_standard_error() -> None:
    result = fpgacomp(*ESTIMATE, "--time-stages", "--json")
    timings = json.loads(result.stdout)["timings_s"]
    rows = [line.split() for line in result.stderr.splitlines()]
    assert rows[0] == ["stage", "seconds"]
    assert [row[0] for row in rows[1:]] == list(STEPS)
    assert {row[0]: float(row[1]) for row in rows[1:]} == pytest.approx(timings, abs=6e-4)


@pytest.mark.slow
def test_stages_of_compile_are_timed_too(tmp_path: Path) -> None:
    result = fpgacomp("compile", DIGITS, "--board", "pynq-z2", "--no-csim", "--vectors", 20,
                      "--out", tmp_path / "build", "--time-stages", "-q")  # fmt: skip
    assert result.exit_code == 0
    stages = [line.split()[0] for line in result.stderr.splitlines()]
    assert {"stage", *STEPS, "oracle", "judge", "emit"} <= set(stages)


@pytest.mark.parametrize(
    ("telling", "printed", "records"),
    [
        (Telling(), 10, 0),
        (Telling(as_json=True), 0, 0),
        (Telling(verbosity=Verbosity.QUIET), 0, 0),
        (Telling(verbosity=Verbosity.VERBOSE, as_json=True), 0, 20),
    ],
)
def test_training_tells_a_line_now_and_then_or_each(
    telling: Telling, printed: int, records: int, capsys: pytest.CaptureFixture[str]
) -> None:
    context = typer.Context(command=Verb("run"), obj=telling)
    with logged(telling), training_progress(context) as observer:
        for epoch in EPOCHS:
            observer("network", epoch)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == printed + records
    assert all("loss 0.5000  validation accuracy 75.00 %" in line for line in lines)


def test_errors_of_the_file_system_exit_with_3() -> None:
    def run() -> None:
        raise PermissionError(13, "Permission denied", "locked.npy")

    result = CliRunner().invoke(only(run), ["run"])
    assert result.exit_code == 3
    assert "locked.npy: the operating system refused it: Permission denied. Fix:" in result.stderr


@pytest.mark.slow
def test_a_fault_of_ours_exits_with_70_and_says_how_to_repeat_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken(found: object) -> str:
        raise ZeroDivisionError("a bug")

    path = tmp_path / "run.log"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fpgacomp.report.doctor.to_json", broken)
    monkeypatch.setattr(sys, "argv", ["fpgacomp", "doctor", "--json", "--log-file", str(path)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 70
    told = capsys.readouterr()
    (document,) = json.loads(told.out)["errors"]
    assert "ZeroDivisionError: a bug" in document["why"]
    assert "ZeroDivisionError: a bug" in told.err
    assert "a fault of fpgacomp, not of your network" in told.err
    (archive,) = tmp_path.glob("fpgacomp-fault-*.zip")
    with zipfile.ZipFile(archive) as held:
        command_line = held.read("command.txt").decode()
    assert f"fpgacomp doctor --json --log-file {path} (fpgacomp 0." in command_line
    assert "ZeroDivisionError: a bug" in path.read_text()


def test_records_reach_nobody_after_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with pytest.raises(UsageError), logged(Telling(log_file=path)):
        raise UsageError("here", "is wrong.", "make it right.")
    before = path.read_text()
    assert "here: is wrong. Fix: make it right." in before
    logger.error("later")
    assert path.read_text() == before
