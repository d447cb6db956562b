"""Network of known modules -> float ONNX, written node by node.

Not by torch's exporter: that one folds BatchNormalization away, invents names and knows no
codebook.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper
from torch import fx, nn

from fpgacomp.compress.trainable.outputs import JoinOutputs, results_of
from fpgacomp.compress.trainable.read_module import from_module
from fpgacomp.compress.trainable.write_layers import ModuleCall, write_layer
from fpgacomp.compress.trainable.writer import Writer
from fpgacomp.errors import FpgacompError, InvalidGraph, raise_all

_OPSET, _IR_VERSION = 18, 8  # of ONNX 1.13
_TOLERANCE = 1e-5  # relative to the largest output; float32 sums in another order


def to_onnx(
    network: nn.Module,
    shape: Sequence[int],
    *,
    input_name: str = "input",
    output_name: str = "output",
) -> onnx.ModelProto:
    """Write a network in evaluation mode as float ONNX. The same network gives the same bytes.

    Weights are called `<layer>.weight`; those that share values are written as
    Gather(codebook, indices).

    Args:
        network: a canonical network; any other module goes through `from_module` first.
        shape: of one sample, without the batch axis, which is N in the file.

    Raises:
        UnsupportedLayer: a layer that a float ONNX file does not carry.
        Problems: several of these at once.
    """
    example = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    if not isinstance(network, fx.GraphModule):
        network = from_module(network, example)
    network = copy.deepcopy(network).cpu().eval()
    with torch.no_grad():
        model = _write(network, example, input_name, output_name)
        onnx.checker.check_model(model, full_check=True)
        _check_equal(network, example, model)
    return model


class _Shapes(fx.Interpreter):
    """Executes a network and keeps the shape of every value."""

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(network)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, torch.Tensor):
            self.shapes[n] = tuple(result.shape)
        return result


def _write(
    network: fx.GraphModule, example: torch.Tensor, input_name: str, output_name: str
) -> onnx.ModelProto:
    interpreter, writer = _Shapes(network), Writer()
    interpreter.run(example)
    shapes = interpreter.shapes
    tensors: dict[fx.Node, str] = {}
    problems: list[FpgacompError] = []
    calls: dict[str, int] = {}
    results = results_of(network)
    names = {node: output_name if len(results) == 1 else name for name, node in results}
    for node in network.graph.nodes:
        if node.op == "placeholder":
            tensors[node] = input_name
        elif node.op == "call_module":
            target = str(node.target)
            if isinstance(network.get_submodule(target), JoinOutputs):
                continue
            calls[target] = calls.get(target, 0) + 1
            again = f"_{calls[target]}" if calls[target] > 1 else ""
            tensors[node] = names.get(node, f"{target}{again}_output")
            sources = node.all_input_nodes if len(node.args) < 2 else list(node.args)
            call = ModuleCall(
                target + again,
                network.get_submodule(target),
                tuple(tensors[source] for source in sources),
                tensors[node],
                shapes[sources[0]],
                shapes[node],
            )
            try:
                write_layer(writer, call)
            except FpgacompError as problem:
                problems.append(problem)
        elif node.op != "output":
            fix = "bring the network into canonical form with from_module."
            problems.append(InvalidGraph(node.name, f"{node.op} is no module call.", fix))
            break
    raise_all(problems)
    outputs = [(name, shapes[node]) for node, name in names.items()]
    return _model(writer, (input_name, tuple(example.shape)), outputs)


def _model(
    writer: Writer, source: tuple[str, tuple[int, ...]], results: list[tuple[str, tuple[int, ...]]]
) -> onnx.ModelProto:
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", *shape[1:]])
        for name, shape in (source, *results)
    ]
    graph = helper.make_graph(
        writer.nodes, "network", values[:1], values[1:], list(writer.constants.values())
    )
    model: onnx.ModelProto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="fpgacomp",
    )
    return model


def _check_equal(network: fx.GraphModule, example: torch.Tensor, model: onnx.ModelProto) -> None:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    name = model.graph.input[0].name
    outputs = session.run(None, {name: example.numpy()})
    found = outputs[0]
    if len(outputs) > 1:
        found = np.concatenate([part.reshape(len(part), -1) for part in outputs], axis=1)
    wanted = network(example).numpy()
    difference = float(np.max(np.abs(found - wanted), initial=0.0))
    if found.shape != wanted.shape or not difference <= _TOLERANCE * max(
        1.0, float(np.max(np.abs(wanted), initial=0.0))
    ):
        raise InvalidGraph(
            "to_onnx",
            f"the file's outputs differ from torch's by {difference:.3g}.",
            "report this as a bug, with the network.",
        )
