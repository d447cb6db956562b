"""Which operators of the software side C computes, on which types, by which function."""

from __future__ import annotations

from dataclasses import dataclass

REALS = ("float32", "float64")
NUMBERS = (*REALS, "int64", "int32", "uint8", "int8")
ALL = (*NUMBERS, "bool")


@dataclass(frozen=True)
class Elementwise:
    """An operator that works place by place.

    Args:
        function: of fpgacomp_ops.h, without the type at its end.
        types: of its operands that it takes.
        result: type of its result; "" where it is that of the operands.
        folds: whether it takes any number of operands, two at a time.
    """

    function: str
    types: tuple[str, ...] = NUMBERS
    result: str = ""
    folds: bool = False


ELEMENTWISE = {
    "Add": Elementwise("add"),
    "Sub": Elementwise("sub"),
    "Mul": Elementwise("mul"),
    "Div": Elementwise("div", REALS),
    "Max": Elementwise("max", folds=True),
    "Min": Elementwise("min", folds=True),
    "Clip": Elementwise("clip"),
    "Relu": Elementwise("relu"),
    "Abs": Elementwise("abs"),
    "Neg": Elementwise("neg"),
    "Sign": Elementwise("sign"),
    "Floor": Elementwise("floor", REALS),
    "Ceil": Elementwise("ceil", REALS),
    "Round": Elementwise("round", REALS),
    "Sqrt": Elementwise("sqrt", REALS),
    "Exp": Elementwise("exp", REALS),
    "Log": Elementwise("log", REALS),
    "Tanh": Elementwise("tanh", REALS),
    "Sigmoid": Elementwise("sigmoid", REALS),
    "Erf": Elementwise("erf", REALS),
    "GreaterOrEqual": Elementwise("greater_or_equal", result="bool"),
    "Greater": Elementwise("greater", result="bool"),
    "LessOrEqual": Elementwise("less_or_equal", result="bool"),
    "Less": Elementwise("less", result="bool"),
}
# What runs along an axis: the default axis, and the operators' own function.
ALONG_AXIS = {"Gather": 0, "Concat": 0, "ArgMax": 0, "Softmax": -1, "LogSoftmax": -1}
# Operators whose last bits are the C library's own.
INEXACT = frozenset({"Exp", "Log", "Tanh", "Sigmoid", "Erf", "Softmax", "LogSoftmax"})
