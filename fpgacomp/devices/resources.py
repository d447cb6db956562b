"""The five resources of an FPGA that a design is counted in, with a value of any type for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

RESOURCE_FIELDS = ("lut", "ff", "dsp", "bram18", "uram")

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


class _Addable(Protocol):
    def __add__(self: A, other: A, /) -> A: ...


A = TypeVar("A", bound=_Addable)


@dataclass(frozen=True)
class Resources(Generic[T_co]):
    """One value for each resource: counts of an FPGA, or figures of an estimate.

    Args:
        lut: lookup tables, of as many inputs as the device's have.
        ff: flip-flops.
        dsp: DSP blocks.
        bram18: memory blocks of 18 kbit; a BRAM36 is two, and the smaller blocks of an iCE40
            are converted.
        uram: memory blocks of 288 kbit.
    """

    lut: T_co
    ff: T_co
    dsp: T_co
    bram18: T_co
    uram: T_co

    @classmethod
    def of(cls, value: Callable[[str], U]) -> Resources[U]:
        """The value of each name in `RESOURCE_FIELDS`."""
        return Resources(*(value(name) for name in RESOURCE_FIELDS))

    def __iter__(self) -> Iterator[T_co]:
        """The values in the order of `RESOURCE_FIELDS`."""
        return iter((self.lut, self.ff, self.dsp, self.bram18, self.uram))

    def items(self) -> Iterator[tuple[str, T_co]]:
        """(name, value) in the order of `RESOURCE_FIELDS`."""
        return zip(RESOURCE_FIELDS, self, strict=True)

    def __getitem__(self, name: str) -> T_co:
        """The value of one of `RESOURCE_FIELDS`.

        Raises:
            KeyError: no resource has this name.
        """
        return dict(self.items())[name]

    def map(self, change: Callable[[T_co], U]) -> Resources[U]:
        """`change` of every value."""
        return Resources(*map(change, self))

    def __add__(self: Resources[A], other: Resources[A]) -> Resources[A]:
        # Written out: a folding search adds up some hundred thousand.
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram18 + other.bram18,
            self.uram + other.uram,
        )

    def __sub__(self: Resources[float], other: Resources[float]) -> Resources[float]:
        return Resources(*(one - another for one, another in zip(self, other, strict=True)))


def counts(
    lut: float = 0, ff: float = 0, dsp: float = 0, bram18: float = 0, uram: float = 0
) -> Resources[float]:
    """Resources in plain numbers; what is not given is 0."""
    return Resources(lut, ff, dsp, bram18, uram)
