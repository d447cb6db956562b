"""A build folder of a network that is so small that a bitstream of it takes seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import fpgacomp
from fpgacomp.flows.options import Options
from fpgacomp.results.target import Target

_QONNX = "qonnx.custom_op.general"


def tiny_network() -> onnx.ModelProto:
    """Four inputs of 4 bits, a matrix of 4-bit weights, two outputs."""
    weights = np.array([[1, -2], [3, 4], [-5, 6], [7, -7]], np.float32)
    constants = {"w": weights, "one": np.float32(1), "zero": np.float32(0), "bits": np.float32(4)}

    def quantized(source: str, target: str, *, signed: int) -> onnx.NodeProto:
        return helper.make_node(
            "Quant", [source, "one", "zero", "bits"], [target], domain=_QONNX, signed=signed,
            narrow=0, rounding_mode="ROUND",
        )  # fmt: skip

    graph = helper.make_graph(
        [quantized("x", "xq", signed=0), quantized("w", "wq", signed=1),
         helper.make_node("MatMul", ["xq", "wq"], ["y"])],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_QONNX, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def tiny_build(folder: Path, board: str, clock_mhz: float, **options: object) -> Path:
    """Compile it for a board; returns the build folder, which is below `folder`."""
    model, out = folder / "tiny.onnx", folder / f"tiny-{Path(board).stem}"
    onnx.save(tiny_network(), model)
    chosen = Options(
        backend="stream", csim=False, vectors=2, clock_mhz=clock_mhz, checks="quick",
        target=Target(goal="area"), **options,  # type: ignore[arg-type]
    )  # fmt: skip
    fpgacomp.compile(model, board, options=chosen, out=out)
    return out
