"""How well one network answers the test samples, disturbed and not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.evaluate.disturb import ValueRange, disturbances
from fpgacomp.compress.evaluate.metrics import accuracy, classes_of, macro_f1, predictions
from fpgacomp.compress.evaluate.options import EvaluateOptions
from fpgacomp.data.labelled import LabelledData, Samples
from fpgacomp.errors import InputDataError
from fpgacomp.results.comparison import Disturbed, Scores

Execute = Callable[[npt.NDArray[np.float32]], npt.NDArray[Any]]
"""Executes a network: samples [N, *input shape] -> its first output [N, ...]."""


def class_answers(execute: Execute, data: LabelledData) -> npt.NDArray[np.int64]:
    """Execute a network on the test split and tell the class of each answer.

    Args:
        execute: executes the network.
        data: in the network's shape.

    Returns:
        Class indices, int64 [N].

    Raises:
        InputDataError: the network has fewer outputs than there are classes, or its outputs name
            no classes.
    """
    outputs = execute(data.test.x)
    classes = classes_of(outputs)
    if classes is not None:
        data.check_outputs(classes)
    return predictions(outputs, len(data.test))


def scores(
    execute: Execute,
    data: LabelledData,
    answers: npt.NDArray[np.int64],
    options: EvaluateOptions,
    inside: ValueRange,
) -> Scores:
    """Score a network on the test split, as it is and disturbed in ways that need no gradient.

    Args:
        execute: executes the network.
        data: in the network's shape.
        answers: what `class_answers` returned.
        options: kinds and strengths of the disturbances.
        inside: the range that disturbed samples stay in.
    """
    disturbed = tuple(
        Disturbed(attack, strength, accuracy_on(execute, Samples(x, data.test.y)))
        for attack, strength, x in disturbances(data.test.x, options, inside)
    )
    labels = data.test.y
    return Scores(accuracy(labels, answers), macro_f1(labels, answers), disturbed)


def add_disturbed(known: Scores, *more: Disturbed) -> Scores:
    """Add figures of further disturbances to a network's scores."""
    return replace(known, disturbed=(*known.disturbed, *more))


def accuracy_on(execute: Execute, samples: Samples) -> float:
    """Execute a network on samples and return the share that it answers right, 0..1.

    Raises:
        InputDataError: there are no samples, or the outputs name no classes.
    """
    if not len(samples):
        raise InputDataError("the samples", "are none.", "give some.")
    return accuracy(samples.y, predictions(execute(samples.x), len(samples)))
