"""The table of device families: figures of the data sheets, and which parts belong to which."""

from __future__ import annotations

import pytest

from fpgacomp.devices.families import FAMILIES, family_of
from fpgacomp.devices.read import list_boards

# Multiplier ports, LUT inputs, block RAM in words x bits at its widest and deepest, UltraRAM.
FACTS = {
    "spartan-7": ("25x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "artix-7": ("25x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "kintex-7": ("25x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "virtex-7": ("25x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "zynq-7000": ("25x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "kintex-ultrascale": ("27x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "virtex-ultrascale": ("27x18", 6, (512, 36), (16384, 1), False, "vivado"),
    "artix-ultrascale+": ("27x18", 6, (512, 36), (16384, 1), True, "vivado"),
    "kintex-ultrascale+": ("27x18", 6, (512, 36), (16384, 1), True, "vivado"),
    "virtex-ultrascale+": ("27x18", 6, (512, 36), (16384, 1), True, "vivado"),
    "zynq-ultrascale+": ("27x18", 6, (512, 36), (16384, 1), True, "vivado"),
    "ecp5": ("18x18", 4, (512, 36), (16384, 1), False, "open"),
    "ice40": (None, 4, (256, 16), (2048, 2), False, "open"),
    "ice40-ultraplus": ("16x16", 4, (256, 16), (2048, 2), False, "open"),
    "gowin": ("18x18", 4, (512, 36), (16384, 1), False, "open"),
}


def test_every_family_is_held_against_its_data_sheet() -> None:
    assert FACTS.keys() == FAMILIES.keys()


@pytest.mark.parametrize("name", FACTS)
def test_facts_of_a_family(name: str) -> None:
    device = FAMILIES[name]
    ports, lut_inputs, widest, deepest, ultra_ram, toolchain = FACTS[name]
    assert (str(device.multiplier) if device.multiplier else None) == ports
    assert device.wide_port_bits == (int(ports.split("x")[0]) if ports else 0)
    assert device.lut_inputs == lut_inputs
    assert (device.block_ram.shapes[0], device.block_ram.shapes[-1]) == (widest, deepest)
    assert (device.ultra_ram is not None) == ultra_ram
    assert device.toolchain == toolchain
    assert device.level_ns in (1.2, 3.0)


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_names_its_source(name: str) -> None:
    device = FAMILIES[name]
    blocks = (device.multiplier, device.block_ram, device.ultra_ram)
    assert all(block.source for block in blocks if block is not None)
    assert any("LUT" in source for source in device.sources)
    assert any(source.startswith("level_ns: ") for source in device.sources)


@pytest.mark.parametrize("name", FACTS)
def test_shapes_of_a_memory_hold_no_more_than_the_block(name: str) -> None:
    """Narrow shapes give up the parity bits, so that the widest shape holds the most."""
    memory = FAMILIES[name].block_ram
    bits = [words * width for words, width in memory.shapes]
    assert max(bits) == bits[0] and min(bits) * 9 >= bits[0] * 8


def test_the_part_of_every_shipped_board_is_of_the_family_it_states() -> None:
    assert {board.name: family_of(board.part) for board in list_boards()} == {
        board.name: board.family for board in list_boards()
    }


@pytest.mark.parametrize(
    ("part", "family"),
    [
        ("xc7k325tffg900-2", "kintex-7"), ("xa7z020clg400-1I", "zynq-7000"),
        ("XQ7A100TFG484", "artix-7"), ("xc7s50csga324-1", "spartan-7"),
        ("xc7vx485tffg1761-2", "virtex-7"), ("xcku115-flva1517-2-e", "kintex-ultrascale"),
        ("xcku15p-ffve1517-1-i", "kintex-ultrascale+"), ("xcvu440-flga2892", "virtex-ultrascale"),
        ("xcvu9p-flgb2104-2-i", "virtex-ultrascale+"), ("xcu55c-fsvh2892", "virtex-ultrascale+"),
        ("xcau25p-ffvb676-2-e", "artix-ultrascale+"), ("xck26-sfvc784-2LV-c", "zynq-ultrascale+"),
        ("LFE5UM5G-85F-8BG756C", "ecp5"), ("iCE40HX8K-CT256", "ice40"), ("iCE40LP1K-CM36", "ice40"),
        ("iCE40UP3K-UWG30", "ice40-ultraplus"), ("xcvc1902-vsva2197-2MP-e-S", None),
        ("LIFCL-40-9BG400C", None), ("", None),
    ],
)  # fmt: skip
def test_family_of_a_part(part: str, family: str | None) -> None:
    assert family_of(part) == family
