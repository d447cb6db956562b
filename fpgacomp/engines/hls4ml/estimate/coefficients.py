"""The shipped coefficients of this engine, from the coefficients.json beside this file."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from fpgacomp.engines.shared.coefficients import Coefficients, coefficients_of
from fpgacomp.results.estimate import Stage

PATH = Path(__file__).with_name("coefficients.json")


@lru_cache(maxsize=3)
def load(stage: Stage) -> Coefficients:
    """The shipped coefficients of one stage."""
    return coefficients_of(json.loads(PATH.read_text(encoding="utf-8")), stage)
