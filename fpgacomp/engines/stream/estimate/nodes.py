"""FINN's nodes as their attributes state them, from finn_nodes.csv and designs.csv."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fpgacomp.host.strict_json import read_json

MOST_TEXT = 20_000  # characters of a design's layers
MOST = 1 << 20  # largest attribute that is rebuilt
_BITS = {"BINARY": 1, "BIPOLAR": 1, "TERNARY": 2}
_TYPE = re.compile(r"U?INT(\d{1,2})")
_NODE = re.compile(r"(\w+?)(?:_\d+)?\((.*)\)$", re.DOTALL)
_LETTERS = {"MW": "MW", "MH": "MH", "SIMD": "SIMD", "PE": "PE"}


class NotStated(ValueError):
    """An attribute that is needed is missing or impossible."""


@dataclass(frozen=True)
class FinnNode:
    """One node: its operator and its attributes."""

    op: str
    attributes: Mapping[str, Any]

    def size(self, name: str, default: int | None = None) -> int:
        """A whole number from 1 on.

        Raises:
            NotStated: it is missing without a default, or impossible.
        """
        value = self.attributes.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise NotStated(f"{self.op} states no {name}")
        if not 0 < value <= MOST:
            raise NotStated(f"{name} {value} of {self.op} is not within 1..{MOST}")
        return value

    def bits(self, name: str) -> int:
        """Width of a type.

        Raises:
            NotStated: it is missing or not a type.
        """
        text = str(self.attributes.get(name, ""))
        found = _TYPE.fullmatch(text)
        width = _BITS.get(text) or (int(found[1]) if found else 0)
        if not 0 < width <= 64:
            raise NotStated(f"{self.op} states no {name}")
        return width


def of_row(x: Mapping[str, str]) -> FinnNode:
    """The node of a row of finn_nodes.csv: its attributes, completed by the row's own columns.

    Raises:
        NotStated: its attributes are no object.
    """
    try:
        stated = read_json(x["attrs"] or "{}")
    except (ValueError, RecursionError) as error:
        raise NotStated("attrs is not JSON") from error
    if not isinstance(stated, dict):
        raise NotStated("attrs is not an object")
    columns = {n: float(x[n]) for n in _LETTERS if x.get(n) and n not in stated}
    names = ("inputDataType", "weightDataType", "outputDataType", "mem_mode", "ram_style")
    texts = {n: x[n] for n in names if x.get(n) and n not in stated}
    return FinnNode(x["op"], texts | columns | stated)


def of_text(text: str) -> Iterator[FinnNode]:
    """The nodes of a design from its `layers` column: `OP_0(MW784,PE=2,i=BINARY,...) ; ...`.

    Raises:
        NotStated: the text is not of that form.
    """
    if len(text) > MOST_TEXT:
        raise NotStated(f"layers have more than {MOST_TEXT} characters")
    for part in text.split(" ; "):
        found = _NODE.match(part.strip())
        if not found:
            raise NotStated("layers are prose, not FINN's nodes")
        yield FinnNode(found[1], dict(_attributes(found[2])))


def _attributes(text: str) -> Iterator[tuple[str, Any]]:
    """`MW784`, `PE=2`, `i=BINARY`, `noact=0` and a memory mode without a name."""
    names = {"i": "inputDataType", "w": "weightDataType", "o": "outputDataType",
             "noact": "noActivation", "vec": "numInputVectors"}  # fmt: skip
    for field in re.split(r",(?![^\[]*\])", text):
        name, equals, value = field.strip().partition("=")
        if equals:
            yield names.get(name, name), int(value) if value.isdigit() else value
        elif found := re.fullmatch(r"(MW|MH|SIMD|PE)(\d{1,7})", name):
            yield found[1], int(found[2])
        elif name.startswith("internal"):
            yield "mem_mode", name
