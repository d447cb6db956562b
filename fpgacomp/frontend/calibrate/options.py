"""What a user chooses for post-training quantization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fpgacomp.errors import FpgacompError, UsageError, raise_all

ScaleKind = Literal["power-of-two", "free"]
RangeMethod = Literal["min-max", "percentile", "mse"]


@dataclass(frozen=True, kw_only=True)
class PtqOptions:
    """Bit widths and how ranges become scales.

    Args:
        weight_bits: 1 (bipolar) to 16.
        activation_bits: 2 to 16.
        input_bits: 2 to 16.
        scale: powers of two (shifts in hardware), or any number (a multiplier).
        ranges: min-max keeps every value; percentile drops the tails of activations;
            mse takes the scale with the least squared error, of weights too.
        percentile: per cent of activation values that stay in range, with `percentile`.
        per_channel_weights: one weight scale per output channel instead of per layer.
        bias_correction: move each layer's mean quantization error into its bias.
        first_layer_bits, last_layer_bits: weight bits there, where they differ.
        asymmetric_input: allow a zero point at inputs with values below zero, where it
            makes the range tighter.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    input_bits: int = 8
    scale: ScaleKind = "power-of-two"
    ranges: RangeMethod = "mse"
    percentile: float = 99.99
    per_channel_weights: bool = True
    bias_correction: bool = True
    first_layer_bits: int | None = None
    last_layer_bits: int | None = None
    asymmetric_input: bool = False

    def __post_init__(self) -> None:
        problems: list[FpgacompError] = []
        for name, lowest in _LOWEST.items():
            bits = getattr(self, name)
            if bits is not None and not (isinstance(bits, int) and lowest <= bits <= 16):
                where = f"--{name.replace('_', '-')} {bits}"
                problems.append(UsageError(where, "is out of range.", f"choose {lowest} to 16."))
        for name, known in (("scale", _SCALES), ("ranges", _RANGES)):
            if getattr(self, name) not in known:
                value = getattr(self, name)
                problems.append(UsageError(name, f"unknown choice {value!r}.", _choose(known)))
        if not 50 < self.percentile <= 100:
            problems.append(
                UsageError("percentile", f"{self.percentile} per cent.", "choose 50 to 100.")
            )
        raise_all(problems)


_LOWEST = {
    "weight_bits": 1,
    "activation_bits": 2,
    "input_bits": 2,
    "first_layer_bits": 1,
    "last_layer_bits": 1,
}
_SCALES = ("power-of-two", "free")
_RANGES = ("min-max", "percentile", "mse")


def _choose(known: tuple[str, ...]) -> str:
    return f"choose one of {', '.join(known)}."
