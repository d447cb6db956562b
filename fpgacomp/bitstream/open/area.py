"""The area of a design by Yosys: each distinct instance of its SystemVerilog mapped once, summed.

Yosys needs minutes and gigabytes for large designs as a whole, and grows with the size of a
module more than with their number. What crosses the border between two instances is not optimized
here; their FIFOs end every path in a register, so that this is little. Where an engine says that
circuits inside an instance are alike, one of them is mapped for all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from fpgacomp.bitstream.open.sources import render
from fpgacomp.bitstream.reports.cells import amounts_of, lut_ram
from fpgacomp.devices.board import Board
from fpgacomp.engines.engine import HardwareUnit
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.host import kept
from fpgacomp.host.child import ProcessBounds, Stop
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import Yosys, usable_cores
from fpgacomp.host.yosys import Either, require_written, run_script
from fpgacomp.results.area import MeasuredArea
from fpgacomp.results.project import Project

_ROOM, _KEPT = "area", "cells.json"
# How adders of three numbers and tables are mapped to LUTs of six inputs, as designs have it.
_MAPS_FOLDER = data_folder("hls_templates") / "rtl" / "deliver"
_MAPS = ("ternary_add.v", "lut_tables.v", "lut_tables.memlib")
# What lut_tables.v makes of a column of so many rows.
_COLUMNS = {
    "fpgacomp_lut_table_64": {"LUT6": 1.0},
    "fpgacomp_lut_table_128": {"LUT6": 2.0, "MUXF7": 1.0},
    "fpgacomp_lut_table_256": {"LUT6": 4.0, "MUXF7": 2.0, "MUXF8": 1.0},
}
_TOP = "units"
# Starting Yosys and reading a family's cells takes 3 s of processor time, as much as mapping a few
# small instances or one whose tables have rows of 512 bits. What takes many times as long is mapped
# alone, so that all runs end together. A circuit without tables takes as long as a table with a bit
# in its rows for so many bytes of SystemVerilog.
_TOGETHER, _WIDE_BITS, _CIRCUIT_BYTES = 12, 2048, 12
# The last step looks for loops, which takes a thirtieth of the time, and files are not written.
_STEPS = "begin:check"
# synth_xilinx begins with all of the vendor's primitives, 1.6 MB of Verilog. What is mapped to them
# is in the first of its files but for the blocks of UltraScale, which are cut out of the second.
_MANY_CELLS, _FURTHER_CELLS = "synth_xilinx", "xilinx/cells_xtra.v"
_BLOCKS = re.compile(
    r"^module (?:RAMB18E2|RAMB36E2|DSP48E2|URAM288)\(.*?^endmodule$", re.DOTALL | re.MULTILINE
)
_CELLS = "cells.v"
# Its maps of block RAMs take as long to read as a small instance to map, so that the steps of
# memories are left out where nothing is one.
_BEFORE_MEMORIES, _BEHIND = "prepare:map_memory", Either("memories.txt", "some.ys", "none.ys")
_STEPS_BEHIND = {_BEHIND.some: "map_memory:check", _BEHIND.none: "map_ffram:check"}
_SCRIPT = "units.ys"
_BOUNDS = ProcessBounds(seconds=1800.0, memory_bytes=8 << 30)
_FIX = "compile without --area yosys, and report this with the network."
_PLANNED = ("DSP", "1")  # an operator whose products the design plans in DSP blocks
_TABLE = re.compile(r'"(?P<file>[^"]+)"')


@dataclass(frozen=True)
class _Unit:
    """A distinct instance, under the name that it has in a run of Yosys.

    Args:
        name: of the module that is mapped; it follows from `key`.
        parameters: with its tables called by their content.
        sources: paths below rtl/ of its module and all that this instantiates.
        tables: file name -> content.
        key: digest of everything that decides what it becomes.
        source_bytes: of its own module's file.
        alike: as `HardwareUnit.alike`.
    """

    name: str
    module: str
    parameters: tuple[tuple[str, str], ...]
    sources: tuple[str, ...]
    tables: Mapping[str, bytes]
    key: str
    source_bytes: int
    alike: tuple[str, str] | None

    @property
    def row_bits(self) -> int:
        """Width of its widest table, which its time in Yosys grows with, or what takes as long."""
        if not self.parameters:
            return self.source_bytes // _CIRCUIT_BYTES
        rows = [max(map(len, content.split()), default=0) for content in self.tables.values()]
        sized = [re.match(r"(\d+)'h", value) for _, value in self.parameters]
        return max([4 * digits for digits in rows] + [int(one[1]) for one in sized if one] + [0])


def measured_area(
    board: Board,
    project: Project,
    units: Sequence[HardwareUnit],
    yosys: Yosys,
    progress: Callable[[float], None] = lambda share: None,
) -> MeasuredArea:
    """What the instances of an emitted design take on the board's family.

    Args:
        project: with the SystemVerilog below rtl/.
        units: `Engine.units` of it.
        progress: told the share of the instances that is done.

    Raises:
        UsageError: Yosys maps to no family like the board's.
        ToolError: it failed.
    """
    device = board.device
    if not device.yosys:
        raise UsageError("--area yosys", f"maps to no device of family {board.family}.",
                         "leave it out.")  # fmt: skip
    planned = bool(device.yosys_multipliers) and any(_PLANNED in u.parameters for u in units)
    few_cells = device.yosys.startswith(_MANY_CELLS)
    context = {
        "command": device.yosys, "steps": _BEFORE_MEMORIES if few_cells else _STEPS,
        "memories": _BEHIND.decided_by,
        "multipliers": planned, "check": "", "multipliers_of": device.yosys_multipliers,
        "ternary": device.ternary_adders, "lut_tables": device.ternary_adders,
        "cells": _CELLS if few_cells else "",
    }  # fmt: skip
    sources = _sources(project)
    names = _MAPS if device.ternary_adders else ()
    maps = {f"yosys/{name}": (_MAPS_FOLDER / name).read_bytes() for name in names}
    if few_cells:
        further = (yosys.share / _FURTHER_CELLS).read_text(encoding="utf-8")
        maps[_CELLS] = "\n".join(_BLOCKS.findall(further)).encode()
    mapping = b"".join((*_scripts((), context).values(), *maps.values())).decode()
    each = [_distinct(unit, project, sources, yosys, mapping) for unit in units]
    distinct = {unit.key: unit for unit in each}
    found = {key: _earlier(key) for key in distinct}
    missing = [unit for key, unit in distinct.items() if found[key] is None]
    found |= _synthesized(missing, dict(sources.values()), maps, context, len(distinct), progress)
    cells = [found[unit.key] or {} for unit in each]
    whole, unknown = amounts_of(_sum(cells))
    layers = dict.fromkeys(unit.layer for unit in units if unit.layer)
    return MeasuredArea(
        tool="Yosys", version=yosys.version, family=board.family, command=device.yosys,
        resources=_with_lut_ram(_sum(cells), whole),
        layers={layer: _of_layer(layer, units, cells) for layer in layers},
        units=len(units), distinct=len(distinct), not_counted=tuple(sorted(unknown)),
    )  # fmt: skip


def _sum(cells: Sequence[Mapping[str, float]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in cells:
        total.update(one)
    return total


def _with_lut_ram(cells: Mapping[str, float], amounts: Mapping[str, float]) -> dict[str, float]:
    memory, _ = amounts_of({cell: number for cell, number in cells.items() if lut_ram(cell)})
    return {"uram": 0.0, **amounts, "lutram": memory["lut"]}


def _of_layer(
    layer: str, units: Sequence[HardwareUnit], cells: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    own = _sum([found for unit, found in zip(units, cells) if unit.layer == layer])
    return _with_lut_ram(own, amounts_of(own)[0])


def _sources(project: Project) -> dict[str, tuple[str, bytes]]:
    """Name of each module -> (path below rtl/, content) of the file that holds it."""
    found = {}
    for path, content in project.files.items():
        if path.startswith("rtl/") and path.endswith(".sv"):
            for name in re.findall(r"^module (\w+)", content.decode(), re.MULTILINE):
                found[name] = (path.removeprefix("rtl/"), content)
    return found


def _closure(module: str, sources: Mapping[str, tuple[str, bytes]]) -> list[str]:
    """The module and all modules that its text names, or theirs does."""
    found: list[str] = []
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.append(name)
            words = set(re.findall(r"\w+", sources[name][1].decode()))
            waiting += sorted(words & sources.keys())
    return sorted(found)


def _distinct(
    unit: HardwareUnit,
    project: Project,
    sources: Mapping[str, tuple[str, bytes]],
    yosys: Yosys,
    mapping: str,
) -> _Unit:
    """An instance under names that follow from its content."""
    tables: dict[str, bytes] = {}

    def renamed(table: re.Match[str]) -> str:
        content = project.files.get(f"rtl/{table['file']}")
        if content is None:
            return table[0]  # a text that names no file
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.mem"
        tables[name] = content
        return f'"{name}"'

    parameters = tuple((name, _TABLE.sub(renamed, value)) for name, value in unit.parameters)
    modules = _closure(unit.module, sources)
    whole = hashlib.sha256()
    for part in (yosys.version, mapping, unit.module, *map("=".join, parameters),
                 *(unit.alike or ())):  # fmt: skip
        whole.update(part.encode() + b"\0")
    for name in modules:
        whole.update(hashlib.sha256(sources[name][1]).digest())
    for name in sorted(tables):
        whole.update(hashlib.sha256(tables[name]).digest())
    key = whole.hexdigest()
    paths = dict.fromkeys(sources[name][0] for name in modules)
    return _Unit(
        f"unit_{key[:16]}", unit.module, parameters, tuple(paths), tables, key,
        len(sources[unit.module][1]), unit.alike,
    )  # fmt: skip


def _place(key: str) -> Path:
    return kept.place(_ROOM, _KEPT, (key,), ())


def _earlier(key: str) -> dict[str, float] | None:
    """The cells that an earlier run found; None where there was none, or what is there is none."""
    found = kept.finding(_place(key))
    if not isinstance(found, dict) or not all(map(_is_count, found.values())):
        return None
    return found


def _is_count(value: object) -> bool:
    # A number beyond float64 is infinite, and NaN is not at least 0.
    return type(value) is float and 0.0 <= value < inf and value.is_integer()


def _scripts(units: Sequence[_Unit], context: Mapping[str, object]) -> dict[str, bytes]:
    """Name -> content of the scripts of a run: `_SCRIPT`, and those of `_BEHIND` if need be."""

    def script(template: str, steps: object) -> bytes:
        synthesis = f"{context['command']} -run {steps}"
        return render(template, name=_TOP, units=units, synthesis=synthesis, **context)

    behind = _STEPS_BEHIND if context["cells"] else {}
    rest = {name: script("deliver/rest.ys", steps) for name, steps in behind.items()}
    return {_SCRIPT: script("deliver/units.ys", context["steps"]), **rest}


def _synthesized(
    missing: Sequence[_Unit],
    files: Mapping[str, bytes],
    maps: Mapping[str, bytes],
    context: Mapping[str, object],
    total: int,
    progress: Callable[[float], None],
) -> dict[str, dict[str, float] | None]:
    """Key -> cells of instances that Yosys maps now, some of them in each of its runs.

    Args:
        files: the sources below rtl/.
        maps: what Yosys reads beside them.
    """
    done = total - len(missing)
    progress(done / max(total, 1))
    workers = min(2, usable_cores())
    batches = _batches(missing, workers)
    found: dict[str, dict[str, float] | None] = {}
    stop = Stop()
    with ThreadPoolExecutor(workers) as pool:
        running = {
            pool.submit(_batch, batch, files, maps, context, stop): batch for batch in batches
        }
        try:
            for one in as_completed(running):
                found |= one.result()
                done += len(running[one])
                progress(done / total)
        except BaseException:  # a run that fails or is stopped leaves no process behind
            stop.now()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return found


def _batches(missing: Sequence[_Unit], workers: int) -> list[list[_Unit]]:
    """What is mapped in one run of Yosys each: the longest first, so that all end together."""
    ranked = sorted(missing, key=lambda unit: (-unit.row_bits, unit.key))
    wide = [[unit] for unit in ranked if unit.row_bits > _WIDE_BITS]
    small = [unit for unit in ranked if unit.row_bits <= _WIDE_BITS]
    count = max(workers, -(-len(small) // _TOGETHER))
    return wide + [dealt for first in range(count) if (dealt := small[first::count])]


def _batch(
    units: Sequence[_Unit],
    files: Mapping[str, bytes],
    maps: Mapping[str, bytes],
    context: Mapping[str, object],
    stop: Stop,
) -> dict[str, dict[str, float]]:
    """Key -> cells of these instances, which are kept for later runs."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wanted = {path: files[path] for unit in units for path in unit.sources}
        wanted |= maps
        for unit in units:
            wanted |= unit.tables
        wanted |= (scripts := _scripts(units, context))
        wanted[f"{_TOP}.v"] = render("deliver/units.v", name=_TOP, units=units)
        for path, content in wanted.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        then = _BEHIND if len(scripts) > 1 else None
        ended = run_script(folder, _SCRIPT, "yosys.log", _BOUNDS, stop, then=then)
        require_written(ended, "not kept", folder / "stat.json", fix=_FIX)
        modules = json.loads((folder / "stat.json").read_bytes())["modules"]
        found = dict(_cells(units, modules))
        for key, cells in found.items():
            kept.keep_finding(cells, _place(key))
    return found


def _cells(
    units: Sequence[_Unit], modules: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[str, dict[str, float]]]:
    """(key, cells) of each instance.

    Raises:
        ToolError: one of them is missing.
    """
    for unit in units:
        cells = _counted(unit.name, unit.module, modules)
        alike = f"{unit.name}_alike"
        if number := cells.pop(alike, 0.0):
            one = _counted(alike, unit.module, modules)
            cells.update({name: number * count for name, count in one.items()})
        for column, made_of in _COLUMNS.items():
            number = cells.pop(column, 0.0)
            cells.update({name: number * each for name, each in made_of.items() if number})
        yield unit.key, dict(cells)


def _counted(name: str, module: str, modules: Mapping[str, Mapping[str, object]]) -> Counter[str]:
    """The cells of a module of a run, which is an instance of `module` or a part of one."""
    found = modules.get(name, modules.get(f"\\{name}", {})).get("num_cells_by_type")
    if not isinstance(found, dict):
        raise ToolError("Yosys", f"it left no figures of {module}.",
                        "this is a bug in fpgacomp: please report it.")  # fmt: skip
    return Counter({cell.removeprefix("\\"): float(count) for cell, count in found.items()})
