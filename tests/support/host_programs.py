"""Random software sides over every operator that C has, step by step as numpy computes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any

import numpy as np

from fpgacomp.deploy.c.operators import ALL, ELEMENTWISE, INEXACT, NUMBERS, REALS
from fpgacomp.runtime.program import OPERATORS, HostProgram, HostStep, TensorSpec

BATCH = 3
# Values of every kind: halves that tie, ends of types, and what lies close to them.
REAL_VALUES = (
    -2.5,
    -1.5,
    -0.5,
    0.5,
    1.5,
    2.5,
    0.0,
    1.0,
    -1.0,
    0.49999999999999994,
    100.25,
    -7.75,
    1e-3,
)
WHOLE_VALUES = (-128, -3, -1, 0, 1, 2, 7, 127)


class ProgramWriter:
    """Writes steps and computes them on a batch, so that values out of a type are known in time."""

    def __init__(self, rng: np.random.Generator, *, inexact: bool) -> None:
        self.rng = rng
        self.inexact = inexact
        self.values: dict[str, np.ndarray[Any, Any]] = {}
        self.specs: dict[str, TensorSpec] = {}
        self.constants: dict[str, np.ndarray[Any, Any]] = {}
        self.steps: list[HostStep] = []
        self.used: set[str] = set()

    def pick(self, *options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def numbers(self, kind: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Random numbers of a type."""
        if kind == "bool":
            return self.rng.integers(0, 2, shape).astype(bool)
        if kind in REALS:
            chosen = self.rng.choice(REAL_VALUES, shape)
            free = self.rng.normal(0, 20, shape)
            return np.where(self.rng.random(shape) < 0.5, chosen, free).astype(kind)
        info = np.iinfo(kind)
        wide = self.rng.integers(info.min, info.max, shape, kind, endpoint=True)
        few = self.rng.choice(WHOLE_VALUES, shape).astype(np.int64).astype(kind)
        return np.where(self.rng.random(shape) < 0.7, few, wide)

    def input(self, name: str, kind: str, shape: tuple[int, ...]) -> None:
        self.specs[name] = TensorSpec(kind, shape)
        self.values[name] = self.numbers(kind, (BATCH, *shape))

    def constant(self, kind: str, shape: tuple[int, ...]) -> str:
        """A constant that spreads over tensors of a shape."""
        own = tuple(1 if self.rng.random() < 0.5 else n for n in shape)
        own = own[int(self.rng.integers(len(own) + 1)) :]
        if len(own) == len(shape) and self.rng.random() < 0.5:
            own = (1, *own)
        name = f"c{len(self.constants)}"
        self.constants[name] = self.numbers(kind, own)
        return name

    def add(
        self, op: str, inputs: list[str], spec: TensorSpec, *, name: str = "", **attributes: Any
    ) -> str:
        name = name or f't{len(self.steps)} */ "\\{op}'  # names are strangers' data
        step = HostStep(op, tuple(inputs), name, attributes, spec)
        given = [self.values.get(n, self.constants.get(n)) for n in inputs]
        with np.errstate(all="ignore"):
            found = np.asarray(OPERATORS[op](given, attributes, spec)).astype(spec.type)  # type: ignore[arg-type]
        assert found.shape == (BATCH, *spec.shape), (op, found.shape, spec)
        self.steps.append(step)
        self.values[name], self.specs[name] = found, spec
        self.used |= {*inputs}
        return name

    def tensor(self, *kinds: str) -> str | None:
        """A tensor of one of these types, rather one that was written lately."""
        fitting = [n for n, s in self.specs.items() if s.type in kinds]
        if not fitting:
            return None
        return self.pick(*fitting[-6:]) if self.rng.random() < 0.8 else self.pick(*fitting)

    def partner(self, name: str) -> str:
        """Another operand of a tensor's type: a constant, or a tensor of its shape."""
        spec = self.specs[name]
        same = [n for n, s in self.specs.items() if s == spec]
        return self.pick(*same) if self.rng.random() < 0.4 else self.constant(spec.type, spec.shape)

    def castable(self, name: str, kind: str) -> bool:
        """Whether numpy says what the cast gives: C says it for every number."""
        values = self.values[name]
        if self.specs[name].type not in REALS or kind in (*REALS, "bool"):
            return True
        info = np.iinfo(kind)
        inside = (values > float(info.min) - 1) & (values < float(info.max) + 1)
        return bool(np.isfinite(values).all() and inside.all())

    def step(self) -> None:
        """One random step, or none where the tensors at hand do not take it."""
        op = self.pick(*(o for o in OPERATORS if self.inexact or o not in INEXACT))
        rule = ELEMENTWISE.get(op)
        kinds = rule.types if rule else REALS if op.endswith("Softmax") else NUMBERS
        if op in ("Cast", "Reshape", "Transpose", "Gather", "Concat", "Where"):
            kinds = ALL
        name = self.tensor(*kinds)
        if name is None:
            return
        spec = self.specs[name]
        kind, shape = spec.type, spec.shape
        rank = len(shape)
        match op:
            case "Cast":
                to = self.pick(*ALL)
                if self.castable(name, to):
                    self.add(op, [name], TensorSpec(to, shape))
            case "Reshape":
                flat = prod(shape)
                halves = (2, flat // 2) if flat % 2 == 0 else (flat,)
                self.add(op, [name], TensorSpec(kind, self.pick((flat,), halves, (1, flat, 1))))
            case "Transpose":
                order = [0, *(1 + self.rng.permutation(rank))]
                self.add(op, [name], TensorSpec(kind, tuple(shape[a - 1] for a in order[1:])),
                         perm=[int(a) for a in order])  # fmt: skip
            case "Where":
                condition = [n for n, s in self.specs.items() if s == TensorSpec("bool", shape)]
                if condition:
                    self.add(op, [self.pick(*condition), name, self.partner(name)], spec)
            case "Gather" if rank:
                axis = int(self.rng.integers(rank))
                index = self.rng.integers(0, shape[axis], self.pick((), (2,), (2, 2)))
                constant = f"c{len(self.constants)}"
                self.constants[constant] = np.asarray(index)
                out = (*shape[:axis], *np.shape(index), *shape[axis + 1 :])
                if prod(out) <= 300 and len(out) < 6:
                    self.add(op, [name, constant], TensorSpec(kind, out), axis=axis + 1)
            case "Concat" if rank and prod(shape) < 150:
                axis = int(self.rng.integers(rank))
                out = (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :])
                self.add(op, [name, name], TensorSpec(kind, out), axis=axis + 1)
            case "ArgMax" if rank:
                axis = int(self.rng.integers(rank))
                keep = int(self.rng.integers(2))
                out = (*shape[:axis], *((1,) * keep), *shape[axis + 1 :])
                self.add(op, [name], TensorSpec("int64", out), axis=axis + 1, keepdims=keep,
                         select_last_index=int(self.rng.integers(2)))  # fmt: skip
            case "Softmax" | "LogSoftmax" if rank:
                self.add(op, [name], spec, axis=int(self.rng.integers(rank)) + 1)
            case _ if rule:
                count = self._operands(op)
                inputs = [name, *(self.partner(name) for _ in range(count - 1))]
                if op == "Clip":  # limits that cross mean another thing to each version of numpy
                    inputs = [name, *(self._limit(spec, high) for high in (False, True))]
                self.add(op, inputs, TensorSpec(rule.result or kind, shape))

    def whole(self, name: str) -> str:
        """A tensor as int64: its numbers in quarters, or what they are less than."""
        spec = self.specs[name]
        if spec.type in REALS and not np.isfinite(self.values[name]).all():
            limit = self.constant(spec.type, spec.shape)
            name = self.add("Less", [name, limit], TensorSpec("bool", spec.shape))
        elif spec.type in REALS:
            limits = []
            for value in (-1e6, 1e6):
                limits.append(f"c{len(self.constants)}")
                self.constants[limits[-1]] = np.asarray(value, spec.type)
            name = self.add("Clip", [name, *limits], spec)
            name = self.add("Round", [self.add("Add", [name, name], spec)], spec)
        return self.add("Cast", [name], TensorSpec("int64", spec.shape))

    def part(self, row: str, name: str, spec: TensorSpec) -> None:
        """A tensor of a given name, of numbers out of a row."""
        index = f"c{len(self.constants)}"
        size = self.specs[row].shape[0]
        self.constants[index] = np.resize(self.rng.permutation(size), spec.shape)
        self.add("Gather", [row, index], spec, axis=1, name=name)

    def program(self, inputs: Iterable[str], outputs: Iterable[str]) -> Side:
        """What was written, with samples and answers."""
        inputs, outputs = list(inputs), list(outputs)
        made = HostProgram(
            {name: self.specs[name] for name in inputs},
            {name: self.specs[name] for name in outputs}, self.constants, tuple(self.steps),
        )  # fmt: skip
        return made, *({n: self.values[n] for n in names} for names in (inputs, outputs))

    def _operands(self, op: str) -> int:
        if op in ("Max", "Min"):
            return int(self.rng.integers(1, 4))
        binary = ("Add", "Sub", "Mul", "Div", "GreaterOrEqual", "Greater", "LessOrEqual", "Less")
        return 2 if op in binary else 1

    def _limit(self, spec: TensorSpec, high: bool) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(
            5 if high else 1 if spec.type == "uint8" else -4, spec.type
        )
        return name


