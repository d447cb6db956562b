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
from tests.fuzz.worker import VERB_ENDED
from tests.support.paths import REPOSITORY

CPU_SECONDS = 20  # for one verb on one file; most take less than one
WALL_SECONDS = 300  # for a verb that waits for ever without computing anything
FILES_PER_PROCESS = 200  # frameworks collect what they have read


class Worker:
    """A process that runs the verbs on file after file."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._process: subprocess.Popen[bytes] | None = None
        self._read, self._left = 0, b""

    def run(self, path: Path) -> str:
        """How the file fared; "crash" or "hang" where the process did not answer."""
        if self._read >= FILES_PER_PROCESS:
            self.close()
        process = self._process or self._start()
        assert process.stdin
        process.stdin.write(f"{path}\n".encode())
        process.stdin.flush()
        self._read += 1
        told: str | None = VERB_ENDED
        while told == VERB_ENDED:
            told = self._answer(process)
        if told:
            return told
        if told is None:
            process.send_signal(signal.SIGABRT)  # the process tells where it is
        process.wait()
        said = Path(self._stderr.name).read_text(errors="replace")
        where = said.rpartition("Fatal Python error")[2].partition("Extension modules")[0]
        self.close()
        return f"{where}\n{'crash' if told == '' else 'hang'}"

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._stderr.close()
        self._process, self._read, self._left = None, 0, b""

    def _answer(self, process: subprocess.Popen[bytes]) -> str | None:
        """The next line that the process tells; "" where it ended, None where it hangs."""
        assert process.stdout
        while b"\n" not in self._left:
            if not self._wait(process):
                return None
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                return ""
            self._left += more
        line, _, self._left = self._left.partition(b"\n")
        return str(json.loads(line))

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the process answers, or ends, before it has used up its time."""
        used, since = _cpu_seconds(process.pid), time.monotonic()
        while time.monotonic() < since + WALL_SECONDS:
            ready, _, _ = select.select([process.stdout], [], [], 1.0)
            if ready:
                return True
            if _cpu_seconds(process.pid) > used + CPU_SECONDS:
                return False
        return False

    def _start(self) -> subprocess.Popen[bytes]:
        self._stderr = tempfile.NamedTemporaryFile()  # noqa: SIM115  closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", self._kind],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
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
