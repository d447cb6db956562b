"""The toolchains that build bitstreams, by what board files call them."""

from __future__ import annotations

from typing import Protocol

from fpgacomp.bitstream.job import Brought, Built, Job
from fpgacomp.bitstream.open.toolchain import OpenToolchain
from fpgacomp.bitstream.vendor.toolchain import VivadoToolchain
from fpgacomp.devices.board import Board
from fpgacomp.devices.device import Toolchain as ToolchainName
from fpgacomp.errors import UsageError
from fpgacomp.host.progress import Observer


class Toolchain(Protocol):
    """What builds bitstreams."""

    def build(self, job: Job, observer: Observer) -> Built:
        """Build a bitstream; `observer` is told each step and the share of it that is done.

        Raises:
            UsageError, BoardError: the design or the board lacks something that it takes.
            ToolError: a tool is missing or failed.
        """

    def bring(self, job: Job, brought: Brought) -> Built:
        """Take a bitstream that was built elsewhere, as far as it can be checked.

        Raises:
            UsageError: the toolchain builds here, or what is given does not go with the board.
            InputDataError: a file is damaged, or is of another design, part or clock.
            Problems: several of these.
        """


_TOOLCHAINS: dict[ToolchainName, Toolchain] = {
    "open": OpenToolchain(),
    "vivado": VivadoToolchain(),
}


def toolchain_for(board: Board) -> Toolchain:
    """The toolchain of a board.

    Raises:
        UsageError: no bitstream is built for boards of its kind.
    """
    found = _TOOLCHAINS.get(board.device.toolchain)
    if found is None:
        known = " or ".join(repr(name) for name in _TOOLCHAINS)
        raise UsageError(
            f"board {board.name}",
            f"is built by {board.device.toolchain!r}, for which there is no bitstream flow.",
            f"compile for a board whose toolchain is {known}; `fpgacomp boards` lists them.",
        )
    return found
