"""The C driver over AXI DMA, on the emulated system: answers, and an error code for each fault."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support import c_drivers, emulators
from tests.support.c_drivers import CORE, PROGRAMS, SANITIZERS

pytestmark = [c_drivers.needs_gcc, pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")]

OK, TIMEOUT, BUSY, BAD_TICKET, NEEDS_RESET, NOT_OPEN = 0, 15, 13, 14, 26, 2
INPUTS = (c_drivers.port("in0", 5), c_drivers.port("in1", 10))
OUTPUTS = (c_drivers.port("out0", 10),)
DESIGN = c_drivers.deployment(INPUTS, OUTPUTS, identity=emulators.IDENTITY, name="frames")
SAMPLES = 50

Shell = Callable[..., list[list[str]]]


@pytest.fixture(scope="module")
def library() -> Path:
    return emulators.frames_library()


def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    first, second = (rng.integers(0, 256, (SAMPLES, n)).astype(np.uint8) for n in (5, 10))
    return first, second


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A driver with two right stored frames, and samples in files."""
    first, second = samples()
    frames = {"in0": first[:2], "in1": second[:2], "out0": emulators.answers(first, second)[:2]}
    stored = {name: array.tobytes() for name, array in frames.items()}
    made = c_drivers.write_driver(DESIGN, tmp_path_factory.mktemp("frames"), stored)
    for name, array in zip(("first", "second"), (first, second)):
        (made / name).write_bytes(array.tobytes())
    return made


@pytest.fixture(scope="module")
def program(folder: Path) -> Path:
    return c_drivers.compiled(folder, "frames", PROGRAMS / "shell.c", flags=SANITIZERS)


@pytest.fixture
def shell(program: Path, library: Path, folder: Path) -> Shell:
    """Commands behind `open` and `load`: what each prints, its status last."""

    def run(*commands: str, opened: bool = True) -> list[list[str]]:
        front = [f"open {library}", "load first second"] if opened else []
        printed = c_drivers.run(
            [str(program)], folder, given="\n".join([*front, *commands, ""]).encode()
        )
        found = [line.split() for line in printed.splitlines()]
        assert all(line == ["0"] for line in found[: len(front)]), found
        return found[len(front) :]

    return run


def statuses(found: list[list[str]]) -> list[int]:
    return [int(line[-1]) for line in found]


def answers(folder: Path, count: int) -> np.ndarray:
    whole = np.frombuffer((folder / "answers").read_bytes(), np.uint8)
    return whole[: count * 10].reshape(count, 10)


WANTED = emulators.answers(*samples())


@pytest.mark.slow
def test_predictions_are_right_and_the_dma_is_used_as_its_guide_says(
    shell: Shell, folder: Path
) -> None:
    found = shell(f"predict {SAMPLES}", "save answers", "get misused_transfers", "get bus_errors",
                  "counters", "version")  # fmt: skip
    assert statuses(found) == [OK] * 6
    np.testing.assert_array_equal(answers(folder, SAMPLES), WANTED)
    assert [line[0] for line in found[2:4]] == ["0", "0"]
    assert found[4][1:6:2] == [str(SAMPLES)] * 3
    assert found[5][0] == "1.2.3"


@pytest.mark.slow
@pytest.mark.parametrize("slots", [1, 4])
def test_as_many_samples_are_under_way_as_there_are_slots(
    slots: int, library: Path, folder: Path
) -> None:
    program = c_drivers.compiled(
        folder, "frames", PROGRAMS / "shell.c", flags=(f"-DFPGACOMP_SLOTS={slots}",)
    )
    commands = [f"open {library}", "load first second", f"predict {SAMPLES}", "save answers",
                *["submit 0"] * 5, ""]  # fmt: skip
    printed = c_drivers.run([str(program)], folder, given="\n".join(commands).encode())
    found = statuses([line.split() for line in printed.splitlines()])
    assert found == [OK] * (4 + slots) + [BUSY] * (5 - slots)
    np.testing.assert_array_equal(answers(folder, SAMPLES), WANTED)


@pytest.mark.slow
def test_the_stored_frames_are_compared_byte_by_byte(shell: Shell) -> None:
    assert shell("self_test") == [["frames", "2", "bytes", "20", "mismatches", "0", "0"]]
    (found,) = shell("set fault_memory_bits 1", "self_test")[1:]
    assert found[5] == "10" and found[-1] == "27"  # one bit of in0 changes its sum


