"""The canonical network between our Keras exporter and the compiler."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from torch import nn

import fpgacomp
from fpgacomp.compress.constraints import keep_shared
from fpgacomp.compress.trainable import from_module, from_onnx, input_shape, to_onnx, weight_layers
from fpgacomp.flows.options import Options
from fpgacomp.frontend import check_model, open_network

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def digits_network(shared: bool) -> torch.fx.GraphModule:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    network = from_module(module, torch.rand(2, 1, 8, 8))
    if shared:
        for layer in weight_layers(network).values():
            keep_shared(layer, torch.randint(0, 8, layer.weight.shape))
    return network


@pytest.mark.parametrize("shared", [False, True])
def test_the_frontend_takes_our_files(shared: bool) -> None:
    model = to_onnx(digits_network(shared), (1, 8, 8))
    assert {finding.status for finding in check_model(model)} == {"supported"}
    assert ("Gather" in {node.op_type for node in model.graph.node}) == shared


@pytest.mark.parametrize("shared", [False, True])
def test_the_compiler_takes_our_files(shared: bool) -> None:
    x = np.random.default_rng(0).random((64, 1, 8, 8), np.float32)
    options = Options(calibration=x, inputs=x, vectors=16, csim=False)
    report = fpgacomp.compile(
        to_onnx(digits_network(shared), (1, 8, 8)), board="pynq-z2", options=options
    )
    assert report.exactness.network_mismatches == 0


@pytest.mark.parametrize("kind", ["cnn", "mlp"])
def test_keras_networks_are_read(kind: str) -> None:
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    keras = pytest.importorskip("tf_keras", reason="TensorFlow is not installed")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    cnn = [
        layers.Input((8, 8, 1)), layers.Rescaling(2.0, -1.0),
        layers.Conv2D(4, 3, padding="same", activation="relu"), layers.BatchNormalization(),
        layers.MaxPooling2D(2), layers.ZeroPadding2D(((0, 1), (1, 0))),
        layers.DepthwiseConv2D(3, strides=2, padding="same"), layers.LeakyReLU(0.2),
        layers.UpSampling2D(2), layers.Conv2D(3, 2, padding="same"), layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]  # fmt: skip
    mlp = [
        layers.Input((64,)), layers.Dense(16, activation="relu"), layers.Dropout(0.1),
        layers.BatchNormalization(), layers.Dense(10),
    ]  # fmt: skip
    keras_model = keras.Sequential(cnn if kind == "cnn" else mlp)
    opened = open_network(keras_model)
    x = np.random.default_rng(0).random((5, *keras_model.input_shape[1:]), np.float32)
    wanted = keras_model.predict(x, verbose=0)
    for model in (opened.original, opened.model):
        network = from_onnx(model)
        again = from_onnx(to_onnx(network, input_shape(network)))
        for candidate in (network, again):
            with torch.no_grad():
                found = candidate(torch.from_numpy(x)).numpy()
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    names = list(weight_layers(from_onnx(opened.original)))
    assert names == [
        layer.name for layer in keras_model.layers if "dense" in layer.name or "conv" in layer.name
    ]
