"""The UART of the link at many rates from many clocks: Verilated echoes, and a host that is off."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fpgacomp.deploy.link import TEMPLATES, timing_of
from fpgacomp.engines.stream.rtl.build import VerilatedProduct, make
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import find_compiler, find_verilator

pytestmark = pytest.mark.slow

RATES = [
    (clock_hz, baud)
    for clock_hz in (12_000_000, 25_000_000, 27_000_000, 48_000_000)
    for baud in (115_200, 921_600, 2_000_000, 3_000_000)
]
BYTES = 24
MODULES = ("fpgacomp_uart_tick", "fpgacomp_uart_receive", "fpgacomp_uart_transmit")


def bench() -> str:
    """An echo for each rate: what is received waits in a register until it is sent."""
    count = len(RATES)
    parts = []
    for number, (clock_hz, baud) in enumerate(RATES):
        oversample, increment = timing_of(clock_hz, baud)
        parts.append(f"""
  logic tick_{number}, valid_{number}, ready_{number}, full_{number};
  logic [7:0] data_{number}, held_{number};
  fpgacomp_uart_tick #(.INCREMENT({increment})) u_tick_{number} (.clk, .rst, .tick(tick_{number}));
  fpgacomp_uart_receive #(.OVERSAMPLE({oversample})) u_receive_{number} (
      .clk, .rst, .tick(tick_{number}), .rx(rx[{number}]), .data(data_{number}),
      .valid(valid_{number}), .bad(bad[{number}]));
  fpgacomp_uart_transmit #(.OVERSAMPLE({oversample})) u_transmit_{number} (
      .clk, .rst, .tick(tick_{number}), .data(held_{number}), .valid(full_{number}),
      .ready(ready_{number}), .tx(tx[{number}]));
  always_ff @(posedge clk) begin
    if (valid_{number}) held_{number} <= data_{number};
    full_{number} <= ~rst & (valid_{number} | (full_{number} & ~ready_{number}));
  end""")
    return f"""module uart_bench (
    input logic clk, input logic rst, input logic [{count - 1}:0] rx,
    output logic [{count - 1}:0] tx, output logic [{count - 1}:0] bad
);{"".join(parts)}
endmodule
"""


def program(folder: Path) -> Path:
    try:
        verilator = find_verilator()
    except ToolError as missing:
        pytest.skip(str(missing))
    (folder / "lib").mkdir()
    (folder / "uart_bench.sv").write_text(bench())
    for name in MODULES:
        (folder / "lib" / f"{name}.sv").write_bytes((TEMPLATES / f"{name}.sv").read_bytes())
    source = Path(__file__).with_name("uart_bench.cpp")
    product = VerilatedProduct(name="uart_bench", room="tests", sources=(source,))
    return make(product, folder, "uart_bench", verilator, find_compiler())


def test_echoes_are_right_at_every_rate(tmp_path: Path) -> None:
    """The host's clock may be off by 2 %, which is more than the divider and two crystals are.

    What comes back at the device's own rate must be heard at the nominal one.
    """
    made = program(tmp_path)
    bits = [str(clock_hz / baud) for clock_hz, baud in RATES]
    # Without a pause a host that is faster than the device would outrun the echo.
    for skew, gap in ((-20_000, 1), (0, 0), (20_000, 0)):
        ran = subprocess.run([made, str(skew), str(BYTES), str(gap), *bits], capture_output=True,
                             text=True, check=True, timeout=300)  # fmt: skip
        found = dict(zip(RATES, ran.stdout.splitlines(), strict=True))
        assert set(found.values()) == {f"{BYTES} 0 0"}, (skew, found)
