"""The judge on labels: right where the network has its largest number, a tie where nearly so."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgacomp.evidence.judge import NetworkJudgement, judge
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import Ints, IntType
from fpgacomp.network.lowered import LabelView, Lowered
from tests.support.network_builder import Grid, NetworkBuilder


def judged(
    values: object, labels: object, order: object, unit: float = 1.0, *, quantized: bool = False
) -> NetworkJudgement:
    """A network that multiplies its input by 1, its numbers per class against labels."""
    real = np.asarray(values, np.float64)
    builder = NetworkBuilder(np.random.default_rng(0), real.shape[1:])
    y = builder.op("Mul", builder.input, builder.constant([1.0]))
    y = builder.quant(y, Grid(np.float32(1), 0.0, 8)) if quantized else y
    model = builder.finish(y)
    integers = np.asarray(labels, np.int64)
    tensor = Tensor("label", integers.shape[1:], IntType(0, 9))
    view = LabelView(y, Ints(order), unit)
    low = Lowered(
        Graph("by_hand", (), (tensor,)), onnx.ModelProto(), onnx.ModelProto(), {},
        labels={"label": view},
    )  # fmt: skip
    return judge(low, model, {"network_input": real}, {"label": integers})


ROW = np.arange(4)[None]


@pytest.mark.parametrize("quantized", [False, True])
def test_the_largest_is_right_and_all_else_wrong(quantized: bool) -> None:
    values = [[0, 3, 1, -2], [5, 5, -1, 2], [-7, -9, -8, -6]]
    result = judged(values, [[1], [0], [3]], ROW, quantized=quantized)
    assert (result.mismatches, result.ties) == (0, 0)
    assert result.per_layer["label"].compared == 3
    wrong = judged(values, [[1], [2], [0]], ROW, quantized=quantized)
    assert (wrong.mismatches, wrong.ties) == (2, 0)
    assert wrong.first is not None
    assert (wrong.first.sample, wrong.first.network, wrong.first.oracle) == (1, 0, 2)


@pytest.mark.parametrize(("behind", "tie"), [(0.0, 0), (2.0**-22, 1), (2.0**-18, 0)])
def test_a_class_just_behind_the_largest_is_a_tie(behind: float, tie: int) -> None:
    result = judged([[1.0, 0.0, 1.0 - behind, 0.5]], [[2]], ROW)
    assert result.ties == tie
    assert result.mismatches == (behind > 0 and not tie)


def test_small_units_make_small_ties() -> None:
    values = [[1e-4, 0.0, 1e-4 - 1e-9, 0.0]]
    assert judged(values, [[2]], ROW, unit=1.0).ties == 1
    assert judged(values, [[2]], ROW, unit=1e-4).mismatches == 1


def test_channels_first_classes_of_several_positions() -> None:
    values = np.random.default_rng(1).normal(size=(6, 3, 2, 2))
    order = np.arange(12).reshape(2, 2, 3).transpose(2, 0, 1)[None]
    labels = values.argmax(axis=1)[..., None]
    assert judged(values, labels, order).mismatches == 0
    labels[4, 1, 0] = (labels[4, 1, 0] + 1) % 3
    result = judged(values, labels, order)
    assert result.mismatches == 1
    assert result.first is not None and (result.first.sample, result.first.index) == (4, (1, 0, 0))
