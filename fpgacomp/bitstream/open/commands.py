"""The command lines of place and route and of the packer, for a run and for build.sh alike."""

from __future__ import annotations

from collections.abc import Callable

from fpgacomp.bitstream.open.family import PLACED, REPORT, OpenFamily
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins

PathOf = Callable[[str], str]  # the path of a file of the folder, as a program sees it


def route_arguments(
    family: OpenFamily, board: Board, pins: BoardPins, clock_mhz: float, seed: int | str,
    place: PathOf,
) -> list[str]:  # fmt: skip
    """Arguments of place and route.

    Args:
        clock_mhz: that is wanted.
        seed: or an expression of a shell for it.
        place: gives the path of a file.
    """
    return [
        *family.router_arguments(board, pins, place),
        "--seed", str(seed), "--freq", f"{clock_mhz:g}", "--timing-allow-fail",
        "--report", place(REPORT),
    ]  # fmt: skip


def pack_arguments(family: OpenFamily, pins: BoardPins, bitstream: str, place: PathOf) -> list[str]:
    """Arguments of the packer.

    Args:
        bitstream: the file that it writes.
        place: gives the path of a file.
    """
    return family.packer_arguments(pins, place(PLACED), place(bitstream))
