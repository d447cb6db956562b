"""The Linux platform on a folder that looks as UIO and u-dma-buf do below /sys and /dev."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import c_drivers
from tests.support.c_drivers import PROGRAMS, SANITIZERS

pytestmark = c_drivers.needs_gcc
PORTS = (c_drivers.port("a", 10), c_drivers.port("b", 10))
BUFFER = 0x1F300000
# Numbers of the devices: not in order, and with a stranger's between them.
DEVICES = {0: ("fpgacomp-dma1", 0x40410000), 3: ("other", 0x40000000),
           4: ("fpgacomp-control", 0x43C00000), 12: ("fpgacomp-dma0", 0x40400000)}  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    design = c_drivers.deployment(PORTS, PORTS[:1], name="two")
    folder = c_drivers.write_driver(design, tmp_path_factory.mktemp("uio"))
    core = ("fpgacomp", "fpgacomp_axi", "fpgacomp_dma", "fpgacomp_regs", "hal_linux_uio")
    return c_drivers.compiled(folder, "two", PROGRAMS / "uio.c", flags=SANITIZERS, core=core)


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Files in place of the devices."""
    for number, (name, address) in DEVICES.items():
        uio = tmp_path / f"sys/class/uio/uio{number}"
        (uio / "maps/map0").mkdir(parents=True)
        (uio / "name").write_text(f"{name}\n")
        (uio / "maps/map0/addr").write_text(f"0x{address:08x}\n")
        (uio / "maps/map0/size").write_text("0x0000000000001000\n")
        device = tmp_path / f"dev/uio{number}"
        device.parent.mkdir(exist_ok=True)
        device.write_bytes(bytes(4096))
    buffer = tmp_path / "sys/class/u-dma-buf/fpgacomp-buffer"
    buffer.mkdir(parents=True)
    values = {"phys_addr": f"0x{BUFFER:x}", "size": "8192", "dma_coherent": "0",
              "sync_for_cpu": "", "sync_for_device": ""}  # fmt: skip
    for attribute, value in values.items():
        (buffer / attribute).write_text(f"{value}\n" if value else "")
    (tmp_path / "dev/fpgacomp-buffer").write_bytes(bytes(8192))
    control = bytearray(4096)
    control[0x10:0x14] = (0xFEEDF00D).to_bytes(4, "little")
    (tmp_path / "dev/uio4").write_bytes(control)
    return tmp_path


@pytest.mark.slow
def test_registers_memory_and_caches_are_reached(program: Path, board: Path) -> None:
    printed = c_drivers.run([str(program)], board).split("\n")
    assert printed[:6] == ["0", f"{BUFFER:x} 8192", "feedf00d", "ffffffff", "0 0", "1"]
    content = {n: (board / f"dev/uio{n}").read_bytes() for n in DEVICES}
    assert int.from_bytes(content[4][0xC:0x10], "little") == 0x12345678
    assert int.from_bytes(content[0][0x58:0x5C], "little") == 0x9ABCDEF0
    assert content[3] == content[12] == bytes(4096)
    assert (board / "dev/fpgacomp-buffer").read_bytes()[65] == 0xA5
    attributes = board / "sys/class/u-dma-buf/fpgacomp-buffer"
    # Offset, and behind it the size in whole 16 bytes with the bit of the command.
    assert (attributes / "sync_for_device").read_text() == "0x0000004000000021"
    assert (attributes / "sync_for_cpu").read_text() == "0x0000008000000041"


@pytest.mark.slow
def test_coherent_memory_is_never_synchronized(program: Path, board: Path) -> None:
    attributes = board / "sys/class/u-dma-buf/fpgacomp-buffer"
    (attributes / "dma_coherent").write_text("1\n")
    assert c_drivers.run([str(program)], board).startswith("0\n")
    assert (attributes / "sync_for_device").read_text() == ""


def test_a_device_that_another_program_has_is_refused(program: Path, board: Path) -> None:
    with (board / "dev/uio4").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert c_drivers.run([str(program)], board) == "29\n"
    assert c_drivers.run([str(program)], board).startswith("0\n")


SYS, UIO = "sys/class/u-dma-buf/fpgacomp-buffer", "sys/class/uio"


@pytest.mark.parametrize(
    ("damage", "status"),
    [
        (lambda b: (b / UIO / "uio4/name").write_text("else\n"), 3),
        (lambda b: (b / UIO / "uio12/maps/map0/addr").unlink(), 3),
        (lambda b: (b / UIO / "uio12/maps/map0/addr").write_text("none\n"), 3),
        (lambda b: (b / UIO / "uio12/maps/map0/addr").write_text("0x40420000\n"), 5),
        (lambda b: (b / UIO / "uio12/maps/map0/size").write_text("0x100\n"), 5),
        (lambda b: (b / "dev/uio0").unlink(), 4),
        (lambda b: (b / SYS / "phys_addr").unlink(), 3),
        (lambda b: (b / SYS / "size").write_text("64\n"), 6),
        (lambda b: (b / "dev/fpgacomp-buffer").unlink(), 4),
        (lambda b: (b / SYS / "sync_for_cpu").unlink(), 4),
    ],
)
def test_what_is_missing_or_wrong_has_its_code(
    damage: Callable[[Path], None], status: int, program: Path, board: Path
) -> None:
    damage(board)
    assert c_drivers.run([str(program)], board) == f"{status}\n"
