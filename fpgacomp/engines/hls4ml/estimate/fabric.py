"""What one unit of each hls4ml term costs by the fabric itself, where no report shows it.

An adder or a register takes one cell a bit; a comparison of b bits with a constant about b / 5
LUT6 (thresholds of one input share parts of theirs); a maximum half a LUT to compare and half
a LUT to select; a multiplexer of N words N / 4 LUT6 a bit; an SRL32 and a 64-bit ROM a LUT.
Vitis HLS counts what it declares, logic synthesis removes what is constant: of adder cells
of exact width it keeps 0.60 to 0.69 (ten layers through Yosys). The cells that are counted here
include bits that shift past each other, so that 0.6 stands for all of them. What is counted for
shared additions (`shared/circuit/cost.py`) are LUTs already: nine layers of the zoo and of the
examples through Yosys took 0.96 to 1.13 of it, 1.03 together.
"""

from __future__ import annotations

from collections.abc import Mapping

from fpgacomp.engines.shared.fitting import Cost

CSYNTH: Cost = {
    "lut": {
        "latency_shift_add": 1.0, "latency_tree": 1.0, "latency_dsp_tree": 0.7, "shared_sum": 1.0,
        "latency_output": 0.5, "latency_share": 1.0,
        "resource_adder": 2.0, "resource_multiplier": 1.2, "resource_input_mux": 1.0,
        "resource_input_select": 0.5, "resource_output": 0.5, "resource_output_select": 1.5,
        "resource_accumulator_mux": 0.35,
        "resource_control": 2000.0,
        "line_buffer": 1.0, "window": 0.1, "process": 150.0, "unpack": 1.0,
        "clip": 1.0, "adder": 1.0, "comparator": 0.5, "maximum": 1.5, "popcount": 1.5,
        "partition_mux": 0.25, "rom": 1.0, "fifo": 1.0, "interface": 1.0, "lane_shift": 1.0,
        "gate": 0.5, "softmax": 120.0, "scaled": 1.5, "pool": 2.0,
    },
    "ff": {
        "latency_input": 0.3, "latency_output": 0.3, "latency_pipeline": 0.5,
        "latency_share": 0.1,
        "resource_input": 0.1, "resource_multiplier": 0.8, "resource_output": 1.0,
        "resource_output_select": 1.0, "resource_control": 100.0,
        "window": 1.5, "process": 20.0, "unpack": 1.0, "clip": 0.0, "register": 0.1,
        "fifo": 1.0, "interface": 0.1, "softmax": 80.0,
    },
    "dsp": {"latency": 1.0, "resource": 1.0, "scale": 1.0},
    "bram18": {"weight_rom": 1.0, "index_rom": 1.0, "fifo": 1.0, "lookup_rom": 1.0},
}  # fmt: skip

# Logic synthesis / C synthesis, of terms whose C synthesis cost is fitted: multiplexers and
# adders of variables stay nearly what the HLS tool counts, constants are trimmed.
KEPT: Mapping[str, float] = {
    "resource_adder": 0.75, "resource_multiplier": 0.5, "resource_input_mux": 0.75,
    "resource_input_select": 0.75,
    "resource_output": 0.75, "resource_output_select": 0.75, "resource_accumulator_mux": 0.75,
    "resource_control": 0.75, "process": 0.5, "unpack": 0.75, "window": 0.5, "clip": 0.4,
}  # fmt: skip
# What logic synthesis makes of the other terms, and of all registers. An element of an array
# that a folded layer reads or adds up is held twice: in the function that computes and at its
# border.
LATE: Mapping[str, Mapping[str, float]] = {
    "lut": {
        "latency_shift_add": 0.6, "latency_tree": 0.6, "latency_dsp_tree": 0.5, "shared_sum": 1.03,
        "latency_output": 0.3, "latency_share": 0.5,
        "adder": 0.65, "comparator": 0.2, "maximum": 1.0, "popcount": 0.75,
        "partition_mux": 0.25, "line_buffer": 1.0, "rom": 1.0, "fifo": 1.0, "interface": 0.5,
        "lane_shift": 0.5, "gate": 0.5, "softmax": 60.0,
        "scaled": 1.0, "pool": 1.0,
    },
    "ff": {
        "latency_input": 0.3, "latency_output": 0.3, "latency_pipeline": 0.4,
        "latency_share": 0.3,
        "resource_input": 2.0, "resource_multiplier": 0.5, "resource_output": 2.0,
        "resource_output_select": 2.0, "resource_control": 100.0,
        "window": 1.0, "process": 20.0, "unpack": 1.0, "clip": 0.0, "register": 1.0,
        "fifo": 1.0, "interface": 1.0, "softmax": 60.0,
    },
}  # fmt: skip
# Logic synthesis puts the weight ROMs of a design into LUTs as a whole, or leaves them in block
# RAM, some of them copied for several readers: of 30 designs 18 have none there, and neither size,
# shape nor width tells which. The value is what most have; the range reaches to the
# declared memories and beyond (DECLARED).
WEIGHT_ROM = 0.0
DECLARED: Mapping[str, Mapping[str, float]] = {
    "bram18": {"weight_rom": 1.0, "index_rom": 1.0, "fifo": 1.0, "lookup_rom": 1.0}
}
# Terms at logic synthesis that were measured through Yosys, on more layers than reports show.
MEASURED = frozenset({"latency_shift_add", "latency_tree", "shared_sum"})


def late_fabric(csynth: Cost) -> Cost:
    """The costs at logic synthesis before any row of that stage is seen.

    Args:
        csynth: the fitted costs at C synthesis.
    """
    kept = {term: csynth["lut"][term] * share for term, share in KEPT.items()}
    return {
        "lut": kept | dict(LATE["lut"]),
        "ff": dict(LATE["ff"]),
        "dsp": dict(csynth["dsp"]),
        "bram18": dict(csynth["bram18"]) | {"weight_rom": WEIGHT_ROM},
    }
