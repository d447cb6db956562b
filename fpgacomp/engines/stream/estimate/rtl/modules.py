"""Which module is counted how, and what one unit of a term costs by the fabric itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.estimate.rtl import activations, matrix, plumbing
from fpgacomp.engines.stream.estimate.rtl.reading import Reading
from fpgacomp.engines.stream.estimate.rtl.tally import Tally
from fpgacomp.engines.stream.rtl.parts import RtlPart

Rule = Callable[[Reading, Tally], None]
RULES: Mapping[str, Rule] = {
    "fpgacomp_matvec": matrix.matvec,
    "fpgacomp_vecvec": matrix.vecvec,
    "fpgacomp_thresholds": activations.thresholds,
    "fpgacomp_thresholds_search": activations.thresholds_search,
    "fpgacomp_requantize": activations.requantize,
    "fpgacomp_lookup": activations.lookup,
    "fpgacomp_scaled_add": activations.scaled_add,
    "fpgacomp_sum_over": activations.sum_over,
    "fpgacomp_sum_all": activations.sum_all,
    "fpgacomp_label": activations.label,
    "fpgacomp_max": activations.maximum,
    "fpgacomp_fifo": plumbing.fifo,
    "fpgacomp_convert": plumbing.convert,
    "fpgacomp_window": plumbing.window,
    "fpgacomp_window_parallel": plumbing.window_parallel,
    "fpgacomp_pad": plumbing.pad,
    "fpgacomp_repeat": plumbing.repeat,
    "fpgacomp_join": plumbing.join,
    "fpgacomp_duplicate": plumbing.duplicate,
    "fpgacomp_source": plumbing.source,
    "fpgacomp_sink": plumbing.sink,
    "fpgacomp_control": plumbing.control,
}
# LUTs of six inputs for one unit of a term, before anything is fitted.
LUT_COSTS: Mapping[str, float] = {
    "shell": 4.0, "counter": 1.5, "rom": 1.0, "ram": 1.0, "ram_select": 0.35,
    "ram_registers": 0.5, "accumulator": 1.0, "kept": 0.5, "xnor": 1.0, "gates": 0.6,
    "tables": 0.9, "multiplier": 1.3, "signs": 1.3, "multiplier_rows": 2.0, "unpacked": 1.0,
    "packed": 1.0, "tree": 1.5, "constant": 1.3, "negated": 0.7, "constant_tree": 1.3,
    "compare": 0.7, "comparator": 0.3, "compare_constant": 0.3, "count": 1.0, "level": 1.0,
    "level_constant": 0.5, "address": 1.0, "index": 0.7, "sum": 1.0, "sum_constant": 0.7,
    "round": 1.0, "fraction": 0.3, "rom_deep": 0.3, "rom_select": 0.8, "rom_boxes": 1.0,
    "clip": 0.4,
    "clip_low": 0.2, "delay": 1.0, "clip_select": 1.0, "join": 2.0, "lane": 1.0, "word": 0.5,
    "deep": 4.0, "select": 0.7, "held": 3.0, "shifted": 0.7, "parts": 1.0, "across": 2.0,
    "cycle": 3.0, "place": 4.0, "place_inner": 3.0, "popcount": 1.0, "copies": 1.0,
    "threes": 1.0, "constant_threes": 1.0, "sixes": 1.0,
    "registers": 230.0, "port": 95.0,
}  # fmt: skip


def tally(part: RtlPart, device: Device) -> Tally:
    """What an instance of one of the modules of RULES is made of."""
    found = Tally(device)
    RULES[part.module](Reading(part), found)
    return found


def fabric_cost(resource: str, term: str) -> float:
    """What one unit of a term costs before anything is fitted: a register bit is a register."""
    return LUT_COSTS[term] if resource == "lut" else 1.0


def amount(costs: Mapping[str, float], resource: str, terms: Mapping[str, float]) -> float:
    """What these terms cost together; one that no instance showed costs what the fabric says."""
    return sum(
        costs.get(term, fabric_cost(resource, term)) * units for term, units in terms.items()
    )
