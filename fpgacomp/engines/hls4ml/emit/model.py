"""Builds hls4ml's ModelGraph from a plan, and proves that hls4ml changed nothing."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from hls4ml.backends import get_backend
from hls4ml.model.graph import HLSConfig, ModelGraph
from hls4ml.model.layers import layer_map

from fpgacomp.engines.hls4ml.dataflow import is_dataflow
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.emit.extension import BACKEND, register
from fpgacomp.engines.hls4ml.emit.nodes import EXTENSION, Hls4mlNode, ap_type
from fpgacomp.engines.hls4ml.emit.planner import Plan
from fpgacomp.engines.hls4ml.emit.sums import share_sums
from fpgacomp.engines.hls4ml.fifos import fifo_depths
from fpgacomp.errors import InvalidGraph, raise_all

# hls4ml gives this type to whatever was not asked for; it must not survive anywhere.
_SENTINEL = "ap_fixed<1,1>"
_NO_BIAS = "ap_uint<1>"
_MATRIX_LAYERS = ("Dense", "Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D")
_REPORT = "this is a bug in fpgacomp: please report it with the network."


def reserved_names() -> frozenset[str]:
    """Attribute names of hls4ml's layers: an output of that name would overwrite the attribute."""
    known = {attr.name for layer in layer_map.values() for attr in layer.expected_attributes}
    known |= {f"{name}_t" for name in known} | {f"{name}_data" for name in known}
    ours = {"name", "class_name", "inputs", "outputs", "extension", "extension_weights", "code",
            "output_shape", "config_cpp", "function_cpp", "include_header", "precision",
            "reuse_factor", "target_cycles", "strategy", "implementation", "n_partitions",
            "data_format", "types", "variables", "model"}  # fmt: skip
    return frozenset(known | ours)


def build(design: Hls4mlDesign, plan: Plan, top: str) -> Any:
    """hls4ml's finished ModelGraph.

    Raises:
        InvalidGraph: hls4ml changed a type, shape, weight or folding, or warned of anything.
    """
    register()
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        # Not ModelGraph.from_layer_list: it takes every output of a cloning layer for an
        # output of the network. These are its three steps, with the outputs named.
        model = ModelGraph(
            HLSConfig(_configuration(design, plan, top)),
            list(plan.inputs.values()),
            list(plan.outputs.values()),
        )
        model._make_graph([_layer_dictionary(node) for node in plan.nodes])
        for flow in model.config.flows:
            model.apply_flow(flow)
    said = [line for line in printed.getvalue().splitlines() if line.strip()]
    # hls4ml warns with UserWarning; what numpy deprecates is none of its changes.
    said += [str(warning.message) for warning in caught if warning.category is UserWarning]
    problems = [InvalidGraph(top, f"hls4ml says: {line}.", _REPORT) for line in said]
    problems += [InvalidGraph(where, f"{why}.", _REPORT) for where, why in _changes(model, plan)]
    raise_all(problems)
    share_sums(model, plan, stream=design.io_type == "io_stream")
    _set_interval(model, plan)
    if design.io_type == "io_stream":
        _set_depths(model, plan, fifo_depths(design))
    return model


def _configuration(design: Hls4mlDesign, plan: Plan, top: str) -> dict[str, Any]:
    config: dict[str, Any] = get_backend(BACKEND).create_initial_config(
        part=design.board.part, clock_period=round(design.clock_ns, 3), io_type=design.io_type
    )
    config |= {"Backend": BACKEND, "ProjectName": top, "TraceOutput": True}
    config["HLSConfig"] = {
        "Model": {
            "Precision": _SENTINEL, "ReuseFactor": 1, "Strategy": "latency", "BitExact": False,
            # A pipelined top function would unroll the loop over the lanes again.
            "PipelineStyle": "dataflow" if is_dataflow(design) else "auto",
        },
        "LayerName": {node.name: _layer_configuration(node, design) for node in plan.nodes},
    }  # fmt: skip
    return config


def _layer_configuration(node: Hls4mlNode, design: Hls4mlDesign) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "Trace": node.traces is not None and node.class_name != "Input",
        "Precision": {"result": ap_type(node.output.type), **node.types},
        "ReuseFactor": node.folding.reuse_factor,
        "Strategy": _strategy(node),
    }
    if "Conv" in node.class_name:
        settings["ParallelizationFactor"] = node.folding.parallelization
    return settings


