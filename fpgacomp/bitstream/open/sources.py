"""What surrounds a design on its board: the top module, constraints, the script for Yosys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from fpgacomp.bitstream.open.family import CONSTRAINTS, NETLIST, STATISTICS, OpenFamily
from fpgacomp.bitstream.open.pll import Pll, exact, nearest
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins, Pin
from fpgacomp.errors import UsageError
from fpgacomp.host.templates import templates

TOP = "fpgacomp_board"
CLOCK = "fpgacomp_clock.v"
# How far a clock may be from the wanted one: what is further off is another clock.
_MOST_OFF = Fraction(2, 100)
_PLANNED = b".DSP(1)"  # an operator whose products the design plans in DSP blocks


@dataclass(frozen=True)
class BoardPort:
    """A port of the top module and its pin."""

    name: str
    pin: Pin


@dataclass(frozen=True)
class BoardTop:
    """Everything that the template of the top module reads.

    Args:
        title: of the board.
        design: name of the module inside, which has the host link.
        oscillator_mhz, clock_mhz, vco_mhz: frequencies in decimal notation.
        pll: its setting; None where the oscillator is the clock.
        pll_at_pad: whether the PLL takes the clock at the pin (iCE40's PAD), not from the fabric.
    """

    title: str
    design: str
    oscillator_mhz: str
    clock_mhz: str
    vco_mhz: str
    pll: Pll | None
    pll_at_pad: bool
    reset: Pin | None
    leds: tuple[Pin, ...]
    high: tuple[Pin, ...]


def pll_for(board: Board, pins: BoardPins, family: OpenFamily, clock_mhz: float) -> Pll | None:
    """The setting that makes the design's clock; None where the oscillator gives it.

    Raises:
        UsageError: no setting comes near it.
    """
    oscillator = exact(pins.oscillator_mhz)
    if oscillator == exact(clock_mhz):
        return None
    found = nearest(family.settings(oscillator), clock_mhz, family.limits)
    if found is None or abs(found.clock_mhz / exact(clock_mhz) - 1) > _MOST_OFF:
        others = "" if found is None else f" or {decimal(found.clock_mhz)}"
        raise UsageError(
            f"{clock_mhz:g} MHz",
            f"cannot be made on {board.name} from its oscillator's {pins.oscillator_mhz:g} MHz.",
            f"compile with --clock-mhz {pins.oscillator_mhz:g}{others}.",
        )
    return found


def board_top(
    board: Board, pins: BoardPins, family: OpenFamily, pll: Pll | None, design: str
) -> BoardTop:
    """The top module of a board.

    Args:
        design: name of the module inside.
    """
    clock = exact(pins.oscillator_mhz) if pll is None else pll.clock_mhz
    return BoardTop(
        title=board.title,
        design=design,
        oscillator_mhz=decimal(exact(pins.oscillator_mhz)),
        clock_mhz=decimal(clock),
        vco_mhz=decimal(pll.vco_mhz) if pll else "",
        pll=pll,
        pll_at_pad=pins.pll_pad,
        reset=pins.reset,
        leds=pins.leds,
        high=pins.high,
    )


def decimal(mhz: Fraction) -> str:
    """A frequency as the tools read it."""
    return f"{float(mhz):.6f}".rstrip("0").rstrip(".")


def ports_of(pins: BoardPins) -> list[BoardPort]:
    """The ports of the top module with their pins.

    The board has a serial port.
    """
    assert pins.uart is not None
    ports = [
        BoardPort("oscillator", pins.oscillator),
        BoardPort("uart_rx", pins.uart.rx),
        BoardPort("uart_tx", pins.uart.tx),
    ]
    if pins.reset is not None:
        ports.append(BoardPort("reset_button", pins.reset))
    ports += [BoardPort(f"led_{number}", pin) for number, pin in enumerate(pins.leds)]
    return ports + [BoardPort(f"high_{number}", pin) for number, pin in enumerate(pins.high)]


def surroundings(
    board: Board, pins: BoardPins, family: OpenFamily, top: BoardTop, sources: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Path -> content of the top module, its constraints and the script for Yosys.

    Args:
        sources: path -> content of the design and its host link.
    """
    read = [path for path in sources if path.endswith(".sv")]
    primitives = ([CLOCK] if top.pll else []) + [path for path in sources if path.endswith(".v")]
    kind = board.device.yosys_multipliers
    planned = bool(kind) and any(_PLANNED in text for text in sources.values())
    constraints = render(
        family.constraints, title=board.title, oscillator_mhz=top.oscillator_mhz,
        ports=ports_of(pins),
    )  # fmt: skip
    script = render(
        "synth.ys", title=board.title, name=TOP, sources=(f"{TOP}.sv", *read),
        multipliers=planned, synthesis=board.device.yosys, netlist=NETLIST,
        statistics=STATISTICS,
        primitives=primitives, multipliers_of=kind, check="",
    )  # fmt: skip
    clock = {CLOCK: render(f"{family.pll}.v", top=top)} if top.pll else {}
    return clock | {
        f"{TOP}.sv": render("top.sv", top=top),
        f"{CONSTRAINTS}.{family.constraints}": constraints,
        "synth.ys": script,
    }


def render(template: str, /, **context: object) -> bytes:
    """The content of a file from `template`.j2; a field that the context lacks is an error."""
    return templates("boards", "rtl").get_template(f"{template}.j2").render(**context).encode()
