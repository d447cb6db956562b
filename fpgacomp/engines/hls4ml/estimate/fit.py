"""Fits this engine's coefficients to published synthesis results (`fpgacomp.engines.refit`).

C synthesis is fitted to layers and to a sweep of Dense layers. The costs at logic synthesis start
from those, by what logic synthesis leaves of each kind of logic (`fabric`), and are corrected
by designs known at that stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fpgacomp.engines.hls4ml.estimate.fabric import CSYNTH, DECLARED, MEASURED, late_fabric
from fpgacomp.engines.shared.calibrate import EARLY, LATE, Costs, content
from fpgacomp.engines.shared.fitting import fit_costs
from fpgacomp.engines.shared.rows import Row

# foreign: layers that hls4ml makes and fpgacomp does not, which other people's designs hold.
# A kind named typical is one whose weights are not known, so that typical ones stand in.
KINDS = ("latency", "latency_typical", "resource", "conv", "conv_typical", "activation", "cells",
         "shared", "foreign", "design")  # fmt: skip
# Ranges of kinds that too few rows show. Cells are comparators, maxima and adders of exact
# width, as max pool and thresholds are made of: no published row shows one alone, and Yosys on
# ten such layers was within these factors.
# Shared additions leave a tool little to decide, as Yosys shows; the margin is for the tools of
# AMD, of which no report shows any.
ASSUMED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    kind: {
        "lut": (0.75, 1.35) if kind == "shared" else (0.6, 1.6),
        "ff": (0.6, 1.6),
        "dsp": (0.75, 1.33),
        "bram18": (0.4, 2.5),
        "cycles": (0.67, 1.5),
        "interval": (0.67, 1.5),
    }
    for kind in KINDS
}


def fit_hls4ml(rows: Sequence[Row]) -> Costs:
    """Stage -> cost of each term, fitted to these rows."""
    early = fit_costs([row for row in rows if row.stage == "csynth" and row.kind != "design"],
                      CSYNTH)  # fmt: skip
    late = [row for row in rows if row.stage != "csynth"]
    return {EARLY: early, LATE: fit_costs(late, late_fabric(early), known=MEASURED)}


def hls4ml_content(rows: Sequence[Row]) -> dict[str, Any]:
    """The content of this engine's coefficients.json."""
    return content(rows, fit_hls4ml, {EARLY: KINDS, LATE: KINDS}, ASSUMED, {LATE: DECLARED})
