"""What a user asks of a quantized network: bits, kinds of scales, and which weights share one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fpgacomp.errors import FpgacompError, UsageError, raise_all

BitWidth = int | Literal["ternary"]
ScaleKind = Literal["free", "power-of-two"]
ScaleGranularity = Literal["channel", "tensor"]
RepairStep = Literal["merge", "equalize", "gptq", "bias"]  # of quantization after training

REPAIR_STEPS: tuple[RepairStep, ...] = get_args(RepairStep)
REST = "*"  # in a mapping of bits, the key for all layers that it does not name
MOST_BITS = 8
TERNARY_BITS = 2
INPUT_WIDTHS = (2, 3, 4, 5, 6, 8)  # bits of the input that a search tries; 1 rarely tells enough


@dataclass(frozen=True, kw_only=True)
class QuantizeOptions:
    """Bits and scales of a quantized network.

    Args:
        weight_bits: bits of the weights, 1 to 8. 1 means binary (-1 or 1, times a scale);
            "ternary" means -1, 0 or 1, times a scale. A mapping gives the bits by layer name,
            with "*" for the layers that it does not name.
        activation_bits: bits of the activations, 1 to 8. A mapping gives them by the name of the
            activation, or of the layer in front of it.
        first_last_bits: bits of the weights of the first and the last layer, unless a mapping
            names these layers. None treats them like the others.
        input_bits: bits of the network's input, 1 to 8.
        scale: "free" scales are any float32 numbers, and are learned in training; "power-of-two"
            scales become shifts in hardware.
        granularity: "channel" gives the weights of each output channel a scale of their own;
            "tensor" gives all weights of a layer the same one.
        narrow: whether weights lie symmetrically around zero, from -(2**(bits-1) - 1) to
            2**(bits-1) - 1, which with 2 bits is ternary. Otherwise they start one lower.

    Raises:
        UsageError: a value is out of its range; several such values are told at once.
    """

    weight_bits: BitWidth | Mapping[str, BitWidth] = 8
    activation_bits: int | Mapping[str, int] = 8
    first_last_bits: BitWidth | None = 8
    input_bits: int = 8
    scale: ScaleKind = "free"
    granularity: ScaleGranularity = "channel"
    narrow: bool = True

    def __post_init__(self) -> None:
        problems: list[FpgacompError] = []
        for where, value in _named("--weight-bits", self.weight_bits):
            problems += _check_bits(where, value, ternary=True)
        for where, value in _named("--activation-bits", self.activation_bits):
            problems += _check_bits(where, value, ternary=False)
        if self.first_last_bits is not None:
            problems += _check_bits("--first-last-bits", self.first_last_bits, ternary=True)
        problems += _check_bits("--input-bits", self.input_bits, ternary=False)
        problems += _check_choice("scale", self.scale, ("free", "power-of-two"))
        problems += _check_choice("granularity", self.granularity, ("channel", "tensor"))
        raise_all(problems)

    def weights_of(self, layers: Iterable[str]) -> dict[str, BitWidth]:
        """Weight bits by layer.

        Args:
            layers: names of the dense and convolution layers, in the order of execution.

        Raises:
            UsageError: a mapping names layers that are not there, or leaves some out.
        """
        names = list(layers)
        bits = _resolved("--weight-bits", self.weight_bits, {name: (name,) for name in names})
        named = set(self.weight_bits) if isinstance(self.weight_bits, Mapping) else set()
        if self.first_last_bits is not None and names:
            for name in {names[0], names[-1]} - named:
                bits[name] = self.first_last_bits
        return bits

    def notes_on(self, weights: Mapping[str, BitWidth]) -> tuple[str, ...]:
        """Sentences on a first and a last layer that have other weight bits than all others.

        Args:
            weights: weight bits by layer, as `weights_of` returned them; empty where a method
                does not tell them by layer.
        """
        ends, by_layer = self.first_last_bits, self.weight_bits
        named = by_layer if isinstance(by_layer, Mapping) else {REST: by_layer}
        wanted = named.get(REST, ends)
        if ends in (None, wanted):
            return ()
        same = "--first-last-bits same treats all alike"
        unnamed = [bits for layer, bits in weights.items() if layer not in named]
        if unnamed and wanted not in unnamed:
            return (
                f"no layer has {wanted} weight bits: the first and the last have {ends}; {same}",
            )
        layers = list(weights)
        kept = [layer for layer in (*layers[:1], *layers[-1:]) if layer not in named]
        if weights and not kept:
            return ()
        which = f" ({', '.join(kept)})" if kept else ""
        return (
            f"the first and the last layer{which} have {ends} weight bits unless they are named, "
            f"the others {wanted}; {same}",
        )

    def activations_of(self, places: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
        """Bits by quantized activation.

        Args:
            places: by the name of each quantized activation, the names that a mapping may use
                for it.

        Raises:
            UsageError: a mapping names activations that are not there, or leaves some out.
        """
        return _resolved("--activation-bits", self.activation_bits, places)


def repair_steps(names: Sequence[str] | None) -> tuple[RepairStep, ...]:
    """The steps of quantization after training with these names, in the order they are made.

    Args:
        names: some of "merge", "equalize", "gptq" and "bias"; None means all of them.

    Raises:
        UsageError: there is no step of a name; several such names are told at once.
    """
    wanted = REPAIR_STEPS if names is None else names
    problems: list[FpgacompError] = [
        UsageError(f"step {name}", "there is no such step.", f"use {', '.join(REPAIR_STEPS)}.")
        for name in wanted
        if name not in REPAIR_STEPS
    ]
    raise_all(problems)
    return tuple(step for step in REPAIR_STEPS if step in wanted)


def whole_bits(bits: BitWidth) -> int:
    """Number of bits that one value is stored in; a ternary value takes two."""
    return TERNARY_BITS if bits == "ternary" else int(bits)


def _named(what: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, Mapping):
        return [(f"{what} of {name}", bits) for name, bits in value.items()]
    return [(what, value)]


def _check_bits(where: str, bits: object, *, ternary: bool) -> list[FpgacompError]:
    if ternary and bits == "ternary":
        return []
    if isinstance(bits, int) and not isinstance(bits, bool) and 1 <= bits <= MOST_BITS:
        return []
    or_ternary = ', or "ternary"' if ternary else ""
    return [UsageError(where, f"is {bits!r}.", f"use 1 to {MOST_BITS}{or_ternary}.")]


def _check_choice(where: str, value: str, choices: tuple[str, ...]) -> list[FpgacompError]:
    if value in choices:
        return []
    return [UsageError(where, f"is {value!r}.", f"use {' or '.join(map(repr, choices))}.")]


def _resolved(what: str, wanted: Any, places: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What is asked for each place; where several of its names are given, the first one counts."""
    if not isinstance(wanted, Mapping):
        return dict.fromkeys(places, wanted)
    known = {name for names in places.values() for name in names} | {REST}
    problems: list[FpgacompError] = [
        UsageError(
            f"{what} of {name}",
            "there is no such layer.",
            f"use {', '.join(sorted(known))}.",
        )
        for name in wanted
        if name not in known
    ]
    found: dict[str, Any] = {}
    for place, names in places.items():
        named = [wanted[name] for name in (*names, REST) if name in wanted]
        if named:
            found[place] = named[0]
        else:
            problems.append(
                UsageError(
                    f"{what} of {names[0]}",
                    "is not given.",
                    f"name it, or give {REST!r} for all that are not named.",
                )
            )
    raise_all(problems)
    return found


