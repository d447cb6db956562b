"""Runs what is not hardware: the software side, and the network itself in float32.

The software side is plain ONNX and runs in ONNX Runtime. A QONNX network in float32 runs
in our own executor instead: ONNX Runtime has no Quant, and qonnx's executor, node by
node, gives the same up to the order of float32 sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from fpgacomp.errors import FpgacompError, InputDataError, ModelError, ToolError
from fpgacomp.evidence.reference.network import Reference
from fpgacomp.ir.types import AnyArray, IntArray, NamedArrays
from fpgacomp.network.attributes import shape_of, to_array
from fpgacomp.network.lowered import Lowered, integer_name
from fpgacomp.network.operators import OPERATORS
from fpgacomp.network.runtime import open_session

_BATCH = 1024
_STANDARD_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")


@dataclass(frozen=True)
class Float32Outputs:
    """What the user's framework computes, or why that is not known.

    Args:
        outputs: network output -> [N, ...]; None where it cannot be computed.
        reason: one sentence where `outputs` is None.
    """

    outputs: NamedArrays | None
    reason: str = ""


def to_integers(before: onnx.ModelProto, network_inputs: NamedArrays) -> dict[str, IntArray]:
    """Run the software side in front: network inputs to the integer graph's inputs.

    Args:
        before: `Lowered.before`.
        network_inputs: network input -> [N, *shape], of any real dtype that casts to its own.

    Raises:
        InputDataError: an input is missing, has the wrong shape, or holds NaN.
        ToolError: ONNX Runtime does not run the software side.
    """
    for name, array in network_inputs.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputDataError(name, "the values hold NaN or infinity.",
                                 "give finite numbers.")  # fmt: skip
    return {
        name.removesuffix(integer_name("")): integers.astype(np.int64, copy=False)
        for name, integers in _run(before, network_inputs).items()
    }


def run_before(before: onnx.ModelProto, network_inputs: NamedArrays) -> dict[str, AnyArray]:
    """Run a form of the software side in front that has other outputs; see `to_integers`."""
    return _run(before, network_inputs)


def to_network_outputs(
    after: onnx.ModelProto, integer_outputs: Mapping[str, IntArray]
) -> dict[str, AnyArray]:
    """Run the software side behind: integers to the network's outputs, in its units and shape.

    Args:
        after: `Lowered.after`.
        integer_outputs: tensor of the integer graph -> its integers [N, *shape].

    Raises:
        InputDataError: an output's integers are missing or have the wrong shape.
        ToolError: ONNX Runtime does not run the software side.
    """
    named = {integer_name(name): array for name, array in integer_outputs.items()}
    return _run(after, named)


def require_runnable(lowered: Lowered) -> None:
    """Run what the host computes behind the hardware on a sample of zeros, before the work.

    Operators of the canonical network are known in every form that is accepted; only others are
    tried, so that a usual network needs no ONNX Runtime until it is compiled.

    Raises:
        ModelError: ONNX Runtime does not run them.
    """
    if all(op in OPERATORS or op == "dequantize" for op in lowered.software_after):
        return
    zeros = {
        integer_name(tensor.name): np.zeros((1, *tensor.shape), np.int64)
        for tensor in lowered.graph.outputs
    }
    try:
        _run(lowered.after, zeros)
    except ToolError as error:
        reason = " ".join(error.why.split())[:300]
        raise ModelError(
            f"the operators behind the hardware ({', '.join(lowered.software_after)})",
            f"do not run on the host: {reason}",
            "export the model again, or cut them off the network.",
        ) from error


def float32_outputs(original: onnx.ModelProto, inputs: NamedArrays) -> Float32Outputs:
    """Run the network as its author's framework does, in float32.

    Args:
        original: `Network.original`: batch 1 in its shapes, any opset.
        inputs: network input -> [N, *shape].
    """
    plain = all(node.domain in _STANDARD_DOMAINS for node in original.graph.node)
    try:
        if plain:
            return Float32Outputs(_run_original(original, inputs))
        return Float32Outputs(Reference(original, np.float32).run(inputs))
    except FpgacompError as problem:
        return Float32Outputs(None, str(problem))


def top1_agreement(ours: NamedArrays, theirs: NamedArrays) -> float | None:
    """Return the share of samples whose largest output is the same one.

    Compares the first output that both have: the position of the largest value, or the
    value itself where it is an index already (ArgMax). None where there is only one
    real value per sample, where the values stand on several axes (an image has no largest
    class), or where there is no output in common.
    """
    name = next((name for name in theirs if name in ours), None)
    if name is None or not len(ours[name]):
        return None
    axes = sum(size > 1 for size in np.shape(ours[name])[1:])
    a, b = (np.asarray(side[name]).reshape(len(side[name]), -1) for side in (ours, theirs))
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        return float((a == b).all(axis=1).mean())
    if axes != 1:
        return None
    return float((a.argmax(axis=1) == b.argmax(axis=1)).mean())


def with_free_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy whose axis 0 is free: of inputs, outputs, and constant reshape targets of 1."""
    free = onnx.ModelProto()
    free.CopyFrom(model)
    graph = free.graph
    del graph.value_info[:]
    constants = {initializer.name: initializer for initializer in graph.initializer}
    for tensor in [*graph.input, *graph.output]:
        dims = tensor.type.tensor_type.shape.dim
        if tensor.name not in constants and len(dims):
            dims[0].dim_param = "N"
    for node in [node for node in graph.node if node.op_type == "Reshape"]:
        target = constants.get(node.input[1])
        values = None if target is None else to_array(target).copy()
        if values is not None and values.size and values[0] == 1:
            values[0] = 0  # ONNX: keep what the input has on this axis
            name = f"{node.input[1]}_free_batch_{node.output[0]}"
            graph.initializer.append(numpy_helper.from_array(values, name))
            node.input[1] = name
    return free


