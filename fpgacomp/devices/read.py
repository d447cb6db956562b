"""Reads boards/*.yaml, and boards of the user's own, into `Board`; says what is wrong and where."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from fpgacomp.devices.board import Board, BoardPower
from fpgacomp.devices.device import Device, DspMultiplier, MemoryBlock
from fpgacomp.devices.families import FAMILIES
from fpgacomp.devices.pins import BoardPins, Pin, Uart
from fpgacomp.devices.problems import impossible, invalid, unstated, where
from fpgacomp.devices.resources import Resources
from fpgacomp.devices.schema import (
    BitstreamSection,
    BoardFile,
    Keys,
    ResourcesSection,
    ShellSection,
)
from fpgacomp.errors import BoardError, UnknownBoard, raise_all
from fpgacomp.host.resources import data_folder

_MAX_BYTES = 100_000  # the files that ship have 1,000 to 2,000
_MAX_DEPTH = 8  # they nest 3 levels deep
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_board(name_or_path: str | Path) -> Board:
    """Read the board of this name, alias or title, or a board file.

    Args:
        name_or_path: a name or a title as `fpgacomp boards` lists them, in any case; or a path,
            which ends in .yaml or .yml or has a slash in it.

    Raises:
        BoardError: no board has this name (the nearest names are given), or the file is wrong
            (its line, key and a remedy are given).
        Problems: several things are wrong with the file.
    """
    name_or_path = str(name_or_path)
    if "/" in name_or_path or name_or_path.lower().endswith((".yaml", ".yml")):
        return _board(_read(Path(name_or_path)), Path(name_or_path))
    wanted = _slug(name_or_path)
    exact = data_folder("boards") / f"{wanted}.yaml"
    if wanted and exact.is_file():
        return _board(_read(exact), exact)
    known: dict[str, str] = {}  # name, alias or title -> name
    for path in _shipped():
        content = _read(path)
        called = (*content.aliases, _slug(content.title))
        if wanted in called:
            return _board(content, path)
        known |= dict.fromkeys((content.name, *called), content.name)
    raise _unknown(name_or_path, wanted, known)


def list_boards() -> list[Board]:
    """Every board that ships with fpgacomp, in the order of their names."""
    return [_board(_read(path), path) for path in _shipped()]


def _shipped() -> list[Path]:
    return sorted(data_folder("boards").glob("*.yaml"))


def _slug(text: str) -> str:
    return "-".join(text.lower().replace("_", " ").replace("-", " ").split())


def _unknown(given: str, wanted: str, known: Mapping[str, str]) -> BoardError:
    """The error; boards whose name or title has the given words come before similar ones."""
    having = [known[called] for called in known if wanted and wanted in called]
    near = [known[called] for called in get_close_matches(wanted, known, n=3, cutoff=0.5)]
    names = [*dict.fromkeys([*having, *near])][:4]
    hint = f"did you mean {' or '.join(names)}? " if names else ""
    return UnknownBoard(
        "--board",
        f"there is no board {given!r}.",
        f"{hint}`fpgacomp boards` lists all; a board of your own is a path to its YAML file.",
    )


def _board(content: BoardFile, path: Path) -> Board:
    return Board(
        name=content.name,
        title=content.title,
        vendor=content.vendor,
        part=content.part,
        family=content.family,
        device=_device(content, path),
        resources=_resources(content.resources),
        lutram=content.resources.lutram,
        spram=content.resources.spram,
        shell=_resources(content.shell),
        clock_mhz_default=content.clock_mhz.default,
        clock_mhz_max=content.clock_mhz.max,
        memory=content.memory,
        host=content.host,
        sources=tuple(content.sources),
        path=path,
        pins=None if content.bitstream is None else _pins(content.bitstream),
        vivado_board=content.vivado_board or "",
        platform=content.platform or "",
        power=None
        if (power := content.power_watts) is None
        else BoardPower(power.typical, power.source),
    )


def _resources(section: ResourcesSection | ShellSection) -> Resources[float]:
    return Resources(section.lut, section.ff, section.dsp, section.bram18, section.uram)


def _pins(content: BitstreamSection) -> BoardPins:
    """The section `bitstream`, with the standard of all pins at those that state no other."""

    def pin(site: str, io: str | None, **facts: Any) -> Pin:
        return Pin(site, io or content.io or "", **facts)

    leds = content.leds
    return BoardPins(
        device=content.device,
        package=content.package or "",
        speed=content.speed or "",
        oscillator_mhz=content.oscillator.mhz,
        oscillator=pin(content.oscillator.pin, content.oscillator.io),
        pll_pad=content.oscillator.pll_pad,
        uart=None
        if (uart := content.uart) is None
        else Uart(pin(uart.rx, uart.io, pull="up"), pin(uart.tx, uart.io), uart.baud),
        reset=None
        if (reset := content.reset) is None
        else pin(reset.pin, reset.io, pull=reset.pull or "", active=reset.active),
        leds=tuple(pin(site, leds.io, active=leds.active) for site in leds.pins) if leds else (),
        high=tuple(pin(site, None) for site in content.high),
        programmer=content.programmer,
    )


def _device(content: BoardFile, path: Path) -> Device:
    """The family's facts, with what the file states in their place."""
    stated = content.device
    device = FAMILIES.get(content.family) or _without_family(content, path)
    if stated.dsp is not None:
        device = replace(device, multiplier=_multiplier(stated.dsp, path))
    if stated.lut_inputs is not None:
        device = replace(device, lut_inputs=stated.lut_inputs)
    if stated.block_ram is not None:
        device = replace(device, block_ram=_memory("block RAM", stated.block_ram, path))
    if stated.ultra_ram is not None:
        device = replace(device, ultra_ram=_memory("UltraRAM", stated.ultra_ram, path))
    if stated.level_ns is not None:
        device = replace(device, level_ns=stated.level_ns)
    if content.toolchain is not None:
        device = replace(device, toolchain=content.toolchain)
    return replace(device, sources=(*device.sources, str(path))) if stated.stated else device


