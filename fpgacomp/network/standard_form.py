"""Writes the functions of our own ONNX domain as standard operators, which every runtime has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi, sqrt

# One operator of a function and what it reads: "x" is the function's input, an integer the
# output of that earlier step (from 0), a float a constant.
Operand = str | int | float
StandardSteps = tuple[tuple[str, tuple[Operand, ...]], ...]

STANDARD_FORMS: dict[str, StandardSteps] = {
    "Silu": (("Sigmoid", ("x",)), ("Mul", ("x", 0))),
    "Gelu": (
        ("Mul", ("x", sqrt(0.5))),
        ("Erf", (0,)),
        ("Add", (1, 1.0)),
        ("Mul", (2, 0.5)),
        ("Mul", (3, "x")),
    ),
    "GeluTanh": (
        ("Mul", ("x", "x")),
        ("Mul", (0, 0.044715)),
        ("Add", (1, 1.0)),
        ("Mul", (2, "x")),
        ("Mul", (3, sqrt(2 / pi))),
        ("Tanh", (4,)),
        ("Add", (5, 1.0)),
        ("Mul", (6, 0.5)),
        ("Mul", (7, "x")),
    ),
}
"""The exact SiLU, x * sigmoid(x), the exact GELU, x * (1 + erf(x / sqrt 2)) / 2, and GELU's form
with a Tanh, x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3))) / 2."""


def write_standard_form(
    function: str,
    x: str,
    output: str,
    *,
    emit: Callable[[str, Sequence[str], str], str],
    constant: Callable[[float], str],
) -> None:
    """Write a function of our domain as standard operators.

    Args:
        function: one of `STANDARD_FORMS`.
        x: name of the tensor that the function reads.
        output: name of the tensor that the last operator writes.
        emit: appends (operator, inputs, output or "" for a new tensor); returns its output.
        constant: adds a float32 constant; returns its name.

    Raises:
        KeyError: the function is not one of our domain.
    """
    steps = STANDARD_FORMS[function]
    made: list[str] = []
    for position, (op, operands) in enumerate(steps):
        names = [_name(operand, x, made, constant) for operand in operands]
        made.append(emit(op, names, output if position == len(steps) - 1 else ""))


def _name(operand: Operand, x: str, made: list[str], constant: Callable[[float], str]) -> str:
    match operand:
        case str():
            return x
        case int():
            return made[operand]
        case float():
            return constant(operand)
