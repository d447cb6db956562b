"""What the host link keeps of frames, and the memory that it takes on a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fpgacomp.devices.board import Board
from fpgacomp.devices.device import MemoryBlock
from fpgacomp.engines.stream.estimate.open_tools import blocks_of
from fpgacomp.engines.stream.interface import AxiPort
from fpgacomp.engines.stream.streams import container_bits
from fpgacomp.errors import DoesNotFit
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor

WINDOWS = (2, 4, 8, 16)  # frames under way
_BLOCK_BYTES = 512  # of iCE40's block RAM, the smallest of the open families
SPRAM_BYTES = 32_768  # of one SB_SPRAM256KA
_IN_LUTS = 8  # beats of a FIFO that is not in block RAM (hls_templates/link/top.sv.j2)


@dataclass(frozen=True)
class LinkPort:
    """A port of the accelerator as the link sees it.

    Args:
        name: of the AXI stream.
        beat_bytes: bytes of TDATA.
        frame_bytes: bytes of a frame, without those that fill up its last beat.
        spram: whether its frames lie in a single-port RAM instead of block RAM.
    """

    name: str
    beat_bytes: int
    frame_bytes: int
    spram: bool = False

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return -(-self.frame_bytes // self.beat_bytes)

    @property
    def rest_bytes(self) -> int:
        """Bytes of a frame in its last beat."""
        return self.frame_bytes - (self.beats - 1) * self.beat_bytes

    @property
    def slot_bytes(self) -> int:
        """Memory that a frame takes: a power of two."""
        return 1 << (self.beats * self.beat_bytes - 1).bit_length()

    @classmethod
    def of(cls, port: AxiPort) -> LinkPort:
        """The port of an interface."""
        element = port.container_bits // 8
        return cls(port.port, port.lanes * element, port.size * element)

    @classmethod
    def of_tensor(cls, tensor: Tensor) -> LinkPort:
        """The port of a tensor before a design decides how wide it is.

        A beat has a power of two of bytes and 16 of them at most, so that no beat makes the slot of
        a frame larger.
        """
        element = container_bits(tensor.type) // 8
        return cls(tensor.name, element, tensor.size * element)


@dataclass(frozen=True)
class LinkMemory:
    """Memory of a link.

    Args:
        blocks: of block RAM.
        spram: single-port RAMs.
        window: frames of each input that it keeps.
        frame_bytes: of all inputs together.
    """

    blocks: int
    spram: int
    window: int
    frame_bytes: int

    def __str__(self) -> str:
        single = f" and {self.spram} of its single-port RAMs" if self.spram else ""
        frames = f"{self.window} frames of {self.frame_bytes:,} bytes"
        return f"the host link keeps {frames} in {self.blocks:,} block RAMs{single}"


def window_of(inputs: Sequence[LinkPort]) -> int:
    """Frames that one block RAM of iCE40 for each port holds, and two at least.

    Two keep the accelerator busy: one comes in while the other is read. More of them hide the time
    that a USB bridge takes to tell of an answer.
    """
    fitting = _BLOCK_BYTES // max(port.slot_bytes for port in inputs)
    return max(WINDOWS[0], *(window for window in WINDOWS if window <= max(fitting, 2)))


def with_spram(inputs: Sequence[LinkPort], window: int, there: int) -> tuple[LinkPort, ...]:
    """The ports, with the largest buffers of more than a block RAM in single-port RAMs.

    Args:
        there: how many such RAMs the device has.
    """
    large = [port for port in inputs if _BLOCK_BYTES < window * port.slot_bytes <= SPRAM_BYTES]
    chosen = sorted(large, key=lambda port: -port.slot_bytes)[:there]
    return tuple(replace(port, spram=port in chosen) for port in inputs)


def memory_of(
    inputs: Sequence[LinkPort], outputs: Sequence[LinkPort], window: int, block: MemoryBlock
) -> LinkMemory:
    """The memory of a link with these ports.

    Args:
        block: the block RAM of the device.
    """
    blocks = sum(blocks_of(8, window * port.slot_bytes, block) for port in inputs if not port.spram)
    # The second output and those behind it have a FIFO of a frame.
    blocks += sum(
        blocks_of(8 * port.beat_bytes + 1, port.beats, block)
        for port in outputs[1:]
        if port.beats > _IN_LUTS
    )
    spram = sum(port.spram for port in inputs)
    return LinkMemory(blocks, spram, window, sum(port.frame_bytes for port in inputs))


def with_link(board: Board, graph: Graph) -> Board:
    """The board, whose shell has the link's memory for the frames of a network.

    The shell of a board file has that of small frames. A board that is not reached by the link is
    returned as it is.

    Raises:
        DoesNotFit: the link alone takes more block RAM than there is.
    """
    if board.host != "none" or board.pins is None or board.pins.uart is None:
        return board
    inputs = [LinkPort.of_tensor(layer.output) for layer in graph.inputs]
    outputs = [LinkPort.of_tensor(tensor) for tensor in graph.outputs]
    window = window_of(inputs)
    placed = with_spram(inputs, window, board.spram)
    taken = memory_of(placed, outputs, window, board.device.block_ram)
    require_room(board, taken)
    shell = replace(board.shell, bram18=max(board.shell.bram18, taken.blocks))
    return replace(board, shell=shell)


def require_room(board: Board, taken: LinkMemory) -> None:
    """Refuse a link whose frames do not fit the device.

    Raises:
        DoesNotFit: it takes more block RAM than there is.
    """
    there = int(board.resources.bram18)
    if taken.blocks > there:
        raise DoesNotFit(
            f"board {board.name}",
            f"has {there:,} block RAMs ({board.device.block_ram.block}), and {taken}.",
            "make the network's input smaller (a smaller image, fewer channels or fewer bits), or "
            "take a board with more block RAM; `fpgacomp boards` lists them.",
        )
