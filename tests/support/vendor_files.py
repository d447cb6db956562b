"""Files that Vivado and v++ leave, written by hand in the forms that they have."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

_PS = "xilinx.com:ip:processing_system7:5.5"


def bit(
    design: str,
    part: str,
    *,
    release: str = "2022.2",
    data: bytes = b"\xff" * 32,
    more: bytes = b"",
) -> bytes:
    """A .bit file.

    Args:
        data: of the configuration, in front of its sync word.
        more: what stands behind the data that the header counts.
    """
    texts = {
        "a": f"{design};UserID=0XFFFFFFFF;Version={release}", "b": part, "c": "2026/01/05",
        "d": "10:00:00",
    }  # fmt: skip
    head = bytes.fromhex("00090ff00ff00ff00ff0000001")
    for letter, text in texts.items():
        field = text.encode() + b"\0"
        head += letter.encode() + struct.pack(">H", len(field)) + field
    body = data + bytes.fromhex("aa995566") + bytes(64)
    return head + b"e" + struct.pack(">I", len(body)) + body + more


def hwh(
    system: str,
    registers: Mapping[str, tuple[int, int]],
    *,
    accelerator: str,
    device: str = "7z020",
    package: str = "clg400",
    release: str = "2022.2",
    cell: str = "accelerator",
) -> bytes:
    """A .hwh file.

    Args:
        registers: cell -> (address, bytes).
        accelerator: the IP of the cell `cell`.
    """
    ranges = "\n".join(
        f'<MEMRANGE ADDRESSBLOCK="Reg" BASEVALUE="{low:#010x}" HIGHVALUE="{low + size - 1:#010x}" '
        f'INSTANCE="{name}" MASTERBUSINTERFACE="M_AXI_GP0" MEMTYPE="REGISTER"/>'
        for name, (low, size) in registers.items()
    )
    cells = "\n".join(
        f'<MODULE FULLNAME="/{name}" INSTANCE="{name}" VLNV="{vlnv}"/>'
        for name, vlnv in {**dict.fromkeys(registers, "x:y:z:1"), cell: accelerator}.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<EDKSYSTEM EDWVERSION="1.2" TIMESTAMP="Mon Jan  5 10:00:00 2026" VIVADOVERSION="{release}">
<SYSTEMINFO ARCH="zynq" DEVICE="{device}" NAME="{system}" PACKAGE="{package}" SPEEDGRADE="-1"/>
<MODULES>
<MODULE FULLNAME="/ps" INSTANCE="ps" VLNV="{_PS}"><MEMORYMAP>
{ranges}
</MEMORYMAP></MODULE>
{cells}
<MODULE FULLNAME="/dma9" INSTANCE="dma9"><MEMORYMAP>
<MEMRANGE BASEVALUE="0x00000000" HIGHVALUE="0x1FFFFFFF" INSTANCE="ps" MEMTYPE="MEMORY"/>
</MEMORYMAP></MODULE>
</MODULES>
</EDKSYSTEM>
""".encode()


def xclbin(platform: str, kernels: Sequence[str], *, clock_mhz: int = 300) -> bytes:
    """An .xclbin file with the sections IP_LAYOUT and CLOCK_FREQ_TOPOLOGY behind a bitstream."""
    layout = struct.pack("<i4x", len(kernels) + 1)
    layout += struct.pack("<IIQ64s", 3, 0, 0, b"a memory controller")  # IP_DDR4_CONTROLLER
    for kernel in kernels:
        layout += struct.pack("<IIQ64s", 1, 0, 0, kernel.encode())
    clocks = struct.pack("<h", 2)
    for mhz, kind in ((500, 2), (clock_mhz, 1)):
        clocks += struct.pack("<HB5x128s", mhz, kind, b"a clock")
    sections = [(0, b"bits" * 10), (8, layout), (11, clocks)]
    head_size = 456 + 40 * len(sections)
    table, body = b"", b""
    for kind, data in sections:
        data += bytes(-len(data) % 8)
        table += struct.pack("<I16s4xQQ", kind, b"", head_size + len(body), len(data))
        body += data
    head = struct.pack("<8si28s256sQ", b"xclbin2\0", -1, b"\xff" * 28, b"", 1)
    head += struct.pack(
        "<QQQHBBHH16s64s16s16sI4x", head_size + len(body), 0, 0, 0, 2, 14, 0, 0, b"",
        platform.encode(), b"", b"", len(sections),
    )  # fmt: skip
    assert len(head) == 456
    return head + table + body
