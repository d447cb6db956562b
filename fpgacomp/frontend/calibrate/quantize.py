"""Quantizes a canonical float network after its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from fpgacomp.data.arrays import check_inputs
from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all
from fpgacomp.frontend.calibrate.bias import correct_biases
from fpgacomp.frontend.calibrate.insert import quantize_tensor, quantize_weight
from fpgacomp.frontend.calibrate.observe import TensorStatistics, observe
from fpgacomp.frontend.calibrate.options import PtqOptions
from fpgacomp.frontend.calibrate.partial import (
    has_quantizers,
    is_on_grid,
    open_sites,
    quantized_now,
)
from fpgacomp.frontend.calibrate.placement import (
    Placement,
    QuantizationPoint,
    move_activations_before_pools,
    place,
)
from fpgacomp.frontend.calibrate.ranges import QuantizerFormat, choose_scale
from fpgacomp.ir.types import NamedArrays
from fpgacomp.network.canonical import input_shapes
from fpgacomp.network.editable import EditableGraph, Node
from fpgacomp.network.infer import infer_missing
from fpgacomp.network.operators import PRODUCTS, QUANTIZERS


def quantize_post_training(
    model: onnx.ModelProto, calibration: NamedArrays, options: PtqOptions
) -> onnx.ModelProto:
    """Return the network with a Quant on all weights and on every tensor that integer operators
    read.

    The last weighted operator's output, and what follows it, stays float.

    Args:
        model: canonical, float (no quantizers), batch 1.
        calibration: samples by input name, [N, *input shape].

    Raises:
        InputDataError: calibration data that does not go with the network.
        UnsupportedLayer: the network holds quantizers already, or nothing to quantize.
    """
    _require_float(_open(model))
    return _quantize(model, calibration, options)


def complete_quantization(
    model: onnx.ModelProto, calibration: NamedArrays, options: PtqOptions
) -> onnx.ModelProto:
    """Return a partly quantized network with quantizers where they are missing.

    Its own quantizers stay, and so do weights that are integers times a power of two.

    Args:
        model: canonical, batch 1.
        calibration: samples by input name, [N, *input shape].

    Returns:
        The network itself where nothing is missing.

    Raises:
        InputDataError: calibration data that does not go with the network.
        ModelError: a quantizer that calibration does not run.
    """
    graph = _open(model)
    weighted = [node for node in graph.nodes if node.op in PRODUCTS and not node.domain]
    missing = open_sites(graph, place(graph, share_add_scales=False)).sites
    if not missing and all(_keeps_weight(graph, node) for node in weighted):
        return model
    return _quantize(model, calibration, options)


def _quantize(
    model: onnx.ModelProto, calibration: NamedArrays, options: PtqOptions
) -> onnx.ModelProto:
    graph = _open(model)
    feeds = check_inputs(calibration, input_shapes(model), where="calibration data")
    move_activations_before_pools(graph)
    float_graph = _open(graph.to_model())
    partly = has_quantizers(graph)
    placement = open_sites(graph, place(graph, share_add_scales=options.scale == "free"))
    seen = observe(float_graph, [site.tensor for site in placement.sites], feeds)
    weighted = [node for node in graph.nodes if node.op in PRODUCTS and not node.domain]
    _quantize_activations(graph, placement, seen, options)
    for position, node in enumerate(weighted):
        if not (partly and _keeps_weight(graph, node)):
            quantize_weight(graph, node, _weight_bits(position, len(weighted), options), options)
    if options.bias_correction:
        changed = [node for node in weighted if quantized_now(graph, float_graph, node)]
        correct_biases(graph, float_graph, changed, feeds)
    return graph.to_model()


def _open(model: onnx.ModelProto) -> EditableGraph:
    """Return an editable copy with all shapes."""
    graph = EditableGraph.from_model(model)
    infer_missing(graph)
    return graph


def _require_float(graph: EditableGraph) -> None:
    problems: list[FpgacompError] = [
        UnsupportedLayer(
            f"node {node.origin or node.name} ({node.op})",
            "the network is quantized here already.",
            "compile it without --calibration, or calibrate the float network.",
        )
        for node in graph.nodes
        if node.op in QUANTIZERS
    ]
    raise_all(problems)
    if not any(node.op in PRODUCTS and not node.domain for node in graph.nodes):
        raise UnsupportedLayer(
            f"network {graph.name}",
            "no MatMul or Conv, so nothing to quantize.",
            "give a network with weights.",
        )


def _keeps_weight(graph: EditableGraph, node: Node) -> bool:
    """Return whether a partly quantized network's weight is on a grid of its own already."""
    constants = [graph.constants[name] for name in node.inputs[:2] if name in graph.constants]
    return all(is_on_grid(values) for values in constants)


def _weight_bits(position: int, count: int, options: PtqOptions) -> int:
    bits = options.weight_bits
    if position == 0 and options.first_layer_bits is not None:
        bits = options.first_layer_bits
    if position == count - 1 and options.last_layer_bits is not None:
        bits = options.last_layer_bits
    return bits


def _quantize_activations(
    graph: EditableGraph,
    placement: Placement,
    seen: Mapping[str, TensorStatistics],
    options: PtqOptions,
) -> None:
    sites = {site.tensor: site for site in placement.sites}
    for group in placement.groups:
        members = [sites[tensor] for tensor in group]
        scale = _shared_scale(members, seen, options)
        for site in members:
            form = _format(site, seen[site.tensor], options)
            quantize_tensor(graph, site.tensor, list(site.readers), scale, form)


def _format(
    site: QuantizationPoint, seen: TensorStatistics, options: PtqOptions
) -> QuantizerFormat:
    bits = options.input_bits if site.is_input else options.activation_bits
    if seen.lo >= 0:
        return QuantizerFormat(bits, signed=False)
    if site.is_input and options.asymmetric_input and -seen.lo * 2 < seen.hi:
        steps = (1 << bits) - 1
        return QuantizerFormat(
            bits, signed=False, zero_point=round(-seen.lo * steps / (seen.hi - seen.lo))
        )
    return QuantizerFormat(bits, signed=True)


def _scale(seen: TensorStatistics, form: QuantizerFormat, options: PtqOptions) -> float:
    return choose_scale(
        seen.samples,
        seen.lo,
        seen.hi,
        form,
        kind=options.scale,
        method=options.ranges,
        percentile=options.percentile,
    )


def _shared_scale(
    members: Sequence[QuantizationPoint], seen: Mapping[str, TensorStatistics], options: PtqOptions
) -> float:
    """Return the largest of the members' scales, so that none saturates more than
    it would alone.
    """
    scales = [_scale(seen[s.tensor], _format(s, seen[s.tensor], options), options) for s in members]
    return float(np.max(scales))
