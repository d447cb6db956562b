"""Build directories for tests that only read them: compiled without a simulation."""

from __future__ import annotations

from pathlib import Path

import fpgacomp
from tests.support.paths import EXAMPLES

QUICK = {"csim": False, "vectors": 4}


def build(folder: Path, *, example: str = "digits_cnn", **options: object) -> Path:
    """A build of an example for pynq-z2."""
    model = EXAMPLES / example / "model.onnx"
    asked = fpgacomp.Options(**{**QUICK, **options})  # type: ignore[arg-type]
    report = fpgacomp.compile(model, "pynq-z2", out=folder, options=asked)
    assert report.status == "ok"
    return folder
