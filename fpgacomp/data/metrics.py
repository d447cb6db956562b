"""Figures of how well answers agree with labels, whatever computed the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fpgacomp.data.percents import share_text
from fpgacomp.ir.types import AnyArray


@dataclass(frozen=True)
class Metric:
    """A figure that is computed from answers and labels.

    Args:
        key: its name in JSON documents.
        title: its name for people.
        is_share: whether it is a share of the answers, 0..1, which is shown in percent.
        higher_is_better: whether a better network has the higher figure.
    """

    key: str
    title: str
    is_share: bool = True
    higher_is_better: bool = True

    def text(self, value: float) -> str:
        """A value of this metric for people: shares in percent, all else with four digits."""
        return share_text(value) if self.is_share else f"{value:.4g}"


METRICS: Mapping[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric("accuracy", "accuracy"),
        Metric("macro_f1", "macro F1"),
        Metric("f1", "F1"),
        Metric("micro_f1", "micro F1"),
        Metric("label_accuracy", "accuracy per label"),
        Metric("exact_match", "samples with all labels right"),
        Metric("r2", "R2", is_share=False),
        Metric("mae", "MAE", is_share=False, higher_is_better=False),
        Metric("mse", "MSE", is_share=False, higher_is_better=False),
        Metric("mean", "mean score", is_share=False),
    )
}


def accuracy(labels: AnyArray, answers: AnyArray) -> float:
    """Share of the answers that are their label, 0..1, over arrays of one shape."""
    return float(np.mean(labels == answers))


def macro_f1(labels: AnyArray, answers: AnyArray) -> float:
    """Mean over the classes in labels or answers of 2 TP / (2 TP + FP + FN), 0..1.

    The average="macro" of scikit-learn, whose classes are the same.
    """
    return float(np.mean([_f1(labels == k, answers == k) for k in np.union1d(labels, answers)]))


def binary_f1(labels: AnyArray, answers: AnyArray) -> float:
    """F1 of class 1, 0..1; 0 where neither a label nor an answer is 1, as in scikit-learn."""
    return _f1(labels == 1, answers == 1)


def multi_label_scores(labels: AnyArray, answers: AnyArray) -> dict[str, float]:
    """Score several yes-or-no labels for each sample.

    Args:
        labels, answers: [N, labels] of 0 and 1.

    Returns:
        By the keys of `METRICS`: the F1 over all labels together and its mean over the labels
        (scikit-learn's average="micro" and "macro"), the share of single labels that are right,
        and the share of samples of which all labels are right.
    """
    right = labels == answers
    each = [_f1(labels[:, k] == 1, answers[:, k] == 1) for k in range(labels.shape[1])]
    return {
        "micro_f1": _f1(labels == 1, answers == 1),
        "macro_f1": float(np.mean(each)),
        "label_accuracy": float(right.mean()),
        "exact_match": float(right.all(axis=1).mean()),
    }


def distances(labels: AnyArray, answers: AnyArray) -> dict[str, float]:
    """Score numbers by how far they are from their labels.

    Args:
        labels, answers: real numbers [N, columns].

    Returns:
        By the keys of `METRICS`: the coefficient of determination (R2, the mean over the columns;
        of a column whose labels are all equal 1 where every answer is right and 0 otherwise, as in
        scikit-learn), and the mean of the absolute and of the squared differences.
    """
    wanted, given = labels.astype(np.float64), answers.astype(np.float64)
    errors = given - wanted
    residual = (errors**2).sum(axis=0)
    total = ((wanted - wanted.mean(axis=0)) ** 2).sum(axis=0)
    constant = (wanted == wanted[:1]).all(axis=0)  # their mean may differ by a rounding
    explained = np.where(
        constant, np.where(residual == 0, 1.0, 0.0), 1 - residual / np.where(constant, 1.0, total)
    )
    return {
        "r2": float(explained.mean()),
        "mae": float(np.abs(errors).mean()),
        "mse": float((errors**2).mean()),
    }


def _f1(wanted: AnyArray, given: AnyArray) -> float:
    """2 TP / (2 TP + FP + FN) of boolean arrays; 0 where neither has a true value."""
    named = np.count_nonzero(wanted) + np.count_nonzero(given)
    return 2 * np.count_nonzero(wanted & given) / named if named else 0.0
