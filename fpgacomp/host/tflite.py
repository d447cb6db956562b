"""TFLite files: what stands in one, its bytes, and its interpreter, which TensorFlow brings."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import select_legacy_keras

_FILE_IDENTIFIER = b"TFL3"
# Version of each operator as tensorflow/lite/tools/versioning/op_version.cc counts them, for int8
# but of FULLY_CONNECTED, which is float32 here.
_VERSIONS = {
    "CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 1, "MAX_POOL_2D": 2, "PADV2": 2,
    "RESHAPE": 1, "DEQUANTIZE": 2, "ADD": 1, "CAST": 1,
}  # fmt: skip
_OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions", "MAX_POOL_2D": "Pool2DOptions",
    "PADV2": "PadV2Options", "RESHAPE": "ReshapeOptions", "DEQUANTIZE": "DequantizeOptions",
    "ADD": "AddOptions", "CAST": "CastOptions",
}  # fmt: skip
_KINDS = {"int8": "INT8", "int32": "INT32", "float32": "FLOAT32"}


@dataclass(frozen=True)
class LiteTensor:
    """A tensor of a TFLite graph: a value of the batch, or a constant.

    Args:
        name: unique in the file.
        shape: of a constant; of a value with batch 1, which is free.
        dtype: int8, int32 or float32.
        data: the numbers of a constant.
        scales: real number of one step: none, one, or one for each place of `axis`.
        zero: the code that stands for the real number 0.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    data: npt.NDArray[Any] | None = None
    scales: tuple[float, ...] = ()
    zero: int = 0
    axis: int = 0


@dataclass(frozen=True)
class LiteOperator:
    """An operator: its name in the schema, places of its tensors, and fields of its options."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class LiteGraph:
    """A TFLite network of one subgraph."""

    name: str
    tensors: tuple[LiteTensor, ...]
    operators: tuple[LiteOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def _part(module: str) -> Any:
    """A module of TensorFlow's or of flatbuffers, which it needs.

    Raises:
        ToolError: it is not installed.
    """
    select_legacy_keras()  # where Keras models are read later, TensorFlow is there already
    try:
        return import_module(module)
    except ImportError as missing:
        raise ToolError(
            "TensorFlow",
            f"TFLite files are written and run by its own code ({missing}).",
            "pip install 'fpgacomp[qkeras]'",
        ) from missing


def require_tensorflow() -> None:
    """Refuse to begin where TensorFlow is missing.

    Raises:
        ToolError: it is not installed.
    """
    _part("tensorflow.lite.python.interpreter")


def tflite_bytes(graph: LiteGraph) -> bytes:
    """The file of a network.

    Raises:
        ToolError: TensorFlow is not installed.
    """
    schema = _part("tensorflow.lite.python.schema_py_generated")
    flatbuffers = _part("flatbuffers")
    model = schema.ModelT()
    model.version, model.description = 3, "fpgacomp"
    model.buffers = [schema.BufferT()]  # the first one is empty, and stands for no constant
    names = list(dict.fromkeys(operator.name for operator in graph.operators))
    model.operatorCodes = [_code(schema, name) for name in names]
    subgraph = schema.SubGraphT()
    subgraph.name = graph.name
    subgraph.tensors = [_tensor(schema, model, tensor) for tensor in graph.tensors]
    subgraph.operators = [_operator(schema, names, operator) for operator in graph.operators]
    subgraph.inputs, subgraph.outputs = list(graph.inputs), list(graph.outputs)
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


def _code(schema: Any, name: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = _VERSIONS[name]
    return code


def _tensor(schema: Any, model: Any, tensor: LiteTensor) -> Any:
    """A tensor of the schema; its numbers become a buffer of the model."""
    made = schema.TensorT()
    made.name, made.shape = tensor.name, list(tensor.shape)
    made.type = getattr(schema.TensorType, _KINDS[tensor.dtype])
    made.buffer, made.hasRank = 0, True
    if tensor.data is None:
        made.shapeSignature = [-1, *tensor.shape[1:]]
    else:
        made.buffer = len(model.buffers)
        buffer = schema.BufferT()
        little = np.dtype(tensor.dtype).newbyteorder("<")
        buffer.data = np.frombuffer(tensor.data.astype(little).tobytes(), np.uint8)
        model.buffers.append(buffer)
    if tensor.scales:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = list(tensor.scales)
        made.quantization.zeroPoint = [tensor.zero] * len(tensor.scales)
        made.quantization.quantizedDimension = tensor.axis
    return made


def _operator(schema: Any, names: Sequence[str], operator: LiteOperator) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex = names.index(operator.name)
    made.inputs, made.outputs = list(operator.inputs), list(operator.outputs)
    kind = _OPTIONS[operator.name]
    made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    made.builtinOptions = getattr(schema, f"{kind}T")()
    for name, value in operator.options.items():
        if not hasattr(made.builtinOptions, name):
            raise AttributeError(f"{kind} of the TFLite schema has no field {name}")
        setattr(made.builtinOptions, name, value)
    return made


# The interpreter's sets of kernels: the plain C++ that defines them, the optimized ones, and
# XNNPACK on top of these, which is what an application gets that asks for nothing.
_RESOLVERS = {
    "reference": "BUILTIN_REF",
    "optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "default": "AUTO",
}
KERNEL_SETS = tuple(_RESOLVERS)


class LiteSession:
    """A TFLite network in TensorFlow's interpreter, with one set of kernels."""

    def __init__(self, content: bytes, kernels: str) -> None:
        """Load a network.

        Raises:
            ToolError: TensorFlow is not installed, or does not take the network.
        """
        module = _part("tensorflow.lite.python.interpreter")
        resolver = getattr(module.OpResolverType, _RESOLVERS[kernels])
        with _told(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a later TensorFlow hands its interpreter to LiteRT
            self._interpreter = module.Interpreter(
                model_content=content, experimental_op_resolver_type=resolver, num_threads=1
            )

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The outputs, in the file's order, of a batch of inputs [N, ...] by name.

        Raises:
            ToolError: the interpreter does not run it.
        """
        interpreter = self._interpreter
        with _told():
            for told in interpreter.get_input_details():
                given = inputs[told["name"]]
                interpreter.resize_tensor_input(told["index"], given.shape, strict=True)
            interpreter.allocate_tensors()
            for told in interpreter.get_input_details():
                interpreter.set_tensor(told["index"], inputs[told["name"]])
            interpreter.invoke()
            outputs = interpreter.get_output_details()
            return [interpreter.get_tensor(told["index"]) for told in outputs]


@contextmanager
def _told() -> Iterator[None]:
    """Whatever the interpreter raises is a ToolError."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise ToolError(
            "the TFLite network",
            f"TensorFlow does not run it: {' '.join(str(error).split())[:300]}",
            "this is a bug in fpgacomp: please report it with the network.",
        ) from error
