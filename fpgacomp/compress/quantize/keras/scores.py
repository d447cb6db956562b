"""What a Keras model answers, and how good that is on labelled data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.quantize.keras.losses import with_keras_task
from fpgacomp.compress.runs import EVALUATION_BATCH
from fpgacomp.compress.types import KerasModel
from fpgacomp.data.labelled import LabelledData, Samples


def keras_scores(model: KerasModel, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Execute a model, without the float errors that QKeras adds for its gradients.

    QKeras computes x + (quantized - x), which is not quite the quantized value. `model.predict`
    does so, too, and that decides between classes of equal scores, which sums of quantized values
    often are. The result of this function is that of the exported model.

    Args:
        model: a Keras or QKeras model.
        x: float32 [N, *input shape].

    Returns:
        Its outputs, float32 [N, classes].
    """
    with _without_straight_through(model):
        parts = [
            np.asarray(model(x[start : start + EVALUATION_BATCH], training=False))
            for start in range(0, len(x), EVALUATION_BATCH)
        ]
    return np.concatenate(parts).reshape(len(x), -1).astype(np.float32)


@contextmanager
def _without_straight_through(model: KerasModel) -> Iterator[None]:
    members = [
        member
        for layer in model.layers
        for member in (getattr(layer, "quantizer", None), *getattr(layer, "quantizers", ()))
    ]
    holders = [member for member in members if getattr(member, "use_ste", None) is True]
    for holder in holders:
        holder.use_ste = False
    try:
        yield
    finally:
        for holder in holders:
            holder.use_ste = True


def keras_accuracy(model: KerasModel, samples: Samples) -> float:
    """Share of samples, 0..1, whose highest score is that of their class; see `measure_keras` for
    all tasks."""
    x = samples.x.reshape(-1, *model.input_shape[1:])
    return float(np.mean(keras_scores(model, x).argmax(axis=1) == samples.y))


def measure_keras(model: KerasModel, data: LabelledData) -> dict[str, dict[str, float]]:
    """Score a model on the test split: output name -> figures by the keys of `METRICS`.

    Args:
        model: a Keras or QKeras model for the task.
        data: its task is known.
    """
    task = with_keras_task(model, data).known_task
    x = data.test.x.reshape(-1, *model.input_shape[1:])
    found = task.measure(task.split(keras_scores(model, x)), data.test.y)
    return data.known_task.renamed(found)
