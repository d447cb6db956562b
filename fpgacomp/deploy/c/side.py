"""One software side as C: its steps become loops over static arrays, one sample at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from fpgacomp.deploy.c.operators import ALL, ALONG_AXIS, ELEMENTWISE, NUMBERS, REALS
from fpgacomp.deploy.c.spelling import C_TYPES, CType, numbers
from fpgacomp.deploy.c.workspace import Workspace
from fpgacomp.errors import UnsupportedLayer
from fpgacomp.ir.types import AnyArray
from fpgacomp.runtime.program import HostProgram, HostStep, TensorSpec

_REMEDY = "use the Python driver for this network, or end the network before this operator."


@dataclass(frozen=True)
class CConstant:
    """A table of numbers.

    Args:
        lines: of its initializer.
    """

    name: str
    type: CType
    size: int
    lines: Sequence[str]


@dataclass(frozen=True)
class CLoop:
    """`left` = `right` for every index i0, i1, ... below its extent.

    Args:
        title: what it computes, for a comment.
    """

    title: str
    extents: tuple[int, ...]
    left: str
    right: str


@dataclass(frozen=True)
class CCall:
    """A function of fpgacomp_ops.h and its arguments; see `CLoop`."""

    title: str
    function: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class CArray:
    """Where a tensor lies.

    Args:
        array: the C array; several tensors share it where only their shapes differ.
        type: of its elements, as numpy calls it.
        shape: of one sample.
    """

    array: str
    type: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Elements of one sample."""
        return prod(self.shape)

    @property
    def c(self) -> CType:
        """Its type in C."""
        return C_TYPES[self.type]


@dataclass(frozen=True)
class CSide:
    """A software side.

    Args:
        inputs: of the program, in order, in arrays that the caller fills.
        read: which of these are read at all.
        statements: in order.
        outputs: of the program, in order.
    """

    inputs: Mapping[str, CArray]
    read: frozenset[str]
    statements: Sequence[CLoop | CCall]
    outputs: Mapping[str, CArray]


