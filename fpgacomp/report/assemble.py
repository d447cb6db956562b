"""Makes the parts of a report from what the stages of a run return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fpgacomp.data.labels import check_classes
from fpgacomp.errors import InputDataError
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Activation, Add, Layer, SumPool, WeightLayer, kind
from fpgacomp.ir.types import AnyArray, IntArray
from fpgacomp.results.distribution import Confusion, Histogram
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.report import Exactness, LayerReport

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def layer_reports(
    graph: Graph,
    folding: Mapping[str, DataclassInstance],
    estimate: Estimate,
    exactness: Exactness,
    *,
    fifos: Mapping[str, int],
    values: Mapping[str, IntArray],
) -> tuple[LayerReport, ...]:
    """One row for each layer that the hardware builds, in the graph's order.

    Args:
        folding: layer name -> what the engine chose for it.
        estimate: with a share for each layer that the hardware builds.
        exactness: what was compared.
        fifos: tensor name -> words of the FIFO behind it.
        values: tensor name -> its integers for the vectors; empty where none were run.
    """
    return tuple(
        LayerReport(
            name=layer.name,
            kind=kind(layer),
            shape=layer.output.shape,
            weight_bits=_weight_bits(layer),
            input_bits=max((t.type.bits for t in layer.inputs), default=None),
            accumulator_bits=_accumulator_bits(layer),
            folding=_folding(folding.get(layer.name)),
            estimate=estimate.layers[layer.name],
            exact=_exact(layer, exactness),
            inputs=tuple(graph.producer[tensor.name].name for tensor in layer.inputs),
            output_type=str(layer.output.type),
            fifo_depth=fifos.get(layer.output.name),
            weights=Histogram.of(layer.weight.array) if isinstance(layer, WeightLayer) else None,
            activations=_activations(layer, values),
        )
        for layer in graph.layers
        if layer.name in estimate.layers
    )


def _activations(layer: Layer, values: Mapping[str, IntArray]) -> Histogram | None:
    """How often the layer gave each integer; None where it was not run."""
    integers = values.get(layer.output.name)
    return None if integers is None or not integers.size else Histogram.of(integers)


def _weight_bits(layer: Layer) -> int | None:
    if isinstance(layer, WeightLayer):
        return layer.weight.type.bits
    return None


def _accumulator_bits(layer: Layer) -> int | None:
    return layer.output.type.bits if isinstance(layer, WeightLayer | SumPool | Add) else None


def _folding(folding: DataclassInstance | None) -> dict[str, object]:
    return {} if folding is None else asdict(folding)


def _exact(layer: Layer, exactness: Exactness) -> str:
    """Activations are proved: their integers equal the network's function on every input."""
    checked = exactness.csim_mismatches is not None
    code = f"C++ checked on {exactness.vectors} vectors" if checked else "C++ not run"
    if isinstance(layer, Activation):
        return f"proved; {code}"
    return code


def accuracy(outputs: Mapping[str, npt.NDArray[Any]], labels: npt.NDArray[Any]) -> dict[str, float]:
    """Top-1 accuracy of the first output.

    Args:
        outputs: name -> what the network gives for N samples.
        labels: integers [N], or one-hot [N, K]; [N, positions] where the network gives a class
            for each position, each of which is then right or wrong by itself.

    Returns:
        The share of right answers as `top1`, 0..1, and the number of samples as `samples`.

    Raises:
        InputDataError: the labels have another number of positions than the output, or are no
            classes of the network.
    """
    answer = next(iter(outputs.values()))
    first = answer.reshape(len(labels), -1)
    truth = labels.reshape(len(labels), -1)
    if answer.ndim > 2 and answer.dtype.kind in "iu" and first.shape[1] > 1:
        if first.shape != truth.shape:
            raise InputDataError(
                "labels", f"are {truth.shape[1]} a sample, the network gives {first.shape[1]}.",
                "give a label per position, [N, positions].",
            )  # fmt: skip
        return {"top1": float((first == truth).mean()), "samples": float(len(labels))}
    wanted = truth.argmax(axis=1) if truth.shape[1] > 1 else truth[:, 0]
    if first.shape[1] > 1:
        check_classes(wanted, first.shape[1])
        given = first.argmax(axis=1)
    elif first.dtype.kind in "iu":
        given = first[:, 0]
    else:
        given = (first[:, 0] >= 0.5).astype(np.int64)
    return {"top1": float((given == wanted).mean()), "samples": float(len(labels))}


def confusion(outputs: Mapping[str, AnyArray], labels: AnyArray) -> Confusion | None:
    """Which classes the network took for which, by its first output.

    Args:
        outputs: name -> what the network gives for N samples.
        labels: integers [N], or one-hot [N, K].

    Returns:
        The counts; None where there is not one label of a class for each sample.
    """
    first = next(iter(outputs.values())).reshape(len(labels), -1)
    truth = labels.reshape(len(labels), -1)
    one_label = truth.shape[1] == 1 or bool((truth.astype(bool).sum(axis=1) == 1).all())
    if truth.dtype.kind not in "iu" or not one_label or not len(labels):
        return None
    if first.shape[1] > 1:
        answered = first.argmax(axis=1)
    elif first.dtype.kind in "iu":
        answered = first[:, 0]
    else:
        return None
    wanted = truth.argmax(axis=1) if truth.shape[1] > 1 else truth[:, 0]
    return Confusion.of(wanted, answered)


def unreached_warning(phrases: Sequence[str]) -> tuple[str, ...]:
    """A warning about activations whose smallest or largest value no vector reached."""
    if not phrases:
        return ()
    more = f" and {len(phrases) - 2} more" if len(phrases) > 2 else ""
    return (f"The vectors did not reach every extreme: {'; '.join(phrases[:2])}{more}.",)
