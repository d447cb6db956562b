"""How well one network answers the test samples, disturbed and not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.evaluate.disturb import ValueRange, disturbances
from fpgacomp.compress.evaluate.options import EvaluateOptions
from fpgacomp.data.labelled import LabelledData, Samples
from fpgacomp.data.tasks import Task
from fpgacomp.errors import InputDataError
from fpgacomp.ir.types import NamedArrays
from fpgacomp.results.comparison import DisturbedScore, Scores

Execute = Callable[[npt.NDArray[np.float32]], NamedArrays]
"""Executes a network: samples [N, *input shape] -> output name -> [N, ...]."""


def scores(
    execute: Execute,
    data: LabelledData,
    outputs: NamedArrays,
    options: EvaluateOptions,
    inside: ValueRange,
) -> Scores:
    """Score a network on the test split, as it is and disturbed in ways that need no gradient.

    Args:
        execute: executes the network.
        data: in the network's shape; its task is known.
        outputs: what the network computes for the test split.
        options: kinds and strengths of the disturbances.
        inside: the range that disturbed samples stay in.

    Raises:
        InputDataError: the outputs are not one for each sample, or hold NaN.
    """
    task = data.known_task
    for name, values in outputs.items():
        if len(values) != len(data.test):
            raise InputDataError(
                f"output {name}", f"has {len(values)} rows for {len(data.test)} samples.",
                "give a network whose first axis is the batch.",
            )  # fmt: skip
    figures = task.measure(outputs, data.test.y)
    disturbed = tuple(
        DisturbedScore(attack, strength, score_on(execute, task, Samples(x, data.test.y)))
        for attack, strength, x in disturbances(data.test.x, options, inside)
    )
    return Scores(task.quality_of(figures), figures, disturbed)


def add_disturbed(known: Scores, *more: DisturbedScore) -> Scores:
    """Add figures of further disturbances to a network's scores."""
    return replace(known, disturbed=(*known.disturbed, *more))


def score_on(execute: Execute, task: Task, samples: Samples) -> float:
    """Execute a network on samples and score it by the task's metric; 1 is perfect.

    Raises:
        InputDataError: there are no samples, or the outputs hold NaN.
    """
    if not len(samples):
        raise InputDataError("the samples", "are none.", "give some.")
    return task.quality(execute(samples.x), samples.y)
