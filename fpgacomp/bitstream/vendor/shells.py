"""What surrounds an accelerator on each kind of board: the processing system and its addresses.

Sources: UG585 (Zynq-7000 TRM) and PG082 (its IP), UG1085 (Zynq UltraScale+ TRM) and PG201.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins, Uart
from fpgacomp.errors import BoardError, UsageError
from fpgacomp.runtime.address_map import MAPS, AddressMap

DMA_RANGE_KIB = 64
REGISTER_RANGE_KIB = 4
# SmartConnect has 16 ports on each side, and a DMA takes two of them.
MOST_DMAS = 8
INTERRUPTS_OF_A_PIN = {"IRQ_F2P": 16, "pl_ps_irq0": 8, "pl_ps_irq1": 8}


@dataclass(frozen=True, kw_only=True)
class ProcessingSystem:
    """A processing system as a block design uses it.

    Args:
        template: below hls_templates/vivado.
        clock, reset: pins that drive the programmable logic.
        register_port, register_clock: of the master to registers.
        memory_port, memory_clock: of the slave to memory.
        memory_map: what its address segments are below.
        memory_segment: name of the memory's address segment.
        memory_bits: width of the memory port.
        interrupts: pins that take them, in order.
        addresses: where software finds registers.
    """

    template: str
    clock: str
    reset: str
    register_port: str
    register_clock: str
    memory_port: str
    memory_clock: str
    memory_map: str
    memory_segment: str
    memory_bits: int
    interrupts: tuple[str, ...]
    addresses: AddressMap


ZYNQ_7000 = ProcessingSystem(
    template="ps7.tcl.j2",
    clock="FCLK_CLK0",
    reset="FCLK_RESET0_N",
    register_port="M_AXI_GP0",
    register_clock="M_AXI_GP0_ACLK",
    memory_port="S_AXI_HP0",
    memory_clock="S_AXI_HP0_ACLK",
    memory_map="S_AXI_HP0",
    memory_segment="HP0_DDR_LOWOCM",
    memory_bits=64,
    interrupts=("IRQ_F2P",),
    addresses=MAPS["zynq-7000"],
)
ULTRASCALE_PLUS = ProcessingSystem(
    template="psu.tcl.j2",
    clock="pl_clk0",
    reset="pl_resetn0",
    register_port="M_AXI_HPM0_FPD",
    register_clock="maxihpm0_fpd_aclk",
    memory_port="S_AXI_HP0_FPD",
    memory_clock="saxihp0_fpd_aclk",
    memory_map="SAXIGP2",
    memory_segment="HP0_DDR_LOW",
    memory_bits=128,
    interrupts=("pl_ps_irq0", "pl_ps_irq1"),
    addresses=MAPS["zynq-ultrascale+"],
)
_SYSTEMS: Mapping[str, ProcessingSystem] = {
    "zynq-7000": ZYNQ_7000,
    "zynq-ultrascale+": ULTRASCALE_PLUS,
}


@dataclass(frozen=True)
class Card:
    """An Alveo card, for which v++ links kernels into a platform.

    Args:
        platform: name of the platform, as `platforminfo` lists it.
    """

    platform: str


@dataclass(frozen=True)
class SerialLink:
    """An FPGA without a processor: samples come over a serial port.

    Args:
        pins: of the board.
        uart: the serial port among them.
        baud: its rate.
    """

    pins: BoardPins
    uart: Uart
    baud: int


Shell = ProcessingSystem | Card | SerialLink


def shell_of(board: Board, baud: int | None = None) -> Shell:
    """What surrounds an accelerator on a board.

    Args:
        baud: of a serial link; None takes the board's.

    Raises:
        UsageError: nothing is written for a board of this kind.
        BoardError: the board's file states no serial port, or pins without an I/O standard.
    """
    if board.host == "zynq-ps":
        system = _SYSTEMS.get(board.family)
        if system is None:
            why = f"its processing system is not known: family {board.family}."
            raise UsageError(f"--board {board.name}", why, _own_design(board))
        return system
    if board.host == "pcie":
        if board.platform:
            return Card(board.platform)
        why = "building bitstreams for it is not supported: it has no platform that v++ links for."
        raise UsageError(f"--board {board.name}", why, _own_design(board))
    return _serial_link(board, baud)


def _serial_link(board: Board, baud: int | None) -> SerialLink:
    if board.family != "artix-7":
        why = f"bitstreams with a serial link are not written for family {board.family}."
        raise UsageError(f"--board {board.name}", why, _own_design(board))
    pins = board.pins
    if pins is None or pins.uart is None:
        raise BoardError(
            str(board.path), "states no serial port, and samples reach the design over one.",
            "add the section `bitstream` with oscillator and uart, as "
            "docs/guides/adding-a-board.md says.",
        )  # fmt: skip
    used = (pins.oscillator, pins.uart.rx, pins.uart.tx, *pins.leds)
    if not all(pin.io for pin in (*used, *((pins.reset,) if pins.reset else ()))):
        raise BoardError(str(board.path), "states pins without an I/O standard.",
                         "add `io: LVCMOS33`, or what the board has, under bitstream.")  # fmt: skip
    return SerialLink(pins, pins.uart, baud or pins.uart.baud)


def _own_design(board: Board) -> str:
    return (
        "take the IP that rtl/vivado/package.tcl packages into a block design of your own, over "
        "PCIe or JTAG-to-AXI for instance, or compile for another board of `fpgacomp boards`."
    )
