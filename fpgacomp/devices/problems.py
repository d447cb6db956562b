"""What can be wrong with a board file, in words: where, what, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails

from fpgacomp.devices.device import Device
from fpgacomp.devices.families import FAMILIES, family_of
from fpgacomp.devices.schema import (
    DEVICE_EXAMPLES,
    EXAMPLES,
    EXAMPLES_OF,
    KEYS,
    BitstreamSection,
    BoardFile,
    Keys,
)
from fpgacomp.errors import BoardError

Lines = Mapping[Keys, int]

_OTHER_UNITS = {
    "bram": "bram18 counts 18 Kb halves: a 36 Kb block is two",
    "bram36": "bram18 counts 18 Kb halves: a 36 Kb block is two",
    "clock_hz": "clock_mhz takes megahertz, as {default: 100, max: 250}",
    "clock_ns": "clock_mhz takes megahertz, as {default: 100, max: 250}",
    "clock": "clock_mhz takes megahertz, as {default: 100, max: 250}",
}
_FORMS = {
    "name": "a name", "aliases": "a name", "dsp": "a pair of port widths",
    "block_ram": "the shape of a memory", "ultra_ram": "the shape of a memory",
    "title": "one line of plain text", "memory": "one line of plain text",
    "sources": "a line of text", "part": "a part number", "family": "the name of a family",
}  # fmt: skip
_BITSTREAM_FORMS = {
    **dict.fromkeys(("pin", "pins", "rx", "tx", "high"), "a pin"), "io": "an I/O standard",
    **dict.fromkeys(("device", "package", "speed", "programmer"), "a word for a tool"),
}  # fmt: skip
_FORM_FIXES = {
    "a pin": 'a ball or a number in quotes, as G2 or "35".',
    "an I/O standard": "capital letters and digits, as LVCMOS33.",
    "a word for a tool": "letters, digits, dots, dashes and underscores, as 85k or CABGA381.",
    "a name": "lower-case letters, digits and dashes only.",
    "a pair of port widths": "its widths, 2 to 64 bits, as `dsp: 25x18`, or `dsp: none`.",
    "one line of plain text": "letters, digits and . , : ; + / ( ) & ' * -, at most 120 of them.",
    "a line of text": "at most 500 characters without line breaks.",
    "a part number": "letters, digits, dots and dashes, as xc7z020clg400-1.",
    "the name of a family": "letters, digits, dots, dashes and plus signs, as zynq-7000.",
    "the shape of a memory": "words x bits of a word, as 512x36.",
}


def where(path: Path, line: int, keys: Keys) -> str:
    """File, line and dotted key, as every problem of a board file begins."""
    return f"{path}:{line}: {'.'.join(keys)}"


def invalid(path: Path, lines: Lines, detail: ErrorDetails) -> BoardError:
    """One finding of pydantic's, in the words of board files."""
    keys = tuple(str(part) for part in detail["loc"])
    why, fix = _explain(detail, keys)
    return BoardError(where(path, _line(lines, keys), keys), why, fix)


def _line(lines: Lines, keys: Keys) -> int:
    """Line of the key, or of the nearest section around it; 1 where there is none."""
    while keys and keys not in lines:
        keys = keys[:-1]
    return lines.get(keys, 1)


