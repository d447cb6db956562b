"""Split, Slice, Gather and channel shuffles between layers: 0 and 1 as weights, exact."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from fpgacomp.errors import FpgacompError
from fpgacomp.frontend.read import read_network
from fpgacomp.lower import lower
from tests.support.frontend_runs import build, execute, node
from tests.support.ordinary_networks import GRID, convolution, network, quantized, weights
from tests.support.whole_runs import answers, assert_carried, assert_exact, random_inputs


def picked(*nodes: onnx.NodeProto, channels: int, **constants: object) -> onnx.ModelProto:
    """A Conv to 4 channels, a, what picks of them, p, and a Conv of it."""
    behind = [quantized("w", "t", "sw", "bw"), node("Conv", ["p", "t"], "y")]
    return convolution(
        quantized("c", "a"), *nodes, *behind, w=weights(3, channels, 2, 2), **constants
    )


def split(axis: int = 1) -> onnx.ModelProto:
    parts = helper.make_node("Split", ["a", "parts"], ["first", "second"], axis=axis)
    relu, join = node("Relu", ["first"], "r"), node("Concat", ["second", "r"], "p", axis=axis)
    return picked(parts, relu, join, channels=4, parts=np.array([1, 3]))


def shuffled() -> onnx.ModelProto:
    return picked(
        node("Reshape", ["a", "apart"], "s0"),
        node("Transpose", ["s0"], "s1", perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["s1", "together"], "p"), channels=4,
        apart=np.array([1, 2, 2, 4, 4]), together=np.array([1, 4, 4, 4]),
    )  # fmt: skip


def sliced(
    starts: list[int], ends: list[int], axes: list[int], steps: list[int]
) -> onnx.ModelProto:
    channels = len(range(4)[slice(starts[0], ends[0], steps[0])]) if axes[0] == 1 else 4
    inputs = ["a", "starts", "ends", "axes", "steps"]
    return picked(
        node("Slice", inputs, "p"), channels=channels, starts=np.array(starts),
        ends=np.array(ends), axes=np.array(axes), steps=np.array(steps),
    )  # fmt: skip


def rows() -> onnx.ModelProto:
    """A Split of the features of a MatMul."""
    nodes = [
        helper.make_node("Split", ["q", "parts"], ["first", "second"], axis=1),
        quantized("w", "v", "sw", "bw"), node("MatMul", ["first", "v"], "m"),
        node("Add", ["m", "second"], "y"),
    ]  # fmt: skip
    return network(nodes, [1, 4], parts=np.array([2, 2]), w=weights(2, 2))


def one_of(axis: int, place: int) -> onnx.ModelProto:
    """x[:, 2] or x[:, :, :, -1] of a Conv: the axis goes, and a product reads the others."""
    nodes = [
        quantized("c", "a"), node("Gather", ["a", "place"], "g", axis=axis),
        node("Flatten", ["g"], "p"), quantized("w", "t", "sw", "bw"),
        node("MatMul", ["p", "t"], "y"),
    ]  # fmt: skip
    return convolution(*nodes, w=weights(16, 3), place=np.array(place))


def row_of_positions() -> onnx.ModelProto:
    """x[:, :, 1] of a Conv, read by a 1-D Conv."""
    nodes = [
        quantized("c", "a"), node("Gather", ["a", "place"], "p", axis=2),
        quantized("w", "t", "sw", "bw"), node("Conv", ["p", "t"], "y"),
    ]  # fmt: skip
    return convolution(*nodes, w=weights(3, 4, 2), place=np.array(1))


def the_only_channel() -> onnx.ModelProto:
    """x[:, 0] of an image of one channel, in front of the first quantizer."""
    nodes = [
        node("Gather", ["x", "place"], "p", axis=1), quantized("p", "q"),
        quantized("w", "t", "sw", "bw"), node("Conv", ["q", "t"], "y"),
    ]  # fmt: skip
    return build(nodes, [1, 1, 4, 4], GRID | {"w": weights(3, 4, 2), "place": np.array(0)})


CASES = {
    "one channel": lambda: one_of(1, 2),
    "the last column": lambda: one_of(3, -1),
    "a row of positions": row_of_positions,
    "the only channel": the_only_channel,
    "split": split,
    "split of features": rows,
    "channel shuffle": shuffled,
    "gather": lambda: picked(node("Gather", ["a", "places"], "p", axis=1), channels=3,
                             places=np.array([3, 0, -1])),
    "channels cut": lambda: sliced([1], [4], [1], [1]),
    "channels turned": lambda: sliced([-1], [-(2**60)], [1], [-1]),
    "crop": lambda: sliced([1, 0], [4, 3], [2, 3], [1, 1]),
    "every second": lambda: sliced([1, 0], [2**60, 2**60], [2, 3], [2, 2]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_picks(name: str) -> None:
    model = CASES[name]()
    assert_exact(model)
    inputs = random_inputs(model)
    ours = answers(model, inputs)["y"]
    theirs = np.concatenate([execute(model, row[None])[0] for row in inputs["x"]])
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_shuffle_is_built() -> None:
    assert_carried(shuffled())


def test_a_split_of_columns_is_refused() -> None:
    with pytest.raises(FpgacompError, match="along an axis that is not the channels"):
        lower(read_network(split(axis=3)))
