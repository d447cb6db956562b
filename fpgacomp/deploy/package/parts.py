"""What a package is made of and what the device needs besides, each with its licence (SPDX)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


# Title and files of each part, and the beginning of a path by which it is known to be there.
_LIBRARIES = (
    ("software/c/", "fpgacomp-c-driver", "fpgacomp's driver in C", "software/c/"),
    ("rtl/lib/", "fpgacomp-rtl-library", "fpgacomp's library of SystemVerilog operators",
     "rtl/lib/"),
    ("hls/include/fpgacomp/", "fpgacomp-hls-library", "fpgacomp's library of C++ operators",
     "hls/include/, hls/csim_include/"),
    ("hls/firmware/nnet_utils/fpgacomp_", "fpgacomp-hls4ml-kernels",
     "fpgacomp's kernels for hls4ml", "hls/firmware/nnet_utils/fpgacomp_*"),
)  # fmt: skip
_AP_TYPES = PackagePart(
    name="HLS_arbitrary_Precision_Types",
    title="Xilinx's open arbitrary-precision types, as hls4ml ships them",
    version="",
    files="hls/firmware/ap_types/",
    licence=APACHE,
    purl="pkg:github/Xilinx/HLS_arbitrary_Precision_Types",
)


def parts_of(
    paths: Iterable[str], fpgacomp: str, tools: Mapping[str, str]
) -> tuple[PackagePart, ...]:
    """The parts that have files in a package.

    Args:
        paths: of all its files.
        fpgacomp: version of the compiler that made the build.
        tools: versions of the tools whose files the build holds, by name.
    """
    names = tuple(paths)
    own = f"pkg:pypi/fpgacomp@{fpgacomp}"
    title, rest = "fpgacomp: generated files and texts", "everything that no other line names"
    found = [
        PackagePart("fpgacomp", title, fpgacomp, rest, APACHE, own),
        PackagePart(
            "fpgacomp-runtime", "fpgacomp's device runtime", fpgacomp, f"{RUNTIME}/", APACHE
        ),
    ]
    for start, name, title, files in _LIBRARIES:
        if any(path.startswith(start) for path in names):
            found.append(PackagePart(name, title, fpgacomp, files, APACHE))
    if any(path.startswith("hls/firmware/") for path in names):
        found.append(_hls4ml(tools.get("hls4ml", "")))
    if any(path.startswith("hls/firmware/ap_types/") for path in names):
        found.append(_AP_TYPES)
    return tuple(found)


def _hls4ml(version: str) -> PackagePart:
    return PackagePart(
        name="hls4ml",
        title="hls4ml: its kernels, and C++ that it generated",
        version=version,
        files="hls/firmware/ without what other lines name",
        licence=APACHE,
        purl=f"pkg:pypi/hls4ml@{version}" if version else "pkg:pypi/hls4ml",
    )


# Name, title, purpose and licence of what only some devices need.
_OPTIONAL = (
    ("bottle", "bottle", "serving predictions over HTTP", "MIT"),
    ("cryptography", "cryptography 2.6 or later",
     "checking the signature of a package, where a key is configured",
     "Apache-2.0 OR BSD-3-Clause"),
    ("paho-mqtt", "paho-mqtt 2", "serving predictions over MQTT", "EPL-2.0 OR BSD-3-Clause"),
    ("pynq", "pynq 2.7 or 3", "boards under PYNQ", "BSD-3-Clause"),
    ("pyserial", "pyserial", "boards at a serial port", "BSD-3-Clause"),
)  # fmt: skip


def needs_of(*, host_nodes: bool) -> tuple[DeviceNeed, ...]:
    """What the device needs besides the package and Python.

    Args:
        host_nodes: a software side has operators that the runtime has not in numpy.
    """
    found = [DeviceNeed("numpy", "numpy", "the device runtime", "BSD-3-Clause", True)]
    if host_nodes:
        purpose = "the software side of this network"
        found.append(DeviceNeed("onnxruntime", "onnxruntime", purpose, "MIT", True))
    return (*found, *(DeviceNeed(*need, required=False) for need in _OPTIONAL))