def _explain(detail: ErrorDetails, keys: Keys) -> tuple[str, str]:
    given, context = detail["input"], detail.get("ctx", {})
    shown = _shown(given)
    examples = EXAMPLES_OF.get(keys[0], EXAMPLES)
    example = f"for example `{keys[-1]}: {examples.get(keys[-1], '0')}`."
    match detail["type"]:
        case "missing":
            return "is missing.", f"add it, {example}"
        case "extra_forbidden":
            return "is not a key of a board file.", _nearest_key(keys)
        case "literal_error":
            near = get_close_matches(str(given)[:80], _choices(context), n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}? " if near else ""
            return f"{shown} is not known.", f"{hint}One of {', '.join(_choices(context))}."
        case "string_pattern_mismatch":
            forms = _BITSTREAM_FORMS if keys[0] == "bitstream" else _FORMS
            form = forms[next(key for key in reversed(keys) if key in forms)]
            return f"{shown} is not {form}.", _FORM_FIXES[form]
        case "int_type" | "int_from_float":
            return f"{shown} is not a whole number.", f"a plain count, {example}"
        case "float_type" | "finite_number":
            unit = "nanoseconds" if keys[-1] == "level_ns" else "megahertz"
            return f"{shown} is not a number.", f"{unit} without a unit, {example}"
        case "less_than_equal" if keys[0] == "clock_mhz" or keys[-1] == "mhz":
            return f"{shown} MHz is faster than any FPGA.", f"give megahertz, {example}"
        case "less_than_equal" | "greater_than_equal" | "greater_than":
            fix = f"give the figure of the data sheet, {example}"
            return f"{shown} is impossible: it must be {_bound(detail['type'], context)}.", fix
        case _:
            return f"{shown} is wrong: {detail['msg'].lower()}.", example


def _shown(given: object) -> str:
    """What a file gives, in a length that goes into a sentence."""
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    match kind:
        case "greater_than":
            return f"above {context['gt']:g}"
        case "greater_than_equal":
            return f"at least {context['ge']:g}"
        case _:
            return f"at most {context['le']:g}"