class SideWriter:
    """Turns both software sides of a design into C.

    Args:
        workspace: which both share: they never run at the same time.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.constants: list[CConstant] = []
        self._workspace = workspace
        self._side = ""
        self._program = HostProgram({}, {}, {}, ())
        self._places: dict[str, CArray] = {}
        self._statements: list[CLoop | CCall] = []
        self._tables: dict[tuple[str, str], str] = {}

    def write(self, program: HostProgram, side: str, arrays: Mapping[str, str]) -> CSide:
        """One side in C.

        Args:
            program: what it computes.
            side: "before" or "after", for messages.
            arrays: input -> the C array that holds it; one that is missing gets a work array.

        Raises:
            UnsupportedLayer: C does not have a step, or not in this form.
        """
        self._side, self._program = side, program
        self._statements, self._places = [], {}
        self._workspace.release_all()
        roots = _roots(program)
        last = _last_reads(program, roots)
        for name, spec in program.inputs.items():
            size = self._checked_size(spec, name)
            array = arrays.get(name) or self._workspace.take(spec.type, size)
            self._places[name] = CArray(array, spec.type, tuple(spec.shape))
        inputs = dict(self._places)
        for number, step in enumerate(program.steps):
            self._checked_size(step.spec, step.op)
            dying = {
                self._places[name].array
                for name in step.inputs
                if name in self._places and last[roots.get(name, name)] == number
            }
            self._step(step, dying)
            for array in dying - {self._places[step.output].array}:
                self._workspace.release(array)
        outputs = {name: self._places[name] for name in program.outputs}
        read = {name for step in program.steps for name in step.inputs} | {*program.outputs}
        return CSide(inputs, frozenset(read), self._statements, outputs)

    def _refuse(self, step: str, why: str) -> UnsupportedLayer:
        return UnsupportedLayer(f"software.{self._side}, {step}", f"{why}.", _REMEDY)

    def _checked_size(self, spec: TensorSpec, what: str) -> int:
        if prod(spec.shape) == 0:
            raise self._refuse(what, "a tensor without elements has no array in C")
        return prod(spec.shape)

    def _step(self, step: HostStep, dying: set[str]) -> None:
        op, spec = step.op, step.spec
        if op == "Reshape":
            source = self._tensor(step, step.inputs[0])
            self._places[step.output] = CArray(source.array, source.type, tuple(spec.shape))
            self._result(step, source.type)
        elif op in ("Cast", "Transpose", "Where") or op in ELEMENTWISE:
            self._place_by_place(step, dying)
        elif op in ALONG_AXIS:
            self._along_axis(step)
        else:
            raise self._refuse(op, "C does not have this operator")

    def _result(self, step: HostStep, found: str) -> None:
        if step.spec.type != found:
            raise self._refuse(step.op, f"gives {found} where {step.spec.type} is stated")

    def _tensor(self, step: HostStep, name: str) -> CArray:
        """An operand that changes from sample to sample."""
        place = self._places.get(name)
        if place is None:
            raise self._refuse(step.op, "works on a constant")
        return place

    def _operand(self, step: HostStep, name: str) -> CArray:
        """An operand, in the rank of the result."""
        rank = len(step.spec.shape)
        if name in self._places:
            place = self._places[name]
            if len(place.shape) != rank:
                raise self._refuse(step.op, "spreads one sample's tensor over more axes")
            return place
        array = self._program.constants[name]
        shape = (1,) * (rank + 1 - array.ndim) + array.shape
        if len(shape) != rank + 1 or shape[0] != 1 or array.size == 0:
            raise self._refuse(step.op, "has a constant of another rank")
        return CArray(self._table(name, array), array.dtype.name, shape[1:])

    def _table(self, name: str, array: AnyArray) -> str:
        key = self._side, name
        if key not in self._tables:
            self._tables[key] = f"fpgacomp_table_{len(self.constants)}"
            dtype = array.dtype.name
            values = numbers(array.ravel().tolist(), dtype)
            constant = CConstant(self._tables[key], C_TYPES[dtype], array.size, values)
            self.constants.append(constant)
        return self._tables[key]

    def _output(self, step: HostStep, reusable: set[str]) -> CArray:
        """Room for a step's result: an operand's array that nobody reads later, else a new one."""
        spec = step.spec
        size = prod(spec.shape)
        array = next(iter(sorted(reusable)), None) or self._workspace.take(spec.type, size)
        self._places[step.output] = CArray(array, spec.type, tuple(spec.shape))
        return self._places[step.output]

    def _place_by_place(self, step: HostStep, dying: set[str]) -> None:
        """An operator whose result at a place depends on its operands at one place each."""
        if step.op == "Transpose":
            operands = [self._tensor(step, step.inputs[0])]
            order = [axis - 1 for axis in step.attributes["perm"][1:]]
            straight = strides_in(operands[0].shape, operands[0].shape)
            strides = [[straight[axis] for axis in order]]
        else:
            operands = [self._operand(step, name) for name in step.inputs]
            strides = [strides_in(place.shape, tuple(step.spec.shape)) for place in operands]
        function, folds = self._function(step, operands)
        whole = strides_in(tuple(step.spec.shape), tuple(step.spec.shape))
        own = {work.name for work in self._workspace.arrays()}
        # Of three operands the third is read after the result was first written.
        reusable = {
            place.array
            for place in operands[: 0 if folds and len(operands) > 2 else None]
            if place.array in dying & own and place.type == step.spec.type
            and all(s == whole for p, s in zip(operands, strides) if p.array == place.array)
        }  # fmt: skip
        result = self._output(step, reusable)
        if not folds:
            self._loop(step.op, result, function, operands, strides)
            return
        if len(operands) == 1:
            self._loop(step.op, result, "", operands, strides)
        for number in range(1, len(operands)):
            left, at = (operands[0], strides[0]) if number == 1 else (result, whole)
            self._loop(step.op, result, function, [left, operands[number]], [at, strides[number]])

    def _function(self, step: HostStep, operands: Sequence[CArray]) -> tuple[str, bool]:
        """The function of a step, "" for a copy; whether it folds its operands."""
        types = [place.type for place in operands]
        if step.op == "Cast":
            return f"fpgacomp_cast_{C_TYPES[types[0]].short}_{C_TYPES[step.spec.type].short}", False
        if step.op == "Transpose":
            self._result(step, types[0])
            return "", False
        if step.op == "Where":
            condition, *types = types
            if condition != "bool" or len({*types}) != 1 or len(types) != 2:
                raise self._refuse("Where", "chooses between two types")
            self._result(step, types[0])
            return f"fpgacomp_where_{C_TYPES[types[0]].short}", False
        rule = ELEMENTWISE[step.op]
        if len({*types}) != 1 or types[0] not in rule.types:
            raise self._refuse(step.op, f"works on {', '.join(sorted({*types}))}")
        self._result(step, rule.result or types[0])
        return f"fpgacomp_{rule.function}_{C_TYPES[types[0]].short}", rule.folds

    def _loop(
        self, title: str, result: CArray, function: str, operands: Sequence[CArray],
        strides: Sequence[Sequence[int]],
    ) -> None:  # fmt: skip
        whole = strides_in(result.shape, result.shape)
        extents, (at, *others) = collapsed(result.shape, [whole, *strides])
        reads = [f"{p.array}[{index_of(s)}]" for p, s in zip(operands, others)]
        right = f"{function}({', '.join(reads)})" if function else reads[0]
        self._statements.append(CLoop(title, extents, f"{result.array}[{index_of(at)}]", right))

    def _along_axis(self, step: HostStep) -> None:
        sources = [self._tensor(step, n) for n in step.inputs[: 1 if step.op == "Gather" else None]]
        rank = len(sources[0].shape) + 1
        axis = step.attributes.get("axis", ALONG_AXIS[step.op]) % rank - 1
        if len({place.type for place in sources}) != 1:
            raise self._refuse(step.op, "works on several types")
        allowed = {"Softmax": REALS, "LogSoftmax": REALS, "ArgMax": NUMBERS}.get(step.op, ALL)
        if sources[0].type not in allowed:
            raise self._refuse(step.op, f"works on {sources[0].type}")
        self._result(step, "int64" if step.op == "ArgMax" else sources[0].type)
        result = self._output(step, set())
        short, shape = sources[0].c.short, sources[0].shape
        outer, length, inner = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
        if step.op == "Concat":
            self._concatenate(step, sources, result, outer, inner, axis)
            return
        sizes: list[object] = [outer, length, inner]
        tables: list[str] = []
        if step.op == "Gather":
            index = self._program.constants[step.inputs[1]].astype(np.int32)
            rows = _turned_rows(index, length) if outer == inner == 1 else 0
            if rows:  # a channels-last image needs no table of its pixels
                turned = CArray(result.array, result.type, (length // rows, rows))
                moves = [1, length // rows]
                self._loop(step.op, turned, "", sources, [moves])
                return
            tables = [self._table(step.inputs[1] + "\0index", index)]
            sizes.insert(2, index.size)
        if step.op == "ArgMax":
            sizes.append(int(bool(step.attributes.get("select_last_index", 0))))
        names = {"Gather": "gather", "Softmax": "softmax", "LogSoftmax": "log_softmax"}
        function = f"fpgacomp_{names.get(step.op, 'arg_max')}_{short}"
        arguments = (sources[0].array, *tables, result.array, *map(str, sizes))
        self._statements.append(CCall(step.op, function, arguments))

    def _concatenate(
        self, step: HostStep, sources: Sequence[CArray], result: CArray, outer: int, inner: int,
        axis: int,
    ) -> None:  # fmt: skip
        whole, offset = result.shape[axis] * inner, 0
        for source in sources:
            part = source.shape[axis] * inner
            sizes = map(str, (outer, part, whole, offset))
            function = f"fpgacomp_place_{source.c.short}"
            self._statements.append(CCall(step.op, function, (source.array, result.array, *sizes)))
            offset += part


def _roots(program: HostProgram) -> dict[str, str]:
    """Tensor -> the one in whose array it lies, for all that have none of their own."""
    roots: dict[str, str] = {}
    for step in program.steps:
        if step.op == "Reshape":
            roots[step.output] = roots.get(step.inputs[0], step.inputs[0])
    return roots


def _last_reads(program: HostProgram, roots: Mapping[str, str]) -> dict[str, int]:
    """Root tensor -> number of the last step that reads its array; outputs are read behind all."""
    last: dict[str, int] = {}
    for number, step in enumerate(program.steps):
        for name in step.inputs:
            last[roots.get(name, name)] = number
    for name in program.outputs:
        last[roots.get(name, name)] = len(program.steps)
    return last


def _turned_rows(index: AnyArray, size: int) -> int:
    """How many rows a matrix of `size` elements has whose transposition an index is; 0 for none."""
    if index.ndim != 1 or index.size != size or size < 4 or index[0] != 0:
        return 0
    columns = int(index[1])
    if not 1 < columns < size or size % columns:
        return 0
    turned = np.arange(size).reshape(-1, columns).T.ravel()
    return size // columns if np.array_equal(index, turned) else 0


def strides_in(shape: Sequence[int], result: Sequence[int]) -> list[int]:
    """How far an operand's element moves with each index of the result: 0 where it is spread."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(0 if length == 1 else step)
        step *= length
    return strides[::-1] if len(shape) == len(result) else []


def collapsed(
    extents: Sequence[int], strides: Sequence[Sequence[int]]
) -> tuple[tuple[int, ...], list[list[int]]]:
    """The same walk over as few indices as possible."""
    kept: list[int] = []
    moves: list[list[int]] = [[] for _ in strides]
    for axis, extent in enumerate(extents):
        if extent == 1:
            continue
        now = [s[axis] for s in strides]
        if kept and all(m[-1] == n * extent for m, n in zip(moves, now)):
            kept[-1] *= extent
            for m, n in zip(moves, now):
                m[-1] = n
        else:
            kept.append(extent)
            for m, n in zip(moves, now):
                m.append(n)
    return tuple(kept), moves


def index_of(strides: Sequence[int]) -> str:
    """The index of an element, from how far it moves with i0, i1, ..."""
    terms = [
        f"i{axis}" if stride == 1 else f"i{axis} * {stride}"
        for axis, stride in enumerate(strides)
        if stride
    ]
    return " + ".join(terms) or "0"
