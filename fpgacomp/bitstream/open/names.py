"""From the names of place and route back to the design: signal, operator, layer, line of source.

Yosys flattens a design into names with the path of instances in them, names what it makes after
the signal that it makes it for (`run_fc.sum_SB_DFFE_Q_D_SB_LUT4_O`), and nextpnr appends words of
its own (`..._LC`). The longest beginning of such a name that the netlist knows with a line of the
design's files is therefore what it stands for, even where mapping to LUTs has lost the line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from fpgacomp.bitstream.reports.matching import PartNames
from fpgacomp.errors import ToolError
from fpgacomp.results.tool_report import ReportedInstance

# Where the accelerator is in the board's top module, and the link beside it.
_ACCELERATOR, _LINK = "u_design.u_accelerator.", "u_design."
_DRIVEN = ("Q", "O", "Z", "F")  # what LUTs and flip-flops of the families call their output
_INSTANCE = re.compile(
    r"^(?P<indent> +)(?P<module>\w+)(?: #\($(?:\n(?P=indent) +.*$)*\n(?P=indent)\))? "
    r"(?P<name>\w+) \($", re.MULTILINE,
)  # fmt: skip
# A register of an enumeration is declared by the type, whose name ends in _t.
_DECLARED = re.compile(r"^[^/]*?\b(?:logic|\w+_t)\b(?P<names>[^/;]*)", re.MULTILINE)
_NAME = re.compile(r"(?<![\w$'.])[A-Za-z_]\w*(?=\s*(?:$|,|=|\[|\)))")


@dataclass(frozen=True)
class DesignPlace:
    """Where in the design a cell or a net is.

    Args:
        signal: its name below the operator; with the bit of it where that is known.
        operator: the instance in the accelerator, `host link` or `board`; "" where it is not known.
        module: of that instance; "" of the two others.
        layer: that the operator works for; "" where it works for none.
        source: file and line; "" where they are not known.
    """

    signal: str
    operator: str
    module: str
    layer: str
    source: str


class CellNames:
    """Finds the place of a cell by its name.

    Args:
        netlist: what Yosys wrote.
        top: the top module of the netlist.
        sources: path -> content of the design's own files, at the paths that Yosys was told.
        parts: name in the hardware -> layer, as the engine has it.

    Raises:
        ToolError: the netlist has not the form that is known.
    """

    def __init__(
        self, netlist: bytes, top: str, sources: Mapping[str, bytes], parts: Mapping[str, str]
    ) -> None:
        self._files = sources
        self._parts = PartNames(parts)
        # Every module is in a file of its name.
        self._homes = {PurePosixPath(path).stem: path for path in sources}
        self._top = top
        self._lines: dict[str, str] = {}
        self._signals: dict[str, list[Any]] = {}  # of the design's own -> its bits
        self._drives: dict[str, Any] = {}  # cell -> the bit that it drives
        try:
            module = json.loads(netlist)["modules"][top]
            self._read(module["cells"], module["netnames"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            why = f"its netlist has another form than is known ({type(error).__name__}: {error})."
            raise ToolError("Yosys", why, "install the version that fpgacomp names.") from error

    def _read(self, cells: Mapping[str, Any], nets: Mapping[str, Any]) -> None:
        for name, item in (*nets.items(), *cells.items()):
            if line := self.own_line(str(item["attributes"].get("src", "")).split("|")):
                self._lines[name] = line
        for name, net in nets.items():
            if name in self._lines and ("hdlname" in net["attributes"] or "." not in name):
                self._signals[name] = list(net["bits"])
        for name, cell in cells.items():
            driven = [b for port in _DRIVEN for b in cell["connections"].get(port, ())]
            self._drives[name] = driven[0] if len(driven) == 1 else None

    def own_line(self, sources: Iterable[str]) -> str:
        """`file:line.column` of the first that is in a file of the design; "" where none is."""
        for source in sources:
            file, _, place = source.rpartition(":")
            if file in self._files:
                return f"{file}:{place.partition('-')[0]}"
        return ""

    def place(self, name: str) -> DesignPlace:
        """The place of a cell of place and route."""
        whole = list(_beginnings(name))
        line = next((self._lines[part] for part in whole if part in self._lines), "")
        cell = next((part for part in whole if part in self._drives), "")
        signal = next((part for part in whole if part in self._signals), cell or name)
        bits = self._signals.get(signal, [])
        if len(bits) > 1 and self._drives.get(cell) in bits:
            signal += f"[{bits.index(self._drives[cell])}]"
        operator, module, layer, below = self._operator(signal)
        return DesignPlace(below, operator, module, layer, line or self._declared(name))

    def _declared(self, name: str) -> str:
        """The line that declares what the name ends with, in the file of the module around it."""
        module, below = self._walk(name)
        file = self._homes.get(module, "")
        known = _declarations(self._files[file]) if file else {}
        parts = (part for piece in below.split(".") for part in _beginnings(piece))
        found = next((known[part] for part in parts if part in known), 0)
        return f"{file}:{found}" if found else ""

    def _walk(self, name: str) -> tuple[str, str]:
        """(the module that the instances in a name lead to, what of the name is below it)."""
        module, rest, below = self._top, name.split("."), name
        for number, piece in enumerate(rest):
            file = self._homes.get(module)
            inside = _instances(self._files[file]) if file else {}
            if piece in inside:
                module, below = inside[piece], ".".join(rest[number + 1 :])
        return module, below

    def _operator(self, name: str) -> tuple[str, str, str, str]:
        """(operator, its module, its layer, what of the name is below it)."""
        if name.startswith(_ACCELERATOR):
            operator, _, below = name.removeprefix(_ACCELERATOR).partition(".")
            if not below:  # a wire of the accelerator itself
                return "accelerator", "", "", operator
            module, _ = self._walk(f"{_ACCELERATOR}{operator}")
            layer = self._parts.layer(ReportedInstance(operator, operator)) or ""
            return operator, module, layer, below
        if name.startswith(_LINK):
            return "host link", "", "", name.removeprefix(_LINK)
        # A name that nextpnr made up says nothing of the place.
        return "" if name.startswith("$") else "board", "", "", name


@lru_cache(maxsize=64)
def _instances(source: bytes) -> Mapping[str, str]:
    """Name of an instance -> its module, of a file of SystemVerilog."""
    text = source.decode(errors="replace")
    return {found["name"]: found["module"] for found in _INSTANCE.finditer(text)}


@lru_cache(maxsize=64)
def _declarations(source: bytes) -> Mapping[str, int]:
    """Name -> the first line that declares it, of a file of SystemVerilog."""
    text, found = source.decode(errors="replace"), dict[str, int]()
    for declared in _DECLARED.finditer(text):
        line = text.count("\n", 0, declared.start("names")) + 1
        for name in _NAME.findall(re.sub(r"\[[^]]*\]", "[]", declared["names"])):
            found.setdefault(name, line)
    return found


def _beginnings(name: str) -> Iterator[str]:
    """The name and each part of it that ends before an underscore or a bracket, longest first."""
    yield name
    for end in range(len(name) - 1, 0, -1):
        if name[end] in "_[":
            yield name[:end]
