"""Top module and constraints, from the board file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fpgacomp.bitstream.open.family import FAMILIES
from fpgacomp.bitstream.open.sources import board_top, pll_for, surroundings
from fpgacomp.devices.board import Board
from fpgacomp.devices.pins import BoardPins
from fpgacomp.devices.read import list_boards, load_board

OPEN = [board.name for board in list_boards() if board.device.toolchain == "open"]

LPF = """\
# Radiona ULX3S with ECP5 85F, by fpgacomp: pins and the clock of its oscillator.
FREQUENCY PORT "oscillator" 25 MHZ;
LOCATE COMP "oscillator" SITE "G2";
IOBUF PORT "oscillator" IO_TYPE=LVCMOS33;
LOCATE COMP "uart_rx" SITE "M1";
IOBUF PORT "uart_rx" IO_TYPE=LVCMOS33 PULLMODE=UP;
LOCATE COMP "uart_tx" SITE "L4";
IOBUF PORT "uart_tx" IO_TYPE=LVCMOS33;
LOCATE COMP "reset_button" SITE "R1";
IOBUF PORT "reset_button" IO_TYPE=LVCMOS33 PULLMODE=DOWN;
"""
PCF = """\
# 1BitSquared iCEBreaker, by fpgacomp: pins.
set_io oscillator 35
set_io -pullup yes uart_rx 6
set_io uart_tx 9
set_io -pullup yes reset_button 10
set_io led_0 37
set_io led_1 11
"""
CST = """\
IO_LOC "reset_button" 4;
IO_PORT "reset_button" IO_TYPE=LVCMOS18 PULL_MODE=UP;
IO_LOC "led_0" 10;
IO_PORT "led_0" IO_TYPE=LVCMOS18;
"""


def pins_of(board: Board) -> BoardPins:
    assert board.pins is not None
    return board.pins


def files(
    board: Board, clock_mhz: float, sources: dict[str, bytes] | None = None
) -> dict[str, str]:
    family, pins = FAMILIES[board.family], pins_of(board)
    pll = pll_for(board, pins, family, clock_mhz)
    top = board_top(board, pins, family, pll, "net_uart")
    made = surroundings(board, pins, family, top, sources or {"net_uart.sv": b"", "c.mem": b""})
    return {path: content.decode() for path, content in made.items()}


@pytest.mark.parametrize(
    ("board", "name", "text"),
    [
        ("ulx3s-85f", "top.lpf", LPF),
        ("icebreaker", "top.pcf", PCF),
        ("tang-nano-9k", "top.cst", CST),
    ],
)
def test_constraints_are_those_of_the_board_file(board: str, name: str, text: str) -> None:
    the_board = load_board(board)
    assert text in files(the_board, pins_of(the_board).oscillator_mhz)[name]


@pytest.mark.parametrize("name", OPEN)
def test_every_port_has_one_pin_and_every_pin_a_port(name: str) -> None:
    board = load_board(name)
    pins = pins_of(board)
    made = files(board, pins.oscillator_mhz)
    top = made["fpgacomp_board.sv"].partition(");")[0]
    constraints = made[f"top.{FAMILIES[board.family].constraints}"]
    ports = [line.split()[-1].rstrip(",") for line in top.splitlines() if "put logic" in line]
    assert (
        len(ports)
        == len(set(ports))
        == 3 + (pins.reset is not None) + len(pins.leds) + len(pins.high)
    )
    for port in ports:
        assert any(port in line.replace('"', " ").split() for line in constraints.splitlines())


@pytest.mark.parametrize("name", OPEN)
def test_the_clock_comes_from_the_oscillator_or_a_pll(name: str) -> None:
    board = load_board(name)
    oscillator = pins_of(board).oscillator_mhz
    plain, faster = files(board, oscillator), files(board, 2 * oscillator)
    assert "assign clk = oscillator;" in plain["fpgacomp_board.sv"]
    assert "fpgacomp_clock.v" not in plain and "read_verilog fpgacomp" not in plain["synth.ys"]
    assert "fpgacomp_clock u_clock" in faster["fpgacomp_board.sv"]
    assert "read_verilog fpgacomp_clock.v" in faster["synth.ys"]


def test_a_board_without_button_and_lights_has_no_ports_for_them() -> None:
    board = load_board("ulx3s-85f")
    bare = replace(pins_of(board), reset=None, leds=(), high=())
    top = files(replace(board, pins=bare), 25.0)["fpgacomp_board.sv"]
    assert "output logic uart_tx\n);" in top
    assert "pressed" not in top and "led_0" not in top


@pytest.mark.parametrize("name", OPEN)
def test_multipliers_are_mapped_where_the_design_plans_them(name: str) -> None:
    board = load_board(name)
    planned = {"net_uart.sv": b"", "net.sv": b"fpgacomp_matvec #(\n      .DSP(1),\n"}
    with_dsp = files(board, pins_of(board).oscillator_mhz, planned)["synth.ys"]
    without = files(board, pins_of(board).oscillator_mhz)["synth.ys"]
    assert "mul2dsp" not in without
    kind = board.device.yosys_multipliers
    assert ("@planned" in with_dsp) == bool(kind)
    assert ("ice40_dsp" in with_dsp) == (kind == "ice40")
