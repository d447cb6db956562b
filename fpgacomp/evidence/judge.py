"""Judges the oracle's integers by the network itself, executed in float64.

Contract: equal everywhere, except where the value before a quantizer lies within 2**-20
(relative) of a rounding boundary. Such ties are counted, and the network then goes on
with the oracle's integer, so that one tie does not taint what follows it. A label is right
where the network has its largest number; classes within 2**-20 of the largest are ties too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import onnx

from fpgacomp.errors import InputDataError, InvalidGraph, ModelError
from fpgacomp.evidence.reference.network import Reference
from fpgacomp.evidence.reference.quantizers import TIE, QuantizedBatch
from fpgacomp.ir.types import AnyArray, FloatArray, IntArray, NamedArrays
from fpgacomp.network.lowered import LabelView, Lowered, TensorView

ViewT = TypeVar("ViewT", TensorView, LabelView)
_CHUNK = 1 << 20  # elements of the largest tensor that are executed at once


@dataclass(frozen=True)
class NetworkMismatch:
    """One integer that is not the network's.

    Args:
        tensor: of the integer graph.
        onnx_name: the network's tensor it stands for.
        sample: which vector.
        index: in the network's tensor, without the batch.
        network: what the network has there: a quantizer's integer (zero point
            included) or the real value in units of the tensor's scale.
        oracle: the oracle's integer in the same units.
    """

    tensor: str
    onnx_name: str
    sample: int
    index: tuple[int, ...]
    network: float
    oracle: float

    def __str__(self) -> str:
        return (
            f"{self.tensor} ({self.onnx_name}) vector {self.sample} index {list(self.index)}: "
            f"the network has {self.network:.10g}, the oracle {self.oracle:.10g}"
        )


@dataclass(frozen=True)
class TensorJudgement:
    """Counts for one tensor of the integer graph."""

    onnx_name: str
    compared: int
    mismatches: int
    ties: int

    def joined(self, later: TensorJudgement) -> TensorJudgement:
        """The counts of these samples and of later ones."""
        return TensorJudgement(
            self.onnx_name, self.compared + later.compared,
            self.mismatches + later.mismatches, self.ties + later.ties,
        )  # fmt: skip


@dataclass(frozen=True)
class NetworkJudgement:
    """What `judge` found.

    Args:
        vectors: number of samples.
        mismatches: integers that differ although no rounding boundary explains it.
        ties: integers that differ at a rounding boundary.
        first: the first mismatch, in the order of the network.
        per_layer: integer tensor -> its own counts, in the order of the network.
    """

    vectors: int
    mismatches: int
    ties: int
    first: NetworkMismatch | None
    per_layer: Mapping[str, TensorJudgement]

    def joined(self, later: NetworkJudgement) -> NetworkJudgement:
        """The judgement of these samples and of later ones, which were counted from 0."""
        first = self.first
        if first is None and later.first is not None:
            first = replace(later.first, sample=later.first.sample + self.vectors)
        layers = {name: one.joined(later.per_layer[name]) for name, one in self.per_layer.items()}
        return NetworkJudgement(
            self.vectors + later.vectors, self.mismatches + later.mismatches,
            self.ties + later.ties, first, layers,
        )  # fmt: skip


def judge(
    lowered: Lowered,
    canonical: onnx.ModelProto,
    network_inputs: NamedArrays,
    integers: Mapping[str, IntArray],
) -> NetworkJudgement:
    """Compare every integer that has a view with the canonical network in float64.

    Args:
        lowered: whose views say which integer tensor stands for which real one.
        canonical: the network that was lowered.
        network_inputs: network input -> [N, *shape].
        integers: integer tensor -> what the oracle computed for these inputs [N, *shape].

    Raises:
        InputDataError: the integers of an output are missing, or are of another number
            of samples than the inputs.
        InvalidGraph: a view names a tensor that the network does not compute.
        ModelError: the network's own value is not finite where an integer stands for it.
    """
    vectors = _check(lowered, network_inputs, integers)
    judged = {view.onnx_name for view in lowered.views.values()}
    judged |= {view.onnx_name for view in lowered.labels.values()}
    bench = _Bench(lowered, Reference(_up_to(canonical, judged)), set(integers))
    chunk = max(1, _CHUNK // bench.largest)
    for start in range(0, vectors, chunk):
        part = slice(start, start + chunk)
        bench.run(
            {name: array[part] for name, array in network_inputs.items()},
            {name: integers[name][part] for name in bench.views},
            start,
        )
    return bench.judgement(vectors)


def _up_to(model: onnx.ModelProto, tensors: set[str]) -> onnx.ModelProto:
    """Return the part of a model that computes these tensors, without outputs of its own.

    What follows them runs on the host, and may be operators that the reference does not know.
    """
    wanted, nodes = set(tensors), []
    for node in reversed(model.graph.node):
        if wanted.intersection(node.output):
            nodes.append(node)
            wanted.update(node.input)
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.node[:], part.graph.output[:]
    part.graph.node.extend(reversed(nodes))
    return part


class _Bench:
    """Executes the network chunk by chunk and keeps the counts."""

    def __init__(self, lowered: Lowered, reference: Reference, given: set[str]) -> None:
        self.views: dict[str, TensorView | LabelView] = {
            name: view for name, view in lowered.views.items() if name in given
        }
        self.views |= {name: view for name, view in lowered.labels.items() if name in given}
        self.largest = max((view.order.array.size for view in self.views.values()), default=1)
        self._reference = reference
        self._quantizers = reference.quantizer_outputs()
        self._by_onnx: dict[str, list[str]] = {}
        for name, view in self.views.items():
            self._by_onnx.setdefault(view.onnx_name, []).append(name)
        self._counts: dict[str, list[int]] = {}
        self._first: dict[str, NetworkMismatch] = {}
        self._integers: Mapping[str, IntArray] = {}
        self._start = 0

    def run(
        self,
        inputs: NamedArrays,
        integers: Mapping[str, IntArray],
        start: int,
    ) -> None:
        """Execute one chunk of samples, the first of which has the number `start`."""
        self._integers, self._start = integers, start
        self._reference.run(inputs, on_quantized=self._see_quantized, on_tensor=self._see_tensor)
        for name, view in self.views.items():
            if name not in self._counts:
                why = f"its view names {view.onnx_name}, which no input of the network reaches."
                raise InvalidGraph(name, why, "correct the views that lowering returned.")

    def judgement(self, vectors: int) -> NetworkJudgement:
        """Return the counts of all chunks."""
        per_layer = {
            name: TensorJudgement(self.views[name].onnx_name, *counts)
            for name, counts in self._counts.items()
        }
        first = next((self._first[name] for name in self._counts if name in self._first), None)
        return NetworkJudgement(
            vectors,
            sum(layer.mismatches for layer in per_layer.values()),
            sum(layer.ties for layer in per_layer.values()),
            first,
            per_layer,
        )

    def _see_quantized(self, onnx_name: str, done: QuantizedBatch) -> AnyArray | None:
        """Judge a quantizer's codes; return the values that go on, the oracle's where they tie."""
        real = done.real
        for name, view in self._of(onnx_name, TensorView):
            exact = done.codes_of(view.to_real(self._integers[name]))
            codes = np.rint(exact)
            off_grid = ~(np.abs(exact - codes) <= TIE * np.maximum(1, np.abs(codes)))
            differs = (codes != done.codes) | off_grid
            ties = np.zeros(differs.shape, dtype=bool)
            if differs.any():
                ties = differs & ~off_grid & done.ties_with(codes)
                real = np.where(ties, codes * done.scale + done.offset, real)
            self._count(name, differs & ~ties, ties, done.codes, exact)
        self._see_classes(onnx_name, real)
        return real

    def _see_tensor(self, onnx_name: str, value: AnyArray) -> None:
        """Judge a tensor that no quantizer wrote: exact up to float64's own rounding."""
        if onnx_name in self._quantizers:
            return
        for name, view in self._of(onnx_name, TensorView):
            own, oracle = _in_units(view, value, self._integers[name])
            wrong = (np.rint(own) != oracle) | (
                np.abs(own - oracle) > TIE * np.maximum(1, np.abs(oracle))
            )
            self._count(name, wrong, np.zeros(wrong.shape, dtype=bool), own, oracle)
        self._see_classes(onnx_name, value)

    def _see_classes(self, onnx_name: str, value: AnyArray) -> None:
        """Judge labels by the numbers that they choose from."""
        for name, view in self._of(onnx_name, LabelView):
            labels = self._integers[name]
            classes = np.empty((len(value), view.order.array.size))
            classes[:, view.order.array.ravel()] = value.reshape(len(value), -1)
            classes = classes.reshape(*labels.shape[:-1], -1)
            largest = classes.max(axis=-1, keepdims=True)
            behind = largest - np.take_along_axis(classes, labels, axis=-1)
            ties = (behind > 0) & (behind <= TIE * np.maximum(view.unit, np.abs(largest)))
            own = classes.argmax(axis=-1)[..., None]
            self._count(name, (behind > 0) & ~ties, ties, own, labels)

    def _of(self, onnx_name: str, kind: type[ViewT]) -> Iterator[tuple[str, ViewT]]:
        """Yield the views of a network's tensor that are of this kind."""
        for name in self._by_onnx.get(onnx_name, ()):
            view = self.views[name]
            if isinstance(view, kind):
                yield name, view

    def _count(
        self, name: str, wrong: AnyArray, ties: AnyArray, network: AnyArray, oracle: AnyArray
    ) -> None:
        counts = self._counts.setdefault(name, [0, 0, 0])
        for position, number in enumerate((wrong.size, int(wrong.sum()), int(ties.sum()))):
            counts[position] += number
        if counts[1] and name not in self._first:
            sample, *index = (int(i) for i in np.argwhere(wrong)[0])
            at = (sample, *index)
            if not np.isfinite(network[at]):
                raise ModelError(
                    self.views[name].onnx_name,
                    f"the network gives {network[at]} there in float64, for sample "
                    f"{self._start + sample}.",
                    "look for a division by 0, or numbers beyond any range, in front of it.",
                )
            self._first[name] = NetworkMismatch(
                name, self.views[name].onnx_name, self._start + sample, tuple(index),
                float(network[at]), float(oracle[at]),
            )  # fmt: skip


