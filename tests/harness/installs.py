"""The same on installations: whatever happens, the old or the new version is active, and whole."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fpgacomp.runtime.errors import DeviceError, InstallFailed, InstallRefused
from fpgacomp.runtime.install import install, roll_back
from fpgacomp.runtime.installed import damaged_files, installed_manifest
from fpgacomp.runtime.versions import Installed
from tests.harness.disks import BROKEN, FULL, Fault, FaultyStorage
from tests.harness.rounds import Round, pick_operation
from tests.support import packages

# What is installed, and what is to be: the first version, the next, one with old ones to remove,
# and once more the one that is active.
Start = tuple[tuple[int, ...], int]
STARTS: tuple[Start, ...] = (((), 1), ((1,), 2), ((1, 2, 3, 4), 5), ((1, 2), 2))


@cache
def files(version: int) -> Mapping[str, bytes]:
    """A version of 7 files, most with the same names in every version."""
    chance = random.Random(version)
    found = {f"fpgacomp_runtime/m{n}.py": chance.randbytes(3000) for n in range(3)}
    found |= {f"hls/a/b/w{n}.h": chance.randbytes(chance.randrange(9000)) for n in range(2)}
    return found | {f"only_{version}/x.txt": b"x", "software/empty.bin": b""}


@dataclass(frozen=True)
class Device:
    """A root folder, alone in a folder of its own, and packages beside that.

    Args:
        folder: an empty folder.
    """

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "device" / "root"

    @classmethod
    def prepared(cls, folder: Path, *versions: int) -> Device:
        """A device on which these versions were installed."""
        device = cls(folder)
        (folder / "device").mkdir(parents=True)
        for version in versions:
            device.install(version)
        return device

    def package(self, version: int) -> Path:
        place = self.folder / f"{version}.fpga"
        if not place.exists():
            scratch = self.folder / f"{version}.{os.getpid()}"
            packages.small(scratch, version, files=files(version)).rename(place)
        return place

    def install(self, version: int, fault: Fault = Fault()) -> list[str]:  # noqa: B008 - frozen
        """Install a version; returns the operations on the disk that it took."""
        storage = FaultyStorage(fault)
        install(self.package(version), self.root, storage=storage)
        return storage.done

    def roll_back(self, fault: Fault = Fault()) -> Installed:  # noqa: B008 - frozen
        return roll_back(self.root, storage=FaultyStorage(fault))

    def active(self) -> int | None:
        """The version that is active, whole; None where there is none.

        Raises:
            AssertionError: `current` leads nowhere, or to a version that is not whole.
        """
        current = self.root / "current"
        if not os.path.lexists(current):
            return None
        assert current.is_symlink()
        manifest = installed_manifest(current)
        assert not damaged_files(current, manifest)
        assert set(manifest.files) == set(files(manifest.version))
        assert str(current.readlink()) == f"versions/digits/{manifest.version}"
        return manifest.version

    def require_next_run_cleans(self, version: int = 9) -> None:
        """A further version is installed, nothing is left over, and there is a way back."""
        before = self.active()
        self.install(version)
        assert self.active() == version
        litter = [place for place in self.root.rglob(".*") if place.name != ".before"]
        assert not litter
        assert {place.name for place in self.root.iterdir()} == {"current", "versions"}
        if before is not None:
            self.roll_back()
            assert self.active() == before


def kill(chance: random.Random, folder: Path) -> str:
    """kill -9 at a random moment, or before or within a random operation."""
    versions, wanted = _start(chance)
    device = Device.prepared(folder, *versions)
    device.package(wanted)
    if chance.random() < 0.3:
        process = _forked(lambda: device.install(wanted))
        time.sleep(chance.uniform(0, 1.2 * _measured(folder, versions, wanted)[1]))
        os.kill(process, signal.SIGKILL)
    else:
        what = "kill within" if chance.random() < 0.4 else "kill"
        at = pick_operation(chance, _measured(folder, versions, wanted)[0])
        process = _forked(lambda: device.install(wanted, Fault(at, what)))  # type: ignore[arg-type]
    os.waitpid(process, 0)
    ended = _old_or_new(device, versions, wanted)
    device.require_next_run_cleans()
    return ended


def full(chance: random.Random, folder: Path) -> str:
    """A full disk, an exceeded quota, a broken or read-only disk from or at one operation."""
    versions, wanted = _start(chance)
    device = Device.prepared(folder, *versions)
    what = chance.choice(("full", "full", "short write", "error"))
    number = chance.choice(BROKEN if what == "error" else FULL)
    at = pick_operation(chance, _measured(folder, versions, wanted)[0])
    fault = Fault(at, what, number, chance.random() < 0.5)  # type: ignore[arg-type]
    return require_told(device, versions, wanted, fault)


def require_told(device: Device, versions: tuple[int, ...], wanted: int, fault: Fault) -> str:
    """An installation with a fault says truly which version is active."""
    try:
        device.install(wanted, fault)
        said = None
    except DeviceError as error:
        said = error
        assert isinstance(error, InstallFailed), error
        assert "\n" not in str(error)
    ended = _old_or_new(device, versions, wanted)
    if said is None or "is active, but" in said.why:
        assert ended == "new"
    else:
        assert "the version that was active still is" in said.remedy and ended == "old", said
    device.require_next_run_cleans()
    return ended


def concurrent(chance: random.Random, folder: Path) -> str:
    """Two or eight installations at once: the highest version is active, whole."""
    device = Device.prepared(folder, 1)
    wanted = range(2, 2 + chance.choice((2, 7)))
    for version in wanted:
        device.package(version)
    start = time.monotonic() + 0.02

    def later(version: int) -> None:
        time.sleep(max(0.0, start - time.monotonic()))
        device.install(version)

    order = chance.sample(wanted, len(wanted))
    processes = {v: _forked(lambda version=v: later(version)) for v in order}  # type: ignore[misc]
    codes = {v: os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for v, p in processes.items()}
    # Whoever comes after a higher version is refused, and nothing else may go wrong.
    assert set(codes.values()) <= {0, 1} and codes[max(wanted)] == 0, codes
    assert device.active() == max(wanted)
    device.require_next_run_cleans()
    return f"{len(wanted)} installations"


KINDS: dict[str, Round] = {"kill": kill, "full": full, "concurrent": concurrent}


_WAYS = (("full", FULL[0], False), ("short write", FULL[1], False), ("error", BROKEN[0], True))


def every_operation(folder: Path, *, starts: Sequence[Start] = STARTS) -> int:
    """Let every operation fail in turn, in every way; returns how many rounds that took."""
    folder.mkdir()
    rounds = 0
    for versions, wanted in starts:
        operations, _ = _measured(folder / "measured", versions, wanted)
        for at in range(len(operations)):
            for what, number, once in _WAYS:
                place = folder / str(rounds)
                fault = Fault(at, what, number, once)  # type: ignore[arg-type]
                require_told(Device.prepared(place, *versions), versions, wanted, fault)
                rounds += 1
    return rounds


def _start(chance: random.Random) -> Start:
    return chance.choice(STARTS[:3])


def _old_or_new(device: Device, versions: tuple[int, ...], wanted: int) -> str:
    found, old = device.active(), max(versions, default=None)
    assert found in (old, wanted), found
    return "new" if found == wanted else "old"


def _forked(work: Callable[[], object]) -> int:
    """Run something in a process of its own; exit code 1 where it is refused."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        work()
        code = 0
    except InstallRefused:
        code = 1
    finally:
        os._exit(code)


_MEASURED: dict[Start, tuple[list[str], float]] = {}


def _measured(folder: Path, versions: tuple[int, ...], wanted: int) -> tuple[list[str], float]:
    """The operations of one installation, and the seconds that it takes."""
    if (versions, wanted) not in _MEASURED:
        place = folder.with_name(f"{folder.name}_{len(_MEASURED)}")
        device = Device.prepared(place, *versions)
        device.package(wanted)
        began = time.monotonic()
        operations = device.install(wanted)
        _MEASURED[versions, wanted] = operations, time.monotonic() - began
    return _MEASURED[versions, wanted]
