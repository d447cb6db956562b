"""Command-line values of the compression verbs as the options of their functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from fpgacomp.errors import UsageError


class Method(StrEnum):
    """How a network is quantized."""

    ptq = "ptq"
    brevitas_ptq = "brevitas-ptq"
    qat = "qat"


class Scale(StrEnum):
    """What scales may be."""

    free = "free"
    power_of_two = "power-of-two"


class Granularity(StrEnum):
    """How many weight scales a layer has."""

    channel = "channel"
    tensor = "tensor"


class Pruning(StrEnum):
    """What is removed."""

    magnitude = "magnitude"
    n_of_m = "n:m"
    channels = "channels"
    hardware = "hardware"


class Kind(StrEnum):
    """How layers are split."""

    svd = "svd"
    separable = "separable"
    grouped = "grouped"
    tucker = "tucker"
    spatial = "spatial"


class Scope(StrEnum):
    """Among which layers the least important compete."""

    layer = "layer"
    everywhere = "global"
    board = "board"


def floats(text: str, what: str) -> tuple[float, ...]:
    """`0.1,0.2` as numbers; nothing for an empty text."""
    return tuple(number(part, what, float) for part in text.split(",") if part.strip())


def recipe_of(default: Any, arguments: Mapping[str, Any]) -> Any:
    """The verb's recipe with what the command line changes."""
    names = ("epochs", "batch", "learning_rate", "seed", "threads", "checkpoint")
    given = {name: arguments[name] for name in names if arguments[name] is not None}
    return replace(default, **given)


def quantize_options(arguments: Mapping[str, Any]) -> Any:
    """Bits and scales, of the options that several verbs have."""
    from fpgacomp.compress.quantize import QuantizeOptions

    ends = arguments["first_last_bits"]
    return QuantizeOptions(
        weight_bits=numbers(arguments["weight_bits"] or "8", "--weight-bits", int),
        activation_bits=numbers(arguments["activation_bits"] or "8", "--activation-bits", int),
        first_last_bits=None if ends == "same" else number(ends, "--first-last-bits", int),
        input_bits=arguments["input_bits"],
        scale=arguments["scale"].value,
        granularity=arguments["granularity"].value,
    )


def mixed_options(arguments: Mapping[str, Any]) -> Any:
    """A search for bits per layer, where a budget is given."""
    from fpgacomp.compress.quantize import MixedOptions, QuantizeOptions

    return MixedOptions(
        budget=arguments["budget"],
        measure=arguments["measure"],
        trial_epochs=arguments["trial_epochs"],
        base=QuantizeOptions(
            input_bits=arguments["input_bits"],
            scale=arguments["scale"].value,
            granularity=arguments["granularity"].value,
        ),
    )


def hardware_of(arguments: Mapping[str, Any]) -> Any:
    """The board to estimate for; None where none is named."""
    from fpgacomp.flows.compress import Hardware
    from fpgacomp.flows.options import Options
    from fpgacomp.results.target import Target

    if arguments["board"] is None:
        return None
    fps = arguments["fps"]
    target = Target("area", fps) if fps else Target("latency")
    return Hardware(
        board=arguments["board"],
        options=Options(target=target),
        quantization=quantize_options(arguments),
    )


def prune_options(arguments: Mapping[str, Any]) -> Any:
    """The options of the pruning method; their type is the method."""
    from fpgacomp.compress.prune.options import HardwareOptions, MagnitudeOptions, NOfMOptions

    leave = names(arguments["leave"])
    share = numbers(arguments["share"], "--share", float)
    scope = {"scope": arguments["scope"].value} if arguments["scope"] else {}
    match arguments["method"]:
        case Pruning.magnitude:
            return MagnitudeOptions(sparsity=share, leave=leave, **scope)
        case Pruning.n_of_m:
            n, _, m = arguments["n_of_m"].partition(":")
            return NOfMOptions(
                n=number(n, "--n-of-m", int), m=number(m, "--n-of-m", int), leave=leave
            )
        case Pruning.hardware:
            saving = single(share, "--share")
            return HardwareOptions(saving=saving, resource=arguments["resource"], leave=leave)
        case _:
            from fpgacomp.compress.prune.options import ChannelOptions

            return ChannelOptions(share=share, leave=leave, **scope)


def student_of(text: str) -> str | float:
    """A file, or a share of the teacher's width."""
    try:
        return float(text)
    except ValueError:
        return text


def pairs(text: str | None) -> tuple[tuple[str, str], ...]:
    """`a:b,c:d` as pairs."""
    if text is None:
        return ()
    pairs = [part.partition(":") for part in text.split(",")]
    if not all(one and other for one, _, other in pairs):
        raise UsageError("--hidden", f"{text!r} is no list of pairs.", "write TEACHER:STUDENT,...")
    return tuple((one.strip(), other.strip()) for one, _, other in pairs)


def names(text: str | None) -> tuple[str, ...]:
    """`a,b` as names; none for no text."""
    return tuple(name.strip() for name in text.split(",")) if text else ()


def single(value: Any, what: str) -> Any:
    """A number that may not differ by layer."""
    if isinstance(value, Mapping):
        raise UsageError(what, "is one number for this method.", "write for instance 0.5.")
    return value


def numbers(text: str, what: str, kind: type) -> Any:
    """`4`, `ternary`, or `conv1=8,fc=ternary,*=4` as a value or a mapping."""
    if "=" not in text:
        return number(text, what, kind)
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): number(value, what, kind) for name, _, value in pairs}


def number(text: str, what: str, kind: type) -> Any:
    """`4` as a number; `ternary` where bits are asked for."""
    text = text.strip()
    if text == "ternary" and what.endswith("-bits"):
        return text
    try:
        return kind(text)
    except ValueError:
        raise UsageError(
            what, f"{text!r} is no number.", "write one, or LAYER=NUMBER,*=NUMBER by layer."
        ) from None
