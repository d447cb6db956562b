"""Writes networks of the zoo as ONNX files: python -m fpgacomp.zoo NAME [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx

from fpgacomp import zoo
from fpgacomp.errors import FpgacompError


def main(arguments: list[str]) -> int:
    """Write NAME.onnx and NAME.npy (16 samples); without a name, list the names."""
    if not arguments:
        print("\n".join(zoo.NAMES))
        return 0
    name, folder = arguments[0], Path(arguments[1] if len(arguments) > 1 else ".")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(zoo.build(name), folder / f"{name}.onnx")
        np.save(folder / f"{name}.npy", zoo.samples(name, 16, 0))
    except FpgacompError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{folder / name}.onnx and .npy (16 samples)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
