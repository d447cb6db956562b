"""Reads boards/*.yaml, and boards of the user's own, into `Board`; says what is wrong and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from fpgacomp.devices.board import RESOURCE_FIELDS, Board, Resources
from fpgacomp.errors import BoardError, raise_all
from fpgacomp.host.resources import data_folder

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Keys = tuple[str, ...]
_Lines = Mapping[_Keys, int]

_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_Count = Annotated[int, Field(ge=0)]
_Megahertz = Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Device(_Strict):
    lut: Annotated[int, Field(gt=0)]
    ff: Annotated[int, Field(gt=0)]
    dsp: _Count
    bram18: _Count
    uram: _Count
    lutram: _Count


class _Shell(_Strict):
    lut: _Count
    ff: _Count
    dsp: _Count
    bram18: _Count
    uram: _Count
    lutram: _Count


class _Clock(_Strict):
    default: _Megahertz
    max: _Megahertz


class _BoardFile(_Strict):
    name: _Name
    aliases: list[_Name] = []
    title: _Text
    vendor: Literal["xilinx", "lattice"]
    part: _Text
    family: _Text
    resources: _Device
    shell: _Shell
    clock_mhz: _Clock
    memory: _Text
    host: Literal["zynq-ps", "pcie", "none"]
    toolchain: Literal["vivado", "open"]
    sources: Annotated[list[_Text], Field(min_length=1)]


_KEYS: Mapping[_Keys, tuple[str, ...]] = {
    (): tuple(_BoardFile.model_fields),
    ("resources",): tuple(_Device.model_fields),
    ("shell",): tuple(_Shell.model_fields),
    ("clock_mhz",): tuple(_Clock.model_fields),
}
_OTHER_UNITS = {
    "bram": "bram18 counts 18 Kb halves: a 36 Kb block is two",
    "bram36": "bram18 counts 18 Kb halves: a 36 Kb block is two",
    "clock_hz": "clock_mhz takes megahertz, as {default: 100, max: 250}",
    "clock_ns": "clock_mhz takes megahertz, as {default: 100, max: 250}",
    "clock": "clock_mhz takes megahertz, as {default: 100, max: 250}",
}
_EXAMPLES = {
    "name": "my-board",
    "title": "My board",
    "vendor": "xilinx",
    "part": "xc7z020clg400-1",
    "family": "zynq-7000",
    "resources": "{lut: 53200, ff: 106400, dsp: 220, bram18: 280, uram: 0, lutram: 17400}",
    "shell": "{lut: 5000, ff: 7000, dsp: 0, bram18: 6, uram: 0, lutram: 600}",
    "clock_mhz": "{default: 100, max: 250}",
    "memory": "512 MB DDR3",
    "host": "zynq-ps",
    "toolchain": "vivado",
    "sources": "[the data sheet and table each figure is from]",
    "default": "100",
    "max": "250",
}


def load_board(name_or_path: str) -> Board:
    """The board of this name or alias, or of this YAML file.

    Args:
        name_or_path: a name as `fpgacomp boards` lists it, in any case; or a path,
            which ends in .yaml or .yml or has a slash in it.

    Raises:
        BoardError: no such board (with the nearest names), or a file that is wrong
            (with its line, key and remedy; several at once as Problems).
    """
    if "/" in name_or_path or name_or_path.lower().endswith((".yaml", ".yml")):
        return _board(_read(Path(name_or_path)), Path(name_or_path))
    wanted = name_or_path.strip().lower().replace("_", "-").replace(" ", "-")
    exact = data_folder("boards") / f"{wanted}.yaml"
    if wanted and exact.is_file():
        return _board(_read(exact), exact)
    known: list[str] = []
    for path in _shipped():
        content = _read(path)
        if wanted in content.aliases:
            return _board(content, path)
        known += [content.name, *content.aliases]
    raise _unknown(name_or_path, wanted, known)


def list_boards() -> list[Board]:
    """Every board that ships with fpgacomp, by name."""
    return [_board(_read(path), path) for path in _shipped()]


def _shipped() -> list[Path]:
    return sorted(data_folder("boards").glob("*.yaml"))


def _unknown(given: str, wanted: str, known: list[str]) -> BoardError:
    near = get_close_matches(wanted, known, n=3, cutoff=0.5)
    near += [name for name in known if wanted and wanted in name and name not in near][:3]
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return BoardError(
        "--board",
        f"there is no board {given!r}.",
        f"{hint}`fpgacomp boards` lists all; a board of your own is a path to its YAML file.",
    )


def _board(content: _BoardFile, path: Path) -> Board:
    return Board(
        name=content.name,
        title=content.title,
        vendor=content.vendor,
        part=content.part,
        family=content.family,
        device=_resources(content.resources),
        lutram=content.resources.lutram,
        shell=_resources(content.shell),
        clock_mhz_default=content.clock_mhz.default,
        clock_mhz_max=content.clock_mhz.max,
        memory=content.memory,
        host=content.host,
        toolchain=content.toolchain,
        sources=tuple(content.sources),
        path=path,
    )


def _resources(section: _Device | _Shell) -> Resources:
    return Resources(**{field: getattr(section, field) for field in RESOURCE_FIELDS})


def _read(path: Path) -> _BoardFile:
    """The file's content, validated; every problem of the file is raised in one go."""
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=_Loader)
        content = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(path, error) from None
    if not isinstance(root, yaml.MappingNode):
        why = "is empty." if root is None else "is not a list of `key: value` lines."
        raise BoardError(f"{path}:1", why, f"start from {data_folder('boards')}/pynq-z2.yaml.")
    lines: dict[_Keys, int] = {}
    problems = list(_keys(path, root, (), lines))
    try:
        checked = _BoardFile.model_validate(content)
    except ValidationError as error:
        problems += [_invalid(path, lines, dict(detail)) for detail in error.errors()]
        raise_all(problems)
        raise
    raise_all(problems + list(_impossible(path, lines, checked)))
    return checked


