"""Reads a folder of images per class into arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fpgacomp.errors import InputDataError, ToolError
from fpgacomp.ir.types import AnyArray, NamedArrays

# (x [N, ...], y): labels [N], one-hot rows [N, K] or other numbers [N, ...], a mapping of these by
# output name, or None where there are no labels.
SamplePair = tuple[AnyArray, AnyArray | NamedArrays | None]
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff"})


def image_folder(
    folder: Path,
) -> tuple[SamplePair, SamplePair | None]:
    """Return (x, y) of the images, and (x, y) of the test set or None; x is float32 [N, C, H, W] in
    0..1.

    The classes are the sub-folders in alphabetical order. With sub-folders `train` and
    `test` (or `val`), these hold the classes. All images share one size; grey images give
    one channel, others three.

    Raises:
        InputDataError: no images, unequal sizes, or class folders that differ.
        ToolError: Pillow is not installed.
    """
    train = folder / "train"
    if not train.is_dir():
        return _classes(folder, _names(folder)), None
    names = _names(train)
    for other in ("test", "val"):
        if (folder / other).is_dir():
            if _names(folder / other) != names:
                raise InputDataError(
                    str(folder / other),
                    f"has the classes {_names(folder / other)}, train has {names}.",
                    "give both the same class folders.",
                )
            return _classes(train, names), _classes(folder / other, names)
    return _classes(train, names), None


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _classes(folder: Path, names: list[str]) -> SamplePair:
    if len(names) < 2:
        arrays = sorted(p for p in folder.iterdir() if p.suffix in (".npy", ".npz"))
        fix = "give one folder of images per class."
        if arrays:
            fix = f"name a file of arrays in it, for instance {arrays[0]}, or {fix}"
        raise InputDataError(str(folder), f"has {len(names)} class folders.", fix)
    images: list[AnyArray] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        paths = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if not paths:
            raise InputDataError(
                str(folder / name), "holds no image.", f"add {', '.join(sorted(SUFFIXES))} files."
            )
        for path in paths:
            image = _image(path)
            if images and image.shape != images[0].shape:
                raise InputDataError(
                    str(path),
                    f"is of shape {list(image.shape)}, the first image {list(images[0].shape)}.",
                    "bring all images to one size and colour mode.",
                )
            images.append(image)
            labels.append(label)
    return np.stack(images), np.array(labels)


def _image(path: Path) -> AnyArray:
    """Return one image as float32 [C, H, W] in 0..1."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as missing:
        raise ToolError("Pillow", "images are read with it.", "pip install pillow") from missing
    try:
        with Image.open(path) as image:
            grey = image.mode in ("1", "L")
            pixels = np.asarray(image.convert("L" if grey else "RGB"), dtype=np.float32) / 255
    except (UnidentifiedImageError, OSError) as error:
        raise InputDataError(str(path), f"is no image ({error}).", "remove it.") from error
    return pixels[None] if grey else np.ascontiguousarray(pixels.transpose(2, 0, 1))
