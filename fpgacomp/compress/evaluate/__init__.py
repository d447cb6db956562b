"""How well a network answers labelled samples, and what it costs, whatever it runs on.

metrics         outputs -> classes -> accuracy, macro F1
disturb         Gaussian noise and brightness
gradient        the one-step gradient attack (torch, imported when it is asked for)
cost            packed weights, multiplications, operations on bits

A network comes as an `execute` function: this stage runs none itself.
"""

from __future__ import annotations

from fpgacomp.compress.evaluate.cost import cost
from fpgacomp.compress.evaluate.disturb import Range
from fpgacomp.compress.evaluate.gradient import Gradient, gradient_of
from fpgacomp.compress.evaluate.options import AUTO, EvaluateOptions
from fpgacomp.compress.evaluate.scores import (
    Execute,
    answered,
    scores,
    share_right,
    with_disturbed,
)

__all__ = [
    "AUTO",
    "EvaluateOptions",
    "Execute",
    "Gradient",
    "Range",
    "answered",
    "cost",
    "gradient_of",
    "scores",
    "share_right",
    "with_disturbed",
]
