"""Where a network's activations are quantized: what each layer needs, walked back to its source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from torch import fx, nn

from fpgacomp.compress.trainable.modules import (
    ACTIVATIONS,
    AddTensors,
    ConcatTensors,
    PermuteTensor,
    ReshapeTensor,
    ScaleTensor,
)
from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
# Layers that work on integers alone.
NEEDY = (*WEIGHTED, *POOLS, AddTensors, ConcatTensors)
# What moves or drops values; integers of one scale stay integers of it.
PASSING = (
    nn.MaxPool1d, nn.MaxPool2d, nn.Flatten, nn.Upsample, nn.ConstantPad1d, nn.ConstantPad2d,
    nn.Dropout, nn.Identity, ReshapeTensor, PermuteTensor,
)  # fmt: skip
NORMALIZING = (nn.BatchNorm1d, nn.BatchNorm2d, ScaleTensor)
POSITIVE = (nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Hardsigmoid)
KNOWN = (*NEEDY, *PASSING, *NORMALIZING, *ACTIVATIONS, nn.Softmax, nn.LogSoftmax)


@dataclass(eq=False)
class TorchSite:
    """A tensor that is quantized.

    Args:
        node: that computes it.
        names: that a user may call it by, the best one first.
        signed: whether it can be negative; of the input only its data tell.
        is_input: whether it is the network's input, as it is or normalized.
        readers: nodes that read the quantized tensor rather than the float one.
    """

    node: fx.Node
    names: tuple[str, ...]
    signed: bool
    is_input: bool
    readers: set[fx.Node] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(frozen=True)
class TorchTie:
    """Sites whose integers are added or stand side by side.

    Args:
        sites: in order of execution.
        one_scale: all have the same scale; otherwise they differ by powers of two.
    """

    sites: tuple[TorchSite, ...]
    one_scale: bool


@dataclass(frozen=True)
class TorchSites:
    """All sites of a network.

    Args:
        sites: in order of execution.
        ties: which of them share a scale.
        sources: for each dense and convolution layer the sites that it reads.
    """

    sites: tuple[TorchSite, ...]
    ties: tuple[TorchTie, ...]
    sources: Mapping[str, tuple[TorchSite, ...]]


def module_of(network: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """What a node calls; None for the input and the output."""
    return network.get_submodule(str(node.target)) if node.op == "call_module" else None


def check(network: fx.GraphModule) -> None:
    """Refuse what cannot be quantized, all of it at once.

    Raises:
        UnsupportedLayer: by name, with a remedy.
    """
    problems: list[FpgacompError] = []
    calls: dict[str, int] = {}
    for node in network.graph.nodes:
        if node.op in ("placeholder", "output"):
            continue
        module, name = module_of(network, node), str(node.target)
        calls[name] = calls.get(name, 0) + 1
        problem = _problem(module, name, calls[name])
        if problem is not None:
            problems.append(problem)
    if not any(isinstance(module, WEIGHTED) for module in network.modules()):
        problems.append(UnsupportedLayer(
            "the network", "has no dense or convolution layer.", "give one that has."))  # fmt: skip
    raise_all(problems)


def _problem(module: nn.Module | None, name: str, calls: int) -> FpgacompError | None:
    if module is None:
        return UnsupportedLayer(
            name, "is no layer of a canonical network.", "read it with network.from_module."
        )
    if hasattr(module, "weight_quant") or hasattr(module, "act_quant"):
        return UnsupportedLayer(name, "is quantized already.", "start from the float network.")
    if not isinstance(module, KNOWN):
        return UnsupportedLayer(
            name,
            f"{type(module).__name__} has no quantized form.",
            "replace it by dense, convolution, pooling or activation layers.",
        )
    if isinstance(module, WEIGHTED) and calls == 2:
        return UnsupportedLayer(
            name, "is applied in several places.", "give each place a layer of its own."
        )
    if getattr(module, "padding_mode", "zeros") != "zeros":
        return UnsupportedLayer(name, "pads with other values than zero.", "pad with zeros.")
    return None


def find_sites(network: fx.GraphModule, input_signed: bool) -> TorchSites:
    """Every tensor that has to be quantized, and which of them share a scale.

    Args:
        input_signed: whether the samples have negative values.

    Raises:
        UnsupportedLayer: a Softmax with layers behind it.
    """
    return _Walk(network, input_signed).run()


class _Walk:
    def __init__(self, network: fx.GraphModule, input_signed: bool) -> None:
        self.network = network
        self.input_signed = input_signed
        self.sites: dict[fx.Node, TorchSite] = {}
        self.problems: list[FpgacompError] = []

    def run(self) -> TorchSites:
        joined: list[tuple[list[TorchSite], bool]] = []
        sources: dict[str, tuple[TorchSite, ...]] = {}
        for node in self.network.graph.nodes:
            module = module_of(self.network, node)
            if isinstance(module, NEEDY):
                adds = isinstance(module, AddTensors)
                found = [
                    s for part in node.all_input_nodes for s in self._sources(node, part, adds)
                ]
                if isinstance(module, AddTensors | ConcatTensors):
                    joined.append((found, isinstance(module, ConcatTensors)))
                if isinstance(module, WEIGHTED):
                    sources[str(node.target)] = tuple(found)
        raise_all(self.problems)
        order = {node: i for i, node in enumerate(self.network.graph.nodes)}
        sites = sorted(self.sites.values(), key=lambda site: order[site.node])
        return TorchSites(tuple(sites), tuple(_ties(joined, sites)), sources)

    def _sources(self, reader: fx.Node, node: fx.Node, adds: bool) -> Iterator[TorchSite]:
        """The sites whose integers the reader sees at this input."""
        module = module_of(self.network, node)
        if isinstance(module, ConcatTensors) or (adds and isinstance(module, AddTensors)):
            for part in node.all_input_nodes:
                yield from self._sources(node, part, adds)
        elif isinstance(module, PASSING):
            yield from self._sources(node, node.all_input_nodes[0], adds)
        else:
            site = self.sites.get(node) or self._site(node)
            site.readers.add(reader)
            yield site

    def _site(self, node: fx.Node) -> TorchSite:
        module = module_of(self.network, node)
        if isinstance(module, nn.Softmax | nn.LogSoftmax):
            self.problems.append(
                UnsupportedLayer(
                    str(node.target),
                    f"a {type(module).__name__} with layers behind it has no integer form.",
                    "remove it, or use a Sigmoid.",
                )
            )
        signed, is_input = not self._positive(node), self._is_input(node)
        site = TorchSite(node, self._names(node, is_input), signed, is_input)
        self.sites[node] = site
        return site

    def _names(self, node: fx.Node, is_input: bool) -> tuple[str, ...]:
        own = (str(node.target),) if node.op == "call_module" else ()
        if is_input:
            return ("input", *own)
        before = node
        while before.op == "call_module":
            module = module_of(self.network, before)
            if isinstance(module, WEIGHTED):
                return (*own, str(before.target)) if before is not node else own
            if isinstance(module, AddTensors | ConcatTensors):
                break
            before = before.all_input_nodes[0]
        return own

    def _positive(self, node: fx.Node) -> bool:
        module = module_of(self.network, node)
        if module is None:
            return not self.input_signed
        if isinstance(module, nn.Hardtanh) and not isinstance(module, nn.ReLU6):
            return bool(module.min_val >= 0)
        if isinstance(module, (*PASSING, *POOLS, AddTensors, ConcatTensors)):
            return all(self._positive(part) for part in node.all_input_nodes)
        return isinstance(module, POSITIVE)

    def _is_input(self, node: fx.Node) -> bool:
        if node.op == "placeholder":
            return True
        module = module_of(self.network, node)
        before = isinstance(module, (*PASSING, *NORMALIZING))
        return before and self._is_input(node.all_input_nodes[0])


def _ties(joined: list[tuple[list[TorchSite], bool]], sites: list[TorchSite]) -> list[TorchTie]:
    """Connected sites, and whether a Concat is among what connects them."""
    groups: list[tuple[set[TorchSite], bool]] = []
    for members, one_scale in joined:
        merged, strict = set(members), one_scale
        apart = []
        for group, group_strict in groups:
            if group & merged:
                merged, strict = merged | group, strict or group_strict
            else:
                apart.append((group, group_strict))
        groups = [*apart, (merged, strict)]
    order = {site: i for i, site in enumerate(sites)}
    return [
        TorchTie(tuple(sorted(group, key=lambda site: order[site])), strict)
        for group, strict in groups
        if len(group) > 1
    ]
