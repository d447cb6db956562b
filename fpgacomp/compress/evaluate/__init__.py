"""How well a network answers labelled samples, and what it costs, whatever it runs on.

metrics         outputs -> classes -> accuracy, macro F1
disturb         Gaussian noise and brightness
gradient        the one-step gradient attack (torch, imported when it is asked for)
cost            packed weights, multiplications, operations on bits

A network comes as an `execute` function: this stage runs none itself.
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
