"""Converts Keras layers that move, repeat, add or drop elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgacomp.frontend.keras.builder import KerasGraphWriter, KerasTensor


def flatten(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert Flatten, in Keras' order of elements."""
    x = b.channels_last(x)
    return b.node("Flatten", [x.name], (int(np.prod(x.shape)),), axis=1)


def reshape(
    b: KerasGraphWriter, x: KerasTensor, layer: Any, *, axes_in_front: int = 0
) -> KerasTensor:
    """Convert Reshape, one of whose sizes may be -1; `axes_in_front` of x stay as they are."""
    x = b.channels_last(x)
    kept, inner = x.shape[:axes_in_front], x.shape[axes_in_front:]
    shape = [int(d) for d in layer.target_shape]
    if -1 in shape:
        known = int(np.prod([d for d in shape if d != -1]))
        shape[shape.index(-1)] = int(np.prod(inner)) // known
    return reshaped(b, x, (*kept, *shape))


def reshaped(b: KerasGraphWriter, x: KerasTensor, shape: tuple[int, ...]) -> KerasTensor:
    """Append a Reshape to `shape`, which is given without the batch; channels are last."""
    target = b.constant("shape", np.asarray([0, *shape], dtype=np.int64))
    return b.node("Reshape", [b.channels_last(x).name, target], shape)


def permute(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert Permute, which counts axes from 1."""
    return b.permuted(b.channels_last(x), [int(d) - 1 for d in layer.dims])


def upsample(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert UpSampling1D/2D, which repeats elements."""
    if getattr(layer, "interpolation", "nearest") != "nearest":
        raise b.refuse(f"UpSampling with {layer.interpolation}.", "use interpolation='nearest'.")
    size = layer.size if isinstance(layer.size, (list, tuple)) else [layer.size]
    return repeated(b, x, tuple(int(f) for f in size))


def repeated(b: KerasGraphWriter, x: KerasTensor, factors: tuple[int, ...]) -> KerasTensor:
    """Append a Resize that repeats each element `factors` times, one factor per spatial axis."""
    x = b.channels_first(x)
    scales = b.constant("scales", np.asarray([1, 1, *factors], dtype=np.float32))
    shape = (*(n * f for n, f in zip(x.shape, factors)), x.channels)
    return b.node(
        "Resize",
        [x.name, b.constant("roi", np.zeros(0, dtype=np.float32)), scales],
        shape,
        first=True,
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )


def zero_padding(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert ZeroPadding1D/2D."""
    padding = np.asarray(layer.padding).reshape(-1, 2)
    x = b.channels_first(x)
    pads = [0, 0, *padding[:, 0], 0, 0, *padding[:, 1]]
    shape = (*(n + int(p.sum()) for n, p in zip(x.shape, padding)), x.channels)
    constant = b.constant("pads", np.asarray(pads, dtype=np.int64))
    return b.node("Pad", [x.name, constant], shape, first=True, mode="constant")


def cropping(b: KerasGraphWriter, x: KerasTensor, layer: Any) -> KerasTensor:
    """Convert Cropping1D/2D, which drops elements at the borders.

    It becomes a depthwise Conv whose window picks one element, by a weight of 1 among zeros:
    what the hardware has a layer for.
    """
    borders = np.asarray(layer.cropping).reshape(-1, 2)
    x = b.channels_first(x)
    window = tuple(int(total) + 1 for total in borders.sum(axis=1))
    pick = np.zeros(window, dtype=np.float32)
    pick[tuple(borders[:, 0])] = 1
    weight = np.tile(pick, (x.channels, 1, *[1] * len(window)))
    sizes = (size - length + 1 for size, length in zip(x.shape, window))
    ones = [1] * len(window)
    return b.node(
        "Conv",
        [x.name, b.constant("pick", weight)],
        (*sizes, x.channels),
        first=True,
        kernel_shape=list(window),
        strides=ones,
        dilations=ones,
        pads=[0] * (2 * len(window)),
        group=x.channels,
        auto_pad="NOTSET",
    )