def _in_units(view: TensorView, real: AnyArray, integers: IntArray) -> tuple[FloatArray, IntArray]:
    """Return the network's values in units of the view's scale, and the integers in its order."""
    channel = view.order.array[0] % integers.shape[-1]
    scale = np.broadcast_to(view.scale.array, (integers.shape[-1],))[channel]
    offset = np.broadcast_to(view.offset.array, (integers.shape[-1],))[channel]
    oracle = integers.reshape(len(integers), -1)[:, view.order.array[0]]
    # A scale of 0 (a channel multiplied by 0) makes every integer stand for the offset.
    dead = scale == 0
    own = (real - offset) / np.where(dead, 1.0, scale)
    return own, np.where(dead, 0, oracle)


def _check(
    lowered: Lowered,
    network_inputs: NamedArrays,
    integers: Mapping[str, IntArray],
) -> int:
    vectors = {len(array) for array in (*network_inputs.values(), *integers.values())}
    if len(vectors) != 1:
        raise InputDataError("judge", f"inputs and integers have {sorted(vectors)} samples.",
                             "give the integers that belong to these inputs.")  # fmt: skip
    for tensor in lowered.graph.outputs:
        judged = tensor.name in lowered.views or tensor.name in lowered.labels
        if judged and tensor.name not in integers:
            raise InputDataError(tensor.name, "the integers of this output were not given.",
                                 "give every tensor that the interpreter returns.")  # fmt: skip
    return vectors.pop()
