"""Layers as hls4ml's firmware states them, from the tables' `params` and `layers` columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from fpgacomp.host.strict_json import read_json

# A type is written ap_fixed<16,6>, a stream's word ap_fixed<16,6>*CHANNELS*1.
_TYPE = re.compile(r"ap_(?P<u>u?)(?:fixed|int)<(?P<bits>\d{1,4})[,>]")
_WORD = re.compile(r"\*(\d{1,6})\*\d{1,6}$")
_LAYER = re.compile(r"(?P<op>\w*)\((?P<fields>.*)\)$", re.DOTALL)
# Commas inside of < > belong to a type.
_FIELD = re.compile(r"(?:[^,<]|<[^>]*>)+")
MOST_TEXT = 20_000  # characters of a design's layers
MOST = 1 << 20  # largest size of a layer that is rebuilt


@dataclass(frozen=True)
class Reported:
    """One layer of a report.

    Args:
        op: name of the layer's function in hls4ml.
        types: name -> declared C++ type or other text (in_t, weight_t, accum_t, out_t, strategy).
        sizes: name -> number (n_in, n_out, rf, n_zeros, in_width, ...).
    """

    op: str
    types: Mapping[str, str]
    sizes: Mapping[str, int]

    def bits(self, name: str) -> int | None:
        """Width of a declared type; None where the report states none."""
        found = _TYPE.match(self.types.get(name, ""))
        return int(found["bits"]) if found else None

    def saturates(self, name: str) -> bool:
        """Whether values of a declared type saturate."""
        return "AP_SAT" in self.types.get(name, "")

    @property
    def streamed(self) -> bool:
        """Whether the input is a stream of words (nnet::array<..>*n*m), not an array."""
        return "*" in self.types.get("in_t", "") or self.types.get("io") == "io_stream"

    @property
    def lanes(self) -> int:
        """Elements that arrive at once: of a stream's word, or of the whole array."""
        word = _WORD.search(self.types.get("in_t", ""))
        return int(word[1]) if word else self.sizes.get("n_in", 1)

    @property
    def pixels(self) -> int:
        """Positions of the input image."""
        return prod(self.sizes.get(axis, 1) for axis in ("in_height", "in_width"))


def of_params(op: str, text: str) -> Reported:
    """A layer from the `params` column, a JSON object.

    Raises:
        ValueError: it is not an object of names to texts and numbers of a possible size.
    """
    stated = read_json(text)
    if not isinstance(stated, dict):
        raise ValueError("params is not an object")
    types = {str(name): value for name, value in stated.items() if isinstance(value, str)}
    sizes = {str(name): value for name, value in stated.items()
             if isinstance(value, int) and not isinstance(value, bool)}  # fmt: skip
    _check(sizes)
    return Reported(op, types, sizes)


def of_text(text: str) -> Iterator[Reported]:
    """The layers of a design from the `layers` column: `in=TYPE,IO: layer(...) ; layer(...)`.

    Raises:
        ValueError: the text is not of that form.
    """
    if len(text) > MOST_TEXT:
        raise ValueError(f"layers have more than {MOST_TEXT} characters")
    head, _, rest = text.partition(": ")
    found = re.fullmatch(r"in=(.*),(io_\w+)", head)
    if not found or not rest:
        raise ValueError("layers are prose, not hls4ml's firmware")
    at, io = found[1], found[2]
    for part in rest.split(" ; "):
        layer = _LAYER.match(part.strip())
        if not layer:
            raise ValueError(f"layer {part.strip()[:40]!r} is not of the form op(...)")
        reported = _of_fields(layer["op"], layer["fields"], at, io)
        at = reported.types.get("out_t", at)
        yield reported


def _of_fields(op: str, fields: str, in_type: str, io: str) -> Reported:
    types = {"in_t": in_type, "io": io, "out_t": in_type}
    sizes: dict[str, int] = {}
    names = {"w": "weight_t", "b": "bias_t", "acc": "accum_t", "out": "out_t"}
    for field in _FIELD.findall(fields):
        name, equals, value = field.strip().partition("=")
        if equals:
            types[names.get(name, name)] = value
        elif name in ("latency", "resource"):
            types["strategy"] = name
        else:
            sizes |= _size(name)
    if "n_chan" in sizes and "kernel" in sizes:
        sizes["n_in"] = sizes["kernel"] * sizes["n_chan"]
    _check(sizes)
    return Reported(op, types, sizes)


def _size(text: str) -> dict[str, int]:
    """What a field without a name states: sizes, kernel, reuse factor, zero weights."""
    if text.isdigit():
        return {"n_in": int(text)}
    for pattern, names in _SIZES:
        if found := re.fullmatch(pattern, text):
            sizes = dict(zip(names, map(int, found.groups())))
            if "filt_width" in sizes:
                sizes["kernel"] = sizes["filt_width"] * sizes.get("filt_height", 1)
            return sizes
    return {}


_SIZES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"rf(\d+)", ("rf",)),
    (r"nz(\d+)", ("n_zeros",)),
    (r"(\d+)->(\d+)", ("n_in", "n_out")),
    (r"k(\d+)", ("filt_width",)),
    (r"k(\d+)x(\d+)", ("filt_height", "filt_width")),
    (r"(\d+)x(\d+)->(\d+)x(\d+)", ("in_width", "n_chan", "out_width", "n_out")),
    (r"(\d+)x(\d+)x(\d+)->(\d+)x(\d+)x(\d+)",
     ("in_height", "in_width", "n_chan", "out_height", "out_width", "n_out")),
    (r"(\d+)x(\d+)x(\d+)->(\d+)x(\d+)",
     ("in_height", "in_width", "n_chan", "out_height", "out_width")),
)  # fmt: skip


def _check(sizes: Mapping[str, int]) -> None:
    for name, value in sizes.items():
        if name in _BOUNDED and not 0 <= value <= MOST and not (name == "n_zeros" and value > 0):
            raise ValueError(f"{name} {value} is not within 0..{MOST}")
    if sizes.get("n_in", 1) * sizes.get("n_out", 1) > 16 * MOST:
        raise ValueError(f"a layer has more than {16 * MOST} weights")


_BOUNDED = frozenset(name for _, names in _SIZES for name in names) | {"pool_height", "pool_width"}
