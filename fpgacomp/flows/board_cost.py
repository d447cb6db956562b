"""Compression judged by a board's estimate: the cost function, and pruning that follows it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.prune.options import ChannelOptions, HardwareOptions, MagnitudeOptions
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.compress.recipe import Recipe, TrainingObserver
from fpgacomp.compress.types import CostFunction, TorchNetwork
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import UsageError
from fpgacomp.flows.options import Options
from fpgacomp.flows.torch_networks import chain_outcomes, insert_quantizers, is_quantized
from fpgacomp.results.estimate import Estimate


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """The board and the design that a network is estimated for.

    Args:
        board: name of a listed board, or path of a board file.
        options: target, backend and bounds of the design; see `Options`.
        quantization: how a network that is still float is quantized for the estimate.
    """

    board: str
    options: Options = field(default_factory=Options)
    quantization: QuantizeOptions = field(default_factory=QuantizeOptions)


def board_cost(data: LabelledData, hardware: Hardware) -> CostFunction:
    """Make a function that estimates what a torch network takes of a board.

    Args:
        data: a network that is still float is quantized for the estimate, without training; its
            scales are fitted to the training split.
        hardware: the board and the design.

    Returns:
        A function from a network to its lut, ff, dsp and bram18 (numbers of units), and its
        latency_us (microseconds).
    """

    def cost(network: TorchNetwork) -> dict[str, float]:
        figures = _estimate(network, data, hardware)
        names = ("lut", "ff", "dsp", "bram18")
        found = {name: float(getattr(figures, name).value) for name in names}
        return {**found, "latency_us": float(figures.latency_us)}

    return cost


def paced_cost(
    network: TorchNetwork, data: LabelledData, hardware: Hardware
) -> tuple[CostFunction, tuple[str, ...]]:
    """Make a cost function that judges every network at one pace.

    Where nothing but speed is asked for, a smaller network gets a faster design instead of a
    cheaper one, and what it saves does not show. So each network is given the least of the board
    that keeps the pace of this network. Where a pace is asked for already, that one is kept.

    Returns:
        The cost function, and the notes that tell the pace (none where the user asked for it).
    """
    target = hardware.options.target
    if target.goal == "area":
        return board_cost(data, hardware), ()
    figures = _estimate(network, data, hardware)
    if target.goal == "latency":
        kept = replace(target, goal="area", latency_us=figures.latency_us)
        pace = f"{figures.latency_us:.3g} us of latency"
    else:
        kept = replace(target, goal="area", fps=figures.frames_per_second)
        pace = f"{figures.frames_per_second:,.0f} frames per second"
    note = f"judged at {pace}, the pace of the network as it is; --fps sets another"
    options = replace(hardware.options, target=kept)
    return board_cost(data, replace(hardware, options=options)), (note,)


def _estimate(network: TorchNetwork, data: LabelledData, hardware: Hardware) -> Estimate:
    from fpgacomp.compress.quantize import to_qonnx
    from fpgacomp.flows.estimate import estimate

    if not is_quantized(network):
        network = insert_quantizers(network, data, hardware.quantization)
    report = estimate(to_qonnx(network), hardware.board, options=hardware.options)
    assert report.estimate is not None
    return report.estimate


def prune_for_board(
    network: TorchNetwork,
    data: LabelledData,
    options: HardwareOptions,
    recipe: Recipe,
    quantization: QuantizeOptions | None,
    hardware: Hardware | None,
    observer: TrainingObserver,
) -> TechniqueOutcome:
    """Remove what the board saves most by, as its estimate tells.

    Channels are removed from the float network, which is quantized afterwards. Weights and
    digits are removed from integers, so the network is quantized first.

    Args:
        network: float or quantized; of a quantized one only weights and digits are removed.
        options: how much of which resource to save.
        recipe: how each of the two trainings goes.
        quantization: the quantizers; None takes those of `hardware`.
        hardware: the board and the design.
        observer: is told every epoch.

    Returns:
        An outcome whose details begin with `units`, "channels" or "weights".

    Raises:
        UsageError: there is no board, or `options.leave` names a layer that is not there.
        ModelError, DoesNotFit: so much cannot be saved.
    """
    from fpgacomp.compress.prune.hardware import prune_hardware
    from fpgacomp.compress.prune.structured import prune_channels
    from fpgacomp.compress.quantize import quantize_aware

    if hardware is None:
        raise UsageError(
            "hardware-aware pruning", "has no board to judge by.", "name one (--board pynq-z2)."
        )
    chosen = quantization or hardware.quantization
    cost, pace = paced_cost(network, data, replace(hardware, quantization=chosen))
    units = options.units
    if is_quantized(network):
        units = "weights"
    elif units == "auto":
        units = _cheaper_units(network, data, cost, options)
    if units == "channels":
        channels = ChannelOptions(
            saving=options.saving, resource=options.resource, leave=options.leave
        )
        first = prune_channels(network, data, channels, recipe, observer=observer, cost=cost)
        then = quantize_aware(first.network, data, chosen, recipe, observer=observer)
    else:
        first = TechniqueOutcome(network)
        if not is_quantized(network):
            first = quantize_aware(network, data, chosen, recipe, observer=observer)
        then = prune_hardware(first.network, data, options, recipe, cost=cost, observer=observer)
    outcome = chain_outcomes(first, then).with_notes(pace)
    return replace(outcome, details={"units": units, **outcome.details})


def _cheaper_units(
    network: TorchNetwork, data: LabelledData, cost: CostFunction, options: HardwareOptions
) -> Literal["channels", "weights"]:
    """Compare two untrained networks with equally many weights gone: by channels, and singly."""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.structured import prune_channels

    untrained = Recipe(epochs=0)
    fewer = ChannelOptions(share=0.5, rounds=1, leave=options.leave)
    smaller = prune_channels(network, data, fewer, untrained)
    sparsity = 1 - smaller.details["weights"] / smaller.details["weights_before"]
    zeros = MagnitudeOptions(sparsity=sparsity, leave=options.leave)
    sparse = prune_magnitude(network, data, zeros, untrained)
    by_channels, by_weights = (cost(o.network)[options.resource] for o in (smaller, sparse))
    return "channels" if by_channels < by_weights else "weights"
