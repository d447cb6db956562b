"""Sentences on a design that every engine with HLS C++ has to say."""

from __future__ import annotations

from fpgacomp.devices.board import Board


def hls_remarks(board: Board) -> tuple[str, ...]:
    """One sentence where no HLS tool builds C++ for the board's device."""
    if board.device.toolchain == "vivado":
        return ()
    return (
        f"{board.name} has an {board.family} device: no HLS tool builds this "
        "C++ for it, so the figures only compare; synthesizable RTL for it is not written yet.",
    )
