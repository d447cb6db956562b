"""Which channels and neurons can only be removed together, and a network without some of them.

Every output channel of a dense or convolution layer gets a number, and every element of every
tensor carries the number of the channel that it belongs to. What a layer does to the elements it
does to their numbers, so that flattening, permuting and concatenating need no rules about offsets.
An addition gives its two sides the same numbers; a depthwise convolution hands on those of its
input.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn

from fpgacomp.compress.constraints import KEPT, SHARED
from fpgacomp.compress.trainable import (
    AddTensors,
    ConcatTensors,
    PermuteTensor,
    ReshapeTensor,
    ScaleTensor,
    example_input,
    input_shape,
    weight_layers,
)
from fpgacomp.compress.trainable.modules import ACTIVATIONS
from fpgacomp.compress.trainable.outputs import JoinOutputs

Numbers = npt.NDArray[np.int64]  # a channel's number for every element of a sample

POINTWISE = (*ACTIVATIONS, nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
SPATIAL = (
    nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d, nn.Upsample, nn.ConstantPad1d, nn.ConstantPad2d, nn.ZeroPad1d,
    nn.ZeroPad2d,
)  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """Channels that can only be removed together, because an addition joins them.

    Args:
        number: the number that all their elements carry.
        makers: layer name and output channel, for each of the dense and convolution layers that
            compute one of these channels.
    """

    number: int
    makers: tuple[tuple[str, int], ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that compute these channels, sorted."""
        return tuple(sorted({layer for layer, _ in self.makers}))


@dataclass(frozen=True)
class Channels:
    """The channels of a network, as numbers at the inputs and outputs of its layers.

    Args:
        inputs: by layer name, the number of each input channel (of a dense layer: feature).
        outputs: by layer name, the number of each output channel.
        weighted: names of the dense and convolution layers among them.
        fixed: numbers of channels that cannot be removed: the network's own inputs and outputs,
            and those that enter a layer without a rule here.
        reasons: by layer name, a sentence on the channels in front of it that cannot be removed;
            nothing is said of the network's inputs and outputs.
    """

    inputs: Mapping[str, Numbers]
    outputs: Mapping[str, Numbers]
    weighted: tuple[str, ...]
    fixed: frozenset[int]
    reasons: Mapping[str, str]

    def units(self) -> list[Unit]:
        """All units that can be removed, in the order of the first layer that computes them."""
        makers: dict[int, list[tuple[str, int]]] = {}
        for layer in self.weighted:
            for channel, number in enumerate(self.outputs[layer].tolist()):
                if number not in self.fixed:
                    makers.setdefault(number, []).append((layer, channel))
        return [Unit(number, tuple(made)) for number, made in makers.items()]

    def left(self, gone: Iterable[int]) -> Channels:
        """The channels of the network that `remove_channels` makes; their numbers stay."""
        lost = np.array(sorted(gone), np.int64)
        inputs, outputs = (
            {name: numbers[~np.isin(numbers, lost)] for name, numbers in side.items()}
            for side in (self.inputs, self.outputs)
        )
        return replace(self, inputs=inputs, outputs=outputs)


def channels_of(network: fx.GraphModule) -> Channels:
    """Follow every channel through a network of known modules."""
    return _Follower(network).follow()


def remove_channels(
    network: fx.GraphModule, gone: Iterable[int], channels: Channels
) -> fx.GraphModule:
    """Cut channels out of a copy of the network, whose layers become smaller.

    Args:
        network: a network of known modules; it is not changed.
        gone: numbers of units, none of which is fixed.
        channels: the channels of this network.
    """
    lost = np.array(sorted(gone), np.int64)
    assert not set(lost.tolist()) & channels.fixed
    smaller = copy.deepcopy(network)
    for name, module in list(smaller.named_modules()):
        if name not in channels.inputs:
            continue
        live_in = torch.from_numpy(~np.isin(channels.inputs[name], lost))
        live_out = torch.from_numpy(~np.isin(channels.outputs[name], lost))
        if live_in.all() and live_out.all():
            continue
        _cut(module, live_in, live_out)
    return smaller


