"""Which tensors of a network are quantized: found from the layers that need integers."""

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
from fpgacomp.compress.trainable.outputs import JoinOutputs
from fpgacomp.errors import FpgacompError, UnsupportedLayer, raise_all

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
POOLS = (nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
# Layers whose inputs have to be integers.
NEEDY = (*WEIGHTED, *POOLS, AddTensors, ConcatTensors)
# Layers that move or drop values: integers of one scale stay integers of the same scale.
PASSING = (
    nn.MaxPool1d, nn.MaxPool2d, nn.Flatten, nn.Upsample, nn.ConstantPad1d, nn.ConstantPad2d,
    nn.Dropout, nn.Identity, ReshapeTensor, PermuteTensor,
)  # fmt: skip
NORMALIZING = (nn.BatchNorm1d, nn.BatchNorm2d, ScaleTensor)
POSITIVE = (nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Hardsigmoid)
KNOWN = (*NEEDY, *PASSING, *NORMALIZING, *ACTIVATIONS, nn.Softmax, nn.LogSoftmax, JoinOutputs)


@dataclass(eq=False)
class TorchSite:
    """A tensor that is quantized.

    Args:
        node: the node that computes it.
        names: names that a user may give bits for it by; the first is shown.
        signed: whether it can be negative. For the network's input only the data tell.
        is_input: whether it is the network's input, as it is or normalized.
        readers: nodes that read the quantized tensor instead of the float one.
    """

    node: fx.Node
    names: tuple[str, ...]
    signed: bool
    is_input: bool
    readers: set[fx.Node] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The name that is shown."""
        return self.names[0]


@dataclass(frozen=True)
class TorchTie:
    """Sites whose integers are added or concatenated, so that their scales depend on each other.

    Args:
        sites: the sites, in the order of execution.
        one_scale: whether all have the same scale; otherwise the scales differ by powers of two.
    """

    sites: tuple[TorchSite, ...]
    one_scale: bool


@dataclass(frozen=True)
class TorchSites:
    """All tensors of a network that are quantized.

    Args:
        sites: the tensors, in the order of execution.
        ties: which of their scales depend on each other.
        sources: by name of each dense and convolution layer, the tensors that it reads.
    """

    sites: tuple[TorchSite, ...]
    ties: tuple[TorchTie, ...]
    sources: Mapping[str, tuple[TorchSite, ...]]


def module_of(network: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The module that a node calls; None for the input and the output."""
    return network.get_submodule(str(node.target)) if node.op == "call_module" else None


def check(network: fx.GraphModule) -> None:
    """Refuse a network of which some layers cannot be quantized.

    Raises:
        UnsupportedLayer: a layer has no quantized form; several such layers are told at once.
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
            name,
            "is no layer of a canonical network.",
            "read it with compress.trainable.from_module.",
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
    """Find every tensor that has to be quantized, and which of their scales are tied.

    Args:
        network: a float network of known modules.
        input_signed: whether the samples have negative values.

    Raises:
        UnsupportedLayer: a Softmax has layers behind it.
    """
    return _TorchWalk(network, input_signed).run()


class _TorchWalk:
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
    """Join the sets of sites that meet; a set with a concatenation in it needs a single scale."""
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
