"""The list of boards and one board in full, as text and as JSON."""

from __future__ import annotations

import io
import json

from rich.console import Console

from fpgacomp.devices.board import Board
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.report.boards import render_list, render_one, to_json


def shown(board: Board) -> str:
    console = Console(file=io.StringIO(), width=200)
    render_one(board, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_board_in_full_says_what_its_device_is_made_of_and_where_that_is_from() -> None:
    text = shown(load_board("zcu104"))
    assert "part     xczu7ev-ffvc1156-2-e (zynq-ultrascale+, vivado tools)" in text
    assert "DSP      DSP48E2, multiplies 27x18 bits" in text
    assert "LUT      6 inputs; 1.2 ns per level of adders" in text
    assert "RAM      RAMB18 of 512x36, 1024x18, " in text and "URAM288 of 4096x72 bits" in text
    assert "UG579" in text and "UG573" in text and "UG574" in text


def test_a_device_of_smaller_blocks() -> None:
    text = shown(load_board("icebreaker"))
    assert "SB_MAC16, multiplies 16x16 bits" in text and "4 inputs" in text
    assert "SB_RAM40_4K of 256x16, 512x8, 1024x4, 2048x2 bits" in text


def test_json_of_one_board_has_the_keys_of_a_board_file() -> None:
    board = json.loads(to_json([load_board("ulx3s-85f")], single=True))
    assert (board["toolchain"], board["family"]) == ("open", "ecp5")
    assert board["resources"]["dsp"] == 156
    assert board["budget"]["lut"] == 83_640 - 1_500
    assert board["device"]["multiplier"]["wide_bits"] == 18
    assert board["device"]["block_ram"]["shapes"][0] == [512, 36]


def test_a_row_for_every_board() -> None:
    console = Console(file=io.StringIO(), width=200)
    render_list(list_boards(), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert all(board.name in text and board.part in text for board in list_boards())