def test_samples_are_under_way_while_others_are_sent(shell: Shell, folder: Path) -> None:
    found = shell("submit 0", "submit 1", "submit 2", "predict 1", "wait 1 1", "wait 1 1",
                  "wait 0 0", "wait 7 0", "submit 2", "wait 2 2", "save answers")  # fmt: skip
    assert statuses(found) == [
        OK, OK, BUSY, BUSY, OK, BAD_TICKET, OK, BAD_TICKET, OK, OK, OK
    ]  # fmt: skip
    assert [found[n][1] for n in (0, 1, 8)] == ["0", "1", "2"]
    np.testing.assert_array_equal(answers(folder, 3), WANTED[:3])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("set fault_stalled_outputs 1", TIMEOUT),
        ("set fault_stalled_inputs 2", TIMEOUT),
        ("set fault_missing_tlast 1", 17),  # the next answer comes in the same transfer
        ("length o0 14", 16),
        ("length o0 6", 17),
        ("length i1 8", 18),
        ("length i1 14", 19),
        ("set fault_slave_error_at 0x10000000", 20),
        ("bus 0x20000000", 21),
        ("bus 0x10000008", 1),  # not aligned
    ],
)
def test_each_fault_has_its_code_and_a_reset_ends_it(
    fault: str, status: int, shell: Shell, folder: Path
) -> None:
    found = shell(
        fault, f"predict {SAMPLES}", "predict 1", "submit 0", "self_test",
        "set fault_stalled_outputs 0", "set fault_stalled_inputs 0", "set fault_missing_tlast 0",
        "set fault_slave_error_at 0xffffffffffffffff", "length o0 10", "length i1 10",
        "bus 0x10000000", "reset", f"predict {SAMPLES}", "save answers", "get bus_errors",
    )  # fmt: skip
    assert statuses(found)[:5] == [OK, status, NEEDS_RESET, NEEDS_RESET, NEEDS_RESET]
    assert statuses(found)[5:] == [OK] * 11
    np.testing.assert_array_equal(answers(folder, SAMPLES), WANTED)
    assert found[-1][0] == "0"


@pytest.mark.slow
def test_a_missing_tlast_of_the_last_answer_is_a_time_out(shell: Shell) -> None:
    assert statuses(shell("set fault_missing_tlast 1", "predict 1")) == [OK, TIMEOUT]


def test_a_reset_in_mid_frame_loses_that_frame_alone(shell: Shell, folder: Path) -> None:
    found = shell("submit 3", "submit 4", "reset", "wait 0 0", f"predict {SAMPLES}",
                  "save answers")  # fmt: skip
    assert statuses(found) == [OK, OK, OK, BAD_TICKET, OK, OK]
    np.testing.assert_array_equal(answers(folder, SAMPLES), WANTED)


def test_a_dma_that_somebody_else_resets_is_noticed(shell: Shell) -> None:
    found = shell("set fault_stalled_outputs 1", "submit 0", "write 0x40400000 4", "wait 0 0")
    assert statuses(found) == [OK, OK, OK, 24]


def test_closing_with_frames_under_way_leaves_a_device_that_opens_again(
    shell: Shell, library: Path, folder: Path
) -> None:
    found = shell("submit 0", "close", "predict 1", "close", f"open {library}",
                  f"predict {SAMPLES}", "save answers")  # fmt: skip
    assert statuses(found) == [OK, OK, 2, OK, OK, OK, OK]
    np.testing.assert_array_equal(answers(folder, SAMPLES), WANTED)


def test_a_library_that_is_none_is_no_device(shell: Shell, folder: Path) -> None:
    assert statuses(shell("open /nowhere.so", f"open {folder}/first", opened=False)) == [3, 3]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "status"),
    [({"identity": "1" * 32}, 10), ({"family": "zynq-ultrascale+"}, 7), ({"inputs": INPUTS[:1]}, 9),
     ({"family": "ice40"}, 5)],
)  # fmt: skip
def test_another_bitstream_is_refused(
    change: dict[str, object], status: int, library: Path, tmp_path: Path
) -> None:
    family = str(change.pop("family", "zynq-7000"))
    inputs = change.pop("inputs", INPUTS)
    design = c_drivers.deployment(
        inputs, OUTPUTS, name="frames", identity=str(change.get("identity", emulators.IDENTITY))
    )  # type: ignore[arg-type]
    folder = c_drivers.write_driver(design, tmp_path, family=family)
    program = c_drivers.compiled(folder, "frames", PROGRAMS / "shell.c")
    printed = c_drivers.run([str(program)], folder, given=f"open {library}\npredict 1\n".encode())
    assert printed.split() == [str(status), "2"]