def _cut(module: nn.Module, live_in: Tensor, live_out: Tensor) -> None:
    """Keep these inputs and outputs of a module."""
    match module:
        case nn.Linear():
            _slice(module, live_out, live_in)
            module.in_features, module.out_features = int(live_in.sum()), int(live_out.sum())
        case nn.Conv1d() | nn.Conv2d():
            depthwise = module.groups > 1
            _slice(module, live_out, None if depthwise else live_in)
            module.in_channels, module.out_channels = int(live_in.sum()), int(live_out.sum())
            module.groups = module.in_channels if depthwise else 1
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            for name in ("weight", "bias", "running_mean", "running_var"):
                _replace(module, name, live_out, None)
            module.num_features = int(live_out.sum())
        case ScaleTensor():
            for name in ("factor", "offset"):
                if getattr(module, name).numel() > 1:
                    _replace(module, name, live_out, None)
        case ReshapeTensor():
            module.shape = (int(live_out.sum()),)
        case _:
            raise AssertionError(f"{type(module).__name__} has no channels")


def _slice(module: nn.Module, live_out: Tensor, live_in: Tensor | None) -> None:
    for name in ("weight", KEPT, SHARED):
        _replace(module, name, live_out, live_in)
    _replace(module, "bias", live_out, None)


def _replace(module: nn.Module, name: str, live_out: Tensor, live_in: Tensor | None) -> None:
    old = getattr(module, name, None)
    if old is None:
        return
    with torch.no_grad():
        new = old[live_out] if live_in is None else old[live_out][:, live_in]
    if isinstance(old, nn.Parameter):
        new = nn.Parameter(new.clone(), requires_grad=old.requires_grad)
    if name == SHARED:
        # A value that no weight has any more leaves the codebook.
        new = torch.unique(new, return_inverse=True)[1]
    setattr(module, name, new)


