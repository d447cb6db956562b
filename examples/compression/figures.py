"""What every example prints: one row per network, and whether it kept its promise."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import fpgacomp.flows.compile
from fpgacomp.flows.options import Options
from fpgacomp.results.target import Target

FLOAT_CNN = Path(__file__).resolve().parent / "float_cnn.onnx"
BOARD = "pynq-z2"


@dataclass(frozen=True)
class Promise:
    """A figure and its bound.

    Args:
        text: what is promised.
        kept: whether it holds.
    """

    text: str
    kept: bool


def luts(model: object, fps: float, backend: str = "hls4ml") -> float:
    """Estimated LUTs of the smallest design for the PYNQ-Z2 at this rate."""
    options = Options(target=Target("area", fps), backend=backend)
    return fpgacomp.flows.compile.estimate(model, BOARD, options=options).estimate.lut.value


def row(name: str, accuracy: float, **figures: float) -> None:
    """One network: test accuracy in per cent, other figures as whole numbers."""
    others = "  ".join(f"{key} {value:,.0f}" for key, value in figures.items())
    print(f"{name:34} {accuracy:7.2%}  {others}", flush=True)


def judge(*promises: Promise) -> None:
    """Print each promise; exit with 1 where one is broken."""
    for promise in promises:
        print(f"{'kept  ' if promise.kept else 'BROKEN'}  {promise.text}")
    if not all(promise.kept for promise in promises):
        sys.exit(1)
