"""What simulating an unrolled design beyond its C-simulation costs, in processor time.

Measured on one machine, for circuits of 600 to 10,000 wires; another may be twice as slow or fast.
"""

from __future__ import annotations

from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.engine import FurtherCheck
from fpgacomp.engines.stream.cost import missing_simulator

_LOOPS_S, _LOOPS_WIRE_S, _LOOPS_FRAME_S = 3.0, 4e-3, 1e-3
_RTL_S, _RTL_WIRE_S, _RTL_WIRE_CYCLE_S = 5.0, 2e-3, 1e-9


def further_checks(design: AdderDesign, frames: int) -> tuple[FurtherCheck, ...]:
    """The C++ as a vendor's tool reads it, and the SystemVerilog, on so many frames."""
    from fpgacomp.engines.adders.estimate import estimate_adders

    figures, wires = estimate_adders(design), len(design.circuit.nodes)
    interval = figures.interval_cycles.value
    cycles = figures.latency_cycles.value + (frames - 1) * interval
    cycle_s = wires * _RTL_WIRE_CYCLE_S
    return (
        FurtherCheck(
            "hls", "C++ in the loops that are synthesized",
            _LOOPS_S + wires * _LOOPS_WIRE_S + frames * _LOOPS_FRAME_S, _LOOPS_FRAME_S,
        ),
        FurtherCheck(
            "rtl", "RTL simulation", _RTL_S + wires * _RTL_WIRE_S + cycles * cycle_s,
            interval * cycle_s, missing=missing_simulator(),
        ),
    )  # fmt: skip
