"""Published synthesis results of FINN as rows of terms and measured figures."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from fpgacomp.engines.shared.rows import (
    CsvRow,
    NotRebuilt,
    Part,
    Row,
    block_ram,
    figures,
    repository,
)
from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.shared.weight_stats import typical_stats
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms, fifo_words_terms
from fpgacomp.engines.stream.estimate.nodes import FinnNode, NotStated, of_row, of_text
from fpgacomp.engines.stream.operators.convert import converter_terms
from fpgacomp.engines.stream.operators.label import label_terms
from fpgacomp.engines.stream.operators.matrix_vector import matrix_terms
from fpgacomp.engines.stream.operators.thresholds import thresholds_terms
from fpgacomp.engines.stream.operators.window import window_control, window_terms
from fpgacomp.results.estimate import Stage

# HLS operators that only move words: a state machine with its handshakes and little else.
_PLAIN = ("Squeeze_hls", "Unsqueeze_hls")
_SHELL = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM18"}
STAGES: dict[str, Stage] = {
    "impl_shell": "implementation", "impl_placed": "implementation", "ooc_synth": "logic_synth",
}  # fmt: skip


def node_row(x: CsvRow) -> Row | NotRebuilt:
    """A row of finn_nodes.csv, one node after implementation."""
    if not x["syn_LUT"]:
        return NotRebuilt("the node was not implemented")
    try:
        part = part_of(of_row(x))
        actual = figures(x, {"lut": "syn_LUT", "ff": "syn_FF", "dsp": "syn_DSP"})
        actual |= block_ram(x, of36="syn_BRAM36", of18="syn_BRAM18")
    except ValueError as error:
        return NotRebuilt(str(error))
    return Row(repository(x["repo"]), part.kind, (part,), actual, stage="implementation")


def shell_row(x: CsvRow) -> Row | NotRebuilt:
    """A row of designs.csv whose `layers` are FINN's nodes: the whole Zynq shell."""
    if x["stage"] not in STAGES:
        return NotRebuilt(f"stage {x['stage']} is not one that is predicted")
    try:
        nodes = list(of_text(x["layers"]))
        parts = [part_of(node) for node in nodes if not node.op.startswith("Reshape")]
        actual = figures(x, _SHELL)
    except ValueError as error:
        return NotRebuilt(str(error))
    whole = "shell" in f"{x['stage']} {x.get('scope', '')}"
    frame = [Part("shell", _shell(nodes))] if whole else []
    return Row(repository(x["source"]), "design", (*parts, *frame), actual,
               stage=STAGES[x["stage"]])  # fmt: skip


def _shell(nodes: Sequence[FinnNode]) -> Terms:
    """Interconnect, processor interface and two DMA engines, and FIFOs between the nodes."""
    words = [_word_bits(node) for node in nodes]
    fifos = [fifo_words_terms(bits, 2) for bits in words for _ in range(2)]
    dma = unit_terms({"dma": 2}, {"dma": 2}, {"dma": 2})
    return added(unit_terms({"shell": 1}, {"shell": 1}), dma, *fifos)


def _word_bits(node: FinnNode) -> int:
    """Bits of the word that a node reads."""
    lanes = node.size("SIMD" if node.attributes.get("SIMD") else "PE", 1)
    width = node.bits("inputDataType") if "inputDataType" in node.attributes else 8
    return lanes * width


def part_of(node: FinnNode) -> Part:
    """What a node is made of.

    Raises:
        NotStated: its attributes do not say.
    """
    rules = {
        "MVAU": _matrix, "StreamingFCLayer": _matrix, "Thresholding": _thresholds,
        "StreamingDataWidthConverter": _converter, "StreamingFIFO": _fifo,
        "LabelSelect": _label, "ConvolutionInputGenerator": _window,
    }  # fmt: skip
    name = node.op.split("_")[0]
    if node.op in _PLAIN:
        return Part("process", unit_terms({"process": 1}, {"process": 1}))
    if name not in rules:
        raise NotStated(f"{node.op} has no counterpart in a streaming design")
    return rules[name](node)


