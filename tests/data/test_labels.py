"""Labels belong to samples one by one, or nobody can tell which is whose."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.data.labels import load_labels
from fpgacomp.errors import InputDataError


@pytest.mark.parametrize("given", [19, 21, 58])
@pytest.mark.parametrize("taken", [8, 20])
def test_as_many_labels_as_samples(given: int, taken: int) -> None:
    labels = np.arange(given) % 3
    for some in (labels, np.eye(3)[labels], {"y": labels}):
        with pytest.raises(InputDataError, match=f"has {given} labels for 20 samples"):
            load_labels(some, 20, taken)


def test_the_first_samples_take_the_first_labels() -> None:
    assert load_labels(np.arange(20), 20, 8).tolist() == [*range(8)]  # type: ignore[union-attr]