def _without_family(content: BoardFile, path: Path) -> Device:
    """The device of a family that is not known here; `unstated` has refused what is missing."""
    stated = content.device
    assert stated.lut_inputs and stated.block_ram and stated.level_ns and content.toolchain
    return Device(
        multiplier=None,
        lut_inputs=stated.lut_inputs,
        block_ram=_memory("block RAM", stated.block_ram, path),
        ultra_ram=None,
        level_ns=stated.level_ns,
        toolchain=content.toolchain,
        sources=(),
    )


def _multiplier(ports: str, path: Path) -> DspMultiplier | None:
    if ports == "none":
        return None
    narrow, wide = sorted(int(bits) for bits in ports.split("x"))
    return DspMultiplier("DSP block", wide, narrow, str(path))


def _memory(block: str, shapes: list[str], path: Path) -> MemoryBlock:
    pairs = (shape.split("x") for shape in shapes)
    return MemoryBlock(block, tuple((int(words), int(bits)) for words, bits in pairs), str(path))


def _read(path: Path) -> BoardFile:
    """Read and check a board file; all its problems are raised together."""
    text = _text(path)
    try:
        _check_structure(text, path)
        root = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(path, error) from None
    if not isinstance(root, yaml.MappingNode):
        why = "is empty." if root is None else "is not a list of `key: value` lines."
        raise BoardError(f"{path}:1", why, f"start from {data_folder('boards')}/pynq-z2.yaml.")
    lines: dict[Keys, int] = {}
    problems = list(_keys(path, root, (), lines))
    try:
        checked = BoardFile.model_validate(content)
    except ValidationError as error:
        problems += [invalid(path, lines, detail) for detail in error.errors()]
        raise_all(problems)
        raise
    raise_all(problems + list(unstated(path, lines, checked)))
    raise_all(list(impossible(path, lines, checked, _device(checked, path))))
    return checked


def _check_structure(text: str, path: Path) -> None:
    """Refuse aliases and deep nesting, one event after the other, before anything is built.

    A few lines of aliases of aliases stand for more memory than any machine has, and nesting
    without end overflows the stack of YAML's own reader.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            why = "uses an anchor or alias, by which YAML repeats a part of the file."
            raise BoardError(f"{path}:{line}", why, "write the values out.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            why = f"is nested more than {_MAX_DEPTH} levels deep."
            raise BoardError(f"{path}:{line}", why, "write `key: value` lines.")


def _text(path: Path) -> str:
    copy = f"copy one of {data_folder('boards')} and edit it."
    try:
        state = path.stat()
        if not stat.S_ISDIR(state.st_mode) and not stat.S_ISREG(state.st_mode):
            raise BoardError(str(path), "is a pipe or a device.", f"name a file, or {copy}")
        if state.st_size > _MAX_BYTES:
            why = f"has {state.st_size:,} bytes; a board file has at most {_MAX_BYTES:,}."
            raise BoardError(str(path), why, copy)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnknownBoard(
            str(path), "there is no such board file.", f"check the path, or {copy}"
        ) from None
    except UnicodeDecodeError:
        raise BoardError(str(path), "is not a text file in UTF-8.", copy) from None
    except (OSError, ValueError) as error:
        why = f"cannot be read: {getattr(error, 'strerror', None) or error}."
        raise BoardError(str(path), why, f"name a file, or {copy}") from None


def _not_yaml(path: Path, error: Exception) -> BoardError:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    what = getattr(error, "problem", None) or str(error)
    fix = "mend this line; each line is `key: value`, indented with spaces."
    return BoardError(f"{path}:{line}", f"is not valid YAML: {what}.", fix)


def _keys(
    path: Path, node: yaml.MappingNode, above: Keys, lines: dict[Keys, int]
) -> Iterator[BoardError]:
    """Note the line of every key; a key given twice is a problem."""
    for key_node, value_node in node.value:
        keys = (*above, str(key_node.value))
        line = key_node.start_mark.line + 1
        if keys in lines:
            why = f"is given twice, first in line {lines[keys]}."
            yield BoardError(where(path, line, keys), why, "keep one of the two.")
        lines.setdefault(keys, line)
        if isinstance(value_node, yaml.MappingNode):
            yield from _keys(path, value_node, keys, lines)