def _matrix(node: FinnNode) -> Part:
    pe, simd = node.size("PE"), node.size("SIMD")
    inputs, outputs = node.size("MW"), node.size("MH")
    if inputs % simd or outputs % pe:
        raise NotStated(f"PE {pe} or SIMD {simd} does not divide {outputs} or {inputs}")
    data, weight = node.bits("inputDataType"), node.bits("weightDataType")
    acc = accumulator_bits(inputs, data, weight)
    fold = inputs // simd * (outputs // pe)
    streamed = node.attributes.get("mem_mode", "internal_decoupled") != "internal_embedded"
    bipolar = data == weight == 1
    on_dsp = node.attributes.get("resType") == "dsp" or "rtl" in node.op
    terms = matrix_terms(
        pe=pe, simd=simd, weight_bits=weight, input_bits=data, acc_bits=acc,
        reads=inputs // simd, rows=outputs // pe, bipolar=bipolar,
        dsp=ceil(pe / 2) * simd if on_dsp else 0, streamed_weights=streamed and fold > 1,
        stats=typical_stats(inputs, outputs, weight, inputs * outputs) if fold == 1 else None,
    )  # fmt: skip
    if not node.attributes.get("noActivation", 1):
        count = (1 << node.bits("outputDataType")) - 1
        terms = added(terms, thresholds_terms(
            lanes=pe, channels=outputs, rows=2, count=count, in_bits=acc, levels=0, memory="auto"
        ))  # fmt: skip
    return Part("matrix", terms)


def accumulator_bits(inputs: int, data: int, weight: int) -> int:
    """Bits of a sum of so many products of these widths."""
    return data + weight - (data == weight == 1) + max(inputs - 1, 1).bit_length()


def _thresholds(node: FinnNode) -> Part:
    pe, channels = node.size("PE"), node.size("NumChannels")
    terms = thresholds_terms(
        lanes=pe, channels=channels, rows=1, count=node.size("numSteps"),
        in_bits=node.bits("inputDataType"), levels=0, memory="auto",
    )  # fmt: skip
    return Part("thresholds", terms)


def _converter(node: FinnNode) -> Part:
    return Part("converter", converter_terms(node.size("inWidth"), node.size("outWidth")))


def _fifo(node: FinnNode) -> Part:
    shape = node.attributes.get("folded_shape")
    if not isinstance(shape, list) or not shape or not isinstance(shape[-1], int):
        raise NotStated(f"{node.op} states no folded_shape")
    lanes = FinnNode(node.op, {"lanes": shape[-1]}).size("lanes")
    return Part("fifo", fifo_words_terms(lanes * node.bits("dataType"), node.size("depth")))


def _label(node: FinnNode) -> Part:
    pe, labels = node.size("PE"), node.size("Labels")
    index = max(labels - 1, 1).bit_length()
    return Part("process", label_terms(pe * node.bits("inputDataType"), pe, index))


def _window(node: FinnNode) -> Part:
    kernel, size = _pair(node, "ConvKernelDim"), _pair(node, "IFMDim")
    channels, simd = node.size("IFMChannels"), node.size("SIMD")
    groups = max(channels // simd, 1)
    words = ((kernel[0] - 1) * size[1] + kernel[1]) * groups
    bits = simd * node.bits("inputDataType")
    control = window_control(size, kernel, groups, words)
    return Part("window", added(window_terms(control, bits), buffer_terms(bits, words)))


def _pair(node: FinnNode, name: str) -> tuple[int, int]:
    """Two sizes, down and across.

    Raises:
        NotStated: they are missing or impossible.
    """
    value = node.attributes.get(name)
    if not isinstance(value, list) or len(value) != 2:
        raise NotStated(f"{node.op} states no {name}")
    down, across = (FinnNode(node.op, {name: one}).size(name) for one in value)
    return down, across
