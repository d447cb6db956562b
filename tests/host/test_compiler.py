"""A g++ that hangs, prints nothing, dies, or writes no file: one sentence each, and exit code 3."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fpgacomp.engines.shared import csim_process
from fpgacomp.errors import ToolError
from fpgacomp.host import toolchain
from tests.support.paths import EXAMPLES, REPOSITORY

ANSWERS = '[ "$1" = --version ] && echo "g++ 13" && exit 0\n'
HANGS = "echo $$ > {folder}/pid\nsleep 600 & echo $! > {folder}/child\nwait\n"


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file `g++` that PATH finds first; the test writes what it does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "g++"


def write(compiler: Path, script: str, first: str = "#!/bin/sh\n") -> None:
    compiler.write_text(first + script)
    compiler.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 0\n", "it prints no version"),
        ("exit 7\n", "it ends with exit code 7"),
        ("echo 'no licence' >&2; exit 1\n", "no licence"),
        ("kill -SEGV $$\n", "it ends by signal 11"),
        ("sleep 600\n", "it does not answer within 0.5 s"),
    ],
)
def test_a_compiler_that_does_not_answer(
    compiler: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    monkeypatch.setattr(toolchain, "_ANSWER_SECONDS", 0.5)
    write(compiler, script.replace("sleep", "exec sleep"))
    with pytest.raises(ToolError, match=why) as caught:
        toolchain.find_compiler()
    assert caught.value.exit_code == 3 and "\n" not in str(caught.value)


def test_a_compiler_that_is_no_program(compiler: Path) -> None:
    write(compiler, "\0\1\2", first="")
    with pytest.raises(ToolError, match="does not run: Exec format error"):
        toolchain.find_compiler()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 0\n", r"it ended without an error and wrote no csim\.o"),
        ("kill -KILL $$\n", "the compiler ended by signal 9: no message"),
        ("exit 1\n", "the emitted C\\+\\+ does not compile: no message"),
        ("printf '\\377 error: bad\\n' >&2; exit 1\n", "does not compile: . error: bad"),
    ],
)
def test_a_compiler_that_compiles_nothing(
    compiler: Path, tmp_path: Path, script: str, why: str
) -> None:
    write(compiler, script)
    with pytest.raises(ToolError, match=why):
        csim_process.run_compilers([[str(compiler), "-o", str(tmp_path / "csim.o")]])


@pytest.mark.slow
def test_a_compiler_that_hangs_ends_with_all_that_it_started(
    compiler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csim_process, "_COMPILE_TIMEOUT_S", 1.0)
    write(compiler, HANGS.format(folder=tmp_path))
    with pytest.raises(ToolError, match="compiling took over 1 s"):
        csim_process.run_compilers([[str(compiler), "-o", str(tmp_path / "csim.o")]])
    assert ended(int((tmp_path / "child").read_text()))


def ended(process: int) -> bool:
    """The process is gone, or will never run again, within a minute."""
    for _ in range(600):
        stat = Path(f"/proc/{process}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize(("signal", "code"), [("INT", 130), ("TERM", 143)])
def test_a_stopped_run_ends_the_compiler_and_leaves_nothing(
    compiler: Path, tmp_path: Path, signal: str, code: int
) -> None:
    write(compiler, ANSWERS + HANGS.format(folder=tmp_path))
    work = tmp_path / "work"
    work.mkdir()
    trash = tmp_path / "trash"
    trash.mkdir()
    model = str(EXAMPLES / "digits_cnn" / "model.onnx")
    command = [sys.executable, "-m", "fpgacomp", "compile", model, "--board", "pynq-z2",
               "--vectors", "3", "--out", str(work / "out")]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(trash), "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    while not (tmp_path / "child").is_file() and process.poll() is None:
        time.sleep(0.05)
    subprocess.run(["kill", f"-{signal}", str(process.pid)], check=True)
    _, errors = process.communicate()
    assert process.returncode == code, errors
    assert "stopped; nothing was written." in errors
    assert ended(int((tmp_path / "child").read_text()))
    assert not [*work.iterdir(), *trash.iterdir()]
