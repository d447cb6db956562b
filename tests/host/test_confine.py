"""A confined process can take no memory, no disk and, where the kernel allows it, no network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fpgacomp.host import confine

pytest.importorskip("resource", reason="the system has no limits for processes")

CONFINE = f"""
import runpy, sys
runpy.run_path({confine.__file__!r})["confine"](
    memory_bytes=1 << 30, cpu_seconds=5, open_files=32, file_bytes=4096)
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CONFINE + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_a_confined_process_needs_still_works() -> None:
    assert run("print(sum(range(10)))").stdout.strip() == "45"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("bytearray(2 << 30)", "MemoryError"),
        ("open(sys.argv[1], 'wb').write(bytes(1 << 20))", "File too large"),
        ("kept = [open('/dev/null') for _ in range(40)]", "Too many open files"),
        ("import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1))", "Error"),
    ],
)
def test_limits_hold(tmp_path: Path, code: str, error: str) -> None:
    ended = run(code, str(tmp_path / "file"))
    assert ended.returncode == 1 and error in ended.stderr


@pytest.mark.slow
def test_time_without_end_is_ended_by_the_system() -> None:
    ended = run("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile 1: pass")
    assert ended.returncode < 0


@pytest.mark.skipif(sys.platform != "linux", reason="leaving the network is Linux' own")
def test_the_network_is_left_where_the_kernel_allows_it() -> None:
    probe = [sys.executable, "-c", "import ctypes; print(ctypes.CDLL(None).unshare(0x50000000))"]
    allowed = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()
    if allowed != "0":
        pytest.skip("this kernel does not let a process leave the network")
    ended = run("print([n for n in open('/proc/net/dev') if ':' in n and 'lo:' not in n])")
    assert ended.stdout.strip() == "[]", ended.stderr