class _Follower(fx.Interpreter):
    """Executes a network on channel numbers, and on values, which give the shapes."""

    def __init__(self, network: fx.GraphModule) -> None:
        super().__init__(copy.deepcopy(network).eval())
        self.shape = input_shape(network)
        self.numbers: dict[fx.Node, Numbers] = {}
        self.parent: list[int] = []
        self.inputs: dict[str, Numbers] = {}
        self.outputs: dict[str, Numbers] = {}
        self.fixed: list[int] = []
        self.reasons: dict[str, str] = {}

    def follow(self) -> Channels:
        """Execute the network once, and collect the numbers."""
        with torch.no_grad():
            self.run(example_input(self.module, batch=1))
        return Channels(
            {name: self._roots(numbers) for name, numbers in self.inputs.items()},
            {name: self._roots(numbers) for name, numbers in self.outputs.items()},
            tuple(weight_layers(self.module)),
            frozenset(self._root(number) for number in self.fixed),
            dict(self.reasons),
        )

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if n.op == "output":
            self._fix(self.numbers[n.all_input_nodes[0]])
            return value
        shape = tuple(value.shape[1:])
        if n.op == "placeholder":
            self.numbers[n] = _spread(self._fresh(shape[0]), shape)
            self._fix(self.numbers[n])
        else:
            # Of the arguments, not `all_input_nodes`: an Add or Concat may take one twice.
            parts = [self.numbers[a] for a in n.args if isinstance(a, fx.Node)]
            self.numbers[n] = self._module(str(n.target), parts, shape)
        assert self.numbers[n].shape == shape
        return value

    def _module(self, name: str, parts: list[Numbers], shape: tuple[int, ...]) -> Numbers:
        """The numbers of a module's output of this shape."""
        module, numbers = self.fetch_attr(name), parts[0]
        match module:
            case nn.Linear() | nn.Conv1d() | nn.Conv2d():
                return self._weighted(name, module, numbers, shape)
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                self._through(name, numbers)
            case ScaleTensor() if max(module.factor.numel(), module.offset.numel()) > 1:
                if _by_channel(module.factor, shape) and _by_channel(module.offset, shape):
                    self._through(name, numbers)
                else:
                    self._stay(name, numbers, "its constants differ within a channel")
            case AddTensors():
                for other in parts[1:]:
                    count = len(self.parent)
                    for pair in np.unique(numbers * count + other).tolist():
                        self._join(*divmod(pair, count))
            case ConcatTensors():
                return np.concatenate(parts, axis=module.dim - 1)
            case JoinOutputs():
                return np.concatenate([part.reshape(-1) for part in parts])
            case PermuteTensor():
                return numbers.transpose([axis - 1 for axis in module.dims[1:]])
            case nn.Flatten():
                return numbers.reshape(shape)
            case ReshapeTensor():
                self._reshaped(name, numbers, shape)
                return numbers.reshape(shape)
            case _ if isinstance(module, SPATIAL):
                return self._pooled(name, numbers, shape)
            case _ if not isinstance(module, (*POINTWISE, ScaleTensor)):
                self._stay(name, numbers, f"{type(module).__name__} is not followed")
                return _spread(self._kept(shape[0]), shape)
        return numbers

    def _weighted(
        self, name: str, module: Any, numbers: Numbers, shape: tuple[int, ...]
    ) -> Numbers:
        dense = isinstance(module, nn.Linear)
        features = self._features(name, numbers if not dense else np.moveaxis(numbers, -1, 0))
        self.inputs[name] = features
        made = self._fresh(len(module.weight))
        if type(module).__module__.startswith("brevitas"):
            # Its scales may be one per channel, of a size that the quantizer holds.
            self._stay(name, features, "it is quantized")
            self._fix(made)
        if not dense and module.groups > 1:
            if module.groups == module.in_channels == module.out_channels:
                made = features
            else:
                self._stay(name, features, f"it has {module.groups} groups of several channels")
                self._fix(made)
        self.outputs[name] = made
        return np.broadcast_to(made, shape) if dense else _spread(made, shape)

    def _features(self, name: str, numbers: Numbers) -> Numbers:
        """The number of each index of axis 0; a mixture within one index stays."""
        rows = numbers.reshape(len(numbers), -1)
        if rows.shape[1] and (rows != rows[:, :1]).any():
            self._stay(name, numbers, "channels are mixed in front of it")
        return rows[:, 0].copy()

    def _through(self, name: str, numbers: Numbers) -> None:
        self.inputs[name] = self.outputs[name] = self._features(name, numbers)

    def _pooled(self, name: str, numbers: Numbers, shape: tuple[int, ...]) -> Numbers:
        features = self._features(name, numbers)
        if len(features) != shape[0]:  # a pad of the channels themselves
            self._stay(name, numbers, "it makes channels of its own")
            features = self._kept(shape[0])
        return _spread(features, shape)

    def _reshaped(self, name: str, numbers: Numbers, shape: tuple[int, ...]) -> None:
        if len(shape) == 1:
            self.inputs[name] = self.outputs[name] = numbers.reshape(-1).copy()
        else:
            self._stay(name, numbers, f"it makes the shape {list(shape)}")

    def _stay(self, name: str, numbers: Numbers, reason: str) -> None:
        free = {self._root(n) for n in np.unique(numbers).tolist()} - {
            self._root(n) for n in self.fixed
        }
        if free:
            self.reasons[name] = f"{len(free)} channels in front of {name} stay: {reason}"
        self._fix(numbers)

    def _fix(self, numbers: Numbers) -> None:
        self.fixed.extend(np.unique(numbers).tolist())

    def _kept(self, count: int) -> Numbers:
        numbers = self._fresh(count)
        self._fix(numbers)
        return numbers

    def _fresh(self, count: int) -> Numbers:
        start = len(self.parent)
        self.parent.extend(range(start, start + count))
        return np.arange(start, start + count)

    def _root(self, number: int) -> int:
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def _join(self, one: int, two: int) -> None:
        first, second = sorted((self._root(one), self._root(two)))
        self.parent[second] = first

    def _roots(self, numbers: Numbers) -> Numbers:
        return np.array([self._root(number) for number in numbers.tolist()], np.int64)


def _spread(numbers: Numbers, shape: tuple[int, ...]) -> Numbers:
    """One number per index of axis 0, over the whole shape."""
    return np.broadcast_to(numbers.reshape(-1, *[1] * (len(shape) - 1)), shape)


def _by_channel(constant: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether a constant of `ScaleTensor` has one value, or one per index of axis 0."""
    if constant.numel() == 1:
        return True
    size = tuple(constant.shape)
    return len(size) == len(shape) and constant.numel() == size[0] == shape[0]
