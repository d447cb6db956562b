"""What simulating a streaming design beyond its C-simulation costs, in processor time.

The costs were measured on one machine. Those of the loops, on ten designs of 1,700 to 52,000 lookup
tables, are right within a third there; those of the RTL, on the designs of `make bench-rtl` with
1,300 to 66,000 lookup tables, within a half. Another machine may be twice as slow or fast. They
decide what a compile runs by itself, nothing else.
"""

from __future__ import annotations

from fpgacomp.engines.engine import FurtherCheck
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.engines.stream.estimate.design import estimate_stream
from fpgacomp.engines.stream.expand import expand
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import INSTALL_VERILATOR, find_verilator

# g++ on the arbitrary-precision types: seconds, for each operator, for each lookup table.
_LOOPS_S, _LOOPS_OPERATOR_S, _LOOPS_LUT_S = 3.0, 0.1, 5e-5
# Verilator and g++: the same.
_RTL_S, _RTL_OPERATOR_S, _RTL_LUT_S = 5.0, 0.04, 2e-4
# Running: seconds for each cycle, and for each lookup table in a cycle of the RTL.
_LOOPS_CYCLE_S, _RTL_CYCLE_S, _RTL_LUT_CYCLE_S = 2e-6, 3e-7, 1.1e-10


def further_checks(design: StreamDesign, frames: int) -> tuple[FurtherCheck, ...]:
    """The C++ as a vendor's tool reads it, and the SystemVerilog, on so many frames."""
    operators = len(expand(design).operators)
    estimate = estimate_stream(design)
    lut = estimate.lut.value
    interval = estimate.interval_cycles.value
    cycles = estimate.latency_cycles.value + (frames - 1) * interval
    loops_s = _LOOPS_S + operators * _LOOPS_OPERATOR_S + lut * _LOOPS_LUT_S
    rtl_s = _RTL_S + operators * _RTL_OPERATOR_S + lut * _RTL_LUT_S
    loops_cycle_s, rtl_cycle_s = _LOOPS_CYCLE_S, _RTL_CYCLE_S + lut * _RTL_LUT_CYCLE_S
    return (
        FurtherCheck(
            "hls", "C++ in the loops that are synthesized", loops_s + cycles * loops_cycle_s,
            interval * loops_cycle_s,
        ),
        FurtherCheck(
            "rtl", "RTL simulation", rtl_s + cycles * rtl_cycle_s, interval * rtl_cycle_s,
            missing=missing_simulator(),
        ),
    )  # fmt: skip


def missing_simulator() -> str:
    """The command that installs Verilator; "" where it is there."""
    try:
        find_verilator()
    except ToolError:
        return INSTALL_VERILATOR
    return ""
