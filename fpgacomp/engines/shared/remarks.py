"""Sentences on a design that every engine with HLS C++ has to say."""

from __future__ import annotations

from fpgacomp.devices.board import Board


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
        f"no HLS tool builds C++ for {board.name}, whose device is an {board.family}: the figures "
        f"are those of Vitis HLS and only compare designs. {instead}",
    )
