"""The shipped coefficients of this engine, from the coefficients.json beside this file."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from fpgacomp.engines.shared.coefficients import Coefficients, coefficients_of

PATH = Path(__file__).with_name("coefficients.json")


@lru_cache(maxsize=1)
def load() -> Coefficients:
    """The coefficients of streaming operators at logic synthesis and later."""
    return coefficients_of(json.loads(PATH.read_text(encoding="utf-8")), "logic_synth")
