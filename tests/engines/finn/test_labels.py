"""ArgMax as FINN's LabelSelect: FINN's execution equals the oracle, ties included."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp.engines.finn.graph import build_finn, specialize
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Requantize
from fpgacomp.ir.types import Ints
from tests.support.finn_designs import builders, mismatches, needs_finn, operators, sd

pytestmark = [needs_finn, pytest.mark.slow]


def labels() -> Graph:
    """Labels of few levels (many ties), of bits, of sums, and of numbers set in order first."""
    b = builders.GraphBuilder("labels", 1)
    x = b.input("x", (12,), -2, 2)
    image = b.input("image", (4, 4, 3), 0, 7)
    signs = b.input("signs", (8,), -1, 1, bipolar=True)
    sums = b.dense("sums", b.thresholds("q", b.dense("fc", x, 10), 3), 10, -120, 120)
    window = b.conv("window", image, 10, (4, 4))
    made = [
        b.argmax("of_few", x),
        b.argmax("of_signs", signs),
        b.argmax("of_sums", sums),
        b.argmax("of_a_pixel", window),
        b.argmax("of_ordered", b.requantize("up", sums, -(10**6), 10**6, shift=0)),
        b.argmax("of_turned", b.requantize("down", sums, -(10**6), 10**6, shift=0, negative=True)),
    ]
    return b.graph(*made)


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_the_oracles(seed: int) -> None:
    design = sd.design(labels(), seed)
    found = mismatches(design, 20)
    assert len(found) == len(design.graph.layers)
    assert not any(found.values()), found


def test_one_label_select_a_layer_and_no_thresholds_to_set_an_order() -> None:
    design = sd.design(labels(), 0)
    model = build_finn(design)
    chosen = operators(model, "LabelSelect")
    assert [op.get_nodeattr("K") for op in chosen] == [1] * 6
    assert {op.get_nodeattr("outputDataType") for op in chosen} == {"UINT8"}
    assert len(operators(model, "Thresholding")) == 1
    assert len(operators(model, "ElementwiseMul")) == len(operators(model, "ElementwiseAdd")) == 2
    assert len(operators(specialize(model, design), "LabelSelect")) == 6


def test_types_stay_as_they_are_under_finns_inference() -> None:
    from qonnx.transformation.infer_datatypes import InferDataTypes

    from fpgacomp.engines.finn.runtime import finn_session

    model = build_finn(sd.design(labels(), 1)).model
    before = {n: model.get_tensor_datatype(n) for n in model.get_all_tensor_names()}
    with finn_session():
        after = model.transform(InferDataTypes())
    assert {n: after.get_tensor_datatype(n) for n in before} == before


def test_the_lowest_of_equal_classes() -> None:
    b = builders.GraphBuilder("ties", 1)
    graph = b.graph(b.argmax("label", b.input("x", (6,), -1, 1)))
    x = np.array([[0, 1, 1, 0, 1, -1], [-1] * 6, [1] * 6, [0, 0, -1, 0, 1, 1]])
    design = sd.design(graph, 2)
    assert not any(mismatches(design, x=x).values())


def test_more_than_one_label_a_frame_is_refused() -> None:
    b = builders.GraphBuilder("pixels", 1)
    graph = b.graph(b.argmax("label", b.input("x", (2, 2, 6), -1, 1)))
    with pytest.raises(UnsupportedLayer, match="labels 4 positions"):
        build_finn(sd.design(graph))


def test_constants_beyond_float32_are_refused() -> None:
    b = builders.GraphBuilder("wide", 1)
    x = b.input("x", (4,), -8, 7)
    y = b.requantize("ordered", x, -(10**12), 10**12, shift=0)
    layer = b.layers.pop()
    assert isinstance(layer, Requantize)
    odd = Requantize(**{**vars(layer), "multiplier": Ints([(1 << 25) + 1])})
    y = b.add(odd)
    with pytest.raises(UnsupportedLayer, match="24 bits of FINN's float32"):
        build_finn(sd.design(b.graph(b.argmax("label", y))))
