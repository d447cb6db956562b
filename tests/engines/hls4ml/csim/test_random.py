"""Random small graphs over all layers, in both io types: the emitted C++ equals the oracle.

On native integers, and on the open arbitrary-precision types that a vendor's tool would use.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from fpgacomp.engines.hls4ml.check import problems
from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.operators.dispatch import operator_of
from fpgacomp.engines.hls4ml.operators.with_lanes import LaneOperator
from fpgacomp.engines.hls4ml.operators.with_matrix import MatrixOperator
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Rounding, Tensor
from tests.support.csim_run import builders, compared
from tests.support.depth import draws

pytestmark = pytest.mark.slow


class RandomGraph(builders.GraphBuilder):
    """Grows a graph from the tensors it already has."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"random{seed}", seed)
        rank = int(self.rng.integers(0, 3))
        shape = (*self.rng.integers(3, 7, size=rank).tolist(), self.pick(1, 2, 3, 4))
        lo, hi = self.pick((0, 1), (-1, 1), (0, 7), (-8, 7), (-3, 2), (5, 9))
        bipolar = (lo, hi) == (-1, 1) and bool(self.pick(0, 1))
        self.tensors = [self.input("x", shape, lo, hi, bipolar=bipolar)]
        for i in range(int(self.rng.integers(5, 11))):
            self.grow(f"l{i}")

    def pick(self, *choices: object) -> object:  # type: ignore[override]
        return choices[int(self.rng.integers(len(choices)))]

    def grow(self, name: str) -> None:
        x: Tensor = self.pick(*self.tensors[-3:])
        if x.type.count > 64:  # sums are quantized, as in any network
            self.tensors.append(self.quantized(name, x))
            return
        rank = len(x.shape) - 1
        steps = [self.quantized, self.grow_dense, self.grow_pair, self.grow_reshape]
        steps += [self.argmax] if x.channels > 1 else []
        if rank in (1, 2):
            steps += [self.grow_conv, self.grow_conv, self.grow_pool, self.grow_upsample]
        self.tensors.append(self.pick(*steps)(name, x))

    def quantized(self, name: str, x: Tensor) -> Tensor:
        lo, hi = self.pick((0, 7), (-4, 3), (0, 1), (-2, 1), (0, 15))
        form = int(self.rng.integers(4)) if x.type.count <= 32 else int(self.rng.integers(3))
        if form == 0:
            step = self.pick(1, -1)
            count = int(self.rng.integers(1, 8))
            return self.thresholds(
                name,
                x,
                count,
                per_channel=bool(self.pick(0, 1)),
                step=step,
                base=0 if step > 0 else count,
                never=bool(self.pick(0, 1)),
            )
        if form == 1 and x.type.count > 2:
            return self.thresholds(name, x, 1, base=-1, step=2)
        if form == 3:
            return self.lookup(name, x, per_channel=bool(self.pick(0, 1)))
        return self.requantize(
            name,
            x,
            lo,
            hi,
            rounding=self.pick(*Rounding),
            per_channel=bool(self.pick(0, 1)),
            zero_point=self.pick(0, 0, 1),
        )

    def weight_range(self) -> tuple[int, int]:
        return self.pick((-2, 1), (-1, 1), (0, 1), (-7, 7), (-1, 0), (-8, 7))

    def grow_dense(self, name: str, x: Tensor) -> Tensor:
        lo, hi = self.weight_range()
        return self.dense(name, x, int(self.rng.integers(1, 6)), lo, hi)

    def window(self, x: Tensor) -> dict[str, tuple[object, ...]]:
        """Kernel, strides and pads that fit."""
        kernel, strides, pads = [], [], []
        for n in x.shape[:-1]:
            k = int(self.rng.integers(1, min(n, 3) + 1))
            kernel.append(k)
            strides.append(int(self.rng.integers(1, 4)))
            pads.append(tuple(self.rng.integers(0, k, size=2).tolist()))
        return {"kernel": tuple(kernel), "strides": tuple(strides), "pads": tuple(pads)}

    def grow_conv(self, name: str, x: Tensor) -> Tensor:
        window = self.window(x)
        spatial = zip(x.shape, window["kernel"], window["pads"])
        dilations = tuple(2 if n + sum(p) >= 2 * k - 1 and self.pick(0, 1) else 1
                          for n, k, p in spatial)  # fmt: skip
        groups = self.pick(*[g for g in (1, 2, x.channels) if x.channels % g == 0])
        n_out = groups * int(self.rng.integers(1, 3))
        lo, hi = self.weight_range()
        return self.conv(name, x, n_out, dilations=dilations, groups=groups, lo=lo, hi=hi, **window)

    def grow_pool(self, name: str, x: Tensor) -> Tensor:
        window = self.window(x)
        if self.pick(0, 1):
            return self.maxpool(name, x, **window)
        return self.sumpool(name, x, **window, scaled=bool(self.pick(0, 1)))

    def grow_upsample(self, name: str, x: Tensor) -> Tensor:
        return self.upsample(
            name, x, tuple(self.rng.integers(1, 3, size=len(x.shape) - 1).tolist())
        )

    def grow_pair(self, name: str, x: Tensor) -> Tensor:
        mates = [t for t in self.tensors if t.shape[:-1] == x.shape[:-1]]
        mate = self.pick(*mates)
        if mate.shape == x.shape and self.pick(0, 1):
            return self.add_two(name, x, mate, per_channel=bool(self.pick(0, 1)))
        return self.concat(name, x, mate, *([self.pick(*mates)] if self.pick(0, 1) else []))

    def grow_reshape(self, name: str, x: Tensor) -> Tensor:
        sizes = [n for n in range(1, x.size + 1) if x.size % n == 0 and n <= 24]
        channels = self.pick(*sizes)
        positions = x.size // channels
        return self.reshape(name, x, (channels,) if positions == 1 else (positions, channels))

    def finished(self) -> Graph:
        """All that nothing reads leaves the hardware; now and then what is read, too."""
        read = {tensor.name for layer in self.layers for tensor in layer.inputs}
        leaving = [t for t in self.tensors if t.name not in read or self.rng.random() < 0.2]
        return self.graph(*leaving)


