"""Export of a network of Brevitas layers to QONNX."""

from __future__ import annotations

import copy
import warnings

import onnx
from torch import fx

from fpgacomp.compress.trainable import example_input
from fpgacomp.compress.trainable.outputs import results_of
from fpgacomp.errors import ModelError
from fpgacomp.host.brevitas_qonnx import Manager

# The exporter refuses names that ONNX allows, such as 37, which an older torch calls an output. It
# is given names of ours, which are replaced afterwards.
_INPUT, _OUTPUT = "fpgacomp_input", "fpgacomp_output"


def to_qonnx(network: fx.GraphModule) -> onnx.ModelProto:
    """Export a network as QONNX, for one sample at a time. The same network gives the same bytes.

    Args:
        network: a network of Brevitas layers, as `quantize_aware` and `quantize_post_training`
            make it; it is not changed.

    Raises:
        ModelError: Brevitas cannot export it.
    """
    copied = copy.deepcopy(network).eval()
    results = results_of(copied)
    if len(results) > 1:
        _part_outputs(copied, [node for _, node in results])
    names = [f"{_OUTPUT}_{place}" for place in range(len(results))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # torch's newer exporter (dynamo=True) is slower, and writes two files.
            model: onnx.ModelProto = Manager.export(
                copied, args=example_input(copied, batch=1), export_path=None, dynamo=False,
                input_names=[_INPUT], output_names=names,
            )  # fmt: skip
    except Exception as problem:
        reason = " ".join(str(problem).split())[:300]
        raise ModelError(
            "the quantized network",
            f"Brevitas cannot export it: {type(problem).__name__}: {reason}",
            "check that network(sample) runs.",
        ) from problem
    for node in model.graph.node:
        node.doc_string = ""
    _rename(model.graph, _INPUT, network.meta.get("input_name", "input"))
    for name, (wanted, _) in zip(names, results, strict=True):
        _rename(model.graph, name, wanted)
    return model


def _part_outputs(network: fx.GraphModule, results: list[fx.Node]) -> None:
    """Let the network return its outputs one by one instead of joined."""
    output = next(node for node in network.graph.nodes if node.op == "output")
    output.args = (tuple(results),)
    network.graph.eliminate_dead_code()
    network.recompile()


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give a tensor a name; one within the graph that has it already moves out of the way."""
    moved = {new: f"{new}_inner", old: new}
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = moved.get(value.name, value.name)
    for annotation in graph.quantization_annotation:
        annotation.tensor_name = moved.get(annotation.tensor_name, annotation.tensor_name)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [moved.get(name, name) for name in names]
