"""Networks as functions from samples to outputs, and samples in the shape of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.compress.evaluate import Execute
from fpgacomp.data.labelled import LabelledData, Samples
from fpgacomp.errors import ToolError, UnsupportedLayer
from fpgacomp.evidence.reference.network import Reference
from fpgacomp.evidence.software import float32_outputs
from fpgacomp.ir.types import NamedArrays
from fpgacomp.network.canonical import Network, input_shapes

# Number of samples that are executed at once, which bounds the memory of the inner tensors.
BATCH = 256
PLAIN_ONNX = ("float", "qcdq")


def executor(network: Network) -> Execute:
    """Make a function that executes a network in float32, as its author's framework does.

    Where the network's input is of integers, samples are rounded, so that disturbed pictures are
    pictures again.

    Args:
        network: with one input.

    Returns:
        A function from samples [N, *input shape] to the network's outputs [N, ...] by name.
    """
    name = next(iter(input_shapes(network.original)))
    kinds = {v.name: v.type.tensor_type.elem_type for v in network.original.graph.input}
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kinds[name])
    run = _plain(network) if network.format in PLAIN_ONNX else _batches(network)

    def execute(x: npt.NDArray[np.float32]) -> NamedArrays:
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            x = np.clip(np.rint(x), limits.min, limits.max)
        return run({name: x})

    return execute


def _plain(network: Network) -> Callable[[NamedArrays], NamedArrays]:
    """Execute float and QCDQ networks with ONNX Runtime, in batches of its own."""

    def run(inputs: NamedArrays) -> NamedArrays:
        result = float32_outputs(network.original, inputs)
        if result.outputs is None:
            raise ToolError(network.name, result.reason, "check it with `fpgacomp check`.")
        return result.outputs

    return run


def _batches(network: Network) -> Callable[[NamedArrays], NamedArrays]:
    """Execute QONNX networks with our reference: ONNX Runtime does not know their operators."""
    reference = Reference(network.original, np.float32)

    def run(inputs: NamedArrays) -> NamedArrays:
        ((name, x),) = inputs.items()
        parts = [reference.run({name: x[at : at + BATCH]}) for at in range(0, len(x), BATCH)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return run


def input_shape(network: Network) -> tuple[int, ...]:
    """The shape of one sample, without the batch axis.

    Raises:
        UnsupportedLayer: the network has several inputs, or none.
    """
    shapes = input_shapes(network.model)
    if len(shapes) != 1:
        raise UnsupportedLayer(
            network.name, f"it has {len(shapes)} inputs.", "evaluate networks with one input."
        )
    return next(iter(shapes.values()))


def reshape_samples(samples: LabelledData, shape: tuple[int, ...]) -> LabelledData:
    """Give samples the shape of a network's input.

    Rows of values become pictures, and pictures rows, in row-major order.

    Raises:
        InputDataError: the shape of the samples does not go with that of the input.
    """
    if min(len(shape), len(samples.shape)) > 1 or prod(shape) != prod(samples.shape):
        return samples.reshaped(shape)
    train, validation, test = (
        Samples(split.x.reshape(-1, *shape), split.y)
        for split in (samples.train, samples.validation, samples.test)
    )
    return replace(samples, train=train, validation=validation, test=test)