Side = tuple[HostProgram, dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]
# Names that mean something in C, in a comment, or in a shell.
NETWORK_INPUTS = {
    "real": TensorSpec("float32", (2, 3, 4)), "wide": TensorSpec("float64", (3, 4)),
    "NULL": TensorSpec("int64", (3, 4)), "int": TensorSpec("int32", (4, 1, 2)),
    "*/ \n#error": TensorSpec("uint8", (6,)), "null": TensorSpec("int8", (2, 2)),
    'α"\\??/': TensorSpec("bool", (3, 4)), "real ": TensorSpec("float32", ()),
}  # fmt: skip


def random_before(
    rng: np.random.Generator, outputs: Mapping[str, TensorSpec], *, steps: int = 40
) -> Side:
    """A side in front: from inputs of every type to whole numbers, of which each is an output.

    Returns:
        The program, samples [BATCH, ...], and what numpy makes of them.
    """
    writer = ProgramWriter(rng, inexact=False)
    for name, spec in NETWORK_INPUTS.items():
        writer.input(name, spec.type, spec.shape)
    while len(writer.steps) < steps:
        writer.step()
    ends = [n for n in writer.specs if n not in writer.used]
    for name in ends:
        writer.whole(name)
    flat = [n for n in writer.specs if n not in writer.used]
    sizes = [prod(writer.specs[n].shape) for n in flat]
    # One long row of them all: the ports then take parts of it.
    rows = [writer.add("Reshape", [n], TensorSpec("int64", (s,))) for n, s in zip(flat, sizes)]
    row = writer.add("Concat", rows, TensorSpec("int64", (sum(sizes),)), axis=1)
    for name, spec in outputs.items():
        writer.part(row, name, spec)
    return writer.program(NETWORK_INPUTS, outputs)


def random_after(
    rng: np.random.Generator, inputs: Mapping[str, TensorSpec], *, steps: int = 40,
    inexact: bool = False,
) -> Side:  # fmt: skip
    """A side behind: from whole numbers to tensors of every type, of which each is an output."""
    writer = ProgramWriter(rng, inexact=inexact)
    for name, spec in inputs.items():
        writer.input(name, spec.type, spec.shape)
        for kind in ALL:
            if writer.castable(name, kind):
                cast = writer.add("Cast", [name], TensorSpec(kind, spec.shape))
                if kind in REALS:
                    factor = writer.constant(kind, spec.shape)
                    writer.add("Mul", [cast, factor], writer.specs[cast])
    while len(writer.steps) < steps:
        writer.step()
    ends = [s.output for s in writer.steps if s.output not in writer.used]
    return writer.program(inputs, ends)
