"""A network as a function of its samples, and samples in a network's shape."""

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
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.network.canonical import Network, input_shapes

# Samples that run at once: what a network's inner tensors take is this many times one sample's.
BATCH = 256
PLAIN_ONNX = ("float", "qcdq")


def executor(network: Network) -> Execute:
    """Runs the network as its author's framework does, in float32; gives its first output.

    Inputs of whole numbers are rounded: a disturbed picture is a picture again.
    """
    name = next(iter(input_shapes(network.original)))
    kinds = {v.name: v.type.tensor_type.elem_type for v in network.original.graph.input}
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kinds[name])
    first = network.original.graph.output[0].name
    run = _plain(network) if network.format in PLAIN_ONNX else _batches(network)

    def execute(x: npt.NDArray[np.float32]) -> AnyArray:
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            x = np.clip(np.rint(x), limits.min, limits.max)
        return run({name: x})[first]

    return execute


def _plain(network: Network) -> Callable[[NamedArrays], NamedArrays]:
    """ONNX Runtime, which batches the samples itself."""

    def run(inputs: NamedArrays) -> NamedArrays:
        result = float32_outputs(network.original, inputs)
        if result.outputs is None:
            raise ToolError(network.name, result.reason, "check it with `fpgacomp check`.")
        return result.outputs

    return run


def _batches(network: Network) -> Callable[[NamedArrays], NamedArrays]:
    """Our own executor, made ready once: ONNX Runtime has no Quant."""
    reference = Reference(network.original, np.float32)

    def run(inputs: NamedArrays) -> NamedArrays:
        ((name, x),) = inputs.items()
        parts = [reference.run({name: x[at : at + BATCH]}) for at in range(0, len(x), BATCH)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return run


def input_shape(network: Network) -> tuple[int, ...]:
    """Shape of one sample, without the batch axis.

    Raises:
        UnsupportedLayer: not one input.
    """
    shapes = input_shapes(network.model)
    if len(shapes) != 1:
        raise UnsupportedLayer(
            network.name, f"it has {len(shapes)} inputs.", "evaluate networks with one input."
        )
    return next(iter(shapes.values()))


def reshape_samples(samples: LabelledData, shape: tuple[int, ...]) -> LabelledData:
    """The samples in a network's shape; rows of values and pictures become each other, row major.

    Raises:
        InputDataError: their shape does not go with the network's.
    """
    if min(len(shape), len(samples.shape)) > 1 or prod(shape) != prod(samples.shape):
        return samples.reshaped(shape)
    train, validation, test = (
        Samples(split.x.reshape(-1, *shape), split.y)
        for split in (samples.train, samples.validation, samples.test)
    )
    return replace(samples, train=train, validation=validation, test=test)
