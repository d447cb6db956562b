"""Strengths that are out of range are told all at once."""

from __future__ import annotations

import pytest

from fpgacomp.compress.evaluate.options import EvaluateOptions
from fpgacomp.errors import Problems, UsageError


def test_all_wrong_strengths_at_once() -> None:
    with pytest.raises(Problems) as caught:
        EvaluateOptions(noise=(0.0,), brightness=(2.0,), epsilons=(float("nan"),), seed=-1)
    assert [problem.where for problem in caught.value.problems] == [
        "noise", "epsilons", "brightness", "seed",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="brightness: 0 is no shift"):
        EvaluateOptions(brightness=(0,))
