"""Board files that take memory without end, or carry Tcl, markup or HTML, are refused."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from fpgacomp.devices.read import load_board
from fpgacomp.errors import BoardError, FpgacompError
from fpgacomp.host.resources import data_folder
from fpgacomp.report.boards import render_list, render_one

TEXT = (data_folder("boards") / "pynq-z2.yaml").read_text(encoding="utf-8")


def with_line(key: str, value: str) -> str:
    """The board file with another value for a key of its first level."""
    lines = TEXT.splitlines()
    lines = lines[: next(i for i, line in enumerate(lines) if line.startswith("sources:"))]
    lines = [line for line in lines if not line.startswith(f"{key}:")]
    if key != "sources":
        lines.append("sources: [the data sheet]")
    return "\n".join([*lines, f"{key}: {value}"])


def refusal(folder: Path, text: str) -> FpgacompError:
    path = folder / "board.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FpgacompError) as refused:
        load_board(str(path))
    assert refused.value.where.startswith(str(path)) and refused.value.fix
    return refused.value


def bomb() -> str:
    rows = ["&a [x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefghij", "abcdefghi"):
        rows.append(f"&{name} [{', '.join([f'*{before}'] * 9)}]")
    return f"[{', '.join(rows)}]"


@pytest.mark.parametrize("key", ["title", "resources", "sources", "extra"])
def test_an_alias_bomb_is_refused(tmp_path: Path, key: str) -> None:
    assert "uses an anchor or alias" in refusal(tmp_path, with_line(key, bomb())).why


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_nesting_without_end_is_refused(tmp_path: Path, opening: str) -> None:
    assert "nested more than 8 levels" in refusal(tmp_path, with_line("x", opening * 20_000)).why


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    assert "has at most 100,000" in refusal(tmp_path, TEXT + "#" * 100_000).why
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(BoardError, match="is a pipe or a device"):
            load_board(f"{path.parent}/{path.name}")


@pytest.mark.parametrize("key", ["name", "title", "part", "family", "memory"])
@pytest.mark.parametrize(
    "value",
    ["x; exec touch marker.txt", "[exec id]", "$env(HOME)", "{a} {b}", '"', "`id`", "a\\nb",
     "<script>alert(1)</script>", "[bold red]x[/] [/nope]", "x" * 1000, "", "${IFS}", "a\\0b"],
)  # fmt: skip
def test_no_value_carries_another_language(tmp_path: Path, key: str, value: str) -> None:
    quoted = '"' + value.replace('"', '\\"') + '"'
    if key in ("title", "memory") and value.startswith("x;"):
        return  # plain words and a semicolon; neither goes into Tcl
    problem = refusal(tmp_path, with_line(key, quoted))
    assert f": {key}" in problem.where


OPEN_FAMILIES = [("ulx3s-25f", "25k"), ("ice40-hx8k-evn", "hx8k"), ("icebreaker", "up5k"),
                 ("tang-nano-9k", "GW1N-9C")]  # fmt: skip


@pytest.mark.parametrize(("board", "device"), OPEN_FAMILIES)
@pytest.mark.parametrize("other", ["json", "seed", "Werror", "xx"])
def test_a_device_that_nextpnr_does_not_know_is_no_option_of_it(
    board: str, device: str, other: str, tmp_path: Path
) -> None:
    """`json` would become --json; the error lists what the family has."""
    text = (data_folder("boards") / f"{board}.yaml").read_text(encoding="utf-8")
    assert text.count(f"  device: {device}\n") == 1
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(f"  device: {device}\n", f"  device: {other}\n"))
    with pytest.raises(BoardError, match=f"'{other}' is no device of family") as refused:
        load_board(path)
    assert refused.value.where.endswith(": bitstream.device")
    assert device in refused.value.fix.split("One of ")[1].rstrip(".").split(", ")


WORDS = ["--json", "-x", "a b", "a\\nb", "a;b", "a\\n", "$x", "[id]"]
OPEN_WORDS = [
    ("  package: CABGA381", "package"), ('  speed: "6"', "speed"), ("  io: LVCMOS33", "io"),
    ("  programmer: ulx3s", "programmer"), ("  high: [L2]", "high"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "key"), OPEN_WORDS)
@pytest.mark.parametrize("value", WORDS)
def test_no_word_for_a_tool_is_an_option_or_two_lines(
    line: str, key: str, value: str, tmp_path: Path
) -> None:
    text = (data_folder("boards") / "ulx3s-25f.yaml").read_text(encoding="utf-8")
    given = f'["{value}"]' if key == "high" else f'"{value}"'
    assert line in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(line, f"  {key}: {given}"))
    with pytest.raises(FpgacompError, match=f"bitstream.{key}"):
        load_board(path)


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "1e400", "0x" + "f" * 300, ".nan", "-1"])
def test_impossible_numbers_are_refused(tmp_path: Path, value: str) -> None:
    text = TEXT.replace("{lut: 53200,", f"{{lut: {value},")
    assert text != TEXT
    assert len(str(refusal(tmp_path, text))) < 700


def test_sources_are_shown_as_they_are() -> None:
    source = "DS190 [Table 1] [/nope] :smile:"
    board = replace(load_board("pynq-z2"), sources=(source,), title="[bold]x[/]")
    console = Console(file=io.StringIO(), width=200, force_terminal=False)
    render_one(board, console)
    render_list([board], console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "DS190 [Table 1] [/nope]" in text and "[bold]x[/]" in text
