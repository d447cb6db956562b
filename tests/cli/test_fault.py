"""What a user sees of a fault of ours, and how a run ends that is told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from fpgacomp.cli.stop import was_stopped
from tests.support.paths import EXAMPLES, REPOSITORY

DIGITS = EXAMPLES / "digits_cnn" / "model.onnx"
# A command whose estimate meets an error that nobody foresaw.
BROKEN = """
import sys
import fpgacomp.flows.estimate as flow

def broken(*arguments, **more):
    raise KeyError("a layer that is not there")

flow.estimate = broken
from fpgacomp.cli.app import main
main()
"""


def run(folder: Path, *arguments: str, program: str = BROKEN) -> subprocess.CompletedProcess[str]:
    """The broken command in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-c", program, "estimate", str(DIGITS), "--board", "pynq-z2", *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_fault_leaves_an_archive_and_shows_no_traceback(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.returncode == 70
    assert "Traceback" not in result.stderr and "a layer that is not there" in result.stderr
    (archive,) = tmp_path.glob("fpgacomp-fault-*.zip")
    assert archive.name in result.stderr
    with zipfile.ZipFile(archive) as held:
        assert set(held.namelist()) == {
            "command.txt", "traceback.txt", "versions.txt", "model/model.onnx",
        }  # fmt: skip
        assert b"Traceback" in held.read("traceback.txt")
        assert b"--board pynq-z2" in held.read("command.txt")
        assert b"numpy==" in held.read("versions.txt")
        assert held.read("model/model.onnx") == DIGITS.read_bytes()


@pytest.mark.slow
def test_a_graph_that_breaks_our_rules_is_a_fault_of_ours(tmp_path: Path) -> None:
    """It is an error of the package's own kind, and yet neither the user's nor the network's."""
    invalid = BROKEN.replace("KeyError(", "InvalidGraph('pass', 'fix', ").replace(
        "def broken", "from fpgacomp.errors import InvalidGraph\ndef broken"
    )
    result = run(tmp_path, "--json", program=invalid)
    assert result.returncode == 70
    assert "Traceback" not in result.stderr and list(tmp_path.glob("fpgacomp-fault-*.zip"))
    (told,) = json.loads(result.stdout)["errors"]
    assert "InvalidGraph" in told["why"] and "report it" in told["fix"]


@pytest.mark.slow
def test_the_network_stays_out_where_that_is_asked(tmp_path: Path) -> None:
    assert run(tmp_path, "--no-model").returncode == 70
    (archive,) = tmp_path.glob("fpgacomp-fault-*.zip")
    with zipfile.ZipFile(archive) as held:
        assert "model/model.onnx" not in held.namelist()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_told_to_stop_writes_nothing(tmp_path: Path, number: int, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fpgacomp", "compile", str(DIGITS), "--board", "pynq-z2",
         "--out", str(tmp_path / "build"), "--vectors", "100000", "-v"],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stderr is not None
    process.stderr.readline()  # the first stage has begun
    time.sleep(0.2)
    process.send_signal(number)
    said = process.stderr.read()
    assert process.wait() == code
    assert "stopped; nothing was written." in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


# The command, to which a signal comes while a module is imported. A library may make an error of
# its own of what that raises, as the compiled part of Pydantic does.
INTERRUPTED = """
import signal, sys

class Signals:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            {body}

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Signals())
from fpgacomp.cli.main import main
main()
"""
PLAIN = "signal.raise_signal({number})"
SWALLOWED = """try:
                signal.raise_signal({number})
            except KeyboardInterrupt:
                raise ValueError("a schema is wrong") from None"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("module", "body"),
    [("typer", PLAIN), ("fpgacomp.cli.verb", PLAIN), ("fpgacomp.flows.estimate", PLAIN),
     ("fpgacomp.flows.estimate", SWALLOWED)],
)  # fmt: skip
def test_a_signal_while_it_starts_is_no_fault(
    tmp_path: Path, module: str, body: str, number: signal.Signals
) -> None:
    body = body.format(number=int(number))
    result = run(tmp_path, program=INTERRUPTED.format(module=module, body=body))
    assert result.stderr == "stopped; nothing was written.\n"
    assert result.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_is_found_behind_other_errors() -> None:
    first = ValueError("a schema is wrong")
    first.__context__ = KeyboardInterrupt()
    second = RuntimeError("cannot be imported")
    second.__cause__ = first
    first.__cause__ = second  # a circle, which must end
    assert was_stopped(second) and not was_stopped(ValueError("a bug"))
