"""The arguments of `estimate_layer`, checked one by one and against each other, as a value."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from numbers import Real
from typing import Literal, NoReturn, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from fpgacomp.devices.device import Device
from fpgacomp.devices.families import FAMILIES, family_of
from fpgacomp.engines.hls4ml.limits import MAX_REUSE
from fpgacomp.engines.hls4ml.reuse_factors import resource_reuse_factors
from fpgacomp.engines.shared.release import Release, release_of
from fpgacomp.engines.shared.terms import Strategy
from fpgacomp.engines.shared.weight_stats import WeightStats, typical_stats, weight_stats
from fpgacomp.engines.stream.design import Arithmetic, Memory
from fpgacomp.errors import UsageError
from fpgacomp.ir.types import IntArray, IntType
from fpgacomp.results.estimate import Stage

LayerKind = Literal[
    "dense", "conv", "activation", "matrix", "thresholds", "window", "converter", "fifo"
]
Pair = tuple[int, int]
_Name = TypeVar("_Name", bound=str)
_MOST = 1 << 24  # largest size that is priced
_MOST_ELEMENT_BITS = 1024  # of one number: the widest that ap_int takes by default
_MOST_WEIGHT_BITS = 64
_SLOWEST_MHZ, _FASTEST_MHZ = 1e-3, 1e4
_WITH_WEIGHTS: tuple[LayerKind, ...] = ("dense", "conv", "matrix")
_WITH_REUSE: tuple[LayerKind, ...] = ("dense", "conv")
_WITH_KERNEL: tuple[LayerKind, ...] = ("conv", "window")
_OF_WORDS = ("converter", "fifo")  # their bits are those of whole words
# Argument -> what it is where nobody says it, and the kinds of layers that have it.
_OF_SOME_KINDS: Mapping[str, tuple[object, tuple[LayerKind, ...]]] = {
    "strategy": ("latency", _WITH_REUSE),
    "reuse_factor": (1, _WITH_REUSE),
    "streamed": (False, ("dense", "activation")),
    "image": ((1, 1), ("conv", "window", "matrix", "thresholds")),
    "kernel": ((1, 1), _WITH_KERNEL),
    "pe": (1, ("matrix", "thresholds")),
    "simd": (1, ("matrix", "window")),
    "memory": ("auto", ("matrix", "thresholds")),
    "arithmetic": ("lut", ("matrix",)),
    "streamed_weights": (False, ("matrix",)),
    "depth": (2, ("fifo", "thresholds")),
}


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """A layer that exists: the arguments of `estimate_layer`, which describes them.

    Args:
        stats: of the weights, or of what is known of them; None for typical ones.
        known: whether the weights themselves were given.
        kernel: (1, 1) for the kinds that have none.
        weight_type: range of the weights that were given, or of a signed type of their bits.
        device: of the part's family.
    """

    kind: LayerKind
    inputs: int
    outputs: int
    input_bits: int
    weight_bits: int
    accumulator_bits: int
    output_bits: int
    stats: WeightStats | None
    known: bool
    strategy: Strategy
    reuse_factor: int
    streamed: bool
    image: Pair
    kernel: Pair
    pe: int
    simd: int
    memory: Memory
    arithmetic: Arithmetic
    streamed_weights: bool
    depth: int
    stage: Stage
    release: Release
    clock_ns: float
    weight_type: IntType
    device: Device

    @property
    def taps(self) -> int:
        """Products that are summed up to one output."""
        return prod(self.kernel) * self.inputs

    @property
    def weights(self) -> WeightStats:
        """Statistics of the layer's weights; typical ones where nothing of them was given."""
        if self.stats is not None:
            return self.stats
        return typical_stats(self.taps, self.outputs, self.weight_bits, self.taps * self.outputs)


def layer_spec(kind: object, given: Mapping[str, object]) -> LayerSpec:
    """The layer that the arguments of `estimate_layer` describe.

    Args:
        kind: of the layer.
        given: every other argument by its name, of whatever type the caller handed over.

    Raises:
        UsageError: an argument that no layer has; it is named.
    """
    of_kind: LayerKind = _one_of("kind", kind, get_args(LayerKind))
    sizes = {name: _whole(name, given[name], most) for name, most in _limits(of_kind).items()}
    image, kernel = (_pair(name, given[name]) for name in ("image", "kernel"))
    spec = LayerSpec(
        kind=of_kind, **sizes, accumulator_bits=_accumulator_bits(given["accumulator_bits"], sizes,
        kernel), stats=None, known=given["weights"] is not None,
        strategy=_one_of("strategy", given["strategy"], get_args(Strategy)),
        streamed=_flag("streamed", given["streamed"]), image=image, kernel=kernel,
        memory=_one_of("memory", given["memory"], get_args(Memory)),
        arithmetic=_one_of("arithmetic", given["arithmetic"], get_args(Arithmetic)),
        streamed_weights=_flag("streamed_weights", given["streamed_weights"]),
        stage=_one_of("stage", given["stage"], get_args(Stage)), release=_release(given["tool"]),
        clock_ns=1e3 / _clock_mhz(given["clock_mhz"]), device=_device(given["part"]),
        weight_type=IntType.of_bits(sizes["weight_bits"], signed=True),
    )  # fmt: skip
    _check_kind(spec)
    _check_together(spec)
    return _with_weights(spec, given)


