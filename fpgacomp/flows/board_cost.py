"""Pruning judged by a board's estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fpgacomp.compress.outcome import Outcome
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.compress.recipe import Recipe, TrainingObserver
from fpgacomp.data.labelled import Data
from fpgacomp.errors import UsageError
from fpgacomp.flows.networks import in_a_row, is_quantized, with_quantizers
from fpgacomp.flows.options import Options
from fpgacomp.results.estimate import Estimate

Cost = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What a network is estimated for.

    Args:
        board: a listed board's name, or the path of a board file.
        options: target, backend and bounds of the design; see `Options`.
        quantization: how a network that is still float is quantized for the estimate.
    """

    board: str
    options: Options = field(default_factory=Options)
    quantization: QuantizeOptions = field(default_factory=QuantizeOptions)


def board_cost(data: Data, hardware: Hardware) -> Cost:
    """The board's estimate of a torch network; a float one is quantized for it, untrained."""

    def cost(network: Any) -> dict[str, float]:
        figures = _estimated(network, data, hardware)
        names = ("lut", "ff", "dsp", "bram18")
        found = {name: float(figures.resources[name].value) for name in names}
        return {**found, "latency_us": float(figures.latency_us)}

    return cost


def judging_cost(network: Any, data: Data, hardware: Hardware) -> tuple[Cost, tuple[str, ...]]:
    """(the board's estimate at one pace for every network that is judged, a note on it).

    Where nothing but speed is asked for, a smaller network gets a faster design, not a
    cheaper one, and what it saves cannot be told. So it is the pace of this network, and
    the least of the board that keeps it.
    """
    target = hardware.options.target
    if target.goal == "area":
        return board_cost(data, hardware), ()
    figures = _estimated(network, data, hardware)
    if target.goal == "latency":
        kept = replace(target, goal="area", latency_us=figures.latency_us)
        pace = f"{figures.latency_us:.3g} us of latency"
    else:
        kept = replace(target, goal="area", fps=figures.frames_per_second)
        pace = f"{figures.frames_per_second:,.0f} frames per second"
    note = f"judged at {pace}, the pace of the network as it is; --fps sets another"
    options = replace(hardware.options, target=kept)
    return board_cost(data, replace(hardware, options=options)), (note,)


def _estimated(network: Any, data: Data, hardware: Hardware) -> Estimate:
    from fpgacomp.compress.quantize import to_qonnx
    from fpgacomp.flows.estimate import estimate

    if not is_quantized(network):
        network = with_quantizers(network, data, hardware.quantization)
    report = estimate(to_qonnx(network), hardware.board, options=hardware.options)
    assert report.estimate is not None
    return report.estimate


def prune_for_board(
    network: Any,
    data: Data,
    options: Any,
    recipe: Recipe,
    quantization: QuantizeOptions | None,
    hardware: Hardware | None,
    observer: TrainingObserver,
) -> Outcome:
    """Let go what the board saves most by, judged by its estimate.

    Channels go from the float network, which is quantized then; weights and digits go from
    the integers, so that the network is quantized first.
    """
    from fpgacomp.compress.prune.hardware import prune_hardware
    from fpgacomp.compress.prune.structured import ChannelOptions, prune_channels
    from fpgacomp.compress.quantize import quantize_aware

    if hardware is None:
        raise UsageError(
            "hardware-aware pruning", "has no board to judge by.", "name one (--board pynq-z2)."
        )
    chosen = quantization or hardware.quantization
    cost, pace = judging_cost(network, data, replace(hardware, quantization=chosen))
    units = options.units
    if is_quantized(network):
        units = "weights"
    elif units == "auto":
        units = _best_units(network, data, cost, options)
    if units == "channels":
        channels = ChannelOptions(
            saving=options.saving, resource=options.resource, leave=options.leave
        )
        first = prune_channels(network, data, channels, recipe, observer=observer, cost=cost)
        then = quantize_aware(first.network, data, chosen, recipe, observer=observer)
    else:
        first = Outcome(network)
        if not is_quantized(network):
            first = quantize_aware(network, data, chosen, recipe, observer=observer)
        then = prune_hardware(first.network, data, options, recipe, cost=cost, observer=observer)
    outcome = in_a_row(first, then).noted(pace)
    return replace(outcome, details={"units": units, **outcome.details})


def _best_units(network: Any, data: Data, cost: Cost, options: Any) -> str:
    """Channels or weights: where about as many weights are gone, what is the estimate?"""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.options import MagnitudeOptions
    from fpgacomp.compress.prune.structured import ChannelOptions, prune_channels

    untrained = Recipe(epochs=0)
    fewer = ChannelOptions(share=0.5, rounds=1, leave=options.leave)
    smaller = prune_channels(network, data, fewer, untrained)
    sparsity = 1 - smaller.details["weights"] / smaller.details["weights_before"]
    zeros = MagnitudeOptions(sparsity=sparsity, leave=options.leave)
    sparse = prune_magnitude(network, data, zeros, untrained)
    by_channels, by_weights = (cost(o.network)[options.resource] for o in (smaller, sparse))
    return "channels" if by_channels < by_weights else "weights"
