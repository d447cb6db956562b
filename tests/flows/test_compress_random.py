"""Random float networks with random quantizers: compiled, they answer what they did in torch."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import fpgacomp
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.data.labelled import load_data

torch = pytest.importorskip("torch")
pytest.importorskip("brevitas")
from torch import nn  # noqa: E402

from fpgacomp.compress.quantize import quantize_aware, to_qonnx  # noqa: E402
from fpgacomp.compress.trainable import AddTensors, ConcatTensors, from_module  # noqa: E402
from fpgacomp.compress.training import scores  # noqa: E402
from tests.support.depth import draws  # noqa: E402

pytestmark = pytest.mark.slow  # they train
SIZE, CLASSES, SAMPLES = 12, 4, 30
FINN = importlib.util.find_spec("finn") is not None


class Parallel(nn.Module):
    """Two branches, added or concatenated."""

    def __init__(self, merge: nn.Module, *branches: nn.Module) -> None:
        super().__init__()
        self.merge, self.branches = merge, nn.ModuleList(branches)

    def forward(self, x):
        return self.merge(*(branch(x) for branch in self.branches))


RISING = (
    nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.125), nn.Hardtanh(-0.5, 0.75), nn.ELU(0.7), nn.SELU(),
    nn.Hardsigmoid(), nn.Tanh(), nn.Sigmoid(),
)  # fmt: skip
TURNING = (nn.SiLU(), nn.GELU(), nn.Hardswish())


def random_network(seed, kinds, for_finn):
    """(module, input shape) over one or two axes.

    Args:
        kinds: of Conv, BatchNorm, MaxPool, AvgPool, and the number of axes.
        for_finn: nothing that FINN's operators lack: functions that turn, pools with padding.
    """
    rng = np.random.default_rng(seed)
    functions = RISING if for_finn else RISING + TURNING

    def activation():
        return functions[rng.integers(len(functions))]

    torch.manual_seed(seed)
    conv, norm, largest, mean, merged = kinds
    channels = int(rng.integers(1, 4))
    shape = (channels, *[SIZE] * merged)
    parts = [conv(channels, 4, 3, padding=1), norm(4), activation()]
    channels = 4
    for _ in range(int(rng.integers(1, 4))):
        wide = int(rng.integers(2, 7))
        body = nn.Sequential(conv(channels, channels, 3, padding=1), norm(channels))
        match rng.integers(0, 6):
            case 0:
                parts += [conv(channels, wide, 3, padding=1, stride=int(rng.integers(1, 3)))]
                parts += [activation()]
                channels = wide
            case 1:
                parts += [conv(channels, channels, 3, padding=1, groups=channels), norm(channels)]
                parts += [activation(), conv(channels, wide, 1), activation()]
                channels = wide
            case 2:
                skip = [nn.Identity(), conv(channels, channels, 1)][rng.integers(2)]
                parts += [Parallel(AddTensors(), body, skip), activation()]
            case 3:
                beside = nn.Sequential(conv(channels, wide, 1), activation())
                parts += [Parallel(ConcatTensors(1), nn.Sequential(body, activation()), beside)]
                channels += wide
            case 4:
                parts += [
                    [largest(2, padding=0 if for_finn else int(rng.integers(2))), mean(2)][
                        rng.integers(2)
                    ]
                ]
            case _:
                parts += [nn.Upsample(scale_factor=2), conv(channels, wide, 3), activation()]
                channels = wide
    parts += [nn.Flatten()]
    with torch.no_grad():
        width = nn.Sequential(*parts).eval()(torch.zeros(1, *shape)).shape[1]
    last = [[], [nn.Softmax(1)], [nn.LogSoftmax(1)], [nn.BatchNorm1d(CLASSES)]][rng.integers(4)]
    return nn.Sequential(*parts, nn.Linear(width, CLASSES), *last).eval(), shape


AXES = {
    1: (nn.Conv1d, nn.BatchNorm1d, nn.MaxPool1d, nn.AvgPool1d, 1),
    2: (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, 2),
}


def random_options(rng):
    weights = [1, "ternary", 2, 3, 4, 6, 8]
    return QuantizeOptions(
        weight_bits=weights[rng.integers(len(weights))],
        activation_bits=int(rng.integers(1, 9)),
        first_last_bits=[None, 8][rng.integers(2)],
        input_bits=int(rng.integers(2, 9)),
        scale=["free", "power-of-two"][rng.integers(2)],
        granularity=["channel", "tensor"][rng.integers(2)],
        narrow=bool(rng.integers(2)),
    )


@pytest.mark.parametrize("backend", ["stream", "finn"])
# Even seeds have one axis, odd ones two. 1, 3 and 7 draw networks that train for long.
@pytest.mark.parametrize("seed", [0, 5, 2, 4, 6][: draws(2, 5)])
def test_what_is_trained_is_what_is_compiled(seed, backend):
    if backend == "finn" and not FINN:
        pytest.skip("not installed: finn")
    rng = np.random.default_rng(seed + 1000)
    module, shape = random_network(seed, AXES[1 + seed % 2], backend == "finn")
    x = rng.normal(size=(160, *shape)).astype(np.float32)
    x = np.abs(x) if rng.integers(2) else x
    data = load_data((x, np.arange(160) % CLASSES))
    network = from_module(module, torch.from_numpy(x[:2]))
    recipe = Recipe(epochs=int(rng.integers(0, 2)))
    quantized = quantize_aware(network, data, random_options(rng), recipe).network
    samples = data.test.x[:SAMPLES]
    answers = scores(quantized, samples).argmax(axis=1)
    # That every level of a design is exact is tested where the engines are.
    options = fpgacomp.Options(backend=backend, inputs=samples, labels=answers, checks="quick")
    report = fpgacomp.compile(to_qonnx(quantized), "u250", options=options)
    exactness = report.exactness
    assert report.status == "ok"
    assert (exactness.csim_mismatches, exactness.network_mismatches) == (0, 0)
    assert exactness.peers[0].mismatches == 0 or backend != "finn"
    # torch computes in float32: near a rounding border, or where two classes score alike, one
    # processor answers otherwise than another.
    assert report.accuracy["top1"] >= 0.8
