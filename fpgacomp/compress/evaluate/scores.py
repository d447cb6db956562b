"""How well one network answers the test samples, disturbed and not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.evaluate.disturb import Range, disturbances
from fpgacomp.compress.evaluate.metrics import accuracy, classes_of, macro_f1, predictions
from fpgacomp.compress.evaluate.options import EvaluateOptions
from fpgacomp.data.labelled import Data, Samples
from fpgacomp.errors import InputDataError
from fpgacomp.results.comparison import DisturbedScore, Scores

Execute = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]
"""Samples [N, *input shape] -> the network's first output [N, ...]."""


def answered(execute: Execute, data: Data) -> npt.NDArray[np.int64]:
    """The network's answers to the test split, int64 [N].

    Raises:
        InputDataError: labels that the network has no output for; outputs that are no answers.
    """
    outputs = execute(data.test.x)
    classes = classes_of(outputs)
    if classes is not None:
        data.check_outputs(classes)
    return predictions(outputs, len(data.test))


def scores(
    execute: Execute,
    data: Data,
    answers: npt.NDArray[np.int64],
    options: EvaluateOptions,
    inside: Range,
) -> Scores:
    """Accuracy, macro F1, and the accuracy on samples disturbed without a gradient.

    Args:
        data: in the network's shape.
        answers: of `answered`.
        inside: the range that disturbed samples stay in.
    """
    disturbed = tuple(
        DisturbedScore(attack, strength, share_right(execute, Samples(x, data.test.y)))
        for attack, strength, x in disturbances(data.test.x, options, inside)
    )
    labels = data.test.y
    return Scores(accuracy(labels, answers), macro_f1(labels, answers), disturbed)


def with_disturbed(known: Scores, *more: DisturbedScore) -> Scores:
    """The same with further figures."""
    return replace(known, disturbed=(*known.disturbed, *more))


def share_right(execute: Execute, samples: Samples) -> float:
    """Accuracy on these samples, 0..1."""
    if not len(samples):
        raise InputDataError("the samples", "are none.", "give some.")
    return accuracy(samples.y, predictions(execute(samples.x), len(samples)))
