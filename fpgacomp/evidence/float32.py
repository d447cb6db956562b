"""Compares the design's answers with the network's own in float32, and says why they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
        The counts; None where the network cannot be executed in float32, sample by sample. Where
        fpgacomp quantized it, two networks are compared: what came in, and what it became.
    """
    found = _compare(network.original, inputs, ours, batch)
    if found is None:
        return None
    if not network.quantized_here:
        return _explained(found, network.model, inputs)
    quantized = _compare(network.model, inputs, ours, batch)
    return replace(
        found.counts,
        quantized_here=True,
        quantized=None if quantized is None else _explained(quantized, network.model, inputs),
    )


@dataclass(frozen=True)
class _Compared:
    """What differs, and in which samples ([N], bool)."""

    counts: Float32Agreement
    samples: AnyArray


def _compare(
    model: onnx.ModelProto, inputs: NamedArrays, ours: NamedArrays, batch: int
) -> _Compared | None:
    """Count what differs from a model in float32; None where it cannot run sample by sample."""
    theirs = _answers(model, inputs, batch)
    if theirs is None:
        return None
    values = differ = 0
    largest = 0.0
    samples = np.zeros(len(next(iter(inputs.values()))), bool)
    if any(len(theirs[name]) != len(samples) for name in theirs if name in ours):
        return None  # an output without a batch axis: its rows are of no sample
    for name in (name for name in theirs if name in ours):
        sides = _sides(ours[name], theirs[name])
        if sides is not None:
            wrong = _differs(*sides)
            values, differ = values + wrong.size, differ + int(wrong.sum())
            largest = max(largest, float(np.abs(sides[0] - sides[1]).max(initial=0.0)))
            samples |= wrong.any(axis=1)
    counts = Float32Agreement(
        values, differ, len(samples), int(samples.sum()), top1_agreement(ours, theirs),
        largest_difference=largest,
    )  # fmt: skip
    return _Compared(counts, samples)


def _explained(found: _Compared, model: onnx.ModelProto, inputs: NamedArrays) -> Float32Agreement:
    """The counts, and where float32 and float64 part in the samples that differ."""
    few = np.flatnonzero(found.samples)[:EXPLAINED]
    if not len(few):
        return found.counts
    cause = _cause(model, {name: array[few] for name, array in inputs.items()})
    return replace(
        found.counts, tensor=cause.tensor, integers=cause.integers, on_border=cause.on_border,
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


def _sides(ours: AnyArray, theirs: AnyArray) -> tuple[AnyArray, AnyArray] | None:
    """Two outputs as [N, values] in int64 or float64; None where they are of different sizes."""
    if len(ours) != len(theirs) or ours.size != theirs.size:
        return None
    whole = ours.dtype.kind in "iub" and theirs.dtype.kind in "iub"
    one, other = (
        np.asarray(side).reshape(len(side), -1).astype(np.int64 if whole else np.float64)
        for side in (ours, theirs)
    )
    return one, other


def _differs(ours: AnyArray, theirs: AnyArray) -> AnyArray:
    """Where two outputs differ: any integer, and floats by more than float32's rounding."""
    if ours.dtype.kind == "i":
        return np.asarray(ours != theirs)
    return np.asarray(np.abs(ours - theirs) > TOLERANCE * np.abs(theirs).max(initial=0.0))


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
