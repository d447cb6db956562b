"""Puts damaged files through the verbs, in processes that are started again when they end."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.bases import files
from tests.support.paths import REPOSITORY

CPU_SECONDS = 20  # for one file through all verbs; most take less than one
WALL_SECONDS = 180  # for a file that waits for ever without computing anything
FILES_PER_PROCESS = 200  # frameworks collect what they have read


class Worker:
    """A process that runs the verbs on file after file."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._process: subprocess.Popen[str] | None = None
        self._read = 0

    def run(self, path: Path) -> str:
        """How the file fared; "crash" or "hang" where the process did not answer."""
        if self._read >= FILES_PER_PROCESS:
            self.close()
        process = self._process or self._start()
        assert process.stdin and process.stdout
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        self._read += 1
        ready = self._wait(process)
        line = process.stdout.readline() if ready else ""
        if line:
            return str(json.loads(line))
        if not ready:
            process.send_signal(signal.SIGABRT)  # the process tells where it is
        process.wait()
        where = Path(self._stderr.name).read_text(errors="replace")[-3000:]
        self.close()
        return f"{where}\n{'crash' if ready else 'hang'}"

    def _wait(self, process: subprocess.Popen[str]) -> bool:
        """Whether the process answers, or ends, before it has used up its time."""
        used, since = _cpu_seconds(process.pid), time.monotonic()
        while time.monotonic() < since + WALL_SECONDS:
            ready, _, _ = select.select([process.stdout], [], [], 1.0)
            if ready:
                return True
            if _cpu_seconds(process.pid) > used + CPU_SECONDS:
                return False
        return False

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._stderr.close()
        self._process, self._read = None, 0

    def _start(self) -> subprocess.Popen[str]:
        self._stderr = tempfile.NamedTemporaryFile()  # noqa: SIM115  closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", self._kind],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        assert self._process.stdout and json.loads(self._process.stdout.readline()) == "ready"
        return self._process


def _cpu_seconds(pid: int) -> float:
    """Processor time that a process has used: a hang on a busy machine is one on an idle one."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Tally:
    """How the files of one kind fared."""

    accepted: int = 0
    refused: int = 0
    faults: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def kinds(self) -> Counter[str]:
        """How often each fault's last line occurs."""
        return Counter(fault.strip().splitlines()[-1][:160] for _, fault in self.faults)


def campaign(
    kind: str, count: int, seed: int, folder: Path, *, first: int = 0, loud: bool = False
) -> Tally:
    """Run `count` damaged files from number `first`; those at fault stay in the folder."""
    worker, tally = Worker(kind), Tally()
    try:
        for index, (suffix, content) in enumerate(files(kind, first + count, seed)):
            if index < first:
                continue
            path = folder / f"{kind}_{seed}_{index}{suffix}"
            path.write_bytes(content)
            ended = worker.run(path)
            if ended in ("accepted", "refused"):
                setattr(tally, ended, getattr(tally, ended) + 1)
                path.unlink()
                continue
            tally.faults.append((path, ended))
            if loud:
                print(f"{path}\n{ended}\n", flush=True)
    finally:
        worker.close()
    return tally
