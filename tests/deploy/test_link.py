"""The top module with a UART: what it is told, and what other tools say of it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from fpgacomp.deploy.link import TEMPLATES, link_top, timing_of, top_of
from fpgacomp.deploy.link_memory import LinkPort, window_of
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.host.toolchain import find_verilator
from fpgacomp.results.project import Project
from fpgacomp.runtime.framing import DeviceIdentity
from tests.engines.stream.rtl.test_lint import RULES, verible
from tests.support import uart
from tests.support.depth import deep

SOURCES = sorted(TEMPLATES.glob("*.sv"))
CLOCKS = (12_000_000, 25_000_000, 27_000_000, 48_000_000)
BAUDS = (115_200, 230_400, 460_800, 921_600, 1_000_000, 2_000_000, 3_000_000)
# What the link may take of an iCE40 UP5K beside the folded digits network, which takes 4,430.
MOST_LUT4 = 600


@lru_cache(maxsize=1)
def joined() -> tuple[RtlInterface, Project]:
    project, _ = uart.emit(uart.unfolded(uart.joined()))
    return RtlInterface.of(project), project


@pytest.mark.parametrize("clock_hz", CLOCKS)
@pytest.mark.parametrize("baud", BAUDS)
def test_usual_rates_come_from_usual_clocks(clock_hz: int, baud: int) -> None:
    oversample, increment = timing_of(clock_hz, baud)
    made = increment * clock_hz / (65536 * oversample)
    assert abs(made / baud - 1) < 0.01
    assert oversample == 8 or clock_hz < 8 * baud


@pytest.mark.parametrize(("clock_hz", "baud"), [(12_000_000, 3_100_000), (48_000_000, 300)])
def test_a_rate_that_the_clock_does_not_give_is_refused_with_those_that_it_does(
    clock_hz: int, baud: int
) -> None:
    with pytest.raises(UsageError, match="cannot be made from a clock") as error:
        timing_of(clock_hz, baud)
    for end in re.findall(r"from (\d+) to (\d+) baud", error.value.fix)[0]:
        timing_of(clock_hz, int(end))


def test_sizes_of_ports_are_those_on_the_line() -> None:
    interface, _ = joined()
    top = top_of(interface, 12_000_000, 3_000_000, window=None, patience_cycles=None)
    one, other = top.inputs
    assert (one.frame_bytes, one.beats, one.rest_bytes, one.slot_bytes) == (21, 2, 5, 32)
    assert (other.beat_bytes, top.window) == (16, 16)
    assert DeviceIdentity.parse(top.about) == DeviceIdentity(
        1, 16, interface.identity, 12_000_000, (21, 21), (20, 42)
    )
    # A packet of any frame counts to less than the number at which counting stops.
    assert (1 << top.length_bits) - 1 > 21 + 4
    assert 1 << (top.patience.bit_length() - 1) == top.patience > 12_000_000 / 16


@pytest.mark.parametrize(
    ("frame_bytes", "window"), [(1, 16), (32, 16), (33, 8), (64, 8), (65, 4), (256, 2), (9000, 2)]
)
def test_the_window_is_what_one_block_ram_holds(frame_bytes: int, window: int) -> None:
    assert window_of((LinkPort("x", 1, frame_bytes), LinkPort("y", 1, 1))) == window


def test_what_the_link_does_not_carry_is_refused() -> None:
    interface, _ = joined()
    many = replace(interface, inputs=interface.inputs * 9)
    with pytest.raises(UsageError, match="has 18 inputs; a packet tells 16 apart"):
        link_top(many, 12_000_000, 115_200)
    with pytest.raises(UsageError, match="a window of 3 frames is none of 2, 4, 8, 16"):
        link_top(interface, 12_000_000, 115_200, window=3)


def test_a_design_without_systemverilog_has_no_emulated_uart() -> None:
    uart.needs_verilator()
    with pytest.raises(UsageError, match="this design has none"):
        uart.library(Project({"hls/interface.json": b"{}"}))


def written(folder: Path, design: tuple[RtlInterface, Project]) -> list[Path]:
    """The sources of a design behind its link."""
    interface, project = design
    link = link_top(interface, 12_000_000, 3_000_000)
    Project({**project.files, **{f"link/{n}": c for n, c in link.files.items()}}).write(folder)
    return [*sorted((folder / "rtl" / "lib").glob("*.sv")), folder / "rtl" / f"{interface.top}.sv",
            *sorted((folder / "link").glob("*.sv"))]  # fmt: skip


def test_slang_elaborates_the_top_module(tmp_path: Path) -> None:
    driver_of = pytest.importorskip("pyslang.driver", reason="pyslang is not installed")
    driver = driver_of.Driver()
    driver.addStandardArgs()
    top = f"{joined()[0].top}_uart"
    options = ["-Wdefault", "-Werror", "-Wno-shift-count-overflow", "--top", top]
    command = ["slang", *options, *map(str, written(tmp_path, joined()))]
    assert driver.parseCommandLine(" ".join(command))
    assert driver.processOptions() and driver.parseAllSources()
    driver.reportCompilation(driver.createCompilation(), True)
    assert driver.reportDiagnostics(True)


@pytest.mark.slow
def test_verilator_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    try:
        verilator = find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    files = written(tmp_path, joined())
    waivers = [tmp_path / "rtl" / "waivers.vlt", TEMPLATES / "waivers.vlt"]
    command = [verilator.path, "--lint-only", "-Wall", *waivers, "--top-module",
               f"{joined()[0].top}_uart"]  # fmt: skip
    ran = subprocess.run(
        [str(word) for word in (*command, *files)], env=verilator.environment(),
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")


def test_verible_finds_nothing_to_complain_about_and_nothing_to_format() -> None:
    found = verible("verible-verilog-lint", RULES, *map(str, SOURCES))
    assert (found.returncode, found.stdout) == (0, "")
    other = [
        path.name
        for path in SOURCES
        if verible("verible-verilog-format", str(path)).stdout != path.read_text("utf-8")
    ]
    assert not other


def synthesized(family: str, design: tuple[RtlInterface, Project], folder: Path) -> dict[str, int]:
    """The cells of the link alone by Yosys: its accelerator is a black box."""
    files, top = written(folder, design), design[0].top
    accelerator = (folder / "rtl" / f"{top}.sv").read_text()
    header = accelerator[accelerator.index("\nmodule ") : accelerator.index(");\n") + 3]
    box, log, library = folder / "box.sv", folder / "stat.txt", folder / "rtl" / "lib"
    box.write_text(f"(* blackbox *)\n{header}endmodule\n")
    sources = [*(path for path in files if path.parent.name == "link"), box,
               library / "fpgacomp_fifo.sv", library / "fpgacomp_counter.sv"]  # fmt: skip
    passes = (
        f"read_slang -j 1 -D SYNTHESIS --top {top}_uart {' '.join(map(str, sources))}",
        f"synth_{family} -top {top}_uart",
        f"tee -o {log} stat",
    )
    code = "from pyosys import libyosys\n" + "".join(
        f"libyosys.run_pass({one!r})\n" for one in passes
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                         check=False, timeout=500)  # fmt: skip
    assert log.is_file(), ran.stdout[-2000:] + ran.stderr[-2000:]
    return {name: int(n) for n, name in re.findall(r"^ +(\d+) +(\w+)$", log.read_text(), re.M)}


yosys = pytest.mark.skipif(find_spec("pyosys") is None, reason="pip install pyosys==0.70")


@pytest.mark.slow
@yosys
@pytest.mark.parametrize(
    ("family", "memory"), [("ice40", "SB_RAM40_4K"), deep("ecp5", "DP16KD"), deep("gowin", "DPX9B")]
)
def test_yosys_puts_the_frames_into_block_ram(family: str, memory: str, tmp_path: Path) -> None:
    """A block for each of the two inputs."""
    assert synthesized(family, joined(), tmp_path)[memory] == 2


@pytest.mark.slow
@yosys
def test_the_link_leaves_room_for_the_digits_network(tmp_path: Path) -> None:
    """On iCE40 UP5K: a block RAM and about 450 LUT4 were measured with Yosys 0.70."""
    project, _ = uart.emit(uart.digits())
    found = synthesized("ice40", (RtlInterface.of(project), project), tmp_path)
    assert found["SB_RAM40_4K"] == 1 and 300 < found["SB_LUT4"] < MOST_LUT4
