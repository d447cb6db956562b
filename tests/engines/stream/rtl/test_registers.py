"""The AXI4-Lite registers: one description for SystemVerilog, C and Python, and how they answer."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fpgacomp.engines.stream.rtl import project as rtl_project
from fpgacomp.engines.stream.rtl.build import build
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import find_compiler, find_verilator
from fpgacomp.ir import codec
from tests.engines.stream.rtl.test_emit import emitted
from tests.support import builders

BENCH = Path(__file__).with_name("bench")
FOUR = RegisterMap("0123456789abcdef" * 2, ("in0_a", "in1_b"), ("out0_c", "out1_d"))


def defines(header: str) -> dict[str, int]:
    """The numbers that a C header defines."""
    found = re.findall(r"^#define FPGACOMP_(\w+) (0x[0-9a-f]+|\d+)u$", header, re.MULTILINE)
    return {name: int(value, 0) for name, value in found}


def test_the_identity_is_the_start_of_graph_jsons_digest() -> None:
    graph = builders.mlp()
    project = emitted(graph)
    digest = hashlib.sha256(codec.to_json(graph).encode()).hexdigest()
    assert RtlInterface.of(project).identity == digest[:32]
    assert f".IDENTITY(128'h{digest[:32]})" in project.files["rtl/mlp.sv"].decode()
    header = project.files["rtl/registers.h"].decode()
    words = ", ".join(f"0x{digest[8 * n : 8 * n + 8]}u" for n in range(4))
    assert f"{{ {words} }}" in header


def test_one_description_gives_the_same_offsets_everywhere() -> None:
    project = emitted(builders.mlp())
    top, header = (project.files[f"rtl/{name}"].decode() for name in ("mlp.sv", "registers.h"))
    found = defines(header)
    registers = RtlInterface.of(project).registers
    assert {one.name: one.offset for one in registers}.items() <= found.items()
    for name in ("MAGIC", "FORMAT", "PORTS", "CONTROL"):
        assert f".AT_{name}('h{found[name]:x})" in top
    assert f".AT_IDENTITY('h{found['IDENTITY_0']:x})" in top
    assert f".AT_PORT('h{found['IN0_FRAMES']:x})" in top
    assert f".PORT_STRIDE({found['OUT0_FRAMES'] - found['IN0_FRAMES']})" in top


def test_no_two_registers_meet() -> None:
    for ports in (1, 3, 300):
        made = RegisterMap("0" * 32, tuple("x" * ports), tuple("y" * ports))
        offsets = [one.offset for one in made.registers]
        assert offsets == sorted(set(offsets)) and all(offset % 4 == 0 for offset in offsets)
        assert len({one.name for one in made.registers}) == len(offsets)
        assert max(offsets) < 1 << made.address_bits and made.address_bits >= 12


def test_every_parameter_is_one_of_the_module() -> None:
    source = (rtl_project.LIBRARY / "fpgacomp_control.sv").read_text("utf-8")
    named = re.findall(r"^ +parameter .*?(\w+) =", source, re.MULTILINE)
    assert sorted(FOUR.parameters) == sorted(named)


@pytest.mark.slow
def test_random_traffic_with_pauses_reads_what_a_model_holds(tmp_path: Path) -> None:
    try:
        verilator = find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    shutil.copytree(rtl_project.LIBRARY, tmp_path / "lib")
    parameters = ", ".join(f".{name}({value})" for name, value in FOUR.parameters.items())
    bench = (BENCH / "control.sv").read_text("utf-8").replace("PARAMETERS", parameters)
    (tmp_path / "control.sv").write_text(bench, encoding="utf-8")
    shutil.copy(BENCH / "control.cpp", tmp_path / "sim_main.cpp")
    (tmp_path / "registers.h").write_bytes(rtl_project.header_of(FOUR))
    program, _ = build(tmp_path, "control", verilator, find_compiler())
    for seed in range(1, 4):
        ran = subprocess.run(
            [str(program), "", "", "200000", str(seed)], text=True, capture_output=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
        done, writes, reads, resets = ran.stdout.split()
        assert done == "done" and min(int(writes), int(reads)) > 10_000 and int(resets) > 100
