"""ArgMax in the integer graph: ties, several positions, type, and graph.json."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.ir import codec
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.interpreter import execute, run
from fpgacomp.ir.layers import ArgMax, Input, Requantize, Tensor
from fpgacomp.ir.types import BIPOLAR, Ints, IntType
from fpgacomp.ir.verify import verify


def argmax(shape: tuple[int, ...], kind: IntType) -> ArgMax:
    source = Tensor("x", shape, kind)
    return with_output(ArgMax(name="y", output=unknown_output("y"), input=source))


def test_the_lowest_of_equal_ones_is_the_label() -> None:
    layer = argmax((4,), IntType(-2, 2))
    x = np.array([[1, 2, 2, 0], [-2, -2, -2, -2], [0, 1, 0, 1], [-1, -2, -1, 2]])
    assert execute(layer, [x]).tolist() == [[1], [0], [1], [3]]


def test_one_label_per_position_by_definition() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-2, 3, (5, 3, 2, 7))
    got = execute(argmax((3, 2, 7), IntType(-2, 2)), [x])
    assert got.shape == (5, 3, 2, 1)
    for place in np.ndindex(5, 3, 2):
        row = x[place].tolist()
        assert got[place].item() == row.index(max(row))


@pytest.mark.parametrize(("classes", "bits"), [(1, 1), (2, 1), (3, 2), (10, 4), (16, 4), (17, 5)])
def test_labels_take_as_many_bits_as_they_need(classes: int, bits: int) -> None:
    output = argmax((classes,), BIPOLAR).output
    assert (output.shape, output.type) == ((1,), IntType(0, classes - 1))
    assert output.type.bits == bits


def test_graph_json_keeps_it() -> None:
    layer = argmax((2, 3), IntType(0, 9))
    graph = verify(Graph("g", (Input(name="x", output=layer.input), layer), (layer.output,)))
    back = codec.from_json(codec.to_json(graph))
    assert back == graph
    x = np.random.default_rng(0).integers(0, 10, (4, 2, 3))
    assert np.array_equal(run(back, {"x": x})["y"][..., 0], x.argmax(axis=-1))


@pytest.mark.parametrize(
    ("shift", "lo", "hi", "affine"),
    [(0, -20, 25, True), (0, -19, 25, False), (0, -20, 24, False), (1, -99, 99, False)],
)
def test_a_requantize_that_neither_rounds_nor_clips_is_affine(
    shift: int, lo: int, hi: int, affine: bool
) -> None:
    layer = Requantize(
        name="y", output=unknown_output("y"), input=Tensor("x", (2,), IntType(-5, 4)),
        multiplier=Ints([-5, 3]), offset=Ints([0, -5]), shift=shift, lo=lo, hi=hi,
    )  # fmt: skip
    assert layer.is_affine is affine