def _limits(kind: LayerKind) -> dict[str, int]:
    """The largest value of each argument that is a size."""
    bits = _MOST if kind in _OF_WORDS else _MOST_ELEMENT_BITS
    counts = ("inputs", "outputs", "reuse_factor", "pe", "simd", "depth")
    of_bits = {"input_bits": bits, "output_bits": bits, "weight_bits": _MOST_WEIGHT_BITS}
    return dict.fromkeys(counts, _MOST) | of_bits


# ------------------------------------------------------------ one argument


def _refuse(name: str, value: object, why: str, fix: str) -> NoReturn:
    told = repr(value)
    raise UsageError(f"{name} {told if len(told) <= 60 else told[:57] + '...'}", why, fix)


def _whole(name: str, value: object, most: int, least: int = 1) -> int:
    """A whole number, of Python or of numpy, within least..most."""
    try:
        if isinstance(value, (bool, np.ndarray)):  # index() takes them for numbers
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        _refuse(name, value, "is no whole number.", f"give one within {least}..{most}.")
    if not least <= number <= most:
        _refuse(name, number, f"is not within {least}..{most}.", "give its real size.")
    return number


def _pair(name: str, value: object) -> Pair:
    """Rows and columns."""
    axes = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(axes, Sequence) or isinstance(axes, str) or len(axes) != 2:
        _refuse(name, value, "is no pair of rows and columns.", "give two whole numbers.")
    rows, columns = (_whole(name, axis, _MOST) for axis in axes)
    if rows * columns > _MOST:
        _refuse(name, value, f"has more than {_MOST} elements.", "give its real size.")
    return rows, columns


def _one_of(name: str, value: object, names: tuple[_Name, ...]) -> _Name:
    for known in names:
        if isinstance(value, str) and value == known:
            return known
    _refuse(name, value, "is unknown.", f"use one of {', '.join(names)}.")


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        _refuse(name, value, "is neither True nor False.", "give one of them.")
    return bool(value)


def _release(tool: object) -> Release:
    try:
        if not isinstance(tool, str):
            raise ValueError
        return release_of(tool)
    except ValueError:
        _refuse("tool", tool, "names no release of Vivado or Vitis.", 'write it as "2023.2".')


