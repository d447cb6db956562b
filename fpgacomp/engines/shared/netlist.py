"""The netlist that Yosys makes of emitted SystemVerilog, as Verilog that a simulator takes.

The netlist is that of the build's own script (rtl/yosys/synth.ys). The simulation models of the
cells are those of the installed Yosys, read when they are needed, but for the memories and
multipliers that Yosys knows as boxes: those are modelled in hls_templates/rtl/cells, as the
vendors document them. A cell that has neither is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fpgacomp.errors import ToolError, UsageError
from fpgacomp.host import kept
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import Yosys
from fpgacomp.host.yosys import require_written, run_script, synthesis_command

SCRIPT = "yosys/synth.ys"
MODELS = data_folder("hls_templates") / "rtl" / "cells"
_ROOM = "netlist"
_NETLIST, _LOG = "netlist.v", "yosys/gate.log"
_SOURCES = (".sv", ".v", ".mem", ".memlib", ".ys")
_FIX = (
    "run rtl/yosys/synth.ys of the build as its head says, which shows the whole log, and report "
    "this with it."
)


@dataclass(frozen=True)
class CellLibrary:
    """Where the simulation models of a family's cells are.

    Args:
        shipped: files below Yosys' share folder; the first is read, the others are included by it.
        known: pattern of the names of cells whose shipped model behaves as the cell does.
        own: our models, files of `MODELS`.
        defines: macros that the shipped models want.
    """

    shipped: tuple[str, ...]
    known: str
    own: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()

    @property
    def modelled(self) -> tuple[str, ...]:
        """Names of the cells that have a model of ours."""
        texts = ((MODELS / name).read_text("utf-8") for name in self.own)
        return tuple(name for text in texts for name in re.findall(r"^module (\w+)", text, re.M))

    def missing(self, cells: Iterable[str]) -> list[str]:
        """Names of cells that have no model which behaves as they do."""
        known, own = re.compile(self.known), set(self.modelled)
        return sorted({cell for cell in cells if cell not in own and not known.fullmatch(cell)})


_LATTICE = ("cells_sim_ecp5.v", "common_sim.vh", "ccu2c_sim.vh", "cells_ff.vh", "cells_io.vh")
# By the command of Yosys that maps to the family.
LIBRARIES: Mapping[str, CellLibrary] = {
    "synth_xilinx": CellLibrary(
        ("xilinx/cells_sim.v",),
        r"LUT[1-6]|LUT6_2|MUXF[789]|CARRY[48]|FD[RSCP]E(_1)?|INV|BUFG|GND|VCC|SRL(16E|C16E|C32E)"
        r"|RAM(16|32|64|128|256|512)X\d+[SD]|RAM(32|64)M|RAM32M16|RAM64M8|RAM32X16DR8|RAM64X8SW"
        r"|DSP48E1",
        own=("block_ram.v", "xilinx.v"),
    ),
    "synth_ecp5": CellLibrary(
        (*(f"lattice/{name}" for name in _LATTICE), "lattice/parse_init.vh"),
        r"LUT[24]|PFUMX|L6MUX21|CCU2C|TRELLIS_(FF|COMB|DPR16X4)|INV|VLO|VHI",
        own=("block_ram.v", "ecp5.v"),
    ),
    "synth_ice40": CellLibrary(
        ("ice40/cells_sim.v",),
        r"SB_(LUT4|CARRY|DFF\w*|GB|RAM40_4K\w*|MAC16|SPRAM256KA)|ICESTORM_LC",
        defines=("-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-DICE40_HX"),
    ),
    "synth_gowin": CellLibrary(
        ("gowin/cells_sim.v",),
        r"LUT[1-4]|MUX2(_LUT[5-8])?|ALU|[IO]BUF|DFF\w*|GND|VCC|INV|RAM16S(DP)?[124]",
        own=("block_ram.v", "gowin.v"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Netlist:
    """A netlist and the models of its cells.

    Args:
        files: name -> content: the netlist under its top module's name, the models.
        read: names of those files that a simulator is handed besides the netlist.
        defines: macros that they want.
    """

    files: Mapping[str, bytes]
    read: tuple[str, ...]
    defines: tuple[str, ...]


def netlist_of(folder: Path, top: str, yosys: Yosys) -> Netlist:
    """The netlist of the SystemVerilog in a folder, from the cache or made.

    Args:
        folder: what an engine emitted below rtl/; Yosys writes there.
        top: the name of the top module.

    Raises:
        UsageError: the folder has no script for Yosys.
        ToolError: Yosys failed, or a cell has no model.
    """
    script = folder / SCRIPT
    if not script.is_file():
        raise UsageError(
            f"rtl/{SCRIPT}",
            "is not there: Yosys maps to no family like this board's, or an earlier fpgacomp made "
            "the build.",
            "compile the network again; if the file is still missing, use --level rtl.",
        )
    text = script.read_text("utf-8")
    command = synthesis_command(text)
    library = LIBRARIES.get(command[0])
    if library is None:
        raise ToolError("gate-level simulation", f"the cells of {command[0]} have no models.",
                        "use --level rtl.")  # fmt: skip
    sources = sorted(path for path in folder.rglob("*") if path.suffix in _SOURCES)
    files = [(str(path.relative_to(folder)), path) for path in sources]
    target = kept.place(_ROOM, _NETLIST, (yosys.version, top), files)
    if not target.is_file():
        _synthesize(folder, top, text)
        _refuse_boxes(library, folder / f"yosys/{top}.json")
        kept.keep(folder / _NETLIST, target)
    models = {Path(name).name: (yosys.share / name).read_bytes() for name in library.shipped}
    own = {name: (MODELS / name).read_bytes() for name in library.own}
    return Netlist(
        {f"{top}.sv": target.read_bytes(), **models, **own},
        (*own, Path(library.shipped[0]).name),
        library.defines,
    )


def _synthesize(folder: Path, top: str, script: str) -> None:
    """Run the build's script, and write what it leaves in memory."""
    with TemporaryDirectory(dir=folder) as scratch:
        extended = Path(scratch) / "gate.ys"
        extended.write_text(f"{script}\nwrite_verilog -noattr {_NETLIST}\n", encoding="utf-8")
        ended = run_script(folder, str(extended), _LOG)
    made = (folder / f"yosys/{top}.json", folder / _NETLIST)
    require_written(ended, "not kept", *made, fix=_FIX)


def _refuse_boxes(library: CellLibrary, netlist: Path) -> None:
    """Refuse a netlist with a cell that has no model.

    Raises:
        ToolError: it has one.
    """
    modules = json.loads(netlist.read_bytes())["modules"]
    # Yosys' own description of a cell is a box, too.
    made = {name: one for name, one in modules.items()
            if not one["attributes"].keys() & {"blackbox", "whitebox"}}  # fmt: skip
    cells = {cell["type"] for one in made.values() for cell in one["cells"].values()}
    cells -= {"$scopeinfo", *made}
    if missing := library.missing(cells):
        raise ToolError(
            "gate-level simulation",
            f"cells {', '.join(missing)} of the netlist have no simulation model.",
            "use --level rtl, and please report this with the network.",
        )
