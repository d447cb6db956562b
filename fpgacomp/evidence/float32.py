"""Compares the design's answers with the network's own in float32, and says why they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx

from fpgacomp.errors import FpgacompError
from fpgacomp.evidence.reference.network import Reference
from fpgacomp.evidence.reference.quantizers import QuantizedBatch
from fpgacomp.evidence.software import float32_outputs, top1_agreement
from fpgacomp.ir.types import AnyArray, NamedArrays
from fpgacomp.network.canonical import Network
from fpgacomp.results.report import Float32Agreement

# Of the largest output: float32 sums differ by some 1e-6 of it, and a quantizer's integer that
# falls to the other side of a border moves an output by far more.
TOLERANCE = 1e-5
# Samples that differ are executed twice more to find the cause; that many tell it.
EXPLAINED = 64


def compare_with_float32(
    network: Network, inputs: NamedArrays, ours: NamedArrays, batch: int
) -> Float32Agreement | None:
    """Count the answers that are not those of the user's framework, and find where they part.

    Args:
        network: as it was read, and canonical.
        inputs: network input -> [N, *shape].
        ours: network output -> [N, ...], in the network's own units.
        batch: how many samples are executed at once.

    Returns:
        The counts; None where the network cannot be executed in float32, sample by sample.
    """
    theirs = _answers(network.original, inputs, batch)
    if theirs is None:
        return None
    values = differ = 0
    samples = np.zeros(len(next(iter(inputs.values()))), bool)
    if any(len(theirs[name]) != len(samples) for name in theirs if name in ours):
        return None  # an output without a batch axis: its rows are of no sample
    for name in (name for name in theirs if name in ours):
        wrong = _differs(ours[name], theirs[name])
        if wrong is not None:
            values, differ = values + wrong.size, differ + int(wrong.sum())
            samples |= wrong.any(axis=1)
    top1 = top1_agreement(ours, theirs)
    if not differ:
        return Float32Agreement(values, 0, len(samples), 0, top1)
    few = np.flatnonzero(samples)[:EXPLAINED]
    cause = _cause(network.model, {name: array[few] for name, array in inputs.items()})
    count = int(samples.sum())
    return Float32Agreement(
        values, differ, len(samples), count, top1,
        tensor=cause.tensor, integers=cause.integers, on_border=cause.on_border,
        explained_samples=len(few),
    )  # fmt: skip


def _answers(original: onnx.ModelProto, inputs: NamedArrays, batch: int) -> NamedArrays | None:
    """The network's outputs in float32; None where they cannot be had."""
    count = len(next(iter(inputs.values())))
    parts: list[NamedArrays] = []
    for start in range(0, count, batch):
        some = {name: array[start : start + batch] for name, array in inputs.items()}
        outputs = float32_outputs(original, some).outputs
        if outputs is None:
            return None
        parts.append(outputs)
    # Constants that a network gives beside its answers (a scale, a bit width) have no batch.
    names = [name for name, array in parts[0].items() if array.ndim]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _differs(ours: AnyArray, theirs: AnyArray) -> AnyArray | None:
    """Where two outputs differ, [N, values]; None where they are of different sizes."""
    if len(ours) != len(theirs) or ours.size != theirs.size:
        return None
    one, other = (np.asarray(side).reshape(len(side), -1) for side in (ours, theirs))
    if one.dtype.kind in "iub" and other.dtype.kind in "iub":
        return np.asarray(one != other)
    one, other = one.astype(np.float64), other.astype(np.float64)
    return np.asarray(np.abs(one - other) > TOLERANCE * np.abs(other).max(initial=0.0))


@dataclass
class _Cause:
    """Where float32 and float64 part: counts of integers that quantizers round otherwise.

    Args:
        tensor: the first tensor where they do, in the order of the network.
        integers: how many integers of all tensors differ.
        on_border: how many of the first tensor's lie within 2**-20 of a rounding border.
    """

    tensor: str | None = None
    integers: int = 0
    on_border: int = 0
    codes: dict[str, AnyArray] = field(default_factory=dict)

    def keep(self, name: str, done: QuantizedBatch) -> None:
        """Remember what a quantizer does in float32."""
        self.codes[name] = done.codes

    def compare(self, name: str, done: QuantizedBatch) -> None:
        """Count what it does otherwise in float64."""
        theirs: AnyArray = self.codes.get(name, done.codes)
        differs = theirs != done.codes
        if not differs.any():
            return
        self.integers += int(differs.sum())
        if self.tensor is None:
            self.tensor = name
            self.on_border = int((differs & done.ties_with(theirs)).sum())


def _cause(model: onnx.ModelProto, inputs: Mapping[str, AnyArray]) -> _Cause:
    """Execute a canonical network in float32 and in float64, and compare its quantizers."""
    cause = _Cause()
    try:
        Reference(model, np.float32).run(inputs, on_quantized=cause.keep)
        Reference(model).run(inputs, on_quantized=cause.compare)
    except FpgacompError:  # an operator behind the hardware that the reference does not know
        return _Cause()
    return cause
