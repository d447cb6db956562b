"""The fields of one layer's line, taken one by one as what the layer needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from fpgacomp.ir.layers import Rounding
from fpgacomp.ir.text.line import Line, Span, Stored, Value
from fpgacomp.ir.text.spell import DIGEST_DIGITS, spell_bits
from fpgacomp.ir.types import Ints, IntType


class Fields:
    """`name=value` pairs of a line; `finish` refuses what nobody took.

    Args:
        line: what errors point at.
        values: what was read.
        arrays: the companion arrays by their digest.
        rank: spatial axes of what the layer reads, for one number that stands for all.
    """

    def __init__(
        self, line: Line, values: Mapping[str, Value], arrays: Mapping[str, Ints], rank: int
    ) -> None:
        self.line = line
        self._values = dict(values)
        self._known: list[str] = []
        self._arrays = arrays
        self._rank = rank

    def finish(self) -> None:
        """Refuse a field that this kind of layer does not have."""
        if self._values:
            known = f"write only {', '.join(self._known)}." if self._known else "remove it."
            self.line.fail(f"has a field {next(iter(self._values))!r} that its layer lacks.", known)

    def has(self, name: str) -> bool:
        """Whether the line states the field."""
        self._known.append(name)
        return name in self._values

    def integer(self, name: str, default: int | None = None) -> int:
        """A number."""
        value = self._take(name, default)
        if not isinstance(value, int):
            self._misfit(name, "one integer")
        return value

    def span(self, name: str) -> Span:
        """A range `lo..hi`."""
        value = self._take(name, None)
        if not isinstance(value, Span):
            self._misfit(name, "a range such as 0..15")
        return value

    def word(self, name: str, default: str | None = None) -> str:
        """A word."""
        value = self._take(name, default)
        if not isinstance(value, str):
            self._misfit(name, "a word")
        return value

    def rounding(self) -> Rounding:
        """The rounding of a requantize line; `floor` where it states none."""
        word = self.word("rounding", Rounding.FLOOR.value)
        modes = [mode.value for mode in Rounding]
        if word not in modes:
            self.line.fail(f"has rounding={word}.", f"write one of {', '.join(modes)}.")
        return Rounding(word)

    def sizes(self, name: str, default: int | None = None) -> tuple[int, ...]:
        """One integer per spatial axis."""
        value = self._take(name, default)
        if isinstance(value, int):
            return (value,) * self._rank
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            self._misfit(name, "one integer, or one per spatial axis such as [3, 3]")
        return tuple(item for item in value if isinstance(item, int))

    def pads(self) -> tuple[tuple[int, int], ...]:
        """(before, after) per spatial axis."""
        value = self._take("pads", 0)
        if isinstance(value, int):
            return ((value, value),) * self._rank
        if not isinstance(value, list):
            self._misfit("pads", "one integer, or [before, after] per spatial axis")
        pairs = []
        for item in value:
            match item:
                case [int(before), int(after)]:
                    pairs.append((before, after))
                case _:
                    self._misfit("pads", "one integer, or [before, after] per spatial axis")
        return tuple(pairs)

    def ints(self, name: str, *, dimensions: int, default: int | None = None) -> Ints:
        """An array of so many dimensions."""
        value = self._take(name, default)
        match value:
            case int():
                values = Ints([value])
            case list():
                values = self._inline(name, value)
            case Stored():
                values = self._companion(name, value)
            case _:
                self._misfit(name, "an array")
        if len(values.shape) != dimensions:
            self.line.fail(f"has {name} of shape {list(values.shape)}.",
                           f"it has {dimensions} dimensions.")  # fmt: skip
        return values

    def _take(self, name: str, default: int | str | None) -> Value:
        if name not in self._known:
            self._known.append(name)
        if name in self._values:
            return self._values.pop(name)
        if default is None:
            self.line.fail(f"has no {name}.", f"add {name}=...")
        return default

    def _misfit(self, name: str, form: str) -> NoReturn:
        self.line.fail(f"has a {name} of another form.", f"write {form}.")

    def _inline(self, name: str, value: list[Any]) -> Ints:
        try:
            return Ints(np.array(value, dtype=np.int64))
        except ValueError:
            self.line.fail(f"has {name} whose rows differ in length.", "give each as many numbers.")

    def _companion(self, name: str, stored: Stored) -> Ints:
        found = [d for d in self._arrays if d.startswith(stored.digest)]
        if len(stored.digest) < DIGEST_DIGITS or len(found) > 1:
            self.line.fail(f"has {name} with the ambiguous digest #{stored.digest}.",
                           f"give at least {DIGEST_DIGITS} of its digits.")  # fmt: skip
        if not found:
            self.line.fail(
                f"has {name} whose digest #{stored.digest} no companion array has.",
                "give the .npz that was written with this text (`fpgacomp show --arrays`).",
            )
        values = self._arrays[found[0]]
        held = spell_bits(values.stored_type if values.array.size else IntType(0, 0))
        if (stored.bits, stored.shape) != (held, values.shape):
            self.line.fail(
                f"says that {name} is {stored.bits}{list(stored.shape)}, but the array under this "
                f"digest is {held}{list(values.shape)}.",
                "give type and shape as they are.",
            )
        return values
