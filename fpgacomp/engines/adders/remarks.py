"""What a user must know of an unrolled design beyond its figures, and how it is built up."""

from __future__ import annotations

from collections import Counter

from fpgacomp.engines.adders.design import AdderDesign
from fpgacomp.engines.shared.circuit.cost import luts
from fpgacomp.engines.shared.remarks import built_by_hls

# Most bits of a word that Vitis HLS takes.
_WIDEST_WORD = 4096


def remarks(design: AdderDesign) -> tuple[str, ...]:
    """Sentences, none of them about what every engine says."""
    vendor = built_by_hls(design.board)
    found = [
        "LUT and FF of the circuit are counted wire by wire, as Yosys maps additions and "
        "comparisons. Whether the clock is met is known after place and route alone."
    ]
    if vendor:
        whole = sum(luts(design.circuit, design.board.device.lut_inputs, rows=2))
        found.append(
            "what Vivado makes of the circuit was not measured: with two adders for each sum of "
            f"three it would take {whole:,.0f} LUTs."
        )
    widest = max(design.graph.inputs[0].output.size * design.graph.inputs[0].output.type.bits,
                 design.graph.outputs[0].size * design.graph.outputs[0].type.bits)  # fmt: skip
    if vendor and widest > _WIDEST_WORD:
        found.append(
            f"a frame is a word of {widest:,} bits, and Vitis HLS takes none above "
            f"{_WIDEST_WORD:,}: the C++ is for simulation, build the SystemVerilog in rtl/."
        )
    if not vendor:
        found.append(
            f"no HLS tool builds C++ for {design.board.name}, a device of family "
            f"{design.board.family}: build the SystemVerilog in rtl/ with the open tools."
        )
    return tuple(found)


def structure(design: AdderDesign) -> str:
    """Lines for a reader: nodes by kind, levels, stages, registers."""
    circuit, plan = design.circuit, design.plan
    kinds = Counter(type(node).__name__ for node in circuit.nodes)
    lines = [f"circuit of {len(circuit.nodes):,} wires, {plan.depth} levels deep:"]
    lines += [f"  {count:>8,}  {kind}" for kind, count in sorted(kinds.items())]
    lines.append(
        f"pipeline: {plan.stages} stages of up to {design.levels} levels, "
        f"{plan.registers:,} register bits"
    )
    return "\n".join(lines)