def random_design(graph: Graph, io_type: IoType, rng: np.random.Generator) -> Hls4mlDesign:
    """A folding of each layer that hls4ml takes."""
    foldings = {}
    for layer in graph.layers:
        operator = operator_of(layer)
        if isinstance(operator, LaneOperator):
            factors = operator.reuse_factors(io_type)
            foldings[layer.name] = Hls4mlFolding("latency", int(rng.choice(factors)))
        if not isinstance(operator, MatrixOperator):
            continue
        strategy = "resource" if rng.random() < 0.5 else "latency"
        if not operator.reuse_factors(strategy, io_type):
            strategy = "latency"
        factors = operator.reuse_factors(strategy, io_type)
        pixels = layer.output.pixels
        at_once = [n for n in range(1, pixels + 1) if pixels % n == 0]
        parallel = io_type == "io_parallel" and operator.has_positions
        foldings[layer.name] = Hls4mlFolding(
            strategy, int(rng.choice(factors)), int(rng.choice(at_once)) if parallel else 1
        )
    return builders.design(graph, io_type, **foldings)


def exact(seed: int, io_type: IoType, *, open_types: bool) -> None:
    graph = RandomGraph(seed).finished()
    design = random_design(graph, io_type, np.random.default_rng(seed))
    assume(not problems(design))  # several pixels of a large layer at once can be too much
    with tempfile.TemporaryDirectory() as folder:
        outcome = compared(design, Path(folder), samples=24, open_types=open_types)
    assert outcome.first is None, str(outcome.first)


# A seed does not shrink to a smaller graph, so trying to would only compile for minutes.
RANDOM = settings(deadline=None, derandomize=True, phases=[Phase.generate],
                  suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
CASES = given(seed=st.integers(0, 2**32 - 1), io_type=st.sampled_from(["io_parallel", "io_stream"]))


@settings(RANDOM, max_examples=draws(6, 12))
@CASES
def test_random_graphs(seed: int, io_type: IoType) -> None:
    exact(seed, io_type, open_types=False)


@settings(RANDOM, max_examples=draws(1, 3))
@CASES
def test_random_graphs_on_the_open_types(seed: int, io_type: IoType) -> None:
    exact(seed, io_type, open_types=True)
