"""How many frames a second ONNX Runtime executes of a network on one core, in float32 and in int8.

The float32 network has the layers of the integer graph with float weights and a Relu in the place
of each quantizer, which is the fastest that ONNX Runtime can be asked for: its quantizers in
standard operators would take longer than its convolutions. The int8 network is that one after
ONNX Runtime's own static quantization.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Conv, Dense, Layer, MaxPool, Reshape, Thresholds

_WARM_UP = 20


def rates(graph: Graph, frames: int) -> dict[str, tuple[float, float]]:
    """Precision -> frames per second, and per second of processor time."""
    model = _float_network(graph)
    shape = [axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim]
    with TemporaryDirectory() as folder:
        paths = {kind: Path(folder) / f"{kind}.onnx" for kind in ("float32", "int8")}
        onnx.save(model, paths["float32"])
        quantize_static(
            paths["float32"], paths["int8"], _Samples(shape), quant_format=QuantFormat.QOperator,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return {kind: _rate(path, shape, frames) for kind, path in paths.items()}


def _rate(path: Path, shape: list[int], frames: int) -> tuple[float, float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (x,) = _random(shape, 1)
    for _ in range(_WARM_UP):
        session.run(None, {"x": x})
    start, processor = time.perf_counter(), time.process_time()
    for _ in range(frames):
        session.run(None, {"x": x})
    return frames / (time.perf_counter() - start), frames / (time.process_time() - processor)


def _random(shape: list[int], count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    return (rng.uniform(-1, 1, shape).astype(np.float32) for _ in range(count))


class _Samples(CalibrationDataReader):  # type: ignore[misc]  # the class has no types
    def __init__(self, shape: list[int]) -> None:
        self._left = _random(shape, 8)

    def get_next(self) -> dict[str, np.ndarray] | None:
        x = next(self._left, None)
        return None if x is None else {"x": x}


def _float_network(graph: Graph) -> onnx.ModelProto:
    (source,) = graph.inputs
    *plane, channels = source.output.shape
    names = {source.output.name: "x"}
    nodes, weights = [], []
    for layer in graph.layers:
        if layer is source:
            continue
        names[layer.output.name] = layer.name
        inputs = [names[tensor.name] for tensor in layer.inputs]
        weight = _weight(layer)
        if weight is not None:
            weights.append(numpy_helper.from_array(weight, f"{layer.name}_weight"))
            inputs.append(f"{layer.name}_weight")
        kind, attributes = _operator(layer)
        nodes.append(helper.make_node(kind, inputs, [layer.name], **attributes))
    floats = TensorProto.FLOAT
    made = helper.make_graph(
        nodes, graph.name, [helper.make_tensor_value_info("x", floats, [1, channels, *plane])],
        [helper.make_tensor_value_info(nodes[-1].output[0], floats, None)], weights,
    )  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _weight(layer: Layer) -> np.ndarray | None:
    """Float weights in ONNX's layout, small enough that nothing overflows."""
    if not isinstance(layer, Conv | Dense):
        return None
    array = layer.weight.array.astype(np.float32) / 100
    return np.ascontiguousarray(array.transpose(3, 2, 0, 1)) if isinstance(layer, Conv) else array


def _operator(layer: Layer) -> tuple[str, dict[str, object]]:
    match layer:
        case Conv():
            pads = [pair[end] for end in (0, 1) for pair in layer.pads]
            return "Conv", {"strides": layer.strides, "pads": pads, "group": layer.groups,
                            "dilations": layer.dilations}  # fmt: skip
        case Dense():
            return "Gemm", {}
        case Thresholds():
            return "Relu", {}
        case MaxPool():
            return "MaxPool", {"kernel_shape": layer.kernel, "strides": layer.strides}
        case Reshape():
            return "Flatten", {}
    raise TypeError(f"{layer.name}: a {type(layer).__name__} is in no network of this benchmark")
