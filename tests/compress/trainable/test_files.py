"""Float ONNX files that nobody here made, read and written again."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from fpgacomp.compress.trainable import example_input, from_onnx, input_shape, to_onnx
from fpgacomp.errors import UnsupportedLayer
from tests.support.paths import MODELS

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def load(name: str) -> onnx.ModelProto:
    path = MODELS / name
    if not path.is_file():
        pytest.skip(f"{name} is not on this machine")
    return onnx.load(path)


@pytest.mark.parametrize("name", ["conv2d_small_keras.onnx", "two_layer_pytorch.onnx"])
def test_float_files_are_read_as_they_run(name: str) -> None:
    model = load(name)
    network = from_onnx(model)
    x = example_input(network, 1)
    for value in (*model.graph.input, *model.graph.output):  # a frozen batch of 789444
        if value.name in (network.meta["input_name"], network.meta["output_name"]):
            value.type.tensor_type.shape.dim[0].dim_value = 1
    session = onnxruntime.InferenceSession(model.SerializeToString())
    wanted = session.run(None, {network.meta["input_name"]: x.numpy()})[0]
    with torch.no_grad():
        np.testing.assert_allclose(network(x).numpy(), wanted, rtol=1e-4, atol=1e-4)
    again = from_onnx(to_onnx(network, input_shape(network)))
    x = example_input(network, 5)
    assert torch.equal(again(x), network(x))
    assert [n for n, _ in again.named_children()] == [n for n, _ in network.named_children()]


@pytest.mark.parametrize(
    "name", ["jet_tagging_qkeras.onnx", "tfc_2w2a_brevitas.onnx", "kws_mlp_w3a3.onnx"]
)
def test_quantized_files_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedLayer, match=r"is quantized already.*float network it was made"):
        from_onnx(load(name))
