"""Writes networks of the zoo as ONNX files: python -m fpgacomp.zoo NAME [FOLDER]."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from fpgacomp import zoo
from fpgacomp.errors import FpgacompError, ToolError


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m fpgacomp.zoo",
        description="Write a benchmark network as NAME.onnx, and 16 samples for it as NAME.npy.",
        epilog="Without a name, the names of all networks are listed.",
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", help="name of a network of the list")
    parser.add_argument(
        "folder", nargs="?", default=".", type=Path, help="where the files go (this folder)"
    )
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Write NAME.onnx and NAME.npy (16 samples); without a name, list the names."""
    given = _arguments(words)
    if given.name is None:
        print("\n".join(zoo.NAMES))
        return 0
    name, folder = given.name, given.folder
    try:
        network = zoo.build(name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            onnx.save(network, folder / f"{name}.onnx")
            np.save(folder / f"{name}.npy", zoo.samples(name, 16, 0))
        except OSError as error:
            raise ToolError(str(folder), f"cannot be written to: {error}.",
                            "give a folder of yours.") from error  # fmt: skip
    except FpgacompError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{folder / name}.onnx and .npy (16 samples)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
