"""Accuracy: from logits, from labels, and from a label per position."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.errors import InputDataError
from fpgacomp.report.answers import score_answers

LOGITS = np.array([[0.1, 0.9, 0.0], [2.0, -1.0, 1.0], [0.0, 0.0, 0.5], [1.0, 1.0, 0.0]])
TRUTH = np.array([1, 2, 2, 0])


def test_labels_score_like_the_logits_they_come_from() -> None:
    labels = LOGITS.argmax(axis=1)
    for answer in (LOGITS, labels, labels[:, None]):
        found = score_answers({"y": answer}, TRUTH)
        assert (found.accuracy["top1"], found.accuracy["samples"]) == (0.75, 4.0)
        assert (found.task["task"], found.task["metric"]) == ("classes", "top1")
    assert score_answers({"y": labels}, np.eye(3)[TRUTH]).accuracy["top1"] == 0.75


def test_a_label_per_position() -> None:
    labels = np.arange(12).reshape(2, 2, 3) % 4
    truth = labels.reshape(2, 6).copy()
    truth[0, :3] += 1
    assert score_answers({"y": labels}, truth).accuracy["top1"] == 0.75
    with pytest.raises(InputDataError, match="1 a sample, the network gives 6"):
        score_answers({"y": labels}, np.array([0, 1]))
