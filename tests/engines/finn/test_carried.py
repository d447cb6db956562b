"""Every operator of the streaming engine has a counterpart in FINN, or is refused by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import pytest

from fpgacomp.engines.finn.carried import FinnOperator, carried
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.operators.operator import OneToOne
from fpgacomp.engines.stream.operators.repeat import Repeat
from fpgacomp.engines.stream.operators.shared_matrix import SharedMatrix
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.errors import Problems, UnsupportedLayer
from fpgacomp.ir.types import IntType
from tests.support.stream_operators import operator_classes

WORDS = Stream("x", IntType(0, 3), 2, 8, "x", 2)
REPEAT = Repeat(name="up", layer="up", input=WORDS, output=WORDS, shape=(2, 2, 4), factors=(1, 1))


@dataclass(frozen=True, kw_only=True)
class Novel(OneToOne):
    """An operator that FINN has never heard of."""


def novel(name: str, layer: str) -> Any:
    return Novel(name=name, layer=layer, input=WORDS, output=WORDS)


def test_every_operator_has_a_counterpart() -> None:
    """An operator that FINN cannot express is left out here, with the reason."""
    # FINN multiplies where we share additions: its design is that of the same matrix in LUTs.
    assert set(get_args(FinnOperator)) | {SharedMatrix} == set(operator_classes())


def test_what_is_carried_stays_in_order() -> None:
    flow = Dataflow("net", (REPEAT, REPEAT))
    assert carried(flow) == (REPEAT, REPEAT)


def test_an_operator_without_a_counterpart_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedLayer, match=r"abs1: .* Novel\. Fix: use --backend stream"):
        carried(Dataflow("net", (REPEAT, novel("abs1_op", "abs1"))))


def test_all_are_named_at_once() -> None:
    with pytest.raises(Problems) as caught:
        carried(Dataflow("net", (novel("a", "abs1"), novel("plumbing", ""))))
    assert [problem.where for problem in caught.value.problems] == ["abs1", "plumbing"]