def test_a_slot_is_waited_for_once_and_started_once(shell: Shell) -> None:
    found = shell("finish 0", "start 0", "start 1", "start 0", "finish 0", "finish 0", "start 0",
                  "start 0", "finish 1", "finish 1", "finish 9", "finish 0",
                  "reset_transport", "finish 0", "finish 1")  # fmt: skip
    assert statuses(found) == [
        BAD_TICKET, OK, OK, BUSY, OK, BAD_TICKET, OK, 1, OK, BAD_TICKET, BAD_TICKET, OK,
        OK, BAD_TICKET, BAD_TICKET,
    ]  # fmt: skip


def test_a_frame_that_arrived_wrong_is_told_once_and_never_right_after(shell: Shell) -> None:
    found = statuses(shell("length i1 8", "submit 0", "finish 0", "finish 0"))
    assert found[:2] == [OK, OK] and OK not in found[2:]


def test_what_is_closed_answers_nothing_and_is_closed_once(shell: Shell) -> None:
    closed = ("start 0", "finish 0", "identify", "reset_transport")
    calls = ("submit 0", "wait 0 0", "reset", "self_test", "predict 1")
    found = shell("submit 0", "close_transport", "close_transport", *closed, "wait 0 0",
                  "predict 1", "close", "close", *calls)  # fmt: skip
    assert statuses(found) == [OK, OK, OK, *[NOT_OPEN] * 5, NEEDS_RESET, OK, OK, *[NOT_OPEN] * 5]


def test_a_ticket_from_before_a_reset_is_not_the_next_samples(shell: Shell) -> None:
    found = shell("submit 3", "reset", "submit 4", "wait 0 0", "wait 1 0")
    assert statuses(found) == [OK, OK, OK, BAD_TICKET, OK]


def test_a_ticket_of_another_device_is_none(shell: Shell) -> None:
    assert statuses(shell("submit 0", "as_of_another", "wait 0 0")) == [OK, BAD_TICKET, OK]


@pytest.mark.slow
def test_a_demo_that_fails_leaves_the_files_of_before(library: Path, folder: Path) -> None:
    made = c_drivers.compiled(folder, "frames", folder / "main.c", core=(*CORE, "hal_linux_uio"))
    first, second = samples()
    given = {"a": first.tobytes(), "b": second.tobytes(), "short": second[:-1].tobytes(),
             "odd": second.tobytes()[:-1], "out": b"of before"}  # fmt: skip
    for name, content in given.items():
        (folder / name).write_bytes(content)
    environment = {**os.environ, "FPGACOMP_EMULATOR": str(library)}

    said = {}

    def code(*files: str) -> int:
        ran = subprocess.run(
            [str(made), *files], cwd=folder, env=environment, capture_output=True, check=False,
            text=True,
        )  # fmt: skip
        said[files] = ran.stderr
        return ran.returncode

    for wrong in (("a", "short"), ("a", "odd"), ("a", "."), ("a", "none"), ("none", "b")):
        assert code(*wrong, "out") == 2
        assert (folder / "out").read_bytes() == b"of before"
    assert said["none", "b", "out"].startswith("none: No such file or directory\nusage: ")
    assert code("a", "b", "none/out") == 2
    assert said["a", "b", "none/out"].startswith("none/out: No such file or directory\nusage: ")
    assert code("a", "b", "out") == 0
    assert (folder / "out").read_bytes() == WANTED.tobytes()


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.slow
def test_valgrind_finds_nothing(library: Path, folder: Path) -> None:
    program = c_drivers.compiled(folder, "frames", PROGRAMS / "shell.c", flags=("-O1", "-g"))
    lines = (f"open {library}", "load first second", "predict 5", "self_test",
             "set fault_stalled_outputs 1", "predict 2", "reset", "")  # fmt: skip
    commands = "\n".join(lines)
    command = ["valgrind", "--error-exitcode=9", "--leak-check=full", "--quiet", str(program)]
    printed = c_drivers.run(command, folder, given=commands.encode())
    assert [line.split()[-1] for line in printed.splitlines()] == ["0"] * 5 + ["15", "0"]
