"""How well a network answers labelled samples, and what it costs, whatever executes it.

    options      what a comparison disturbs the samples with
    scores       how a network does by its task, on samples as they are and disturbed
    disturb      Gaussian noise and brightness
    gradient     the one-step gradient attack, with PyTorch
    quantizers   what a canonical network's quantizers compute
    cost         bytes of packed weights, multiplications, operations on bits

A network comes as a function from samples to outputs (`Execute`): nothing here executes one
otherwise, except for the gradient.
"""

from __future__ import annotations

from fpgacomp.compress.evaluate.cost import cost
from fpgacomp.compress.evaluate.disturb import ValueRange
from fpgacomp.compress.evaluate.gradient import GradientAttack, gradient_of
from fpgacomp.compress.evaluate.options import AUTO, EvaluateOptions
from fpgacomp.compress.evaluate.scores import (
    Execute,
    add_disturbed,
    score_on,
    scores,
)

__all__ = [
    "AUTO",
    "EvaluateOptions",
    "Execute",
    "GradientAttack",
    "ValueRange",
    "cost",
    "gradient_of",
    "scores",
    "score_on",
    "add_disturbed",
]