def _text(path: Path) -> str:
    copy = f"copy one of {data_folder('boards')} and edit it."
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BoardError(
            str(path), "there is no such board file.", f"check the path, or {copy}"
        ) from None
    except UnicodeDecodeError:
        raise BoardError(str(path), "is not a text file in UTF-8.", copy) from None
    except OSError as error:
        why = f"cannot be read: {error.strerror}."
        raise BoardError(str(path), why, f"name a file, or {copy}") from None


def _not_yaml(path: Path, error: Exception) -> BoardError:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    what = getattr(error, "problem", None) or str(error)
    fix = "mend this line; each line is `key: value`, indented with spaces."
    return BoardError(f"{path}:{line}", f"is not valid YAML: {what}.", fix)


def _keys(
    path: Path, node: yaml.MappingNode, above: _Keys, lines: dict[_Keys, int]
) -> Iterator[BoardError]:
    """Note the line of every key down to the second level; a key given twice is a problem."""
    for key_node, value_node in node.value:
        keys = (*above, str(key_node.value))
        line = key_node.start_mark.line + 1
        if keys in lines:
            why = f"is given twice, first in line {lines[keys]}."
            yield BoardError(_where(path, line, keys), why, "keep one of the two.")
        lines.setdefault(keys, line)
        if isinstance(value_node, yaml.MappingNode) and not above:
            yield from _keys(path, value_node, keys, lines)


def _where(path: Path, line: int, keys: _Keys) -> str:
    return f"{path}:{line}: {'.'.join(keys)}"


def _invalid(path: Path, lines: _Lines, detail: Mapping[str, Any]) -> BoardError:
    """One finding of pydantic's, in the words of board files."""
    keys = tuple(str(part) for part in detail["loc"])
    known = keys
    while known and known not in lines:
        known = known[:-1]
    why, fix = _explain(detail, keys)
    return BoardError(_where(path, lines.get(known, 1), keys), why, fix)


def _explain(detail: Mapping[str, Any], keys: _Keys) -> tuple[str, str]:
    given, context = detail["input"], detail.get("ctx", {})
    example = f"for example `{keys[-1]}: {_EXAMPLES.get(keys[-1], '0')}`."
    match detail["type"]:
        case "missing":
            return "is missing.", f"add it, {example}"
        case "extra_forbidden":
            return "is not a key of a board file.", _nearest_key(keys)
        case "literal_error":
            near = get_close_matches(str(given), _choices(context), n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}? " if near else ""
            return f"{given!r} is not known.", f"{hint}One of {', '.join(_choices(context))}."
        case "string_pattern_mismatch":
            return f"{given!r} is not a name.", "lower-case letters, digits and dashes only."
        case "int_type" | "int_from_float":
            return f"{given!r} is not a whole number.", f"a plain count, {example}"
        case "float_type" | "finite_number":
            return f"{given!r} is not a number.", f"megahertz without a unit, {example}"
        case "less_than_equal":
            return f"{given} MHz is faster than any FPGA.", f"give megahertz, {example}"
        case "greater_than_equal" | "greater_than":
            bound = "above" if detail["type"] == "greater_than" else "at least"
            limit = context.get("gt", context.get("ge"))
            fix = f"give the figure of the data sheet, {example}"
            return f"{given} is impossible: it must be {bound} {limit:g}.", fix
        case _:
            return f"{given!r} is wrong: {detail['msg'].lower()}.", example


def _choices(context: Mapping[str, Any]) -> list[str]:
    return [part.strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")]


def _nearest_key(keys: _Keys) -> str:
    if keys[-1] in _OTHER_UNITS:
        return f"{_OTHER_UNITS[keys[-1]]}."
    known = _KEYS.get(keys[:-1], ())
    near = get_close_matches(keys[-1], known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}The keys here are {', '.join(known)}."


def _impossible(path: Path, lines: _Lines, board: _BoardFile) -> Iterator[BoardError]:
    """What no real board can be, although each figure alone is valid."""
    for key in _KEYS["shell",]:
        taken, there = getattr(board.shell, key), getattr(board.resources, key)
        if taken > there or (key == "lut" and taken == there):
            where = _where(path, lines["shell", key], ("shell", key))
            why = f"the shell takes {taken:,} of the device's {there:,}."
            yield BoardError(where, why, "correct the smaller figure, or the larger one.")
    if board.resources.lutram > board.resources.lut:
        yield BoardError(
            _where(path, lines["resources", "lutram"], ("resources", "lutram")),
            f"{board.resources.lutram:,} LUTs as memory of {board.resources.lut:,} LUTs in all.",
            "lutram counts the LUTs that can be memory, not bits.",
        )
    if board.clock_mhz.default > board.clock_mhz.max:
        yield BoardError(
            _where(path, lines["clock_mhz", "default"], ("clock_mhz", "default")),
            f"{board.clock_mhz.default:g} MHz is above max, {board.clock_mhz.max:g} MHz.",
            "lower default or raise max.",
        )
    if (board.vendor == "xilinx") != (board.toolchain == "vivado"):
        yield BoardError(
            _where(path, lines["toolchain",], ("toolchain",)),
            f"{board.toolchain!r} does not build {board.vendor} parts.",
            "vivado builds xilinx parts, open builds lattice parts.",
        )
