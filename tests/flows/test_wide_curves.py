"""Curves whose answers have more bits than comparators can tell apart."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgacomp.errors import UnsupportedLayer
from fpgacomp.frontend.read import read_network
from fpgacomp.ir.layers import Lookup
from fpgacomp.lower.lower import lower
from tests.support.frontend_runs import node
from tests.support.ordinary_networks import dense, network, quantized, weights
from tests.support.whole_runs import answers, assert_exact, random_inputs

WIDE = {"s16": 2.0**-15, "b16": 16.0}


def tanh_of(tensor: str, *before: onnx.NodeProto) -> onnx.ModelProto:
    return dense(*before, node("Tanh", [tensor], "t"), quantized("t", "y", "s16", "b16"), **WIDE)


@pytest.mark.slow
def test_a_16_bit_curve_of_few_integers_is_a_table() -> None:
    model = tanh_of("a", quantized("m", "a"))
    lowered, judgement = assert_exact(model)
    tables = [layer for layer in lowered.graph.layers if isinstance(layer, Lookup)]
    assert [table.table.shape for table in tables] == [(1, 64)]
    inputs = random_inputs(model)
    weight = np.clip(weights(4, 3), -1, 0.875)
    grid = np.clip(np.rint(inputs["x"] / 0.25), -32, 31) * 0.25
    reached = np.clip(np.rint((grid @ weight) / 0.25), -32, 31) * 0.25
    wanted = np.rint(np.tanh(reached.astype(np.float64)) * 2**15) / 2**15
    assert np.count_nonzero(answers(model, inputs)["y"] != wanted) == judgement.ties == 0


@pytest.mark.slow
def test_a_16_bit_curve_of_many_integers_names_the_bits_and_what_helps() -> None:
    wide = [
        quantized("x", "q16", "sx", "b16"),
        quantized("w", "v", "sw", "bw"),
        node("MatMul", ["q16", "v"], "m"),
        node("Tanh", ["m"], "t"),
        quantized("t", "y", "s16", "b16"),
    ]
    model = network(wide, [1, 4], w=weights(4, 3), sx=2.0**-13, **WIDE)
    with pytest.raises(UnsupportedLayer, match=r"its 16-bit output needs \d+ thresholds") as found:
        lower(read_network(model))
    assert "lower its output to 10 bits" in found.value.fix
    assert "quantize to 12 bits or fewer in front of it" in found.value.fix


def test_positions_that_are_mixed_say_what_mixes_them() -> None:
    turned = [
        quantized("u3", "v3", "sw", "bw"),
        node("MatMul", ["q", "v3"], "m"),
        quantized("m", "a"),
        node("Transpose", ["a"], "t", perm=[0, 2, 1]),
        quantized("u", "v", "sw", "bw"),
        node("MatMul", ["t", "v"], "y"),
    ]
    model = network(turned, [1, 4, 3], u=weights(4, 5), u3=weights(3, 3))
    with pytest.raises(UnsupportedLayer, match="axis that is not the channels") as found:
        lower(read_network(model))
    assert "Conv1D" in found.value.fix and "Flatten and Dense" in found.value.fix
