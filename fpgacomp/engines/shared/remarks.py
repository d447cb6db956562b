"""Sentences on a design that every engine with HLS C++ has to say."""

from __future__ import annotations

from fpgacomp.devices.board import Board
from fpgacomp.results.estimate import Basis


def built_by_hls(board: Board) -> bool:
    """Whether an HLS tool builds C++ for the board's device."""
    return board.device.toolchain == "vivado"


def hls_remarks(board: Board, instead: str) -> tuple[str, ...]:
    """One sentence where no HLS tool builds C++ for the board's device.

    Args:
        instead: what to build in its place, a sentence.
    """
    if built_by_hls(board):
        return ()
    return (
        f"no HLS tool builds C++ for {board.name}, a device of family {board.family}: the figures "
        f"are those of Vitis HLS and only compare designs. {instead}",
    )


def yosys_remarks(board: Board, basis: Basis) -> tuple[str, ...]:
    """One sentence where Yosys builds the SystemVerilog, and the figures are those of its netlists.

    Args:
        basis: what the figures of resources were fitted to.
    """
    blocks = board.device.block_ram
    words, bits = blocks.shapes[0]
    some = f"{basis.instances} instances" if basis.instances else f"{basis.designs} designs"
    return (
        f"no HLS tool builds C++ for {board.name}, a device of family {board.family}: Yosys builds "
        f"the SystemVerilog in rtl/. LUT, FF and block RAM ({blocks.block} of {words * bits:,} "
        f"bits, listed as BRAM18) are fitted to {basis.tool} of {some} for this "
        "family; none was placed or routed, so whether the clock is met is known after "
        "`fpgacomp build` alone.",
    )
