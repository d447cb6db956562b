"""What one unit of each streaming term costs by the fabric itself, where no node shows it.

One LUT and one flip-flop a bit where a term counts bits of adders, words or registers; adders
of constants keep 0.65 of their cells. A comparison of variables takes half a LUT a bit and a
maximum another half to select; a LUT6 holds 64 ROM bits, an SRL 32 words. Every process
has a state machine, counters and the handshakes of its streams; a matrix unit has three loop
counters more. A FIFO of
two words has two registers and one multiplexer a bit. A weight that FINN streams passes a
memory's output register, a FIFO and a register slice: five registers, two multiplexers.
"""

from __future__ import annotations

from collections.abc import Mapping

from fpgacomp.engines.shared.fitting import Cost

FABRIC: Cost = {
    "lut": {
        "process": 35.0, "wire": 0.5, "adder": 0.65, "maximum": 1.0, "comparator": 0.5,
        "rom": 1.0, "ram": 1.0,
        "matrix": 150.0, "input": 0.5, "product": 0.7, "constant": 0.65, "xnor": 1.0,
        "weight_stream": 2.0,
        "window_control": 2.0,
        "thresholds": 10.0, "thresholds_lane": 0.75,
        "converter": 6.0, "converter_select": 1.0,
        "fifo": 1.0, "fifo_process": 3.0, "fifo_wire": 1.0,
        "shell": 6000.0, "dma": 1500.0,
    },
    "ff": {
        "process": 40.0, "wire": 1.0, "register": 1.0,
        "matrix": 180.0, "input": 1.0, "product_register": 0.6, "xnor": 0.5,
        "weight_stream": 5.0,
        "window_control": 1.5,
        "thresholds": 10.0, "thresholds_lane": 1.25,
        "converter": 5.0, "converter_keep": 1.0,
        "fifo": 1.0, "fifo_process": 4.0, "fifo_wire": 1.0,
        "shell": 8000.0, "dma": 2000.0,
    },
    "dsp": {"product": 1.0, "scale": 1.0},
    "bram18": {"rom": 1.0, "buffer": 1.0, "fifo": 1.0, "dma": 2.0},
}  # fmt: skip
# Ranges of kinds that too few rows show: those whose structure is known to the bit, and those that
# a tool schedules.
_TO_THE_BIT = {"lut": (0.75, 1.33), "ff": (0.75, 1.33)}
_SCHEDULED = {"lut": (0.7, 1.45), "ff": (0.7, 1.45)}
ASSUMED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "converter": _TO_THE_BIT, "fifo": _TO_THE_BIT, "thresholds": _TO_THE_BIT,
    "matrix": _SCHEDULED, "process": _SCHEDULED, "window": _SCHEDULED,
    "shell": _SCHEDULED | {"bram18": (0.5, 2.0)}, "design": _SCHEDULED,
}  # fmt: skip
