"""What the C driver repeats of other places is the same there; each status has its own text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fpgacomp.deploy.c.project import TEMPLATES
from fpgacomp.engines.stream.rtl import registers
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.runtime import address_map, dma
from tests.support import c_drivers

DRIVER = TEMPLATES / "driver"


def constants(name: str) -> dict[str, int]:
    """The numbers that a file defines."""
    text = (DRIVER / name).read_text(encoding="utf-8")
    found = {}
    for line in re.findall(r"^#define (\w+) (.+?)(?: */\*.*)?$", text, re.MULTILINE):
        value = re.sub(r"\b(0x[0-9A-Fa-f]+|\d+)[uU]\b", r"\1", line[1])
        if re.fullmatch(r"[0-9A-Fa-fx()<| ]+", value):
            found[line[0]] = int(eval(value, {"__builtins__": {}}))  # digits, brackets and shifts
    return found


def test_the_registers_are_those_of_the_hardware() -> None:
    found = constants("fpgacomp_regs.c")
    of_design = RegisterMap("0" * 32, ("a", "b"), ("c",))
    offsets = {name: of_design.offset(name) for name in ("MAGIC", "FORMAT", "PORTS", "CONTROL")}
    assert {name: found[f"AT_{name}"] for name in offsets} == offsets
    assert found["AT_IDENTITY"] == of_design.offset("IDENTITY_0")
    assert (found["MAGIC_VALUE"], found["FORMAT_VALUE"]) == (of_design.magic, of_design.format)
    for port, name in enumerate(("IN0", "IN1", "OUT0")):
        at = found["AT_PORT"] + port * found["PORT_STRIDE"]
        assert at + found["PORT_FRAMES"] == of_design.offset(f"{name}_FRAMES")
        assert at + found["PORT_STALLS"] == of_design.offset(f"{name}_STALLS")
    assert found["AT_PORT"] + found["PORT_ERRORS"] == of_design.offset("IN0_ERRORS")
    for name in ("CONTROL_RESET", "CONTROL_CLEAR", "ERROR_SHORT", "ERROR_LONG"):
        bit = getattr(registers, name.split("_")[1])
        assert found[name] == 1 << bit.bit


def test_the_dma_is_the_python_drivers() -> None:
    found = constants("fpgacomp_dma.c")
    for name in ("DMACR", "DMASR", "ADDRESS", "ADDRESS_MSB", "LENGTH", "CR_RUN", "CR_RESET",
                 "SR_HALTED", "SR_IDLE", "SR_SCATTER_GATHER", "SR_INTERNAL", "SR_SLAVE",
                 "SR_DECODE"):  # fmt: skip
        assert found[name] == getattr(dma, name), name
    own = constants("fpgacomp_dma.h")
    assert own["FPGACOMP_DMA_LENGTH_BITS"] == address_map.LENGTH_BITS
    assert (own["FPGACOMP_DMA_MM2S"], own["FPGACOMP_DMA_S2MM"]) == (dma.MM2S, dma.S2MM)
    assert constants("fpgacomp_hal.h")["FPGACOMP_ALIGNMENT"] % dma.ALIGNMENT == 0


@pytest.mark.slow
@c_drivers.needs_gcc
def test_every_status_has_its_own_text(tmp_path: Path) -> None:
    header = (DRIVER / "fpgacomp.h").read_text(encoding="utf-8")
    names = re.findall(r"^  (FPGACOMP_\w+) = \d+,?$", header, re.MULTILINE)
    assert len(names) > 30
    port = c_drivers.port("in0", 1)
    folder = c_drivers.write_driver(c_drivers.deployment([port], [port]), tmp_path)
    source = tmp_path / "texts.c"
    lines = "\n".join(f"  puts(fpgacomp_error_text({name}));" for name in names)
    source.write_text(
        f"#include <stdio.h>\n#include HEADER\nint main(void) {{\n{lines}\n"
        "  puts(fpgacomp_error_text((fpgacomp_status)99));\n  return 0;\n}\n"
    )
    program = c_drivers.compiled(folder, "design", source, core=("fpgacomp",))
    texts = c_drivers.run([str(program)], tmp_path).splitlines()
    assert len({*texts}) == len(names) + 1 and texts[-1] == "no status of this driver"
    # What is wrong, and behind a colon what to do about it.
    assert all(": " in text for text in texts[1:-1])
