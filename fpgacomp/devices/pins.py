"""What a bitstream by open tools needs to know of a board: pins, oscillator, names for tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Pin:
    """A pin of the FPGA.

    Args:
        site: the ball or number of the package.
        io: I/O standard; "" where the default of the tools holds.
        pull: direction of a resistor in the FPGA; "" without one.
        active: level at which what is behind the pin acts.
    """

    site: str
    io: str = ""
    pull: Literal["", "up", "down"] = ""
    active: Literal["high", "low"] = "high"


@dataclass(frozen=True)
class Uart:
    """The board's serial port, as the FPGA sees it: it receives at `rx` and sends at `tx`.

    Args:
        baud: that its other end carries.
    """

    rx: Pin
    tx: Pin
    baud: int


@dataclass(frozen=True)
class BoardPins:
    """The pins of a board that a design uses, and what the tools call its device.

    Args:
        device, package, speed: in the words of place and route; "" where it asks for none.
        oscillator_mhz: frequency of the clock at `oscillator`.
        pll_pad: whether that pin feeds a PLL of an iCE40 by itself.
        uart: None where the board has no serial port.
        reset: a button; None where there is none.
        leds: lights; none where there are none.
        high: outputs that must stay high.
        programmer: name of the board in openFPGALoader.
    """

    device: str
    package: str
    speed: str
    oscillator_mhz: float
    oscillator: Pin
    pll_pad: bool
    uart: Uart | None
    reset: Pin | None
    leds: tuple[Pin, ...]
    high: tuple[Pin, ...]
    programmer: str
