"""A full disk behind standard output, and a wrong command line under --json."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import EXAMPLES, REPOSITORY

pytestmark = pytest.mark.slow

MODEL = str(EXAMPLES / "digits_cnn" / "model.onnx")


def fpgacomp(*arguments: str, stdout: object = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fpgacomp", *arguments], stdout=stdout, stderr=subprocess.PIPE,
        text=True, check=False, cwd=REPOSITORY,
    )  # type: ignore[call-overload]  # fmt: skip


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize(
    "arguments",
    [("boards", "--json"), ("boards",), ("--version",), ("--help",), ("boards", "--help"),
     ("check", MODEL, "--json"), ("check", "nowhere.onnx", "--json")],
    ids=" ".join,
)  # fmt: skip
def test_a_full_disk_behind_the_output(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        result = fpgacomp(*arguments, stdout=full)
    assert result.returncode == 3, result.stderr
    assert "the operating system refused it: No space left on device." in result.stderr
    assert "Traceback" not in result.stderr and "Exception ignored" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "where", "why"),
    [
        (("estimate", MODEL), "--board", "Board"),
        (("estimate", MODEL, "--board", "zcu104", "--nonsense"), "fpgacomp estimate", "No such"),
        (("compile", MODEL, "--board", "zcu104", "--vectors", "x"), "--vectors", "a valid integer"),
        (("nonsense",), "fpgacomp", "No such command"),
        (("check",), "model", "Network file"),
    ],
)
def test_a_wrong_command_line_under_json_is_json(
    arguments: tuple[str, ...], where: str, why: str
) -> None:
    result = fpgacomp(*arguments, "--json")
    assert result.returncode == 2
    told = json.loads(result.stdout)["errors"][0]
    assert told["where"].startswith(where) and why in told["why"] and "--help" in told["fix"]
