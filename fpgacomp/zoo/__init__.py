"""The networks of the field in one place, for examples, tests and the benchmark."""

from __future__ import annotations

from fpgacomp.zoo.catalog import NAMES, build, samples

__all__ = ["NAMES", "build", "samples"]
