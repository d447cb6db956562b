"""Integer graph and folding to FINN's hardware graph, without FINN's front end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fpgacomp.engines.finn.carried import carried
from fpgacomp.engines.finn.levels import check_levels, is_affine
from fpgacomp.engines.finn.nodes import Nodes
from fpgacomp.engines.finn.runtime import finn_session
from fpgacomp.engines.finn.types import Coding
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.design import StreamDesign, StreamFolding
from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.layers import rules_of
from fpgacomp.engines.stream.layers.matrix import MatrixRules
from fpgacomp.engines.stream.operators.activate import Activate
from fpgacomp.engines.stream.operators.label import Label
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.pad import Pad
from fpgacomp.errors import FpgacompError, ToolError, UnsupportedLayer, raise_all
from fpgacomp.ir.graph import Graph

# FINN's HLS matrix unit asks for SIMD >= MW / 1024 (matrixvectoractivation_hls.py, defines).
_MOST_FOLD = 1024
# Bits of a word of weights up to which FINN generates code (AP_INT_MAX_W).
_WIDEST_WEIGHTS = 8191


@dataclass(frozen=True)
class FinnModel:
    """A FINN graph and how its tensors read as ours.

    Args:
        model: qonnx ModelWrapper.
        graph: the integer graph that it stands for.
        tensors: graph tensor name -> FINN tensor and coding; Reshape outputs are missing.
        styles: output tensor of a matrix operator -> implementation style asked for.
    """

    model: Any
    graph: Graph
    tensors: Mapping[str, Coding]
    styles: Mapping[str, str]


def build_finn(design: StreamDesign) -> FinnModel:
    """FINN's abstract operators, folded, with integer weights, thresholds and our exact types.

    Raises:
        UnsupportedLayer, Problems: layers that FINN's operators cannot express.
        ToolError: FINN is missing.
    """
    folding = {name: in_luts(design, name, one) for name, one in design.folding.items()}
    design = replace(design, folding=folding)
    dataflow = expand(design)
    raise_all(list(_problems(dataflow)))
    with finn_session():
        nodes = Nodes(design, dataflow)
        model = nodes.canvas.model(design.graph.name)
    shapes = {layer.output.name: layer.output.shape for layer in design.graph.layers}
    tensors = {}
    for stream in dataflow.streams:
        if stream.tensor:
            wire = nodes.wires[stream.name]
            tensors[stream.tensor] = Coding(
                wire.name, shapes[stream.tensor], wire.sign, wire.gain, wire.offset
            )
    styles = {
        node.output[0]: attribute.s.decode()
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "preferred_impl_style"
    }
    return FinnModel(model, design.graph, tensors, styles)


def in_luts(design: StreamDesign, name: str, folding: StreamFolding) -> StreamFolding:
    """The folding of a layer in FINN, which has no operator of shared additions.

    The same matrix multiplies in LUTs there, in several steps where all its weights are wider than
    FINN's words.
    """
    if folding.arithmetic != "adders":
        return folding
    rules = rules_of(design.graph.by_name[name])
    assert isinstance(rules, MatrixRules), "why_illegal refuses the others"
    if rules.widest_weights <= _WIDEST_WEIGHTS:
        return replace(folding, arithmetic="lut")
    # No word of these is wider than ours may be, which is less than FINN's.
    narrower = [one for one in rules.foldings(design.board.device) if one.arithmetic == "lut"]
    return max(narrower, key=lambda one: (one.pe * one.simd, one.memory == "lutram", one.pe))


def _problems(dataflow: Dataflow) -> Iterator[FpgacompError]:
    for op in carried(dataflow):
        if isinstance(op, Pad) and op.fill != 0:
            yield UnsupportedLayer(
                op.layer, f"its padding is {op.fill}, and FINN's FMPadding fills with 0 only.",
                "put the activation (ReLU) in front of the pool, or pool without padding.",
            )  # fmt: skip
        if isinstance(op, MatrixVector) and op.simd * _MOST_FOLD < op.weight.shape[0]:
            yield UnsupportedLayer(
                op.layer, f"simd {op.simd} folds {op.weight.shape[0]} inputs more than "
                f"{_MOST_FOLD} times, which FINN's HLS matrix unit refuses.", "raise its simd.",
            )  # fmt: skip
        if isinstance(op, Label) and op.output.words > 1:
            yield UnsupportedLayer(
                op.layer, f"it labels {op.output.words} positions, and FINN's LabelSelect takes "
                "one a frame.", "use the streaming C++ design, or leave --argmax out.",
            )  # fmt: skip
        if isinstance(op, Activate) and not is_affine(op.function):
            try:
                check_levels(op.function)
            except UnsupportedLayer as problem:
                yield problem


def specialized(finn: FinnModel, design: StreamDesign) -> Any:
    """The HLS and RTL variants for the board's part, named as FINN's build names them.

    Raises:
        ToolError: FINN chose another implementation than was asked for.
    """
    with finn_session():
        from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
        from qonnx.transformation.general import GiveUniqueNodeNames

        model = finn.model.transform(SpecializeLayers(design.board.part))
        _check_styles(model, finn.styles)
        return model.transform(GiveUniqueNodeNames())


def specialize(finn: FinnModel, design: StreamDesign) -> FinnModel:
    """`specialized` with width converters and a FIFO on every stream, as FINN's build does it.

    Raises:
        ToolError: FINN chose another implementation than was asked for.
    """
    model = specialized(finn, design)
    with finn_session():
        from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
        from finn.transformation.fpgadataflow.insert_fifo import InsertFIFO
        from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
        from qonnx.transformation.general import GiveUniqueNodeNames

        model = model.transform(InsertDWC()).transform(InsertFIFO(create_shallow_fifos=True))
        model = model.transform(SpecializeLayers(design.board.part))
        model = model.transform(GiveUniqueNodeNames())
        _name_new_tensors(model, finn.model)
    return FinnModel(model, finn.graph, finn.tensors, finn.styles)


def _name_new_tensors(model: Any, before: Any) -> None:
    """FINN draws random names for the tensors it inserts; the same design shall give the same."""
    known = set(before.get_all_tensor_names())
    for node in model.graph.node:
        for index, name in enumerate(list(node.output)):
            if name not in known:
                model.rename_tensor(name, f"{node.name}_out{index}")


def _check_styles(model: Any, styles: Mapping[str, str]) -> None:
    for node in model.graph.node:
        asked = styles.get(node.output[0])
        if asked is not None and not node.op_type.endswith(f"_{asked}"):
            raise ToolError(
                "FINN", f"{node.output[0]} became {node.op_type} where {asked} was asked for.",
                "report this as a bug of fpgacomp.",
            )  # fmt: skip