def _choices(context: Mapping[str, Any]) -> list[str]:
    return [part.strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")]


def _nearest_key(keys: Keys) -> str:
    if keys[-1] in _OTHER_UNITS:
        return f"{_OTHER_UNITS[keys[-1]]}."
    known = KEYS.get(keys[:-1], ())
    near = get_close_matches(keys[-1], known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}The keys here are {', '.join(known)}."


def unstated(path: Path, lines: Lines, board: BoardFile) -> Iterator[BoardError]:
    """Facts of the silicon that neither the file nor a family known here states."""
    if board.family in FAMILIES:
        return
    near = get_close_matches(board.family, FAMILIES, n=1)
    hint = f"did you mean family {near[0]}? Or " if near else ""
    known = f"The families known here are {', '.join(FAMILIES)}."
    for key in ("dsp", "lut_inputs", "block_ram", "level_ns"):
        if getattr(board.device, key) is None:
            line = lines.get(("device",), lines["family",])
            yield BoardError(
                where(path, line, ("device", key)),
                f"is missing, and family {board.family!r} is not known here to take it from.",
                f"{hint}add `{key}: {DEVICE_EXAMPLES[key]}` under device. {known}",
            )
    if board.toolchain is None:
        yield BoardError(
            where(path, lines["family",], ("toolchain",)),
            f"is missing, and family {board.family!r} is not known here to take it from.",
            f"{hint}add `toolchain: vivado` or `toolchain: open`. {known}",
        )


def impossible(path: Path, lines: Lines, board: BoardFile, device: Device) -> Iterator[BoardError]:
    """What no real board can be, although each figure alone is valid."""
    yield from _overdrawn(path, lines, board)
    if board.resources.lutram > board.resources.lut:
        yield BoardError(
            where(path, lines["resources", "lutram"], ("resources", "lutram")),
            f"{board.resources.lutram:,} LUTs as memory of {board.resources.lut:,} LUTs in all.",
            "lutram counts the LUTs that can be memory, not bits.",
        )
    if board.clock_mhz.default > board.clock_mhz.max:
        yield BoardError(
            where(path, lines["clock_mhz", "default"], ("clock_mhz", "default")),
            f"{board.clock_mhz.default:g} MHz is above max, {board.clock_mhz.max:g} MHz.",
            "lower default or raise max.",
        )
    yield from _foreign(path, lines, board, device)


def _overdrawn(path: Path, lines: Lines, board: BoardFile) -> Iterator[BoardError]:
    """A shell that takes more than there is, or every LUT."""
    for key in KEYS["shell",]:
        taken, there = getattr(board.shell, key), getattr(board.resources, key)
        if taken > there or (key == "lut" and taken == there):
            at = where(path, lines["shell", key], ("shell", key))
            why = f"the shell takes {taken:,} of the device's {there:,}."
            yield BoardError(at, why, "correct the smaller figure, or the larger one.")


def _foreign(path: Path, lines: Lines, board: BoardFile, device: Device) -> Iterator[BoardError]:
    """Figures and tools that the device's family does not have."""
    family = family_of(board.part)
    if board.family in FAMILIES and family not in (None, board.family):
        yield BoardError(
            where(path, lines["family",], ("family",)),
            f"part {board.part} is of family {family}, not {board.family}.",
            f"write `family: {family}`, or correct the part.",
        )
    for key, fact, there in (
        ("dsp", "dsp", device.multiplier), ("uram", "ultra_ram", device.ultra_ram)
    ):  # fmt: skip
        count = getattr(board.resources, key)
        if count and there is None:
            yield BoardError(
                where(path, lines["resources", key], ("resources", key)),
                f"{count:,} blocks on a device of family {board.family}, which has none.",
                f"correct the count or the family, or say what the blocks are: "
                f"`device: {{{fact}: {DEVICE_EXAMPLES[fact]}}}`.",
            )
    if board.resources.spram and board.family != "ice40-ultraplus":
        yield BoardError(
            where(path, lines["resources", "spram"], ("resources", "spram")),
            f"{board.resources.spram:,} single-port RAMs on a device of family {board.family}, "
            "which has none.",
            "leave the key out: it counts SB_SPRAM256KA of iCE40 UltraPlus.",
        )
    if (board.vendor == "xilinx") != (device.toolchain == "vivado"):
        key = "toolchain" if board.toolchain else "vendor"
        yield BoardError(
            where(path, lines[key,], (key,)),
            f"{device.toolchain!r} does not build {board.vendor} parts.",
            "vivado builds xilinx parts, open builds lattice and gowin parts.",
        )
    if board.bitstream is not None:
        yield from _wrong_pins(path, lines, board.bitstream, board, device)


def _wrong_pins(
    path: Path, lines: Lines, pins: BitstreamSection, board: BoardFile, device: Device
) -> Iterator[BoardError]:
    """Pins for a tool that does not read them, and pins that two ports would share."""
    keys: Keys = ("bitstream",)
    if board.host != "none":
        yield BoardError(
            where(path, lines[keys], keys),
            f"samples reach this board by {board.host!r}, and no pins are asked for.",
            "leave the section out: it is for boards whose host is `none`.",
        )
    # The name becomes an option of nextpnr: one that it does not know may be another option's.
    if pins.device not in device.routed and device.routed:
        near = get_close_matches(pins.device, device.routed, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        yield BoardError(
            where(path, lines[*keys, "device"], (*keys, "device")),
            f"{_shown(pins.device)} is no device of family {board.family} that nextpnr knows.",
            f"{hint}One of {', '.join(device.routed)}.",
        )
    places: dict[str, str] = {}
    for port, site in _sites(pins):
        if site in places:
            yield BoardError(
                where(path, lines[keys], (*keys, port)),
                f"pin {site} is that of {places[site]}, too.",
                "correct one of the two pins.",
            )
        places.setdefault(site, port)


def _sites(pins: BitstreamSection) -> Iterator[tuple[str, str]]:
    """Each port of a board, by its section, and its pin."""
    yield "oscillator", pins.oscillator.pin
    if pins.uart is not None:
        yield from (("uart", site) for site in (pins.uart.rx, pins.uart.tx))
    if pins.reset is not None:
        yield "reset", pins.reset.pin
    if pins.leds is not None:
        yield from (("leds", site) for site in pins.leds.pins)
    yield from (("high", site) for site in pins.high)
