"""Scalar functions between two integer tensors, in float64: scale, bias and activation chains."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fpgacomp.ir.types import FloatArray, Reals

_ERF = np.frompyfunc(math.erf, 1, 1)


def _erf(x: FloatArray) -> FloatArray:
    return np.asarray(_ERF(x), dtype=np.float64)


def _sigmoid(x: FloatArray) -> FloatArray:
    # Two forms, so that exp never overflows.
    small = np.exp(-abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


RISING = frozenset(
    (
        *("Relu", "Clip", "Sigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Log", "Sqrt", "Erf"),
        *("Floor", "Ceil", "Round", "Sign"),
    )
)
"""Functions that never fall, whatever their parameters, where they are defined at all."""


@dataclass(frozen=True)
class Affine:
    """x * scale + offset, each [1] or [C]."""

    scale: Reals
    offset: Reals

    def __call__(self, x: FloatArray) -> FloatArray:
        result: FloatArray = x * self.scale.array + self.offset.array
        return result


@dataclass(frozen=True)
class Function:
    """A named activation function.

    Args:
        op: the ONNX operator's name.
        parameters: its attributes in the operator's order, each [1] or [C].
    """

    op: str
    parameters: tuple[Reals, ...] = ()

    def __call__(self, x: FloatArray) -> FloatArray:
        # What a function is not defined for becomes NaN or infinite, which lowering looks for.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return FUNCTIONS[self.op](x, *(p.array for p in self.parameters))

    def with_parameters(self, change: Callable[[Reals], Reals]) -> Function:
        """Return the function with every parameter changed alike."""
        return replace(self, parameters=tuple(change(p) for p in self.parameters))

    @property
    def rising(self) -> bool:
        """Whether the function never falls, by its definition and its parameters."""
        if self.op in ("LeakyRelu", "PRelu", "Elu", "Celu", "HardSigmoid"):
            return bool(np.all(self.parameters[0].array >= 0))
        if self.op == "Selu":
            return bool(np.all(self.parameters[0].array >= 0)) and bool(
                np.all(self.parameters[1].array >= 0)
            )
        if self.op == "ThresholdedRelu":
            return bool(np.all(self.parameters[0].array >= 0))
        return self.op in RISING

    def steepness(self) -> FloatArray:
        """Return the largest slope anywhere, [1] or [C]; infinite where none is known."""
        match self.op:
            case "Relu" | "Clip" | "Tanh" | "Softsign" | "Softplus":
                return np.ones(1)
            case "Sigmoid":
                return np.full(1, 0.25)
            case "LeakyRelu" | "PRelu" | "Elu":
                return np.maximum(1.0, abs(self.parameters[0].array))
            case "HardSigmoid":
                return abs(self.parameters[0].array)
            case "Selu":
                alpha, gamma = (parameter.array for parameter in self.parameters)
                return abs(gamma) * np.maximum(1.0, abs(alpha))
        return np.full(1, np.inf)

    @property
    def clips(self) -> bool:
        """Whether the function is the identity wherever it is not constant."""
        return self.op in ("Relu", "Clip")


def _hard_sigmoid(x: FloatArray, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    return np.clip(alpha * x + beta, 0.0, 1.0)


def _softplus(x: FloatArray) -> FloatArray:
    return np.asarray(np.logaddexp(x, 0.0))


def _celu(x: FloatArray, alpha: FloatArray) -> FloatArray:
    result: FloatArray = np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)
    return result


def _gelu_tanh(x: FloatArray) -> FloatArray:
    result: FloatArray = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return result


# ONNX operator definitions (onnx.ai/onnx/operators), in float64.
FUNCTIONS: dict[str, Callable[..., FloatArray]] = {
    "Relu": lambda x: np.maximum(x, 0.0),
    "LeakyRelu": lambda x, alpha: np.where(x >= 0, x, alpha * x),
    "PRelu": lambda x, slope: np.where(x >= 0, x, slope * x),
    "Clip": lambda x, lo, hi: np.minimum(np.maximum(x, lo), hi),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0),
    "Sigmoid": _sigmoid,
    "Tanh": np.tanh,
    "Selu": lambda x, alpha, gamma: gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "Elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "Gelu": lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "GeluTanh": _gelu_tanh,
    "Silu": lambda x: x * _sigmoid(x),
    "Celu": _celu,
    "ThresholdedRelu": lambda x, alpha: np.where(x > alpha, x, 0.0),
    "Softplus": _softplus,
    "Softsign": lambda x: x / (1 + abs(x)),
    "Mish": lambda x: x * np.tanh(_softplus(x)),
    "Exp": np.exp,
    "Log": np.log,
    "Sqrt": np.sqrt,
    "Reciprocal": np.reciprocal,
    "Pow": np.power,
    "Abs": np.abs,
    "Sign": np.sign,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.round,
    "Sin": np.sin,
    "Cos": np.cos,
    "Erf": _erf,
}


@dataclass(frozen=True)
class Chain:
    """What integers (or raw inputs) mean: x * scale + offset, then steps in order.

    All parameters are per channel of the integer tensor, [1] or [C].
    """

    affine: Affine
    steps: tuple[Affine | Function, ...] = ()

    @classmethod
    def of(cls, scale: FloatArray | float, offset: FloatArray | float = 0.0) -> Chain:
        """Return the chain x * scale + offset, each a number, [1] or [C]."""
        return cls(Affine(Reals(np.atleast_1d(scale)), Reals(np.atleast_1d(offset))))

    def __call__(self, x: FloatArray) -> FloatArray:
        """[..., C] values in, real values out."""
        result = self.affine(x)
        for step in self.steps:
            result = step(result)
        return result

    @property
    def is_affine(self) -> bool:
        """Whether no function follows the first scale and offset."""
        return not self.steps

    @property
    def scale(self) -> FloatArray:
        """Factor of the first affine step, [1] or [C]."""
        return self.affine.scale.array

    @property
    def offset(self) -> FloatArray:
        """Addend of the first affine step, [1] or [C]."""
        return self.affine.offset.array

    def times(self, factor: FloatArray) -> Chain:
        """Return the chain followed by a multiplication, [1] or [C]."""
        return self._then_affine(Affine(Reals(factor), Reals([0.0])))

    def over(self, divisor: FloatArray) -> Chain:
        """Return the chain followed by a division, [1] or [C], none 0.

        What ends it is divided itself: its scale over the divisor is rounded once, a product with
        the divisor's reciprocal twice.
        """
        before = self.steps[-1] if self.steps else self.affine
        if isinstance(before, Function):
            return self.times(1 / divisor)
        divided = Affine(Reals(before.scale.array / divisor), Reals(before.offset.array / divisor))
        if self.steps:
            return replace(self, steps=(*self.steps[:-1], divided))
        return Chain(divided)

    def plus(self, addend: FloatArray) -> Chain:
        """Return the chain followed by an addition, [1] or [C]."""
        return self._then_affine(Affine(Reals([1.0]), Reals(addend)))

    def then(self, function: Function) -> Chain:
        """Return the chain followed by an activation function."""
        return replace(self, steps=(*self.steps, function))

    def _then_affine(self, last: Affine) -> Chain:
        """Return the chain followed by an affine step, merged with one that ends it already."""
        before = self.steps[-1] if self.steps else self.affine
        if isinstance(before, Function):
            return replace(self, steps=(*self.steps, last))
        scale, offset = last.scale.array, last.offset.array
        merged = Affine(
            Reals(before.scale.array * scale), Reals(before.offset.array * scale + offset)
        )
        if self.steps:
            return replace(self, steps=(*self.steps[:-1], merged))
        return Chain(merged)

    def direction(self) -> FloatArray | None:
        """Return the sign of the slope per channel where the chain never turns by construction,
        else None.
        """
        sign = np.sign(self.scale)
        for step in self.steps:
            if isinstance(step, Function):
                if not step.rising:
                    return None
            else:
                sign = sign * np.sign(step.scale.array)
        return sign

    def steepness(self) -> FloatArray:
        """Return per channel the largest slope anywhere; infinite where it has no bound."""
        slope = abs(self.scale)
        for step in self.steps:
            factor = step.steepness() if isinstance(step, Function) else abs(step.scale.array)
            slope = slope * factor
        return slope

    def slope(self) -> FloatArray:
        """Return the slope per channel where no function bends it (a search hint, not a fact)."""
        slope = self.scale
        for step in self.steps:
            if isinstance(step, Affine):
                slope = slope * step.scale.array
        return slope

    def intercept(self) -> FloatArray:
        """Return the value at 0 per channel where no function bends it (a search
        hint, not a fact).
        """
        value = self.offset
        for step in self.steps:
            if isinstance(step, Affine):
                value = value * step.scale.array + step.offset.array
        return value

    def spread(self, repeats: int) -> Chain:
        """Return the chain of a flattened tensor: each per-channel parameter for every position."""

        def wide(values: Reals) -> Reals:
            return values if values.shape == (1,) else Reals(np.tile(values.array, repeats))

        return self.with_parameters(wide)

    def with_parameters(self, change: Callable[[Reals], Reals]) -> Chain:
        """Return the chain with every parameter, [1] or [C], changed alike."""

        def step(s: Affine | Function) -> Affine | Function:
            if isinstance(s, Affine):
                return Affine(change(s.scale), change(s.offset))
            return s.with_parameters(change)

        head = Affine(change(self.affine.scale), change(self.affine.offset))
        return Chain(head, tuple(step(s) for s in self.steps))
