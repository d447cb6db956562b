"""The adder of three numbers as Yosys maps it: equal to what simulators read, and a LUT a bit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from fpgacomp.engines.shared.circuit.cost import ternary_cells
from fpgacomp.engines.stream.rtl.render import TEMPLATES
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import find_yosys
from fpgacomp.host.yosys import run_script

ADDER, MAP = TEMPLATES / "lib" / "fpgacomp_ternary_add.sv", TEMPLATES / "deliver" / "ternary_add.v"
CASES = 60

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Operand:
    """A number of so many bits with zeros below it."""

    bits: int
    signed: bool
    zeros: int
    minus: bool

    @property
    def span(self) -> tuple[int, int]:
        half = 1 << (self.bits - 1)
        lo, hi = (-half, half - 1) if self.signed else (0, 2 * half - 1)
        return lo << self.zeros, hi << self.zeros


@dataclass(frozen=True)
class Case:
    number: int
    width: int
    operands: tuple[Operand, ...]

    @classmethod
    def drawn(cls, number: int) -> Case:
        """Any overlap of three numbers; results that are cut, and that are wider than the sum."""
        draw = Random(number)
        operands = tuple(
            Operand(draw.randint(1, 8), draw.random() < 0.5, draw.choice([0, 0, 0, 1, 2, 3, 9]),
                    index > 0 and draw.random() < 0.5)
            for index in range(3)
        )  # fmt: skip
        return cls(number, draw.randint(1, 12), operands)

    def module(self, name: str, body: str) -> str:
        lines = [f"module {name}_{self.number} ("]
        for one, operand in zip("abc", self.operands):
            lines.append(f"  input logic [{operand.bits - 1}:0] {one},")
        lines.append(f"  output logic [{self.width - 1}:0] sum);")
        for one, operand in zip("abc", self.operands):
            low = f", {operand.zeros}'d0" if operand.zeros else ""
            sign = "$signed" if operand.signed else ""
            lines.append(f"  wire [{self.width - 1}:0] w{one} = "
                         f"{self.width}'({sign}({{{one}{low}}}));")  # fmt: skip
        return "\n".join([*lines, body, "endmodule", ""])

    @property
    def plain(self) -> str:
        _, b, c = ("-" if operand.minus else "+" for operand in self.operands)
        return self.module("plain", f"  assign sum = wa {b} wb {c} wc;")

    @property
    def mapped(self) -> str:
        _, b, c = (int(operand.minus) for operand in self.operands)
        return self.module(
            "mapped",
            f"  fpgacomp_ternary_add #(.W({self.width}), .MINUS_B({b}), .MINUS_C({c})) u (\n"
            "    .a(wa), .b(wb), .c(wc), .sum(sum));",
        )  # fmt: skip


def yosys(folder: Path, cases: list[Case], *commands: str) -> str:
    """The log of a script that has read and mapped all cases."""
    try:
        find_yosys("this test")
    except ToolError as error:
        pytest.skip(str(error))
    (folder / "cases.sv").write_text("".join(case.plain + case.mapped for case in cases))
    tops = " ".join(f"--top plain_{one.number} --top mapped_{one.number}" for one in cases)
    script = [
        f"read_slang {tops} --blackboxed-module fpgacomp_ternary_add cases.sv {ADDER}",
        "opt_clean", f"techmap -map {MAP}", *commands,
    ]  # fmt: skip
    (folder / "run.ys").write_text("\n".join(script) + "\n")
    run_script(folder, "run.ys", "run.log")
    return (folder / "run.log").read_text()


def proofs(cases: list[Case]) -> list[str]:
    """Commands that prove each mapped adder equal to the plain one."""
    commands = ["techmap -map +/xilinx/cells_sim.v t:LUT6_2 t:CARRY4", "opt_clean"]
    for one in cases:
        n = one.number
        commands.append(f"miter -equiv -flatten -make_assert plain_{n} mapped_{n} miter_{n}")
        commands.append(f"sat -verify -prove-asserts miter_{n}")
    return commands


def test_what_yosys_maps_is_what_simulators_read(tmp_path: Path) -> None:
    cases = [Case.drawn(number) for number in range(CASES)]
    log = yosys(tmp_path, cases, *proofs(cases))
    assert log.count("SAT proof finished - no model found: SUCCESS!") == CASES, log[-600:]


def test_a_wrong_map_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "map.v"
    wrong = MAP.read_text().replace("X & Y_ADDED | X & Z_ADDED", "X & Y_ADDED & X & Z_ADDED")
    assert wrong != MAP.read_text()
    broken.write_text(wrong)
    monkeypatch.setattr(f"{__name__}.MAP", broken)
    cases = [Case(0, 8, (Operand(6, False, 0, False),) * 3)]
    assert "model found: FAIL!" in yosys(tmp_path, cases, *proofs(cases))


def test_the_count_is_what_is_mapped(tmp_path: Path) -> None:
    cases = [Case.drawn(number) for number in range(CASES // 2)]
    names = [f"mapped_{one.number}" for one in cases]
    instances = "".join(f"  (* keep *) {name} u_{name} ();\n" for name in names)
    (tmp_path / "all.v").write_text(f"module all;\n{instances}endmodule\n")
    yosys(
        tmp_path, cases, "read_verilog all.v",
        f"setattr -mod -set keep_hierarchy 1 {' '.join(names)}", "setattr -mod -unset top *",
        "synth_xilinx -family xc7 -noiopad -noclkbuf -nodsp -top all",
        "tee -q -o stat.json stat -json",
    )  # fmt: skip
    modules = json.loads((tmp_path / "stat.json").read_text())["modules"]
    counted, taken = [], []
    for one, name in zip(cases, names, strict=True):
        cells = modules[f"\\{name}"]["num_cells_by_type"]
        # Behind a chain an inverter is a LUT, unless what it inverts can be.
        taken.append(sum(n for cell, n in cells.items() if cell.startswith("LUT") or cell == "INV"))
        terms = [(o.span, o.zeros, o.minus) for o in one.operands]
        counted.append(ternary_cells(tuple(terms), one.width))
    assert 0.9 * sum(taken) <= sum(counted) <= 1.1 * sum(taken), list(zip(counted, taken))
