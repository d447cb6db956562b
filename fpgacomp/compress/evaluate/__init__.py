"""How well a network answers labelled samples, and what it costs, whatever executes it.

    options      what a comparison disturbs the samples with
    scores       accuracy and macro F1 of a network, on samples as they are and disturbed
    metrics      outputs -> classes -> accuracy, macro F1
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
    accuracy_on,
    add_disturbed,
    class_answers,
    scores,
)

__all__ = [
    "AUTO",
    "EvaluateOptions",
    "Execute",
    "GradientAttack",
    "ValueRange",
    "class_answers",
    "cost",
    "gradient_of",
    "scores",
    "accuracy_on",
    "add_disturbed",
]
