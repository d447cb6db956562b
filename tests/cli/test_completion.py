"""Shell completion: scripts are printed and installed, and values are offered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fpgacomp.cli.completion import complete_board
from fpgacomp.devices.read import list_boards

# The test names the shell, instead of the command looking for the one that it runs in.
NAMED_SHELL = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}


def run(*arguments: str, code: int = 0, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "fpgacomp", *arguments],
        capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def offered(line: str) -> list[str]:
    """What bash is offered at the end of this line."""
    words = line.split(" ")
    return run(
        _FPGACOMP_COMPLETE="complete_bash",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
    ).split()


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_calls_the_command(shell: str) -> None:
    script = run("--show-completion", shell, **NAMED_SHELL)
    assert f"_FPGACOMP_COMPLETE=complete_{shell}" in script
    assert "fpgacomp" in script.splitlines()[-1] or shell == "zsh"


@pytest.mark.slow
def test_the_script_is_installed(tmp_path: Path) -> None:
    told = run("--install-completion", "bash", HOME=str(tmp_path), **NAMED_SHELL)
    assert "bash completion installed" in told
    installed = (tmp_path / ".bash_completions" / "fpgacomp.sh").read_text()
    assert "_FPGACOMP_COMPLETE=complete_bash" in installed
    assert "fpgacomp.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ["fpgacomp compile net.onnx --board pynq", "fpgacomp boards pynq",
             "fpgacomp prune net.onnx -b pynq"]
)  # fmt: skip
def test_boards_are_offered(line: str) -> None:
    assert offered(line) == ["pynq-z1", "pynq-z2"]


@pytest.mark.slow
def test_choices_and_verbs_are_offered() -> None:
    assert offered("fpgacomp compile --backend ") == ["auto", "hls4ml", "stream", "adders", "finn"]
    assert offered("fpgacomp est") == ["estimate"]


def test_every_board_is_offered_by_its_name() -> None:
    assert complete_board("") == sorted(board.name for board in list_boards())
    assert complete_board("ULTRA96") == [n for n in complete_board("") if n.startswith("ultra96")]
    assert complete_board("no-such-board") == []
