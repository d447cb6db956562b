"""The runtime's copy of the register map is the one that designs are emitted with."""

from __future__ import annotations

from fpgacomp.engines.stream.rtl import registers as emitted
from fpgacomp.runtime import registers
from fpgacomp.runtime.registers import ControlRegisters


def test_offsets_and_bits_are_those_of_the_emitted_map() -> None:
    made = emitted.RegisterMap("0" * 32, ("a", "b"), ("c",))
    assert (made.magic, made.format) == (registers.MAGIC, registers.FORMAT)
    for name in ("MAGIC", "FORMAT", "PORTS", "CONTROL"):
        assert getattr(registers, f"AT_{name}") == made.offset(name)
    assert made.offset("IDENTITY_0") == registers.AT_IDENTITY
    for port, name in enumerate(("IN0", "IN1", "OUT0")):
        base = registers.AT_PORT + port * registers.PORT_STRIDE
        assert made.offset(f"{name}_FRAMES") == base + registers.PORT_FRAMES
        assert made.offset(f"{name}_STALLS") == base + registers.PORT_STALLS
        if name != "OUT0":
            assert made.offset(f"{name}_ERRORS") == base + registers.PORT_ERRORS
    bits = {"CONTROL_RESET": emitted.RESET, "CONTROL_CLEAR": emitted.CLEAR,
            "ERROR_SHORT": emitted.SHORT, "ERROR_LONG": emitted.LONG}  # fmt: skip
    assert {name: getattr(registers, name) for name in bits} == {
        name: 1 << one.bit for name, one in bits.items()
    }


class Words:
    """A bus with nothing but registers that keep what is written."""

    def __init__(self, words: dict[int, int]) -> None:
        self.words, self.written = words, list[tuple[int, int]]()

    def read32(self, address: int) -> int:
        return self.words.get(address, 0)

    def write32(self, address: int, value: int) -> None:
        self.written.append((address, value))


def test_errors_are_told_by_port_and_cleared() -> None:
    bus = Words({0x1028: 1, 0x1038: 2, 0x1048: 3})
    found = ControlRegisters(bus, 0x1000, 4, 1).errors()
    assert found == [(0, "too short"), (1, "too long"), (2, "too short, another too long")]
    assert bus.written == [(0x1028, 1), (0x1038, 2), (0x1048, 3)]


def test_counters_are_those_of_a_port() -> None:
    bus = Words({0x1020: 5, 0x1024: 6, 0x1030: 7, 0x1034: 8})
    made = ControlRegisters(bus, 0x1000, 1, 1)
    assert (made.passed_input(0), made.passed_output(0)) == ((5, 6), (7, 8))
