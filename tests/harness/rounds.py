"""The rounds on the writer: each sets up a build, lets something happen, and checks what stands.

Each kind of round is a function of a random generator and an empty folder. It returns in one word
how the round ended, and raises AssertionError where work was lost.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fpgacomp.errors import FileSystemError, FpgacompError
from tests.harness.disks import BROKEN, FULL, Fault
from tests.harness.world import OWN, World, project

NOBODY = 65534
Round = Callable[[random.Random, Path], str]


def kill(chance: random.Random, folder: Path) -> str:
    """kill -9 at a random moment, or before or within a random operation."""
    world = World.prepared(folder)
    exchange = chance.random() < 0.6
    if chance.random() < 0.3:
        process = _forked(lambda: world.write("b", Fault(exchange=exchange)))
        time.sleep(chance.uniform(0, 1.2 * _measure(folder, exchange)[1]))
        os.kill(process, signal.SIGKILL)
    else:
        what = "kill within" if chance.random() < 0.4 else "kill"
        at = pick_operation(chance, _measure(folder, exchange)[0])
        fault = Fault(at, what, exchange=exchange)
        process = _forked(lambda: world.write("b", fault))
    os.waitpid(process, 0)
    if not exchange and not world.build.exists():
        ended = "between"  # two renames cannot be one: the next run finishes them
    else:
        ended = world.state("ab")
    world.require_next_run_cleans()
    return {"a": "old", "b": "new"}.get(ended, ended)


def full(chance: random.Random, folder: Path) -> str:
    """A full disk, an exceeded quota, a broken or read-only disk from or at one operation."""
    world = World.prepared(folder)
    what = chance.choice(("full", "full", "short write", "error"))
    number = chance.choice(BROKEN if what == "error" else FULL)
    once, exchange = chance.random() < 0.5, chance.random() < 0.6
    at = pick_operation(chance, _measure(folder, exchange)[0])
    return require_old_or_new(world, Fault(at, what, number, once, exchange))


def vanish(chance: random.Random, folder: Path) -> str:
    """The build, the run's own folder, or the folder above vanishes in mid-write."""
    world = World.prepared(folder)
    gone = chance.choice(("build", "workspace", "above"))
    path = {"build": str(world.build), "above": str(world.folder)}.get(gone, gone)
    at = pick_operation(chance, _measure(folder, True)[0])
    fault = Fault(at, "vanish", path=path)
    try:
        world.write("b", fault)
    except FpgacompError as error:
        _require_one_sentence(error)
    if not world.build.exists():
        assert gone != "workspace"
        return "gone"
    kept = world.files().keys() & OWN.keys()
    if gone == "workspace":
        assert kept == OWN.keys()
    ended = world.state("ab", {path: OWN[path] for path in kept})
    world.require_next_run_cleans(own={path: OWN[path] for path in kept})
    return {"a": "old", "b": "new"}[ended]


def read_only(chance: random.Random, folder: Path) -> str:
    """A folder that cannot be written: the one above, the build, or one inside it."""
    world = World.prepared(folder)
    folder.parent.chmod(0o711)  # whoever is not the owner passes through
    place = chance.choice((world.folder, world.build, world.build / "hls"))
    for path in (world.folder, *world.folder.rglob("*")):
        if os.getuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    project("b")  # signed with a key that the other user cannot read
    place.chmod(0o555)
    process = _forked(lambda: world.write("b"), user=NOBODY)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    place.chmod(0o755)
    ended = world.state("ab")
    assert code == (0 if ended == "b" else 3), (code, ended)
    world.require_next_run_cleans()
    return {"a": "old", "b": "new"}[ended]


def concurrent(chance: random.Random, folder: Path) -> str:
    """Two or eight writers at once: the build of one of them stands there, whole."""
    world = World.prepared(folder)
    count = chance.choice((2, 8))
    letters = "bcdefghi"[:count]
    start = time.monotonic() + 0.02
    exchange = chance.random() < 0.6

    def write(letter: str) -> int:
        time.sleep(max(0.0, start - time.monotonic()))
        return world.write(letter, Fault(exchange=exchange))

    processes = [_forked(lambda letter=letter: write(letter)) for letter in letters]  # type: ignore[misc]
    codes = [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
    assert all(code in (0, 2, 3) for code in codes) and 0 in codes, codes
    ended = world.state(letters)
    assert codes[letters.index(ended)] == 0
    assert [place.name for place in world.folder.iterdir()] == ["build"]
    world.require_next_run_cleans("z")
    return f"{count} writers"


KINDS: dict[str, Round] = {
    "kill": kill,
    "full": full,
    "concurrent": concurrent,
    "vanish": vanish,
    "read-only": read_only,
}


def every_operation(folder: Path) -> int:
    """Let every operation fail in turn, in every way; returns how many rounds that took."""
    folder.mkdir()
    rounds = 0
    ways = [("full", n, False) for n in FULL] + [("short write", FULL[0], False)]
    ways += [("error", n, once) for n in BROKEN for once in (False, True)]
    for exchange in (True, False):
        operations, _ = _measure(folder / "world", exchange)
        for at in range(len(operations)):
            for what, number, once in ways:
                place = folder / f"{exchange}{at}{what}{number}{once}"
                fault = Fault(at, what, number, once, exchange)  # type: ignore[arg-type]
                require_old_or_new(World.prepared(place), fault)
                shutil.rmtree(place)
                rounds += 1
    return rounds


def require_old_or_new(world: World, fault: Fault) -> str:
    try:
        world.write("b", fault)
        said = None
    except FpgacompError as error:
        said = error
        assert isinstance(error, FileSystemError), error
        _require_one_sentence(error)
    if not world.build.exists():
        assert not fault.exchange
        ended = "between"
    else:
        ended = {"a": "old", "b": "new"}[world.state("ab")]
    if said is None:
        assert ended == "new"
    elif ended == "between":
        assert "could not be put in place; it is in" in said.why, said
    elif "holds the new build" in said.why:
        assert ended == "new", said
    else:
        assert ended != "new", said
    world.require_next_run_cleans()
    return ended


def _require_one_sentence(error: FpgacompError) -> None:
    assert error.exit_code == 3, error
    assert "\n" not in str(error) and error.where and error.why and error.fix


def _forked(work: Callable[[], object], user: int | None = None) -> int:
    """Run something in a process of its own; its exit code is that of the error it ends with."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        if user is not None and os.getuid() == 0:
            os.setgid(user)
            os.setuid(user)
        work()
        code = 0
    except FpgacompError as error:
        code = error.exit_code
        if code == 3:
            _require_one_sentence(error)
    finally:
        os._exit(code)


def pick_operation(chance: random.Random, operations: Sequence[str]) -> int:
    """A number of an operation: of each kind equally often, or those that exist once never come."""
    wanted = chance.choice(sorted(set(operations)))
    return chance.choice([at for at, name in enumerate(operations) if name == wanted])


_MEASURED: dict[bool, tuple[list[str], float]] = {}


def _measure(folder: Path, exchange: bool) -> tuple[list[str], float]:
    """The operations of one replacement, and the seconds it takes."""
    if exchange not in _MEASURED:
        world = World.prepared(folder.with_name(f"{folder.name}_measured"))
        began = time.monotonic()
        operations = world.write("b", Fault(exchange=exchange))
        _MEASURED[exchange] = operations, time.monotonic() - began
        shutil.rmtree(world.folder)
    return _MEASURED[exchange]