def _clock_mhz(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        _refuse("clock_mhz", value, "is no number.", "give the clock in MHz.")
    mhz = float(value)
    if not _SLOWEST_MHZ <= mhz <= _FASTEST_MHZ:
        _refuse("clock_mhz", mhz, f"is not within {_SLOWEST_MHZ}..{_FASTEST_MHZ:.0f}.",
                "give the clock in MHz.")  # fmt: skip
    return mhz


def _device(part: object) -> Device:
    known = family_of(part) if isinstance(part, str) else None
    if known is None:
        _refuse("part", part, "is of no known family.", "name it as its vendor does.")
    return FAMILIES[known]


def _accumulator_bits(value: object, sizes: Mapping[str, int], kernel: Pair) -> int:
    """The bits of a sum that were given, or enough of them for any sum."""
    if value is not None:
        return _whole("accumulator_bits", value, _MOST_ELEMENT_BITS)
    summed = max(sizes["inputs"] * prod(kernel) - 1, 1).bit_length()
    return sizes["input_bits"] + sizes["weight_bits"] + summed


# ------------------------------------------------------------ arguments together


def _check_kind(spec: LayerSpec) -> None:
    """Refuse arguments of other kinds: an estimate that left them out would look as if it had not.

    Raises:
        UsageError: the kind has no such argument.
    """
    for name, (default, kinds) in _OF_SOME_KINDS.items():
        value = getattr(spec, name)
        if spec.kind not in kinds and value != default:
            why = f"is given for {spec.kind}, which has none: {' and '.join(kinds)} do."
            _refuse(name, value, why, "leave it out.")


def _check_together(spec: LayerSpec) -> None:
    """Refuse arguments that are possible alone, and not beside each other.

    Raises:
        UsageError: no layer has them together.
    """
    rows, columns = spec.kernel
    if spec.kind in _WITH_WEIGHTS and spec.taps * spec.outputs > _MOST:
        raise UsageError("inputs, outputs", f"have more than {_MOST} weights.", "split the layer.")
    if spec.kind in _WITH_KERNEL and (rows > spec.image[0] or columns > spec.image[1]):
        _refuse("kernel", spec.kernel, f"is larger than image {spec.image}.",
                "give the size of the image with its padding.")  # fmt: skip
    if spec.kind == "matrix" and spec.arithmetic == "dsp" and spec.device.multiplier is None:
        _refuse("arithmetic", spec.arithmetic, "is what the part lacks.", "multiply in lut.")
    _check_lanes(spec)
    if spec.kind in _WITH_REUSE:
        _check_reuse(spec)


def _check_lanes(spec: LayerSpec) -> None:
    divided = {
        "matrix": (("simd", "inputs"), ("pe", "outputs")),
        "window": (("simd", "inputs"),),
        "thresholds": (("pe", "inputs"),),
    }
    for lanes, whole in divided.get(spec.kind, ()):
        if getattr(spec, whole) % getattr(spec, lanes):
            why = f"does not divide {whole} {getattr(spec, whole)}."
            _refuse(lanes, getattr(spec, lanes), why, "choose a divisor.")


def _check_reuse(spec: LayerSpec) -> None:
    """Refuse a reuse factor that hls4ml would replace by another one, or that is never emitted."""
    given, products = spec.reuse_factor, spec.taps * spec.outputs
    most = min(products, MAX_REUSE)
    if spec.strategy == "latency":
        if given > most:
            _refuse("reuse_factor", given, f"is not within 1..{most}.", "choose one that is.")
        return
    valid = [rf for rf in resource_reuse_factors(spec.taps, spec.outputs) if rf <= most]
    if given not in valid:
        near = sorted(sorted(valid, key=lambda rf: abs(rf - given))[:2])
        why = f"is none that hls4ml keeps for {spec.taps} x {spec.outputs} weights."
        _refuse("reuse_factor", given, why, f"use {' or '.join(map(str, near))}.")


# ------------------------------------------------------------ weights


def _with_weights(spec: LayerSpec, given: Mapping[str, object]) -> LayerSpec:
    """The layer with the weights, or with the counts of them, that are given.

    Raises:
        UsageError: they are not those of this layer.
    """
    stated = [n for n in ("weights", "nonzero", "signed_digits") if given[n] is not None]
    if not stated:
        return spec
    if spec.kind not in _WITH_WEIGHTS:
        raise UsageError(stated[0], f"is given for {spec.kind}, which has no weights.", "leave it.")
    if spec.known:
        if len(stated) > 1:
            raise UsageError(stated[1], "is given beside the weights, which say it.", "leave it.")
        matrix = _matrix(spec, given["weights"])
        return replace(spec, stats=weight_stats(matrix), weight_type=IntType.of_values(matrix))
    return replace(spec, stats=_counted(spec, given["nonzero"], given["signed_digits"]))


def _matrix(spec: LayerSpec, weights: object) -> IntArray:
    """The weights as [products of an output, outputs].

    Raises:
        UsageError: they are not integers, not of the layer's shape or not of its weights' width.
    """
    shapes: list[tuple[int, ...]] = [(spec.taps, spec.outputs)]
    if spec.kind == "conv":
        shapes.append((*spec.kernel, spec.inputs, spec.outputs))
        if spec.kernel[0] == 1:
            shapes.append((spec.kernel[1], spec.inputs, spec.outputs))
    fix = f"give integers of shape {' or '.join(map(str, shapes))}."
    try:
        array: npt.NDArray[np.generic] = np.asarray(weights)
    except (ValueError, TypeError, OverflowError):
        raise UsageError("weights", "are no rectangular array.", fix) from None
    if array.shape not in shapes:
        raise UsageError("weights", f"have shape {array.shape}.", fix)
    if not np.issubdtype(array.dtype, np.integer):
        raise UsageError("weights", f"are no array of integers, but of {array.dtype}.", fix)
    low, high = int(array.min()), int(array.max())
    if not _held(low, high, spec.weight_bits, zero=bool((array == 0).any())):
        why = f"reach from {low} to {high}, which {spec.weight_bits} bits do not hold."
        raise UsageError("weights", why, "give the weight_bits of their type.")
    return array.reshape(spec.taps, spec.outputs).astype(np.int64)


def _held(low: int, high: int, bits: int, *, zero: bool) -> bool:
    """Whether int64 and a signed, an unsigned or a bipolar type of so many bits hold a range."""
    half = 1 << (bits - 1)
    if low < 0:
        return (low >= -half and high < half) or (bits == 1 and (low, high, zero) == (-1, 1, False))
    return high < min(2 * half, 1 << 63)


def _counted(spec: LayerSpec, nonzero: object, signed_digits: object) -> WeightStats:
    """Statistics of typical weights with as many nonzero weights and digits as were stated.

    Without `nonzero`, no more weights are taken as nonzero than there are digits.
    """
    count = spec.taps * spec.outputs
    least = 0
    if nonzero is not None:
        least = count = _whole("nonzero", nonzero, count, 0)
    if signed_digits is None:
        return typical_stats(spec.taps, spec.outputs, spec.weight_bits, count)
    # No two neighbours of the bits + 1 digits are nonzero.
    most = count * (spec.weight_bits // 2 + 1)
    digits = _whole("signed_digits", signed_digits, most, least)
    count = min(count, digits)
    found = typical_stats(spec.taps, spec.outputs, spec.weight_bits, count)
    adders = float(digits - count)
    typical = found.adders + sum(kind.adders for kind in found.wide.values())
    if not typical:
        return replace(found, adders=adders)
    share = adders / typical
    wide = {own: replace(kind, adders=kind.adders * share) for own, kind in found.wide.items()}
    return replace(found, adders=found.adders * share, wide=wide)