def _run(model: onnx.ModelProto, inputs: NamedArrays) -> dict[str, AnyArray]:
    """Run the model with a free batch axis, `_BATCH` samples at a time."""
    feeds = _feeds(model, inputs)
    run = _session(with_free_batch(model))
    return _in_batches(run, feeds, _BATCH)


def _run_original(model: onnx.ModelProto, inputs: NamedArrays) -> dict[str, AnyArray]:
    """Run in batches where two samples show that it is the same, else one sample at a time."""
    feeds = _feeds(model, inputs)
    single = _session(model)
    few = {name: array[:2] for name, array in feeds.items()}
    expected = _in_batches(single, few, 1)
    try:
        batched = _session(with_free_batch(model))
        if _same(_in_batches(batched, few, 2), expected):
            return _in_batches(batched, feeds, _BATCH)
    except ToolError:
        pass  # the graph needs its batch of 1: one sample at a time is slower and always right
    return _in_batches(single, feeds, 1)


def _same(got: NamedArrays, expected: NamedArrays) -> bool:
    return all(
        got[name].shape == array.shape and np.allclose(got[name], array, rtol=1e-4, atol=1e-5)
        for name, array in expected.items()
    )


def _in_batches(
    run: Callable[[NamedArrays], dict[str, AnyArray]], feeds: NamedArrays, batch: int
) -> dict[str, AnyArray]:
    count = max((len(array) for array in feeds.values()), default=0)
    parts = [
        run({name: array[start : start + batch] for name, array in feeds.items()})
        for start in range(0, max(count, 1), batch)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _feeds(model: onnx.ModelProto, inputs: NamedArrays) -> dict[str, AnyArray]:
    """Return the model's inputs in its own element types, shapes checked."""
    constants = {initializer.name for initializer in model.graph.initializer}
    feeds: dict[str, AnyArray] = {}
    for tensor in model.graph.input:
        if tensor.name in constants:
            continue
        if tensor.name not in inputs:
            raise InputDataError(tensor.name, "no values were given for this input.",
                                 f"name one of {sorted(inputs)} so.")  # fmt: skip
        array = np.asarray(inputs[tensor.name])
        want = shape_of(tensor)[1:]
        fits = len(want) + 1 == array.ndim and all(
            size in (0, got) for size, got in zip(want, array.shape[1:])
        )
        if not fits:
            raise InputDataError(tensor.name, f"got shape {array.shape}, expected [N, {want}].",
                                 "give samples along the first axis.")  # fmt: skip
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type)
        feeds[tensor.name] = np.ascontiguousarray(array, dtype=dtype)
    return feeds


def _session(model: onnx.ModelProto) -> Callable[[NamedArrays], dict[str, AnyArray]]:
    """Return an ONNX Runtime session as a function from inputs to outputs."""
    fix = "report it with the model: ONNX Runtime is expected to run this graph."
    try:
        session = open_session(model)
    except Exception as problem:
        raise ToolError(model.graph.name, f"ONNX Runtime: {problem}", fix) from problem
    names = [output.name for output in model.graph.output]

    def run(feeds: NamedArrays) -> dict[str, AnyArray]:
        try:
            return dict(zip(names, session.run(names, feeds)))
        except Exception as problem:
            raise ToolError(model.graph.name, f"ONNX Runtime: {problem}", fix) from problem

    return run
