"""What a package is made of and what the device needs besides, each with its licence (SPDX)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

APACHE = "Apache-2.0"
RUNTIME = "fpgacomp_runtime"


@dataclass(frozen=True)
class PackagePart:
    """Files of the package that somebody wrote or generated.

    Args:
        name: of the component, as an SBOM calls it.
        title: for people.
        version: of whoever wrote them; "" where it is not known.
        files: which files, for people.
        licence: as SPDX writes it.
        purl: package URL; "" where there is none.
    """

    name: str
    title: str
    version: str
    files: str
    licence: str
    purl: str = ""


@dataclass(frozen=True)
class DeviceNeed:
    """A Python package that the device gets from elsewhere.

    Args:
        name: in the Python package index.
        title: the name and the versions, for people.
        purpose: what it is needed for.
        licence: as SPDX writes it, of its current version.
        required: whether nothing works without it.
    """

    name: str
    title: str
    purpose: str
    licence: str
    required: bool

    @property
    def purl(self) -> str:
        """Its package URL, without a version: the device chooses one."""
        return f"pkg:pypi/{self.name}"


def parts_of(paths: Iterable[str], fpgacomp: str, tools: dict[str, str]) -> tuple[PackagePart, ...]:
    """The parts that have files in a package.

    Args:
        paths: of all its files.
        fpgacomp: version of the compiler that made the build.
        tools: versions of the tools whose files the build holds, by name.
    """
    names = tuple(paths)
    hls4ml = tools.get("hls4ml", "")
    own = f"pkg:pypi/fpgacomp@{fpgacomp}"
    found = [
        PackagePart("fpgacomp", "fpgacomp: generated files and texts", fpgacomp,
             "everything that no other line names", APACHE, own),
        PackagePart("fpgacomp-runtime", "fpgacomp's device runtime", fpgacomp, f"{RUNTIME}/", APACHE),
    ]  # fmt: skip
    if any(path.startswith("rtl/lib/") for path in names):
        found.append(PackagePart("fpgacomp-rtl-library", "fpgacomp's library of SystemVerilog operators",
                          fpgacomp, "rtl/lib/", APACHE))  # fmt: skip
    if any(path.startswith("hls/include/fpgacomp/") for path in names):
        found.append(PackagePart("fpgacomp-hls-library", "fpgacomp's library of C++ operators", fpgacomp,
                          "hls/include/, hls/csim_include/", APACHE))  # fmt: skip
    if any(path.startswith("hls/firmware/") for path in names):
        found.append(PackagePart("fpgacomp-hls4ml-kernels", "fpgacomp's kernels for hls4ml", fpgacomp,
                          "hls/firmware/nnet_utils/fpgacomp_*", APACHE))  # fmt: skip
        at = f"@{hls4ml}" if hls4ml else ""
        found.append(PackagePart("hls4ml", "hls4ml: its kernels, and C++ that it generated", hls4ml,
                          "hls/firmware/, but for the two lines beside", APACHE,
                          f"pkg:pypi/hls4ml{at}"))  # fmt: skip
    if any(path.startswith("hls/firmware/ap_types/") for path in names):
        found.append(PackagePart("HLS_arbitrary_Precision_Types",
                          "Xilinx's open arbitrary-precision types, as hls4ml ships them", "",
                          "hls/firmware/ap_types/", APACHE,
                          "pkg:github/Xilinx/HLS_arbitrary_Precision_Types"))  # fmt: skip
    return tuple(found)


def needs_of(*, host_nodes: bool, signed: bool) -> tuple[DeviceNeed, ...]:
    """What the device needs besides the package and Python.

    Args:
        host_nodes: a software side has operators that the runtime has not in numpy.
        signed: the package carries a signature.
    """
    found = [DeviceNeed("numpy", "numpy", "the device runtime", "BSD-3-Clause", True)]
    if host_nodes:
        found.append(DeviceNeed("onnxruntime", "onnxruntime", "the software side of this network", "MIT",
                          True))  # fmt: skip
    if signed:
        found.append(DeviceNeed("cryptography", "cryptography 2.6 or later",
                          "checking the signature of a package, where a key is configured",
                          "Apache-2.0 OR BSD-3-Clause", False))  # fmt: skip
    return tuple(found)
