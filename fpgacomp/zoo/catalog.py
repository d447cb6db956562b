"""The networks of the zoo by name: definition, input data, seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.errors import UsageError
from fpgacomp.zoo import data, finn_papers, mlperf_tiny, mlps, small
from fpgacomp.zoo.net import Net, NetTensor
from fpgacomp.zoo.operators import Array

SEED = 20170222  # of weights; calibration data have the next one
MakeData = Callable[[np.random.Generator, int], Array]


@dataclass(frozen=True)
class Entry:
    """A network of the zoo.

    Args:
        define: adds its layers to a `Net` and returns the output.
        data: (generator, N) -> [N, *input shape].
        calibration: how many samples normalisation and quantizers are calibrated on.
    """

    define: Callable[[Net], NetTensor]
    data: MakeData
    calibration: int


_STROKES = partial(data.strokes, size=28)
_PHOTOS = partial(data.images, channels=3, size=32)

_ENTRIES = {
    "digits": Entry(small.digits, partial(data.strokes, size=8), 64),
    "tfc_w1a1": Entry(partial(finn_papers.tfc, weight_bits=1, act_bits=1), _STROKES, 256),
    "tfc_w1a2": Entry(partial(finn_papers.tfc, weight_bits=1, act_bits=2), _STROKES, 256),
    "tfc_w2a2": Entry(partial(finn_papers.tfc, weight_bits=2, act_bits=2), _STROKES, 256),
    "lfc_w1a1": Entry(partial(finn_papers.lfc, weight_bits=1, act_bits=1), _STROKES, 256),
    "cnv_w1a1": Entry(partial(finn_papers.cnv, weight_bits=1, act_bits=1), _PHOTOS, 24),
    "cnv_w2a2": Entry(partial(finn_papers.cnv, weight_bits=2, act_bits=2), _PHOTOS, 24),
    "resnet8_w4a4": Entry(mlperf_tiny.resnet8, _PHOTOS, 16),
    "dscnn_w4a4": Entry(mlperf_tiny.dscnn, partial(data.speech, frames=49, coefficients=10), 24),
    "autoencoder_w4a4": Entry(mlperf_tiny.autoencoder, data.machine_sound, 256),
    "mobilenet025_w4a4": Entry(
        mlperf_tiny.mobilenet025, partial(data.images, channels=3, size=96), 24
    ),
    "unet_w4a4": Entry(small.unet, _PHOTOS, 8),
    "conv1d_w4a4": Entry(small.conv1d, partial(data.motion, steps=128), 24),
    "jet_w6a6": Entry(mlps.jet, data.jets, 256),
    "digits_mlp_w2a2": Entry(
        partial(mlps.picture_mlp, hidden=(32,), bits=2), partial(data.strokes, size=8), 256
    ),
    "mlp14_w3a3": Entry(
        partial(mlps.picture_mlp, hidden=(32, 32), bits=3), partial(data.strokes, size=14), 256
    ),
}

NAMES: tuple[str, ...] = tuple(_ENTRIES)


def build(name: str) -> onnx.ModelProto:
    """A network with seeded weights and calibrated quantizers: the same bytes every time.

    Args:
        name: one of NAMES; wXaY has X-bit weights and Y-bit activations.

    Returns:
        Canonical QONNX (`fpgacomp.network.canonical`) with one input and one output.

    Raises:
        UsageError: no network has this name.
    """
    entry = _entry(name)
    net = Net(name, samples(name, entry.calibration, SEED + 1), SEED)
    return net.model(entry.define(net))


def samples(name: str, count: int, seed: int) -> npt.NDArray[np.float32]:
    """Input data [count, *shape] for a network, in its own units.

    Pictures are 0, 1/255 .. 1 and channels first, spectra are decibels, motion is g and
    rad/s, observables of jets are standardised.

    Args:
        name: one of NAMES.
        count: how many, at least one.
        seed: another one gives other samples.

    Raises:
        UsageError: no network has this name, or the count is below one.
    """
    entry = _entry(name)
    if count < 1:
        raise UsageError(f"{count} samples", "there is nothing to generate.", "ask for 1 or more.")
    return entry.data(np.random.default_rng(seed), count).astype(np.float32)


def _entry(name: str) -> Entry:
    if name not in _ENTRIES:
        near = get_close_matches(name, NAMES, n=3, cutoff=0.4) or NAMES
        raise UsageError(
            f"network {name!r}", "is not in the zoo.", f"use one of {', '.join(near)}."
        )
    return _ENTRIES[name]
