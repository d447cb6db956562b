"""Programs in processes of their own: their lines, their bounds, their end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fpgacomp.host.child import Ended, ProcessBounds, Stop, run_program, run_python
from fpgacomp.host.toolchain import environment_with

BOUNDS = ProcessBounds(seconds=20.0, memory_bytes=1 << 30)


def ran(code: str, folder: Path, bounds: ProcessBounds = BOUNDS, **more: object) -> Ended:
    return run_python(
        code, ["first"], folder=folder, log=folder / "log", bounds=bounds,
        environment=environment_with(), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_lines_are_told_and_kept(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "print(sys.argv); print('two', file=sys.stderr, flush=True)"
    ended = ran(code, tmp_path, on_line=lines.append)
    assert ended.code == 0 and sorted(lines) == ["['first']", "two"]
    assert sorted((tmp_path / "log").read_text().splitlines()) == sorted(lines)
    assert ended.how == "ended with code 0"


@pytest.mark.slow
def test_a_process_ends_when_its_time_is_up(tmp_path: Path) -> None:
    bounds = ProcessBounds(seconds=1.0, memory_bytes=1 << 30)
    ended = ran("import time; time.sleep(600)", tmp_path, bounds)
    assert ended.timed_out and ended.how.startswith("was ended after 1 s")


@pytest.mark.slow
def test_what_a_process_starts_ends_with_it(tmp_path: Path) -> None:
    bounds = ProcessBounds(seconds=1.0, memory_bytes=1 << 30)
    code = (
        "import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    assert ran(code, tmp_path, bounds).seconds < 60  # the pipe is held by the other one, too


def test_memory_is_bounded(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    bounds = ProcessBounds(seconds=20.0, memory_bytes=200 << 20)
    ended = ran("print(len(bytearray(1 << 30)))", tmp_path, bounds)
    assert ended.code != 0 and any("MemoryError" in line for line in ended.tail)


@pytest.mark.slow
def test_a_program_of_a_package_is_found_by_its_name(tmp_path: Path) -> None:
    ended = run_program(
        "pytest", ["--version"], folder=tmp_path, log=tmp_path / "log", bounds=BOUNDS,
        environment=environment_with(),
    )  # fmt: skip
    assert ended.code == 0 and any(line.startswith("pytest ") for line in ended.tail)


def test_another_thread_ends_what_runs_and_what_would_be_started(tmp_path: Path) -> None:
    stop, begun = Stop(), threading.Event()
    code = "print('begun', flush=True); import time; time.sleep(600)"

    def run(number: int) -> Ended:
        folder = tmp_path / str(number)
        folder.mkdir()
        return ran(code, folder, on_line=lambda line: begun.set(), stop=stop)

    with ThreadPoolExecutor(1) as pool:
        running = [pool.submit(run, number) for number in range(2)]
        assert begun.wait(BOUNDS.seconds)
        stop.now()
        assert [one.result().code < 0 for one in running] == [True, True]
        assert not any(one.result().timed_out for one in running)
