"""The values that options may have: choices as literals, and texts parsed into typed values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from fpgacomp.errors import UsageError

Backend = Literal["auto", "hls4ml", "stream", "adders", "finn"]
Goal = Literal["latency", "throughput", "area"]
Io = Literal["io_parallel", "io_stream"]
Area = Literal["estimate", "yosys"]
Level = Literal["graph", "c", "hls", "rtl", "gate"]
Checks = Literal["quick", "full"]

Scale = Literal["power-of-two", "free"]
Ranges = Literal["min-max", "percentile", "mse"]
Granularity = Literal["channel", "tensor"]

QuantizeMethod = Literal["ptq", "brevitas-ptq", "qat"]
PruneMethod = Literal["magnitude", "n:m", "channels", "hardware"]
Scope = Literal["layer", "global", "board"]
Resource = Literal["lut", "dsp", "ff", "bram18"]
FactorizeKind = Literal["svd", "spatial", "tucker", "separable", "grouped"]

Bits = int | Literal["ternary"]

Value = TypeVar("Value")


def by_layer(
    text: str, option: str, parse: Callable[[str, str], Value]
) -> Value | dict[str, Value]:
    """Parse one value for all layers (`4`), or values by layer (`conv1=8,*=4`).

    Args:
        text: what the user wrote.
        option: the option's name, for the error.
        parse: reads one value from its text and the option's name.

    Returns:
        The value, or a mapping from names (of layers, or of outputs) to values.

    Raises:
        UsageError: a value that `parse` cannot read, or a name that stands there twice.
    """
    if "=" not in text:
        return parse(text, option)
    named = [part.partition("=") for part in text.split(",")]
    found: dict[str, Value] = {}
    for name, _, value in named:
        key = name.strip()
        if key in found:
            fix = f"give each name one value, as in '{key}={value.strip()}'."
            raise UsageError(option, f"{key} is named twice.", fix)
        found[key] = parse(value, option)
    return found


def bits(text: str, option: str) -> Bits:
    """Parse a width in bits, or `ternary`; raises UsageError for anything else."""
    return "ternary" if text.strip() == "ternary" else whole(text, option)


def whole(text: str, option: str) -> int:
    """Parse a whole number; raises UsageError for anything else."""
    return _number(text, option, int)


def real(text: str, option: str) -> float:
    """Parse a decimal number; raises UsageError for anything else."""
    return _number(text, option, float)


def reals(text: str, option: str) -> tuple[float, ...]:
    """Parse decimal numbers that commas separate; an empty text holds none."""
    return tuple(real(part, option) for part in text.split(",") if part.strip())


def names(text: str | None) -> tuple[str, ...]:
    """Split names that commas separate; no text holds none."""
    return tuple(name.strip() for name in text.split(",")) if text else ()


def pairs(text: str | None, option: str) -> tuple[tuple[str, str], ...]:
    """Split pairs such as `a:b,c:d`; no text holds none, half a pair raises UsageError."""
    if text is None:
        return ()
    halves = [part.partition(":") for part in text.split(",")]
    if not all(one and other for one, _, other in halves):
        raise UsageError(option, f"{text!r} is no list of pairs.", "write TEACHER:STUDENT,...")
    return tuple((one.strip(), other.strip()) for one, _, other in halves)


def n_of_m(text: str, option: str) -> tuple[int, int]:
    """Parse `2:4` into 2 and 4; raises UsageError for anything else."""
    n, _, m = text.partition(":")
    return whole(n, option), whole(m, option)


def fixed_point(text: str | None, option: str) -> tuple[int, int | None] | None:
    """Parse `8` into (8, None) and `16:6` into (16, 6): total bits and integer bits.

    Raises:
        UsageError: the text is neither.
    """
    if text is None:
        return None
    total, _, integer = text.partition(":")
    try:
        return int(total), int(integer) if integer else None
    except ValueError:
        raise UsageError(
            f"{option} {text}", "is not BITS or BITS:INTEGER.", "write for instance 8, or 16:6."
        ) from None


def file_or_share(text: str) -> str | float:
    """Parse a share of a width (`0.25`); every other text is the name of a file."""
    try:
        return float(text)
    except ValueError:
        return text


def _number(text: str, option: str, kind: Callable[[str], Value]) -> Value:
    text = text.strip()
    try:
        return kind(text)
    except ValueError:
        raise UsageError(
            option, f"{text!r} is no number.", "write one, or '*=8,conv1=4' by layer."
        ) from None
