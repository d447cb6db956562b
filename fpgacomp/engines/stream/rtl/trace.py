"""Waveforms of a simulated design: what each file format asks of Verilator, g++ and the machine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fpgacomp.engines.shared.csim_process import run_compilers
from fpgacomp.errors import FileSystemError, ToolError, UsageError
from fpgacomp.host.scratch import scratch_folder
from fpgacomp.host.toolchain import Compiler
from fpgacomp.results.project import Project

# Words of FIFOs and rows of weights are wider than the 256 bits that Verilator stops at; a
# nanosecond of the file is a clock cycle, so that its times are those of the measured cycles.
_VERILATE = ("--trace-max-width", "1000000", "--timescale", "1ns/1ps")


@dataclass(frozen=True)
class TraceFormat:
    """A format of waveforms.

    Args:
        verilate: options of Verilator.
        define: how sim_main.cpp knows it.
        runtime: Verilator's own C++ that writes it.
        libraries: that this needs.
        needs: what they are called, or "".
        uses: a C++ program that builds where they are installed.
        install: what installs them.
    """

    verilate: tuple[str, ...]
    define: str
    runtime: str
    libraries: tuple[str, ...] = ()
    needs: str = ""
    uses: str = ""
    install: str = ""


FORMATS: Mapping[str, TraceFormat] = {
    ".fst": TraceFormat(
        ("--trace-fst", *_VERILATE), "-DFPGACOMP_FST", "verilated_fst_c.cpp", ("-llz4", "-lz"),
        "lz4 and zlib",
        "#include <lz4.h>\n#include <zlib.h>\n"
        "int main() { return LZ4_versionNumber() == 0 || zlibVersion() == nullptr; }\n",
        "apt-get install liblz4-dev zlib1g-dev",
    ),
    ".vcd": TraceFormat(("--trace-vcd", *_VERILATE), "-DFPGACOMP_VCD", "verilated_vcd_c.cpp"),
}  # fmt: skip


def format_of(path: Path, project: Project) -> TraceFormat:
    """The format of a file of waveforms, by its ending.

    Raises:
        UsageError: the project's simulation program writes none, because it is older.
    """
    found = FORMATS[path.suffix.lower()]
    if found.define.removeprefix("-D").encode() not in project.files["rtl/sim_main.cpp"]:
        raise UsageError(
            f"--trace {path}",
            "cannot be written: an earlier fpgacomp made this build, whose simulation has none.",
            "compile the network again.",
        )
    return found


def check_libraries(wanted: TraceFormat, compiler: Compiler) -> None:
    """Build a small program with the format's libraries.

    Raises:
        ToolError: they, or their headers, are not installed.
    """
    if not wanted.needs:
        return
    with scratch_folder() as scratch:
        source = scratch / "uses.cpp"
        source.write_text(wanted.uses, encoding="utf-8")
        command = [str(compiler.path), str(source), *wanted.libraries, "-o", str(source) + ".out"]
        try:
            run_compilers([command])
        except ToolError as error:
            raise ToolError(
                "FST waveforms",
                f"{wanted.needs}, which compress them, are not installed with their C headers.",
                f"install them with: {wanted.install}; or name a .vcd file, which needs none.",
            ) from error


def check_whole(path: Path) -> None:
    """Whether an FST file, a sequence of blocks with their lengths, is there up to its end.

    Verilator does not look whether its writes succeed; of VCD files it does.

    Raises:
        FileSystemError: the file ends within a block, or was left open.
    """
    if path.suffix.lower() != ".fst" or not path.is_file():
        return
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(9)
            if len(head) < 9 or head[0] == _OPEN:
                break
            at += 1 + int.from_bytes(head[1:], "big")
    if at != size or size == 0:
        free = shutil.disk_usage(path.parent).free
        raise FileSystemError(
            f"--trace {path}",
            f"was not written whole; {free / 1e6:,.0f} MB are free there.",
            "free some space, name a file elsewhere, or simulate fewer samples.",
        )


_OPEN = 255  # kind of a block that is not finished