def _strategy(node: Hls4mlNode) -> str:
    """What hls4ml calls the strategy; shared additions take the place of its Latency products."""
    return "latency" if node.sums is not None else node.folding.strategy


def _layer_dictionary(node: Hls4mlNode) -> dict[str, Any]:
    """A fresh dictionary: hls4ml writes into what it is given."""
    layer: dict[str, Any] = {
        "class_name": node.class_name, "name": node.name,
        "inputs": list(node.inputs), "outputs": list(node.outputs), **node.attributes,
    }  # fmt: skip
    if node.class_name == EXTENSION:
        layer["output_shape"] = list(node.output.shape)
        layer["extension_weights"] = dict(node.weights)
        return layer
    data = "depthwise_data" if node.class_name.startswith("Depthwise") else "weight_data"
    for weights in node.weights.values():
        layer[data] = weights.values.copy()
    return layer


def _changes(model: Any, plan: Plan) -> Iterator[tuple[str, str]]:
    """Everything in the finished graph that is not what the plan asked for."""
    asked = {node.name: node for node in plan.nodes}
    for name in [*asked, *model.graph]:
        if (name in asked) != (name in model.graph):
            yield name, "hls4ml added or removed this layer"
            return
    if model.outputs != list(plan.outputs.values()):
        yield "outputs", f"hls4ml made them {model.outputs}"
    for name, node in asked.items():
        layer = model.graph[name]
        yield from ((name, why) for why in _type_changes(layer, node))
        yield from ((name, why) for why in _weight_changes(layer, node))
        yield from ((name, why) for why in _folding_changes(layer, node))


def _type_changes(layer: Any, node: Hls4mlNode) -> Iterator[str]:
    result = ap_type(node.output.type)
    asked = {"result_t": result}
    asked |= {f"{name}_t": weights.type for name, weights in node.weights.items()}
    asked |= {f"{name}_t": kind for name, kind in node.types.items()}
    if node.class_name in _MATRIX_LAYERS:
        asked["bias_t"] = _NO_BIAS
    if node.class_name == "Dense":
        asked["index_t"] = _NO_BIAS  # of compressed weights, which are not used
    got = {name: kind.precision.definition_cpp() for name, kind in layer.types.items()}
    if got != asked:
        yield f"hls4ml gave it the types {got} instead of {asked}"
    for name, variable in layer.variables.items():
        kind = variable.type.precision.definition_cpp()
        if kind != result or variable.shape != list(node.output.shape):
            yield f"hls4ml made {name} {kind} {variable.shape} instead of {result}"


def _weight_changes(layer: Any, node: Hls4mlNode) -> Iterator[str]:
    for name, weights in node.weights.items():
        # The Resource strategy transposes; the C-simulation proves the order.
        if not np.array_equal(np.sort(layer.weights[name].data, axis=None),
                              np.sort(weights.values, axis=None)):  # fmt: skip
            yield f"hls4ml changed the values of {name}"
    if node.class_name in _MATRIX_LAYERS and np.any(layer.weights["bias"].data):
        yield "hls4ml gave it a bias"


def _folding_changes(layer: Any, node: Hls4mlNode) -> Iterator[str]:
    folding = node.folding
    if layer.get_attr("reuse_factor") != folding.reuse_factor:
        yield f"hls4ml made the reuse factor {layer.get_attr('reuse_factor')}"
    if node.class_name in _MATRIX_LAYERS and layer.get_attr("strategy") != _strategy(node):
        yield f"hls4ml made the strategy {layer.get_attr('strategy')}"
    if "Conv" in node.class_name:
        partitions = node.output.pixels // folding.parallelization
        if layer.get_attr("n_partitions") != partitions:
            yield f"hls4ml made it {layer.get_attr('n_partitions')} partitions, not {partitions}"


def _set_interval(model: Any, plan: Plan) -> None:
    """A pipelined top function takes a new frame as often as its slowest layer does."""
    slowest = max(node.folding.reuse_factor for node in plan.nodes)
    if model.config.pipeline_style == "pipeline" and slowest > 1:
        model.config.pipeline_ii = slowest


def _set_depths(model: Any, plan: Plan, depths: Mapping[str, int]) -> None:
    """The depth of the FIFO behind each tensor, where it is not the whole frame's."""
    for node in plan.nodes:
        if node.traces is not None and depths[node.traces] < node.output.pixels:
            (variable,) = model.graph[node.name].variables.values()
            variable.pragma = ("stream", depths[node.traces])
