"""Which headers the emitted firmware is compiled against in C-simulation, and g++'s flags for them.

The native ones carry every integer in a native integer of at least its width and leave out what
only prints or reads files: g++ takes a tenth of the time for them, and the program is some ten
times faster. The open ones are those of the vendor, which hls4ml copies into each project. The
firmware is the same, down to the last byte. Of hls4ml's kernels, which it calls, the native headers
replace one family: dense layers under the Resource strategy, whose order no processor does quickly.
"""

from __future__ import annotations

import re
from pathlib import Path

from fpgacomp.engines.shared.csim_process import SILENT
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import Compiler
from fpgacomp.results.project import Project

# Widest integer of the native headers (their ap_int.h says so, and refuses wider ones).
_NATIVE_BITS = 128
# The kernels' widest results are a product of two declared types, summed with another product and
# rounded: some bits more than twice the widest type.
_GUARD_BITS = 8
_TYPE = re.compile(rb"\bap_u?int<(\d+)>")
_FRACTION = re.compile(rb"\bap_u?fixed<")
_WINDOW = re.compile(rb"\bfilt_(?:height|width) = (\d+);")
# -fwrapv: sums gather in native integers, which must wrap as hardware does. -march=native: the
# program runs on the machine that compiles it. -fno-exceptions: nothing throws; with
# -fno-threadsafe-statics, nothing of the C++ library is called, and the program starts sooner.
# -O2: at -O1 g++ 12 computes one integer of a lookup wrongly, in code in which neither the
# sanitizers nor Valgrind find a fault; -fno-ipa-modref, among others, mends it.
_NATIVE = ("-std=c++14", "-O2", "-fwrapv", *SILENT, "-march=native", "-fno-exceptions",
           "-fno-threadsafe-statics")  # fmt: skip
# Shared additions are thousands of statements without a branch. GCC's pass that combines
# instructions takes time by the square of them (39 of 44 s for 1,700 additions) and gains nothing.
_STRAIGHT_GCC = ("-fdisable-rtl-combine",)
_STRAIGHT = re.compile(r"hls/firmware/sums_[^/]+\.h")
# A few frames only: compiling is what takes the time.
_OPEN = ("-std=c++11", "-O1", *SILENT)


def native_headers_carry(project: Project) -> bool:
    """Whether every integer that the firmware computes fits the native headers' widest one."""
    files = [
        content
        for path, content in project.files.items()
        if re.fullmatch(r"hls/firmware/[^/]+\.(h|cpp)", path)
    ]
    if any(_FRACTION.search(content) for content in files):
        return False
    widths = [int(width) for content in files for width in _TYPE.findall(content)]
    # hls4ml declares one bit per position of a kernel's window.
    windows = [
        int(high) * int(wide)
        for content in files
        for high, wide in _pairs([int(n) for n in _WINDOW.findall(content)])
    ]
    return (
        2 * max(widths, default=1) + _GUARD_BITS <= _NATIVE_BITS
        and max(windows, default=1) <= _NATIVE_BITS
    )


def _pairs(numbers: list[int]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2]))


def firmware_flags(
    project: Project, compiler: Compiler, hls: Path, *, native: bool
) -> tuple[str, ...]:
    """The compiler's flags for the firmware of `project` below `hls`."""
    kernels = data_folder("hls_templates") / "hls4ml/csim/native/nnet_dense_resource_native.h"
    straight = compiler.is_gcc and any(map(_STRAIGHT.fullmatch, project.files))
    return (
        *flags(hls, native=native),
        *(_STRAIGHT_GCC if straight else ()),
        *(("-include", str(kernels)) if native else ()),
    )


def flags(hls: Path, *, native: bool) -> tuple[str, ...]:
    """g++'s flags for the program around the firmware below `hls`."""
    own = data_folder("hls_templates")
    if not native:
        folders = (own / "hls4ml/csim/open", hls, hls / "firmware", hls / "firmware/ap_types")
        return (*_OPEN, *(f"-I{folder}" for folder in folders))
    first = own / "hls4ml/csim/native"
    folders = (first, own / "stream/csim_include", hls, hls / "firmware")
    helpers = ("-include", str(first / "nnet_helpers_native.h"))
    return (*_NATIVE, *helpers, *(f"-I{folder}" for folder in folders))
