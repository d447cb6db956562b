"""The zoo's input data: shapes, units, seeds."""

from __future__ import annotations

import numpy as np
import pytest

from fpgacomp import zoo
from fpgacomp.errors import UsageError

PICTURES = {
    "digits": (1, 8, 8),
    "lfc_w1a1": (1, 28, 28),
    "mlp14_w3a3": (1, 14, 14),
    "cnv_w2a2": (3, 32, 32),
    "mobilenet025_w4a4": (3, 96, 96),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.NAMES)
def test_samples_follow_the_seed_and_differ(name: str) -> None:
    first = zoo.samples(name, 3, seed=1)
    assert first.dtype == np.float32
    assert np.array_equal(first, zoo.samples(name, 3, seed=1))
    assert not np.array_equal(first, zoo.samples(name, 3, seed=2))
    assert len(np.unique(first.reshape(3, -1), axis=0)) == 3
    assert zoo.samples(name, 1, seed=1).shape == (1, *first.shape[1:])


@pytest.mark.parametrize(("name", "shape"), PICTURES.items())
def test_pictures_are_eight_bit_grey_levels(name: str, shape: tuple[int, ...]) -> None:
    pixels = zoo.samples(name, 5, seed=3)
    assert pixels.shape == (5, *shape)
    assert pixels.min() == 0
    assert pixels.max() == 1
    grey = np.round(pixels.astype(np.float64) * 255)
    assert np.array_equal((grey / 255).astype(np.float32), pixels)


def test_neighbouring_pixels_of_photos_are_alike() -> None:
    pixels = zoo.samples("cnv_w2a2", 20, seed=4)
    left, right = pixels[..., :-1].ravel(), pixels[..., 1:].ravel()
    assert np.corrcoef(left, right)[0, 1] > 0.8


def test_strokes_are_bright_on_a_dark_ground() -> None:
    pixels = zoo.samples("tfc_w1a1", 50, seed=5)
    assert 0.5 < np.mean(pixels == 0) < 0.9
    assert 0.08 < np.mean(pixels > 0.5) < 0.35


@pytest.mark.parametrize(
    ("name", "shape", "steps", "low", "high"),
    [
        ("dscnn_w4a4", (1, 49, 10), 64, -150, 150),
        ("autoencoder_w4a4", (640,), 64, -70, 60),
        ("conv1d_w4a4", (6, 128), 1024, -8, 8),
        ("jet_w6a6", (16,), 1024, -6, 6),
    ],
)
def test_signals_have_the_resolution_of_their_converter(
    name: str, shape: tuple[int, ...], steps: int, low: float, high: float
) -> None:
    signal = zoo.samples(name, 6, seed=6).astype(np.float64)
    assert signal.shape == (6, *shape)
    assert np.array_equal(signal * steps, np.round(signal * steps))
    assert low < signal.min() < 0 < signal.max() < high


@pytest.mark.parametrize("count", [0, -1])
def test_no_samples_are_an_error(count: int) -> None:
    with pytest.raises(UsageError, match="ask for 1 or more"):
        zoo.samples("digits", count, seed=0)
