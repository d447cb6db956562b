"""Seeded input data with the statistics of what each network reads: no data set is needed."""

from __future__ import annotations

import numpy as np

from fpgacomp.zoo.operators import Array

MEL_BINS = 128
MEL_FRAMES = 5
SENSOR_STEPS_PER_UNIT = 1024  # resolution of the sensor's converter
JET_OBSERVABLES = 16
JET_KINDS = 5
JET_STEPS_PER_DEVIATION = 1024
DECIBEL_STEPS = 64  # resolution of spectra, so that no platform's rounding shows


def strokes(rng: np.random.Generator, count: int, size: int) -> Array:
    """Handwriting-like pictures [N, 1, size, size] in 0..1: bright strokes on black, 8 bits."""
    knots = np.cumsum(rng.normal(0, 0.3, (count, 5, 2)), axis=1)
    knots = 0.5 + np.clip(knots - knots.mean(axis=1, keepdims=True), -0.36, 0.36)
    width = rng.uniform(0.05, 0.09, (count, 1, 1))
    grid = (np.arange(size) + 0.5) / size
    y, x = grid[:, None], grid[None, :]
    distance = np.full((count, size, size), np.inf)
    for start, end in zip(knots[:, :-1].swapaxes(0, 1), knots[:, 1:].swapaxes(0, 1)):
        # Distance of each pixel to the segment: by its nearest point's place along it, 0..1.
        across = (end - start)[:, :, None, None]
        dy, dx = y - start[:, 0, None, None], x - start[:, 1, None, None]
        length = across[:, 0] ** 2 + across[:, 1] ** 2 + 1e-9
        place = np.clip((dy * across[:, 0] + dx * across[:, 1]) / length, 0, 1)
        square = (dy - place * across[:, 0]) ** 2 + (dx - place * across[:, 1]) ** 2
        distance = np.minimum(distance, np.sqrt(square))
    return _eight_bits(1.5 - distance / width)[:, None]


def images(rng: np.random.Generator, count: int, channels: int, size: int) -> Array:
    """Photo-like pictures [N, channels, size, size] in 0..1, 8 bits: coarse forms carry most."""
    total = np.zeros((count, channels, size, size))
    cells = 2
    while cells <= size:
        shared = rng.standard_normal((count, 1, cells + 1, cells + 1))
        own = rng.standard_normal((count, channels, cells + 1, cells + 1))
        total += _enlarged(shared + 0.6 * own, size) * (2 / cells) ** 0.7
        cells *= 2
    contrast = rng.uniform(0.14, 0.3, (count, 1, 1, 1))
    return _eight_bits(rng.uniform(0.35, 0.65, (count, 1, 1, 1)) + contrast * total)


def speech(rng: np.random.Generator, count: int, frames: int, coefficients: int) -> Array:
    """Cepstra [N, 1, frames, coefficients] of one word: it sets in, sounds, and ends.

    A few sounds follow each other; higher coefficients are smaller; the rest is noise.
    """
    sounds = rng.standard_normal((count, 1, 5, coefficients))
    along = np.linspace(0, 4, frames)
    at = np.minimum(along.astype(int), 3)
    part = (along - at)[:, None]
    smooth = sounds[:, :, at] * (1 - part) + sounds[:, :, at + 1] * part
    begin = rng.uniform(0, 0.5, (count, 1, 1, 1)) * frames
    length = rng.uniform(0.3, 0.7, (count, 1, 1, 1)) * frames
    time = np.arange(frames)[:, None]
    loud = np.clip(1.5 - abs(time - begin - length / 2) / (length / 2), 0, 1)
    rough = rng.normal(0, 1, (count, 1, frames, coefficients)) * rng.uniform(
        0.05, 0.3, (count, 1, 1, 1)
    )
    size = 16.0 / (1 + 0.35 * np.arange(coefficients))
    return _on_grid((1.3 * loud * smooth + rough) * size, DECIBEL_STEPS)


def machine_sound(rng: np.random.Generator, count: int) -> Array:
    """Log-mel spectra [N, 640] in dB, five frames of 128 bins: a hum with its own few tones."""
    bins = np.arange(MEL_BINS)
    slope = rng.uniform(-0.16, -0.08, (count, 1, 1))
    level = -18 + slope * (bins - MEL_BINS / 2)
    centre = rng.uniform(4, MEL_BINS - 4, (count, 1, 6))
    near = np.maximum(0, 1 - abs(bins[None, :, None] - centre) / 5).sum(axis=-1)
    tones = near[:, None, :] * rng.uniform(6, 18, (count, 1, 1))
    rough = rng.normal(0, 3, (count, MEL_FRAMES, MEL_BINS))
    return _on_grid((level + tones + rough).reshape(count, -1), DECIBEL_STEPS)


def motion(rng: np.random.Generator, count: int, steps: int) -> Array:
    """Acceleration (g) and turn rate (rad/s) [N, 6, steps] of a body that moves periodically."""
    period = rng.uniform(12, 48, (count, 1, 1))
    time = np.arange(steps) + rng.uniform(0, 1, (count, 1, 1)) * period
    phase = 2 * np.pi * time / period + rng.uniform(0, 2 * np.pi, (count, 6, 1))
    size = rng.uniform(0.1, 1.0, (count, 6, 1)) * rng.uniform(0.4, 1.6, (count, 1, 1))
    wave = np.sin(phase) + rng.uniform(0, 0.5, (count, 6, 1)) * np.sin(2 * phase)
    posture = rng.uniform(-0.6, 0.6, (count, 6, 1))
    rough = rng.normal(0, 0.08, (count, 6, steps))
    return _on_grid(posture + size * wave + rough, SENSOR_STEPS_PER_UNIT)


def jets(rng: np.random.Generator, count: int) -> Array:
    """Observables [N, 16] of a jet's substructure, standardised: its kind and its size shift all.

    A kind (quark, gluon, W, Z, top) has its own typical values; masses and moments grow together.
    """
    kinds = np.random.default_rng(JET_KINDS).normal(0, 0.7, (JET_KINDS, JET_OBSERVABLES))
    typical = kinds[rng.integers(JET_KINDS, size=count)]
    together = rng.normal(0, 0.5, (count, 1))
    rough = rng.normal(0, 0.6, (count, JET_OBSERVABLES))
    return _on_grid(typical + together + rough, JET_STEPS_PER_DEVIATION)


def _enlarged(corners: Array, size: int) -> Array:
    """[N, C, n + 1, n + 1] corner values -> [N, C, size, size], linear in between."""
    for axis in (2, 3):
        cells = corners.shape[axis] - 1
        along = (np.arange(size) + 0.5) * cells / size
        at = along.astype(int)
        shape = [1] * 4
        shape[axis] = size
        part = (along - at).reshape(shape)
        low, high = corners.take(at, axis=axis), corners.take(at + 1, axis=axis)
        corners = low * (1 - part) + high * part
    return corners


def _eight_bits(values: Array) -> Array:
    """The nearest of 0, 1/255 .. 1."""
    return np.round(np.clip(values, 0, 1) * 255) / 255


def _on_grid(values: Array, steps_per_unit: int) -> Array:
    return np.round(values * steps_per_unit) / steps_per_unit
