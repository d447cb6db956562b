"""`fpgacomp build DIR --bitstream FILE`: what another machine built, back into the build folder."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.bitstream.job import BuildOptions
from fpgacomp.bitstream.vendor.bit_file import read_bit
from fpgacomp.bitstream.vendor.handoff import read_handoff
from fpgacomp.bitstream.vendor.xclbin import read_xclbin
from fpgacomp.cli.app import app
from fpgacomp.errors import FpgacompError, InputDataError, Problems, UsageError
from fpgacomp.flows.bring import bring_bitstream
from fpgacomp.flows.build import build
from fpgacomp.report import built_by_vendor
from fpgacomp.runtime.archive import open_package
from tests.support import tool_reports
from tests.support.tiny_builds import tiny_build
from tests.support.vendor_files import bit, hwh, xclbin

bring = partial(bring_bitstream, trust=True)
SYSTEM, TOP, PART = "tiny_system", "tiny_system_wrapper", "7z020clg400"
IP = "fpgacomp:accelerator:tiny:1.0"
REGISTERS = {"accelerator": (0x43C0_0000, 0x1000), "dma0": (0x4040_0000, 0x10000)}
HWH = hwh(SYSTEM, REGISTERS, accelerator=IP)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_build(tmp_path_factory.mktemp("tiny"), "pynq-z2", 100.0)


@dataclass(frozen=True)
class Case:
    """A build folder, and a folder of what Vivado made elsewhere."""

    build: Path
    made: Path

    def file(self, name: str, content: bytes) -> Path:
        (self.made / name).write_bytes(content)
        return self.made / name

    def report(self) -> Any:
        return json.loads((self.build / "bitstream/report.json").read_bytes())


@pytest.fixture
def case(compiled: Path, tmp_path: Path) -> Case:
    (tmp_path / "made").mkdir()
    return Case(Path(shutil.copytree(compiled, tmp_path / "build")), tmp_path / "made")


def package(case: Case, out: Path) -> tuple[str, dict[str, bytes]]:
    fpgacomp.package(case.build, out, trust=True)
    with open_package(out) as found:
        files = {name: b"".join(found.chunks(name)) for name in found.members}
        return found.manifest.contents, files


@pytest.mark.slow
def test_a_bitstream_that_is_brought_is_checked_recorded_and_packaged(
    case: Case, tmp_path: Path
) -> None:
    content = bit(TOP, PART)
    given = case.file("mine.bit", content)
    case.file("mine.hwh", HWH)  # taken along, as it lies beside it
    timing = case.file("timing.rpt", tool_reports.timing(TOP).encode())
    found = bring(case.build, given, timing=timing)
    assert found.met and found.folder == case.build / "bitstream"
    report = case.report()
    assert report["status"] == "ok" and report["bitstream"] == "tiny.bit"
    assert report["tools"] == {"vivado": "2022.2"}
    assert report["slack_ns"] == {"setup": 1.25, "hold": 0.05, "pulses": None}
    brought = report["brought"]
    assert brought["files"]["tiny.bit"] == {
        "name": "mine.bit", "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    assert brought["timing"] == "met" and brought["made"] == "2026/01/05 10:00:00"
    assert "registers do" in brought["unchecked"][0] and len(brought["unchecked"]) == 1
    assert (case.build / "bitstream/build.tcl").is_file()  # the scripts stay beside it
    contents, files = package(case, tmp_path / "x.fpga")
    assert contents == "bitstream"
    assert files["bitstream/tiny.bit"] == content and files["bitstream/tiny.hwh"] == HWH
    card = files["MODEL_CARD.md"].decode()
    assert "brought in by hand" in card and hashlib.sha256(content).hexdigest() in card
    assert "identity of the network: the device's registers do" in card
    assert "with 1.25 ns to spare" in card


@pytest.mark.slow
def test_what_was_not_given_is_told_as_not_known(case: Case, tmp_path: Path) -> None:
    found = bring(case.build, case.file("tiny.bit", bit(TOP, PART)))
    brought = case.report()["brought"]
    assert brought["timing"] == "not stated"
    assert "PYNQ does not load" in brought["unchecked"][1]
    assert "not stated" in brought["unchecked"][2]
    assert found.summary()["slack_ns"] is None
    card = package(case, tmp_path / "x.fpga")[1]["MODEL_CARD.md"].decode()
    assert "whether the clock is met is not stated" in card
    assert "its timing was met" not in card


@pytest.mark.slow
def test_the_folder_that_came_back_from_the_other_machine_is_taken_as_it_is(case: Case) -> None:
    build(case.build, options=BuildOptions(scripts_only=True), trust=True)
    made = case.build / "bitstream"
    (made / "tiny.bit").write_bytes(bit(TOP, PART))
    (made / "tiny.hwh").write_bytes(HWH)
    (made / "reports").mkdir()
    (made / "reports/timing.txt").write_text("setup 0.5 hold 0.02 pulses 0\n")
    bring(case.build, made / "tiny.bit", timing=made / "reports/timing.txt")
    assert case.report()["slack_ns"] == {"setup": 0.5, "hold": 0.02, "pulses": 0}
    again = bit(TOP, PART, data=b"\xff" * 64)
    (made / "tiny.bit").write_bytes(again)  # built once more, over the one that was brought
    bring(case.build, made / "tiny.bit")
    assert (made / "tiny.bit").read_bytes() == again
    (made / "build.tcl").write_text("# mine")
    with pytest.raises(UsageError, match=r"build\.tcl: was edited since `build` wrote it"):
        bring(case.build, made / "tiny.bit")


@pytest.mark.slow
def test_source_and_rate_are_those_of_the_scripts_that_were_written(tmp_path: Path) -> None:
    made = tiny_build(tmp_path, "arty-a7-35t", 100.0)
    build(made, options=BuildOptions(scripts_only=True, baud=115_200), trust=True)
    brought = tmp_path / "fpgacomp_board.bit"
    brought.write_bytes(bit("fpgacomp_board", "7a35ticsg324"))
    bring(made, brought)
    report = json.loads((made / "bitstream/report.json").read_bytes())
    assert report["host_link"] == {"kind": "uart", "baud": 115_200}
    assert report["bitstream"] == "tiny.bit" and len(report["brought"]["unchecked"]) == 2
    with pytest.raises(UsageError, match="has none"):
        (tmp_path / "x.hwh").write_bytes(HWH)
        bring(made, brought, hwh=tmp_path / "x.hwh")


WRONG_BITS = {
    "part": (bit(TOP, "7z010clg400"), r"is for the part 7z010clg400, and pynq-z2 has xc7z020clg4"),
    "a part cut short": (bit(TOP, "7z02"), "is for the part 7z02,"),
    "design": (bit("design_1_wrapper", PART), "of the design design_1_wrapper, and the scripts"),
    "cut off": (bit(TOP, PART)[:-1], "was cut off or lengthened"),
    "lengthened": (bit(TOP, PART, more=b"\0"), "was cut off or lengthened"),
    "no bit file": (b"\x7fELF" + bytes(100), r"is no \.bit file of Vivado"),
    "empty": (b"", r"is no \.bit file of Vivado"),
    "its header alone": (bit(TOP, PART)[:40], "has a damaged header"),
    "no configuration": (bit(TOP, PART).replace(bytes.fromhex("aa995566"), bytes(4)), "sync word"),
    "an .xclbin": (xclbin("xilinx_u50", []), r"is no \.bit file of Vivado"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WRONG_BITS)
def test_a_bit_file_of_something_else_is_refused(what: str, case: Case) -> None:
    content, why = WRONG_BITS[what]
    with pytest.raises(InputDataError, match=why) as caught:
        bring(case.build, case.file("x.bit", content))
    assert caught.value.fix and not (case.build / "bitstream").exists()


WRONG_HWH = {
    "system": (hwh("design_1", REGISTERS, accelerator=IP), "describes 'design_1'"),
    "part": (hwh(SYSTEM, REGISTERS, accelerator=IP, device="7z010"), "is for the part 7z010-clg40"),
    "IP": (hwh(SYSTEM, REGISTERS, accelerator="a:b:c:1"), "has a:b:c:1 where the accelerator fpga"),
    "release": (hwh(SYSTEM, REGISTERS, accelerator=IP, release="2019.1"), "by Vivado 2019.1, and"),
    "address": (
        hwh(SYSTEM, {**REGISTERS, "dma0": (0x4041_0000, 0x10000)}, accelerator=IP),
        "registers of dma0 at 0x40410000, 65,536 bytes, and the driver looks for them at 0x404000",
    ),
    "size": (
        hwh(SYSTEM, {**REGISTERS, "accelerator": (0x43C0_0000, 0x100)}, accelerator=IP),
        "registers of accelerator at 0x43c00000, 256 bytes",
    ),
    "no DMA": (
        hwh(SYSTEM, {"accelerator": REGISTERS["accelerator"]}, accelerator=IP), "of dma0 nowhere",
    ),
    "no XML": (b"bits", r"is no \.hwh file"),
    "other XML": (b"<html/>", r"is no \.hwh file"),
    "entities": (
        b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 100 + b'">]><EDKSYSTEM/>', "declares a document type",
    ),
    "a damaged address": (HWH.replace(b'BASEVALUE="0x43', b'BASEVALUE="zz'), "damaged address"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", WRONG_HWH)
def test_a_description_of_other_hardware_is_refused(what: str, case: Case) -> None:
    content, why = WRONG_HWH[what]
    with pytest.raises((InputDataError, Problems), match=why):
        bring(case.build, case.file("x.bit", bit(TOP, PART)), hwh=case.file("y.hwh", content))
    assert not (case.build / "bitstream").exists()


WRONG_TIMINGS: dict[str, tuple[bytes, str]] = {
    "a clock that is missed": (tool_reports.timing(TOP, slack=-0.5).encode(), "100 MHz is not met"),
    "pulses": (b"setup 1 hold 1 pulses -1", "100 MHz is not met"),
    "not a number": (b"setup nan hold 1 pulses 1", "is no report that is known"),
    "another design": (tool_reports.timing("other").encode(), "is of the design other"),
    "an estimate": (tool_reports.timing(TOP, state="Synthesized").encode(), "of a routed design"),
    "another report": (tool_reports.power(TOP).encode(), "no timing report of a routed design"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WRONG_TIMINGS)
def test_a_timing_report_that_does_not_bear_the_bitstream_out_is_refused(
    what: str, case: Case
) -> None:
    content, why = WRONG_TIMINGS[what]
    timing = case.file("timing.rpt", content)
    with pytest.raises(InputDataError, match=why):
        bring(case.build, case.file("x.bit", bit(TOP, PART)), timing=timing)


def test_a_clock_that_the_processor_makes_otherwise_is_told(case: Case) -> None:
    timing = case.file("t.rpt", tool_reports.timing(TOP, period=12.5).encode())
    found = bring(case.build, case.file("x.bit", bit(TOP, PART)), timing=timing)
    assert case.report()["clock_mhz"] == {"wanted": 100.0, "set": 80.0}
    told = [text for text, _ in built_by_vendor.lines(found.summary())]
    assert "beware: made for a clock of 80 MHz, and the design was compiled for 100 MHz" in told


@pytest.mark.slow
def test_an_xclbin_is_known_by_the_identity_in_its_movers(tmp_path: Path) -> None:
    made = tiny_build(tmp_path, "alveo-u50", 250.0)
    identity = json.loads((made / "software/deployment.json").read_bytes())["identity"]
    platform = "xilinx_u50_gen3x16_xdma_5_202210_1"

    def kernels(of: str) -> list[str]:
        movers = [f"fpgacomp_mm2s_{bits}:mm2s_0_{of}" for bits in (8, 16, 32, 64)]
        movers += [f"fpgacomp_s2mm_{bits}:s2mm_0_{of}" for bits in (8, 16, 32, 64)]
        return ["tiny_kernel:accelerator", *movers]

    def changed(at: int, content: bytes) -> bytes:
        whole = bytearray(xclbin(platform, kernels(identity)))
        whole[at : at + len(content)] = content
        return bytes(whole)

    file = tmp_path / "x.xclbin"
    wrong: list[tuple[bytes, str]] = [
        (xclbin(platform, kernels("0" * 32)), "was linked for another network"),
        (xclbin(platform, kernels(identity)[1:]), "it lacks tiny_kernel"),
        (xclbin("xilinx_u250", kernels(identity)), "is for the platform xilinx_u250, and the"),
        (xclbin(platform, kernels(identity))[:-8], "was cut off or lengthened"),
        (bit(TOP, PART), r"is no \.xclbin file"),
        (changed(448, b"\xff\xff\xff\x7f"), "is damaged .*2,147,483,647 sections"),
        (changed(456 + 40 + 24, b"\xff" * 8), "is damaged .*section 1 ends behind the file"),
        # The clocks are called a second layout: any number of them could lie over each other.
        (changed(456 + 2 * 40, b"\x08\0\0\0"), "is damaged .*two sections of kind 8"),
        (changed(456 + 3 * 40 + 40, b"\xff\xff\xff\x7f"), "a section states 2147483647 entries"),
    ]
    for content, why in wrong:
        file.write_bytes(content)
        with pytest.raises(InputDataError, match=why):
            bring(made, file)
    file.write_bytes(xclbin(platform, kernels(identity), clock_mhz=211))
    bring(made, file)
    report = json.loads((made / "bitstream/report.json").read_bytes())
    assert report["clock_mhz"] == {"wanted": 250.0, "set": 211.0}
    assert identity in report["brought"]["checked"][1]
    with pytest.raises(UsageError, match=r"--timing .* is not there for alveo-u50"):
        bring(made, file, timing=file)


@pytest.mark.slow
def test_where_tools_are_open_the_bitstream_is_built_and_not_brought(tmp_path: Path) -> None:
    made = tiny_build(tmp_path, "icebreaker", 12.0)
    (tmp_path / "x.bit").write_bytes(bit(TOP, PART))
    with pytest.raises(UsageError, match="its tools are open and build here"):
        bring(made, tmp_path / "x.bit")


@pytest.mark.slow
def test_the_command_line_tells_what_was_checked_and_what_was_not(case: Case) -> None:
    given, folder = case.file("tiny.bit", bit(TOP, PART)), str(case.build)
    run: Callable[..., Any] = partial(CliRunner().invoke, app)
    found = run(["build", folder, "--trust", "--bitstream", str(given)])
    assert found.exit_code == 0, found.output
    assert "BROUGHT for TUL PYNQ-Z2" in found.output and "not checked  No timing" in found.output
    lonely = run(["build", folder, "--hwh", str(given)])
    assert lonely.exit_code == 2 and "add --bitstream FILE" in lonely.output
    both = run(["build", folder, "--bitstream", str(given), "--scripts-only"])
    assert both.exit_code == 2
    shutil.rmtree(case.build / "bitstream")
    scripts = run(["build", folder, "--trust", "--scripts-only"])
    said = scripts.output.replace("\n", "")
    made = f"{folder}/bitstream"
    again = f"--bitstream {made}/tiny.bit --timing {made}/reports/timing.rpt"
    assert f"fpgacomp build {folder} {again}" in said


def test_a_file_that_is_not_there_or_no_file_is_told(case: Case) -> None:
    for name in (case.made / "none.bit", case.made):
        with pytest.raises(FpgacompError) as caught:
            bring(case.build, name)
        assert caught.value.fix


@pytest.mark.slow
def test_scripts_take_no_bitstream_away(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    bring(case.build, case.file("tiny.bit", bit(TOP, PART)))
    for options in (BuildOptions(scripts_only=True), BuildOptions()):
        with pytest.raises(UsageError, match="holds a bitstream, which scripts alone would repl"):
            build(case.build, options=options, trust=True)
    assert (case.build / "bitstream/tiny.bit").is_file()


@pytest.mark.parametrize(
    ("read", "whole"),
    [
        (read_bit, bit(TOP, PART)),
        (read_handoff, HWH),
        (read_xclbin, xclbin("xilinx_u50", ["a:b"] * 5)),
    ],
)
def test_damaged_files_are_told_and_never_crash(
    read: Callable[[bytes, str], object], whole: bytes
) -> None:
    draw = random.Random(5)
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            new = draw.choice((b"", draw.randbytes(draw.randint(1, 9)), b"\xff" * 8, b"\0" * 8))
            data[at : at + draw.randint(0, 20)] = new
        with suppress(InputDataError):
            read(bytes(data), "file")
    for end in range(0, len(whole), 7):
        with pytest.raises(InputDataError):
            read(whole[:end], "file")
