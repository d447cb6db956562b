"""Split a network's layers where that saves weights, and let the network recover."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from torch import Tensor, fx, nn

from fpgacomp.compress.constraints import KEPT, SHARED
from fpgacomp.compress.distill import DistillOptions, distillation_loss
from fpgacomp.compress.factorize.low_rank import Spectrum, spectrum, split
from fpgacomp.compress.factorize.moments import input_moments
from fpgacomp.compress.factorize.options import LOW_RANK, FactorizeOptions
from fpgacomp.compress.factorize.separable import split_grouped, split_separable
from fpgacomp.compress.factorize.windows import (
    spatial_spectrum,
    split_spatial,
    split_tucker,
    tucker_spectrum,
)
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.recovery import RECOVERY, CalmEpochs, note_on_fall
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.compress.training import quality, train
from fpgacomp.compress.types import TorchLayer
from fpgacomp.data.labelled import LabelledData
from fpgacomp.errors import ModelError, UsageError

DEFAULT_RANK = 0.5
BISECTIONS = 8  # halvings of the range of energies, which find it to a 256th
# With one input channel a depthwise layer has a single kernel, and a column layer as many as the
# kernel has columns.
# The scores of K classes lie in K - 1 dimensions. A layer of a lower rank cannot tell all of them
# apart, however it is trained: at half rank it cost more than all other layers together.
ANSWERS = "computes the network's answers, which take its whole rank"
ONE_INPUT = "has one input channel: all its kernels would become alike"


def factorize(
    network: fx.GraphModule,
    data: LabelledData,
    options: FactorizeOptions,
    recipe: Recipe,
    *,
    distillation: DistillOptions | None = None,
    observer: TrainingObserver = silent,
) -> TechniqueOutcome:
    """Split layers into smaller ones, then train them on the answers of the network as it was.

    Layers are left alone, and counted, that would not get smaller, that the kind does not treat,
    or whose weights are pruned or shared. The last layer keeps its rank, too, unless the options
    name it. Layers of a lower rank start where they err least on the training samples.

    Args:
        network: a trained network of known modules; it is not changed.
        data: the smaller layers are fitted to the training split.
        options: how layers are split, and how small they get.
        recipe: how the network is trained after the split.
        distillation: how much the former network guides; None takes `recovery.RECOVERY`.
        observer: is told every epoch.

    Returns:
        An outcome whose details hold `weights_before` and `weights` of the network, and `layers`:
        of each that was split the rank, and the weights before and after.

    Raises:
        ModelError: no layer gets smaller by splitting it.
        UsageError: the options name layers that are not there.
    """
    _check_names(network, options)
    moments = _moments(network, data, options)
    if options.within is not None:
        energy = _energy_within(network, data, options, moments)
        options = replace(options, within=None, energy=energy)
    smaller, figures, left = _split(network, options, moments)
    if not figures:
        reasons = "; ".join(f"{name}: {why}" for name, why in left.items())
        raise ModelError(
            "factorize",
            f"no layer gets smaller ({reasons}).",
            "keep a lower rank, or name the layer.",
        )
    guidance = distillation or RECOVERY
    history = train(
        smaller, data, recipe,
        loss=distillation_loss(network, guidance, data, recipe),
        decided_by=[options, guidance, network], constraints=[CalmEpochs()],
        observer=observer, what="factorize",
    )  # fmt: skip
    details = {
        "layers": figures,
        "weights_before": _weights(network),
        "weights": _weights(smaller),
    }
    outcome = TechniqueOutcome(smaller, history, _notes(left), details)
    remedy = "keep more of the rank (--rank), or train longer (--epochs)"
    return outcome.with_notes(note_on_fall(network, data, outcome, remedy))


@dataclass(frozen=True)
class _Parts:
    """The layers that take the place of one.

    Args:
        layers: in the order of execution, by the word that each adds to the name of the layer.
        figures: what the outcome's details tell of the split.
    """

    layers: Mapping[str, nn.Module]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def weights(self) -> int:
        return _weights(nn.ModuleList(self.layers.values()))

    @property
    def multiplications(self) -> int:
        """Multiplications per position of the output; a layer in front of a stride has more."""
        total, positions = 0, 1
        for layer in reversed(list(self.layers.values())):
            total += _weights(layer) * positions
            positions *= prod(getattr(layer, "stride", (1,)))
        return total


Moments = Mapping[str, Tensor]  # by layer name; see `input_moments`


def _moments(network: fx.GraphModule, data: LabelledData, options: FactorizeOptions) -> Moments:
    """The moments of the layers that can get a lower rank."""
    if options.kind not in LOW_RANK:
        return {}
    layers = weight_layers(network)
    last = list(layers)[-1:]
    wanted = [n for n, layer in layers.items() if not _untreated(n, layer, options, n in last)]
    return input_moments(network, wanted, data)


def _split(
    network: fx.GraphModule, options: FactorizeOptions, moments: Moments
) -> tuple[fx.GraphModule, dict[str, dict[str, Any]], dict[str, str]]:
    """Split the layers of a copy of the network, without training.

    Returns:
        The copy, the figures of the layers that were split, and for the others the reason why not.
    """
    smaller = copy.deepcopy(network)
    figures: dict[str, dict[str, Any]] = {}
    left: dict[str, str] = {}
    layers = weight_layers(smaller)
    last = list(layers)[-1:]
    for name, layer in layers.items():
        parts = _untreated(name, layer, options, name in last) or _RULES[options.kind](
            name, layer, options, moments
        )
        before = layer.weight.numel()
        if isinstance(parts, str):
            left[name] = parts
        elif parts.weights >= before:
            left[name] = "would not get smaller"
        elif parts.multiplications >= before:
            left[name] = "would multiply more often, in front of its stride"
        else:
            _replace(smaller, name, parts.layers)
            figures[name] = {
                **parts.figures, "weights_before": before, "weights": parts.weights,
            }  # fmt: skip
    smaller.graph.lint()
    smaller.recompile()
    return smaller, figures, left


def _untreated(name: str, layer: nn.Module, options: FactorizeOptions, last: bool) -> str | None:
    """Why a layer is not split, whatever the rule of its kind would do; None where it is."""
    if name in options.leave or (isinstance(options.rank, Mapping) and name not in options.rank):
        return "left out"
    if type(layer).__module__.startswith("brevitas"):
        return "is quantized"
    if getattr(layer, KEPT, None) is not None or getattr(layer, SHARED, None) is not None:
        return "has pruned or shared weights"
    if getattr(layer, "groups", 1) > 1:
        return "has groups"
    if last and options.kind in LOW_RANK and not isinstance(options.rank, Mapping):
        return ANSWERS
    return None


def _low_rank(name: str, layer: TorchLayer, options: FactorizeOptions, moments: Moments) -> _Parts:
    found = spectrum(layer)
    rank = _rank(name, found, options)
    reduce, expand = split(layer, rank, moments[name])
    return _Parts(
        {"reduce": reduce, "expand": expand}, {"rank": rank, "full_rank": found.full_rank}
    )


def _spatial(
    name: str, layer: TorchLayer, options: FactorizeOptions, moments: Moments
) -> _Parts | str:
    if not _is_window(layer):
        return _low_rank(name, layer, options, moments)
    if not isinstance(layer, nn.Conv2d) or min(layer.kernel_size) == 1:
        return "has a window of one axis"
    if layer.in_channels == 1:
        return ONE_INPUT
    found = spatial_spectrum(layer)
    rank = _rank(name, found, options)
    column, row = split_spatial(layer, rank)
    return _Parts({"column": column, "row": row}, {"rank": rank, "full_rank": found.full_rank})


def _tucker(
    name: str, layer: TorchLayer, options: FactorizeOptions, moments: Moments
) -> _Parts | str:
    # A single input channel has nothing to reduce: what is left of Tucker-2 is the pair of svd.
    if not _is_window(layer) or layer.in_channels == 1:
        return _low_rank(name, layer, options, moments)
    found = tucker_spectrum(layer)
    ranks = _rank(name, found.inputs, options), _rank(name, found.outputs, options)
    first, core, last = split_tucker(layer, ranks)
    full = found.inputs.full_rank, found.outputs.full_rank
    return _Parts(
        {"reduce": first, "core": core, "expand": last}, {"rank": ranks, "full_rank": full}
    )


def _rank(name: str, found: Spectrum, options: FactorizeOptions) -> int:
    if options.energy is not None:
        return found.of_energy(options.energy)
    rank = options.rank[name] if isinstance(options.rank, Mapping) else options.rank
    return found.of_share(DEFAULT_RANK if rank is None else rank)


def _separable(
    name: str, layer: TorchLayer, options: FactorizeOptions, moments: Moments
) -> _Parts | str:
    if not _is_window(layer):
        return "is no k x k convolution"
    if layer.in_channels == 1:
        return ONE_INPUT
    depth, point = split_separable(layer)
    return _Parts({"depth": depth, "point": point})


def _grouped(
    name: str, layer: TorchLayer, options: FactorizeOptions, moments: Moments
) -> _Parts | str:
    if not _is_window(layer):
        return "is no k x k convolution"
    if layer.in_channels % options.groups or layer.out_channels % options.groups:
        return f"{options.groups} groups do not divide its channels"
    return _Parts({"": split_grouped(layer, options.groups)}, {"groups": options.groups})


_Rule = Callable[[str, TorchLayer, FactorizeOptions, Moments], _Parts | str]
_RULES: dict[str, _Rule] = {
    "svd": _low_rank,
    "spatial": _spatial,
    "tucker": _tucker,
    "separable": _separable,
    "grouped": _grouped,
}


def _replace(network: fx.GraphModule, name: str, layers: Mapping[str, nn.Module]) -> None:
    """Put layers in a row in the place of one. A single layer takes its name."""
    if len(layers) == 1:
        network.set_submodule(name, next(iter(layers.values())).train(network.training))
        return
    targets = {f"{name}_{part}": layer for part, layer in layers.items()}
    for target, layer in targets.items():
        network.add_submodule(target, layer.train(network.training))
    nodes = [n for n in network.graph.nodes if n.op == "call_module" and n.target == name]
    for node in nodes:
        value = node.args[0]
        with network.graph.inserting_before(node):
            for target in targets:
                value = network.graph.call_module(target, args=(value,))
        node.replace_all_uses_with(value)
        network.graph.erase_node(node)
    network.delete_submodule(name)


def _energy_within(
    network: fx.GraphModule, data: LabelledData, options: FactorizeOptions, moments: Moments
) -> float:
    """The lowest energy, to a 256th, whose untrained split keeps the validation accuracy."""
    assert options.within is not None
    floor = quality(network, data, data.validation) - options.within / 100
    least, most = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (least + most) / 2
        tried = _split(network, replace(options, within=None, energy=middle), moments)[0]
        good = quality(tried, data, data.validation) >= floor
        least, most = (least, middle) if good else (middle, most)
    return most


def _is_window(layer: TorchLayer) -> bool:
    return isinstance(layer, nn.Conv1d | nn.Conv2d) and prod(layer.kernel_size) > 1


def _check_names(network: fx.GraphModule, options: FactorizeOptions) -> None:
    layers = weight_layers(network)
    named = [*options.leave, *(options.rank if isinstance(options.rank, Mapping) else ())]
    unknown = sorted(set(named) - set(layers))
    if unknown:
        raise UsageError(
            "factorize",
            f"the network has no layer {', '.join(unknown)}.",
            f"name some of {', '.join(layers)}.",
        )


def _notes(left: Mapping[str, str]) -> tuple[str, ...]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in left.items():
        by_reason.setdefault(reason, []).append(name)
    return tuple(
        f"{len(names)} layers left alone ({reason}): {', '.join(names)}"
        for reason, names in by_reason.items()
    )


def _weights(network: nn.Module) -> int:
    kinds: Any = (nn.Linear, nn.Conv1d, nn.Conv2d)
    return sum(m.weight.numel() for m in network.modules() if isinstance(m, kinds))
