"""The vocabulary of circuits: what one wire can be computed from.

    Node = ReadElement | Constant | Left | Right | Low | Addition | TernaryAddition | AtLeast
         | Compare | Choose | Clip | Count | TableLookup

A wire is the index of its node. All values are integers, of any sign; the range of each is exact
knowledge that the circuit keeps beside its nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fpgacomp.ir.types import IntType

Range = tuple[int, int]  # smallest and largest value


@dataclass(frozen=True, slots=True)
class ReadElement:
    """Element `element` of the word that the circuit reads."""

    element: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: int


@dataclass(frozen=True, slots=True)
class Left:
    """a * 2**bits."""

    a: int
    bits: int


@dataclass(frozen=True, slots=True)
class Right:
    """a / 2**bits, rounded down."""

    a: int
    bits: int


@dataclass(frozen=True, slots=True)
class Low:
    """The lowest bits of a's two's complement, as a number that is not negative."""

    a: int
    bits: int


@dataclass(frozen=True, slots=True)
class Addition:
    """a + b, or a - b."""

    a: int
    b: int
    subtract: bool


@dataclass(frozen=True, slots=True)
class TernaryAddition:
    """a + b + c, or with b, c or both subtracted: one LUT a bit where LUTs have six inputs."""

    a: int
    b: int
    c: int
    minus_b: bool
    minus_c: bool


@dataclass(frozen=True, slots=True)
class AtLeast:
    """1 where a >= threshold, else 0."""

    a: int
    threshold: int


@dataclass(frozen=True, slots=True)
class Compare:
    """1 where a >= b, else 0."""

    a: int
    b: int


@dataclass(frozen=True, slots=True)
class Choose:
    """`yes` where the condition is 1, `no` where it is 0."""

    condition: int
    yes: int
    no: int


@dataclass(frozen=True, slots=True)
class Clip:
    """a, but lo where it is less and hi where it is more."""

    a: int
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Count:
    """base + step * (number of thresholds <= a); the thresholds ascend, and each can be met."""

    a: int
    thresholds: tuple[int, ...]
    base: int
    step: int


@dataclass(frozen=True, slots=True)
class TableLookup:
    """values[a - first]: one for each integer of a's range."""

    a: int
    first: int
    values: tuple[int, ...]


Node = (
    ReadElement
    | Constant
    | Left
    | Right
    | Low
    | Addition
    | TernaryAddition
    | AtLeast
    | Compare
    | Choose
    | Clip
    | Count
    | TableLookup
)
# Nodes that are wiring: some bits of what they read, or none.
Wiring = ReadElement | Constant | Left | Right | Low


def reads(node: Node) -> tuple[int, ...]:
    """The wires that a node is computed from."""
    match node:
        case ReadElement() | Constant():
            return ()
        case Addition() | Compare():
            return (node.a, node.b)
        case TernaryAddition():
            return (node.a, node.b, node.c)
        case Choose():
            return (node.condition, node.yes, node.no)
        case _:
            return (node.a,)


@dataclass(frozen=True)
class Circuit:
    """A function from a word of integers to a word of integers.

    Args:
        inputs: range of each element of the word that it reads.
        nodes: in topological order.
        ranges: of each node's values.
        owners: name of the layer that each node works for; "" for none.
        outputs: the wires of the word that it writes.
        taps: tensor -> its wires, row-major, for the tensors that can be looked at.
    """

    inputs: tuple[IntType, ...]
    nodes: tuple[Node, ...]
    ranges: tuple[Range, ...]
    owners: tuple[str, ...]
    outputs: tuple[int, ...]
    taps: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def needed_wires(circuit: Circuit) -> set[int]:
    """The wires that an output needs; all others are there for simulation to look at."""
    needed = set(circuit.outputs)
    for wire in range(len(circuit.nodes) - 1, -1, -1):
        if wire in needed:
            needed.update(reads(circuit.nodes[wire]))
    return needed


def bits_of(span: Range) -> int:
    """Bits of a wire: 0 of a constant 0, plain binary where nothing is negative."""
    lo, hi = span
    if lo < 0:
        return max((-lo - 1).bit_length(), max(hi, 0).bit_length()) + 1
    return hi.bit_length()


def signed(span: Range) -> bool:
    """Whether a wire is two's complement."""
    return span[0] < 0
