"""The reference that the oracle is judged by: executes a network in float64, samples batched.

It shares no code with lowering. Whatever does not depend on an input is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.errors import InputDataError, UnsupportedLayer, raise_all
from fpgacomp.evidence.reference.node import Operands, ReferenceNode
from fpgacomp.evidence.reference.operators import OPERATOR_FUNCTIONS
from fpgacomp.evidence.reference.quantizers import QUANTIZER_FUNCTIONS, QuantizedBatch
from fpgacomp.ir.types import AnyArray, FloatArray, NamedArrays
from fpgacomp.network.attributes import constant_value, decode_attributes, initializers, shape_of

OnQuantized = Callable[[str, QuantizedBatch], AnyArray | None]
"""(tensor name, what the quantizer did) -> the values to go on with; None for its own."""

OnTensor = Callable[[str, AnyArray], None]
"""(tensor name, its values), called for every tensor that depends on an input."""


_CANONICAL_FORM = "bring the network into canonical form with `fpgacomp check` first."


def execute(
    model: onnx.ModelProto,
    inputs: NamedArrays,
    *,
    keep: Iterable[str] | None = None,
    on_quantized: OnQuantized | None = None,
) -> dict[str, FloatArray]:
    """Run a network on N samples in float64.

    Args:
        model: canonical, or close to it; shapes are written for batch 1.
        inputs: graph input -> [N, *shape without batch].
        keep: further tensors to return beside the graph's outputs.
        on_quantized: sees each quantizer of an activation and may replace its output.

    Returns:
        Tensor name -> float64 [N, ...] (indices of ArgMax and TopK included).

    Raises:
        InputDataError: an input is missing or has the wrong number of features.
        UnsupportedLayer: an operator that the reference does not execute.
    """
    values = Reference(model).run(inputs, keep=keep, on_quantized=on_quantized)
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}


class Reference:
    """A network made ready for execution: attributes decoded, constants folded.

    Args:
        model: canonical, or close to it; shapes are written for batch 1.
        dtype: of all real numbers; float64 except where the question is what
            float32 would answer.

    Raises:
        UnsupportedLayer: one or all of the operators that the reference does not execute.
    """

    def __init__(self, model: onnx.ModelProto, dtype: npt.DTypeLike = np.float64) -> None:
        self._dtype = np.dtype(dtype)
        graph = model.graph
        self.outputs = tuple(output.name for output in graph.output)
        self.constants = {n: self._own(array) for n, array in initializers(graph).items()}
        self.inputs = {i.name: shape_of(i) for i in graph.input if i.name not in self.constants}
        opset = max(
            (o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=13
        )
        _check_supported(graph)
        self._nodes: list[ReferenceNode] = []
        batched = set(self.inputs)
        for proto in graph.node:
            self._prepare(proto, opset, batched)

    def run(
        self,
        inputs: NamedArrays,
        *,
        keep: Iterable[str] | None = None,
        on_quantized: OnQuantized | None = None,
        on_tensor: OnTensor | None = None,
    ) -> dict[str, AnyArray]:
        """Return the graph's outputs and the tensors of `keep`, on N samples."""
        wanted = {*self.outputs, *(keep or ())}
        values: dict[str, AnyArray] = {}
        for name, shape in self.inputs.items():
            values[name] = self._checked(name, shape, inputs)
            if on_tensor:
                on_tensor(name, values[name])
        last_use = self._last_use()
        for position, node in enumerate(self._nodes):
            operands = self._operands(node.proto, values)
            for name, value in self._results(node, operands, on_quantized).items():
                values[name] = value
                if on_tensor:
                    on_tensor(name, value)
            for name in node.proto.input:
                if last_use.get(name) == position and name not in wanted:
                    values.pop(name, None)
        return {name: self._found(name, values) for name in wanted}

    def quantizer_outputs(self) -> set[str]:
        """Return the tensors that quantizers of activations write."""
        return {n.proto.output[0] for n in self._nodes if n.proto.op_type in QUANTIZER_FUNCTIONS}

    def _prepare(self, proto: onnx.NodeProto, opset: int, batched: set[str]) -> None:
        """Compute a node now if it is constant, else keep it for every run."""
        attributes = decode_attributes(proto)
        if proto.op_type == "Constant":
            value = constant_value(attributes)
            if value is None:
                why = "it holds text or a sparse tensor, which the reference does not execute."
                raise UnsupportedLayer(proto.name or proto.output[0], why, _CANONICAL_FORM)
            self.constants[proto.output[0]] = self._own(value)
            return
        is_batched = bool(proto.input) and proto.input[0] in batched
        node = ReferenceNode(proto, attributes, opset, is_batched)
        if all(not name or name in self.constants for name in proto.input):
            self.constants.update(self._results(node, self._operands(proto, {}), None))
            return
        self._nodes.append(node)
        if proto.op_type != "Shape" and any(name in batched for name in proto.input):
            batched.update(proto.output)

    def _results(
        self, node: ReferenceNode, operands: Operands, on_quantized: OnQuantized | None
    ) -> dict[str, AnyArray]:
        proto = node.proto
        if proto.op_type in QUANTIZER_FUNCTIONS:
            done = QUANTIZER_FUNCTIONS[proto.op_type](node, operands)
            replaced = on_quantized(proto.output[0], done) if on_quantized else None
            return {proto.output[0]: done.real if replaced is None else replaced}
        result = OPERATOR_FUNCTIONS[proto.op_type](node, operands)
        results = result if isinstance(result, tuple) else (result,)
        return {name: np.asarray(value) for name, value in zip(proto.output, results) if name}

    def _operands(self, proto: onnx.NodeProto, values: NamedArrays) -> Operands:
        return [self._found(name, values) if name else None for name in proto.input]

    def _found(self, name: str, values: NamedArrays) -> AnyArray:
        return values[name] if name in values else self.constants[name]

    def _last_use(self) -> dict[str, int]:
        return {name: i for i, node in enumerate(self._nodes) for name in node.proto.input}

    def _own(self, array: AnyArray) -> AnyArray:
        """Return real numbers in the executor's type; integers stay what they are."""
        return array.astype(self._dtype) if array.dtype.kind not in "iub" else array

    def _checked(self, name: str, shape: tuple[int, ...], inputs: NamedArrays) -> AnyArray:
        if name not in inputs:
            raise InputDataError(name, "no values were given for this input of the network.",
                                 f"name one of {sorted(inputs)} so.")  # fmt: skip
        array = np.asarray(inputs[name])
        fits = len(shape) == array.ndim and all(
            want in (0, got) for want, got in zip(shape[1:], array.shape[1:])
        )
        if not fits:
            raise InputDataError(name, f"got shape {array.shape}, expected [N, {shape[1:]}].",
                                 "give samples along the first axis.")  # fmt: skip
        return array.astype(self._dtype)


def _check_supported(graph: onnx.GraphProto) -> None:
    known = {*OPERATOR_FUNCTIONS, *QUANTIZER_FUNCTIONS, "Constant"}
    raise_all(
        [
            UnsupportedLayer(
                node.name or node.output[0],
                f"the reference does not execute the operator {node.op_type}.",
                _CANONICAL_FORM,
            )
            for node in graph.node
            if node.op_type not in known
        ]
    )
