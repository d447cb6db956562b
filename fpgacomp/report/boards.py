"""The list of boards, and one board in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fpgacomp.devices.board import Board
from fpgacomp.devices.device import Device
from fpgacomp.devices.resources import RESOURCE_FIELDS
from fpgacomp.report.plain_json import json_text


def to_json(boards: Sequence[Board], *, single: bool) -> str:
    """One board as an object, several as a list."""
    content = [_plain(board) for board in boards]
    return json_text(content[0] if single else content)


def _plain(board: Board) -> dict[str, object]:
    plain = asdict(board)
    del plain["path"]
    toolchain = plain["device"].pop("toolchain")
    return plain | {"budget": asdict(board.budget), "toolchain": toolchain}


def render_list(boards: Sequence[Board], console: Console) -> None:
    """A row per board: what a design may use, the shell taken off."""
    table = Table(box=None, pad_edge=False, title="What a design may use (device less shell)",
                  title_justify="left")  # fmt: skip
    table.add_column("board")
    table.add_column("part")
    for name in (*RESOURCE_FIELDS, "MHz"):
        table.add_column(name, justify="right")
    for board in boards:
        figures = [f"{amount:,.0f}" for amount in board.budget]
        table.add_row(
            escape(board.name), escape(board.part), *figures, f"{board.clock_mhz_default:g}"
        )
    console.print(table)


def _silicon(device: Device) -> dict[str, str]:
    """What the FPGA is made of, by heading."""
    multiplier, ultra_ram = device.multiplier, device.ultra_ram
    dsp = f"{multiplier.block}, multiplies {multiplier} bits" if multiplier else "none"
    memory = f"{device.block_ram.block} of {device.block_ram} bits"
    if ultra_ram:
        memory += f"; {ultra_ram.block} of {ultra_ram} bits"
    return {
        "DSP": dsp,
        "LUT": f"{device.lut_inputs} inputs; {device.level_ns:g} ns per level of adders",
        "RAM": memory,
    }


def _silicon_sources(device: Device) -> tuple[str, ...]:
    blocks = (device.multiplier, device.block_ram, device.ultra_ram)
    found = (*device.sources, *(block.source for block in blocks if block is not None))
    return tuple(dict.fromkeys(found))


def render_one(board: Board, console: Console) -> None:
    """Everything that a board file states or takes from its device family."""
    console.print(f"[bold]{escape(board.name)}[/]  {escape(board.title)}")
    rows = {
        "part": f"{board.part} ({board.family}, {board.device.toolchain} tools)",
        "clock": f"{board.clock_mhz_default:g} MHz, at most {board.clock_mhz_max:g} MHz",
        "memory": board.memory,
        "host": board.host,
        **_silicon(board.device),
        "power": "not stated" if board.power is None else f"{board.power.typical:g} W typically",
    }
    for key, value in rows.items():
        console.print(f"  {key:8} {escape(value)}")
    table = Table(box=None, pad_edge=False)
    for heading in ("", "device", "shell", "budget"):
        table.add_column(heading, justify="right")
    for name in RESOURCE_FIELDS:
        parts = (board.resources, board.shell, board.budget)
        table.add_row(name, *(f"{part[name]:,.0f}" for part in parts))
    console.print(table)
    power = () if board.power is None else (board.power.source,)
    for source in (*board.sources, *power, *_silicon_sources(board.device)):
        console.print(f"  [dim]{escape(source)}[/]", soft_wrap=True)