@dataclass(frozen=True, kw_only=True)
class MixedOptions:
    """What a search for the bits of each layer may choose from, and what it may spend.

    Args:
        budget: what the network may cost at most, in the unit of `measure`.
        measure: "bits" counts the bits of all weights; "bops" counts operations on bits per
            sample, which is products times weight bits times activation bits. Any other name is a
            figure of the cost function, such as "lut".
        weight_choices: bits that the weights of a layer may have.
        activation_choices: bits that an activation may have.
        input_choices: bits that the network's input may have. None takes `INPUT_WIDTHS` up to the
            input bits of `base`, and these.
        trial_epochs: number of epochs that a network is trained before its loss is measured in
            the search. 0 measures untrained networks, whose losses training would partly mend.
        refinements: number of rounds in which every layer is tried one width finer and one
            coarser than chosen. 0 trusts that the losses of single layers add up.
        base: scale, granularity and narrow, and the most input bits that are tried where
            `input_choices` is None. Its other bits are not used.

    Raises:
        UsageError: a value is out of its range; several such values are told at once.
    """

    budget: float
    measure: str = "bits"
    weight_choices: tuple[BitWidth, ...] = (1, 2, 3, 4, 6, 8)
    activation_choices: tuple[int, ...] = (1, 2, 3, 4, 6, 8)
    input_choices: tuple[int, ...] | None = None
    trial_epochs: int = 0
    refinements: int = 3
    base: QuantizeOptions = field(default_factory=QuantizeOptions)

    def __post_init__(self) -> None:
        problems: list[FpgacompError] = []
        if not self.budget > 0:
            problems.append(UsageError("budget", f"is {self.budget:g}.", "use more than 0."))
        for name in ("trial_epochs", "refinements"):
            if getattr(self, name) < 0:
                where = name.replace("_", " ")
                problems.append(UsageError(where, f"is {getattr(self, name)}.", "use 0 or more."))
        for what in ("weight_choices", "activation_choices", "input_choices"):
            where, choices = what.replace("_", " "), getattr(self, what)
            if choices is None:
                continue
            if not choices:
                problems.append(UsageError(where, "has none.", "name one at least."))
            for bits in choices:
                problems += _check_bits(where, bits, ternary=what == "weight_choices")
        raise_all(problems)

    @property
    def input_widths(self) -> tuple[int, ...]:
        """Bits that the network's input may have, in rising order."""
        if self.input_choices is not None:
            return tuple(sorted(set(self.input_choices)))
        most = self.base.input_bits
        return tuple(sorted({most, *(bits for bits in INPUT_WIDTHS if bits < most)}))
