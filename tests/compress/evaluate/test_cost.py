from __future__ import annotations

from math import log2

import numpy as np
import onnx
import pytest

from fpgacomp.compress.evaluate import cost
from fpgacomp.frontend import read_network
from fpgacomp.results.comparison import Footprint
from tests.support.evaluate_networks import Builder, linear, quantized_linear

WEIGHTS = [[1, 0, -1], [0, 0, 1], [1, 1, 0], [0.2, -1, 5]]  # 6 of 12 are zero when quantized


def counted(model: onnx.ModelProto) -> Footprint:
    network = read_network(model)
    return cost(network.model, network.original, parameters=7, file_bytes=9)


def test_a_quantized_dense_layer() -> None:
    found = counted(quantized_linear(WEIGHTS))
    (layer,) = found.layers
    assert (layer.name, layer.kind, layer.storage) == ("fc", "MatMul", "2-bit")
    assert (layer.macs, layer.weights, layer.nonzero) == (12, 12, 7)
    assert (layer.weight_bits, layer.activation_bits) == (2, 4)
    assert layer.bops == pytest.approx(12 * (7 / 12) * 2 * 4)
    assert layer.bops_with_additions == pytest.approx(7 * 8 + 12 * (2 + 4 + log2(4)))
    assert (found.weight_bytes, found.parameters, found.file_bytes) == (3, 7, 9)
    assert found.sparsity == pytest.approx(5 / 12)


def test_a_float_layer_counts_32_bits() -> None:
    found = counted(linear(np.ones((4, 3))))
    assert found.weight_bytes == 48 and found.layers[0].storage == "float32"
    assert found.bops == 12 * 32 * 32


def test_convolutions_groups_and_padding() -> None:
    build = Builder()
    wide = build.node("Conv", "x", build.constant(np.ones((4, 2, 3, 3))), pads=[1] * 4, name="a")
    deep = build.node("Conv", wide, build.constant(np.ones((4, 1, 3, 3))), group=4, name="b")
    first, second = counted(build.model(deep, [2, 5, 5])).layers
    assert (first.macs, first.weights) == (4 * 25 * 18, 72)
    assert (second.macs, second.weights) == (4 * 9 * 9, 36)


def test_packed_weights_fill_whole_bytes_per_layer() -> None:
    build = Builder()
    x = build.quant("x", 8)
    hidden = build.node("MatMul", x, build.quant(build.constant(np.ones((3, 1))), 3))
    rounded = build.quant(hidden, 8)
    last = build.node("MatMul", rounded, build.quant(build.constant(np.ones((1, 3))), 3))
    assert counted(build.model(last, [3])).weight_bytes == 2 + 2


@pytest.mark.parametrize("quantized", [False, True])
def test_a_codebook(quantized: bool) -> None:
    values = np.array([-1.0, 0.0, 0.5, 1.0])
    indices = np.arange(64 * 4).reshape(64, 4) % 4
    build = Builder()
    kernel = build.node("Gather", build.constant(values), build.constant(indices, np.int64))
    x = "x"
    if quantized:
        x, kernel = build.quant("x", 4), build.quant(kernel, 8, 0.125)
    (layer,) = counted(build.model(build.node("MatMul", x, kernel), [64])).layers
    assert layer.storage == "codebook of 4"
    assert layer.stored_bits == 256 * 2 + 4 * (8 if quantized else 32)
    assert layer.nonzero == 192


def test_a_codebook_that_saves_nothing_is_not_used() -> None:
    build = Builder()
    kernel = build.node(
        "Gather", build.constant(np.arange(4.0)), build.constant([[0, 1], [2, 3]], np.int64)
    )
    (layer,) = counted(build.model(build.node("MatMul", "x", kernel), [2])).layers
    assert (layer.storage, layer.stored_bits) == ("float32", 128)


def test_weights_that_two_layers_share_are_stored_once() -> None:
    build = Builder()
    kernel = build.constant(np.eye(3) * 2)
    hidden = build.node("MatMul", "x", kernel)
    last = build.node("MatMul", build.node("Relu", hidden), kernel)
    found = counted(build.model(last, [3]))
    assert [layer.stored_bits for layer in found.layers] == [9 * 32, 0]
    assert found.macs == 18


def test_bits_that_reach_a_layer() -> None:
    build = Builder()
    kernel = build.quant(build.constant(np.ones((2, 2, 1, 1))), 4)
    x = build.quant("x", 4, signed=False)
    doubled = build.node("Add", x, build.quant(build.node("Conv", x, kernel), 6, signed=False))
    pooled = build.node("MaxPool", doubled, kernel_shape=[2, 2], strides=[2, 2])
    signs = build.node("BipolarQuant", build.node("Conv", pooled, kernel), build.constant(1.0),
                       domain="qonnx.custom_op.general")  # fmt: skip
    last = build.node("Conv", signs, kernel)
    assert [layer.activation_bits for layer in counted(build.model(last, [2, 4, 4])).layers] == [
        4, 7, 1,
    ]  # fmt: skip


def test_weights_may_stand_on_the_left() -> None:
    build = Builder()
    kernel = build.quant(build.constant(np.ones((1, 2, 3))), 2)
    x = build.quant("x", 4)
    (layer,) = counted(build.model(build.node("MatMul", kernel, x), [3, 5])).layers
    assert (layer.weight_bits, layer.activation_bits) == (2, 4)
    assert (layer.macs, layer.weights) == (30, 6)
