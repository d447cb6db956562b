"""One line of the text form: its tokens, and the values that they spell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple, NoReturn

import numpy as np

from fpgacomp.errors import ModelError
from fpgacomp.ir.text.spell import spell_type
from fpgacomp.ir.types import BIPOLAR, IntType

GRAMMAR = "see the grammar in docs/text-form.md"
# Bounds on what a stranger's text may ask for; all far above any network that fits an FPGA.
MOST_DIGITS = 20
MOST_DIMENSIONS = 6
MOST_ELEMENTS = 1 << 25
MOST_BITS = 62
_TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<comment>//.*) | (?P<tensor>%[A-Za-z0-9_]+)
      | (?P<digest>\#[0-9a-f]+) | (?P<number>-?[0-9]+) | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<string>"(?:[^"\\]|\\.)*") | (?P<mark>\.\.|[\[\](),=:])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """One token: what it is, and its characters."""

    kind: str
    text: str


@dataclass(frozen=True)
class Span:
    """`lo..hi`, both included."""

    lo: int
    hi: int


@dataclass(frozen=True)
class Stored:
    """An array that the companion file holds: what stores an element, shape, digest."""

    bits: str
    shape: tuple[int, ...]
    digest: str


Listed = int | list["Listed"]
Value = Listed | str | Span | Stored


class Line:
    """Reads the tokens of one line from left to right.

    Args:
        source: what errors call the text.
        number: of the line in the text, from 1.
        text: the line.
    """

    def __init__(self, source: str, number: int, text: str) -> None:
        self.where = f"{source}, line {number}"
        self._tokens = list(self._split(text))
        self._next = 0

    def fail(self, why: str, fix: str = f"{GRAMMAR}.") -> NoReturn:
        """Refuse the line: what is wrong, and what to do about it."""
        raise ModelError(self.where, why, fix)

    @property
    def is_empty(self) -> bool:
        """Whether the line holds nothing but space and comments."""
        return not self._tokens

    def peek(self) -> Token:
        """The next token; of kind "end" behind the last."""
        if self._next == len(self._tokens):
            return Token("end", "the end of the line")
        return self._tokens[self._next]

    def take(self, kind: str, what: str) -> str:
        """The characters of the next token, which must be of this kind."""
        token = self.peek()
        if token.kind != kind:
            self.fail(f"has {token.text!r} where {what} should stand.")
        self._next += 1
        return token.text

    def take_mark(self, mark: str) -> None:
        """Step over a punctuation mark, which must come next."""
        if self.peek().text != mark:
            self.fail(f"has {self.peek().text!r} where {mark!r} should stand.")
        self._next += 1

    def take_if(self, mark: str) -> bool:
        """Step over a punctuation mark if it comes next."""
        found = self.peek() == ("mark", mark)
        self._next += found
        return found

    def end(self) -> None:
        """Nothing may be left."""
        if self.peek().kind != "end":
            self.fail(f"goes on with {self.peek().text!r} where it should end.")

    def tensor(self) -> str:
        """A tensor's name."""
        return self.take("tensor", "a tensor (%name)")[1:]

    def name(self) -> str:
        """An identifier, or text between double quotes."""
        if self.peek().kind != "string":
            return self.take("word", "a name")
        text = self.take("string", "a name")
        try:
            name: str = json.loads(text)
        except ValueError:
            self.fail(f"has a badly escaped name {text}.", "escape it as in JSON.")
        return name

    def number(self) -> int:
        """An integer that 64 signed bits hold."""
        text = self.take("number", "an integer")
        if len(text) > MOST_DIGITS or not _fits_int64(int(text)):
            self.fail(f"has an integer {text[:24]} beyond 64 signed bits.",
                      "every integer of a graph fits int64.")  # fmt: skip
        return int(text)

    def shape(self) -> tuple[int, ...]:
        """A shape of at most `MOST_ELEMENTS` elements."""
        dims: list[int] = []
        self.take_mark("[")
        while not self.take_if("]"):
            if dims:
                self.take_mark(",")
            dims.append(self.number())
        limited = len(dims) <= MOST_DIMENSIONS and min(dims, default=0) >= 0
        if not limited or prod(dims) > MOST_ELEMENTS:
            self.fail(
                f"has a shape {dims} that no layer of an FPGA's has.",
                f"give at most {MOST_DIMENSIONS} sizes, none negative, and {MOST_ELEMENTS:,} "
                "elements.",
            )
        return tuple(dims)

    def type(self) -> IntType:
        """A type with its exact range."""
        word = self.take("word", "a type such as u4 or i9(-210..205)")
        full = self._full_type(word)
        if not self.take_if("("):
            return full
        span = self.span()
        self.take_mark(")")
        if span.lo > span.hi:
            self.fail(f"has an empty range {span.lo}..{span.hi}.", "write the lower end first.")
        exact = IntType(span.lo, span.hi)
        if full.bipolar or (exact.bits, exact.signed) != (full.bits, full.signed):
            self.fail(f"says {word} for the range {span.lo}..{span.hi}.",
                      f"write {spell_type(exact)}.")  # fmt: skip
        return exact

    def _full_type(self, word: str) -> IntType:
        if word == "bipolar":
            return BIPOLAR
        match = re.fullmatch(r"([ui])([0-9]{1,2})", word)
        if match is None or not 1 <= int(match[2]) <= MOST_BITS:
            self.fail(f"has {word!r} where a type should stand.",
                      f"write u1 to u{MOST_BITS}, i1 to i{MOST_BITS}, or bipolar.")  # fmt: skip
        return IntType.of_bits(int(match[2]), signed=match[1] == "i")

    def span(self) -> Span:
        """`lo..hi`."""
        lo = self.number()
        self.take_mark("..")
        return Span(lo, self.number())

    def value(self) -> Value:
        """What stands behind the `=` of a field."""
        token = self.peek()
        if token.kind == "word":
            return self._word_or_stored()
        listed = self._listed(0)
        if isinstance(listed, int) and self.take_if(".."):
            return Span(listed, self.number())
        return listed

    def _word_or_stored(self) -> str | Stored:
        word = self.take("word", "a value")
        if self.peek() != ("mark", "["):
            return word
        shape = self.shape()
        return Stored(word, shape, self.take("digest", "an array's digest (#...)")[1:])

    def _listed(self, depth: int) -> Listed:
        if not self.take_if("["):
            return self.number()
        if depth == MOST_DIMENSIONS:
            self.fail(f"has lists more than {MOST_DIMENSIONS} deep.")
        items: list[Listed] = []
        while not self.take_if("]"):
            if items:
                self.take_mark(",")
            items.append(self._listed(depth + 1))
        return items

    def _split(self, text: str) -> Iterator[Token]:
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                self.fail(f"has {text[place]!r} at column {place + 1}, which begins nothing.")
            place = match.end()
            kind = match.lastgroup or ""
            if kind not in ("space", "comment"):
                yield Token(kind, match[0])


def _fits_int64(number: int) -> bool:
    limits = np.iinfo(np.int64)
    return int(limits.min) <= number <= int(limits.max)
