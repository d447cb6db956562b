"""What a service takes and gives, as plain values for JSON."""

from __future__ import annotations

from typing import Any, Mapping

from ..deployment import Deployment
from ..input_range import InputRange, input_bounds
from ..program import TensorSpec


def input_ranges(deployment: Deployment) -> dict[str, InputRange | None]:
    """The range of each input, as far as it is known; none where only ONNX Runtime computes it."""
    bounds = {} if deployment.before is None else input_bounds(deployment.before)
    return {name: None if one is None else one.range for name, one in bounds.items()}


def describe(deployment: Deployment, transport: str) -> dict[str, Any]:
    """Of `GET /description`: the design, its inputs with their ranges, and its outputs.

    Args:
        transport: what computes, as people are told.
    """
    before, after = deployment.before, deployment.after
    ranges = input_ranges(deployment)
    return {
        "name": deployment.name,
        "design": deployment.identity,
        "board": deployment.board,
        "fpgacomp": deployment.version,
        "transport": transport,
        "inputs": None if before is None else {
            name: dict(tensor, range=range_values(ranges[name]))
            for name, tensor in _tensors(before.inputs).items()
        },
        "outputs": None if after is None else _tensors(after.outputs),
    }  # fmt: skip


def range_values(found: InputRange | None) -> dict[str, Any] | None:
    """A range as plain values; None where it is not known."""
    if found is None:
        return None
    return {"minimum": found.low, "maximum": found.high, "step": found.step,
            "by_channel": found.by_channel}  # fmt: skip


def told_range(found: InputRange | None) -> str:
    """A range in a sentence."""
    if found is None:
        return "Its range is not known."
    steps, channels = ("at most ", " Channels differ; these are the outermost ends.") if (
        found.by_channel
    ) else ("", "")  # fmt: skip
    ends = f"From {found.low:.9g} to {found.high:.9g} in steps of {steps}{found.step:.9g}."
    return f"{ends} What lies beyond is taken as the nearer end, and counted in clipped.{channels}"


def _tensors(specs: Mapping[str, TensorSpec]) -> dict[str, dict[str, Any]]:
    return {name: {"type": spec.type, "shape": list(spec.shape)} for name, spec in specs.items()}
