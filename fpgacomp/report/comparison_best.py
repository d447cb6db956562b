"""Says which networks of a comparison are the best, and what a reader must know of the figures."""

from __future__ import annotations

from collections.abc import Iterator

from fpgacomp.data.metrics import METRICS
from fpgacomp.results.comparison import Comparison, pareto_front

MEASURE_WORDS = {
    "weight_bytes": "bytes of weights",
    "bops": "bit operations",
    "macs": "multiply-accumulates",
    "lut": "LUT",
    "dsp": "DSP",
    "bram18": "BRAM18",
    "latency_us": "latency",
}


def fronts(comparison: Comparison) -> Iterator[str]:
    """Which networks no other beats, by bytes, bit operations and LUTs, above the floor."""
    for measure in ("weight_bytes", "bops", "lut"):
        names = pareto_front(comparison.above_floor(), measure)
        if names:
            yield f"best by {MEASURE_WORDS[measure]}{_above(comparison)}: {', '.join(names)}"


def _above(comparison: Comparison) -> str:
    """Which floor the best had to reach, where some network is below it."""
    if comparison.floor is None or not comparison.below_floor():
        return ""
    metric = METRICS[comparison.test.metric]
    return f" with {metric.title} of {metric.text(comparison.floor)} or more"


def warnings(comparison: Comparison) -> Iterator[str]:
    """What a reader of the figures must know."""
    test = comparison.test
    if test.is_held_out:
        yield (
            f"the test samples are a part of {test.name} that is held out here. Networks that were "
            "trained on the same data before have seen them, and their scores are too good: train "
            "them on the training file of `fpgacomp split DATA`, and give the other file with "
            "--test-data."
        )
    below, metric = comparison.below_floor(), METRICS[test.metric]
    if below and comparison.floor is not None:
        told = ", ".join(f"{c.name} ({metric.text(c.scores.score)})" for c in below if c.scores)
        how = "it follows from the best score; --accuracy-floor or --max-drop sets another"
        yield (
            f"not among the best, whatever they save: {told}, below the floor of "
            f"{metric.text(comparison.floor)} {metric.title}"
            f"{'' if comparison.floor_is_given else f' ({how})'}."
        )
