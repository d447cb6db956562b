"""The layers that random networks are made of; each method adds one and returns its output."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from tests.support.choices import Choices, pick, sometimes
from tests.support.network_builder import Grid, NetworkBuilder

FEATURES = frozenset(
    {
        "conv", "pool", "upsample", "residual", "concat", "multiply", "trunc", "nhwc", "sequence",
        "affine", "bipolar", "odd_scales", "per_channel", "zero_points", "rounding", "batchnorm",
        "bias", "functions", "multithreshold", "tail", "late_quantizers", "two_outputs",
    }
)  # fmt: skip
ROUNDINGS = ["ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "UP", "DOWN"]
MONOTONE = ["LeakyRelu", "PRelu", "Clip", "HardSigmoid", "Sigmoid", "Tanh", "Selu", "Elu"]
CURVED = ["Silu", "Gelu", "HardSwish"]


class Parts:
    """Layers over one builder, drawn from one source of choices."""

    def __init__(
        self, choices: Choices, features: frozenset[str], input_shape: tuple[int, ...]
    ) -> None:
        self.choices = choices
        self.features = features
        self.builder = NetworkBuilder(choices.arrays, input_shape)

    # What single numbers look like.

    def may(self, feature: str, one_in: int = 2) -> bool:
        return feature in self.features and sometimes(self.choices, one_in)

    def numbers(self, shape: tuple[int, ...], spread: float = 1.0) -> np.ndarray:
        return np.asarray(self.choices.arrays.normal(size=shape) * spread, dtype=np.float32)

    def a_scale(self) -> np.float32:
        """A float32 scale: a power of two, or any where odd scales are wanted."""
        exact = np.float32(2.0 ** -self.choices.integer(0, 4))
        if self.may("odd_scales"):
            return np.float32(exact * self.choices.arrays.uniform(0.6, 1.4))
        return exact

    def a_zero_point(self) -> float:
        return float(self.choices.integer(-1, 1)) if self.may("zero_points", 3) else 0.0

    def a_rounding(self) -> str:
        return pick(self.choices, ROUNDINGS) if self.may("rounding", 3) else "ROUND"

    def fitted(self, x: str, grid: Grid, spread: float = 1.0) -> Grid:
        exact = not self.may("odd_scales")
        return self.builder.fitted(x, grid, power_of_two=exact, spread=spread)

    # Weights.

    def weights(self, shape: tuple[int, ...], channel_axis: int) -> str:
        """A quantized weight: 1 (bipolar) to 8 bits, ternary, per tensor or per channel."""
        raw = self.numbers(shape)
        wide = tuple(n if axis == channel_axis else 1 for axis, n in enumerate(shape))
        scale: Any = self.a_scale()
        if self.may("per_channel"):
            jitter = self.choices.arrays.uniform(0.5, 1.5, wide)
            scale = (
                scale * jitter if "odd_scales" in self.features else scale * 2.0 ** np.rint(jitter)
            )
            scale = scale.astype(np.float32)
        name = self.builder.constant(raw * np.asarray(scale, np.float32) * 2)
        if self.may("bipolar", 5):
            return self.builder.bipolar(name, scale)
        bits = self.choices.integer(2, 8)
        narrow = bits == 2 or sometimes(self.choices)
        if self.may("bipolar", 8):
            bits, narrow = 1, False
        grid = Grid(scale * 4 / 2**bits, 0.0, bits, True, narrow, self.a_rounding())
        return self.builder.quant(name, grid)

    # What follows a sum of products.

    def channel_shape(self, x: str) -> tuple[int, ...]:
        """[1, C, 1, 1], [1, C, 1] or [1, C]: a per-channel constant of this tensor."""
        shape = self.builder.shape(x)
        return (1, shape[0], *(1 for _ in shape[1:]))

    def finished(self, x: str, *, grid: Grid | None = None, moves: bool = False) -> str:
        """Bias, scale, BatchNormalization, activation function and quantizer, each at times."""
        builder = self.builder
        spread = float(builder.values[x].std()) or 1.0
        if self.may("bias"):
            bias = self.numbers(self.channel_shape(x), spread / 2)
            x = builder.op("Add", x, builder.constant(bias))
        if self.may("multiply", 4):
            shape = self.channel_shape(x) if sometimes(self.choices) else ()
            x = builder.op("Mul", x, builder.constant(self.numbers(shape)))
        if self.may("batchnorm", 3):
            x = self._batch_normalization(x)
        if moves and self.may("late_quantizers", 4):
            x = self._moved(x)
        return self.activated(x, grid=grid)

    def _moved(self, x: str) -> str:
        """Pooling, upsampling or a layout change on sums that no quantizer has seen yet."""
        options = [self._layout_changed]
        if "pool" in self.features:
            options += [self.max_pool, self._averaged]
        if "upsample" in self.features and prod(self.builder.shape(x)) <= 50:
            options.append(self.upsample)
        return pick(self.choices, options)(x)

    def _layout_changed(self, x: str) -> str:
        """Scaled between two Transposes: channels last for a moment."""
        rank = len(self.builder.shape(x)) + 1
        x = self.builder.op("Transpose", x, perm=[0, *range(2, rank), 1])
        x = self.builder.op("Mul", x, self.builder.constant(self.a_scale()))
        return self.builder.op("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])

    def _averaged(self, x: str) -> str:
        counts = self.choices.integer(0, 1)
        return self.builder.op("AveragePool", x, count_include_pad=counts, **self._window(x))

    def _batch_normalization(self, x: str) -> str:
        builder = self.builder
        axes = (0, *range(2, builder.values[x].ndim))
        mean, variance = builder.values[x].mean(axis=axes), builder.values[x].var(axis=axes)
        gamma = self.numbers(mean.shape)  # as often negative as not
        constants = (gamma, self.numbers(mean.shape, 0.5), mean, variance + 1e-3)
        names = (builder.constant(c) for c in constants)
        return builder.op("BatchNormalization", x, *names, epsilon=1e-5)

    def activated(self, x: str, *, grid: Grid | None = None) -> str:
        """An activation function at times, and the quantizer."""
        builder = self.builder
        if grid is None and self.may("bipolar", 6):
            return builder.bipolar(x, self.a_scale())
        if grid is None and self.may("multithreshold", 6):
            return self._multi_threshold(x)
        function = pick(self.choices, ["Relu", "none"])
        if self.may("functions"):
            function = pick(self.choices, MONOTONE + CURVED)
        if function != "none":
            x = self._function(x, function)
            if self.may("late_quantizers", 5):
                x = self._behind_the_function(x)
        if grid is not None:
            return builder.quant(x, grid)
        return builder.quant(x, self._activation_grid(x))

    def _behind_the_function(self, x: str) -> str:
        """What may stand between a function and its quantizer: scales, BatchNormalization."""
        options = [lambda y: self.builder.op("Mul", y, self.builder.constant(self.a_scale()))]
        if "functions" in self.features:
            options.append(lambda y: self._function(y, "Clip"))
        if "batchnorm" in self.features:
            options.append(self._batch_normalization)
        return pick(self.choices, options)(x)

    def _activation_grid(self, x: str) -> Grid:
        positive = bool(self.builder.values[x].min() >= 0) and not sometimes(self.choices, 6)
        bits = self.choices.integer(1 if positive else 2, 8)
        narrow = sometimes(self.choices, 4) and bits > 1
        zero = 0.0 if bits == 1 else self.a_zero_point()
        if self.may("zero_points", 4) and bits > 2:
            low = 0 if positive else -(1 << (bits - 1))
            zero = float(self.choices.integer(low + 1, low + (1 << bits) - 2))
        grid = Grid(1.0, zero, bits, not positive, narrow, self.a_rounding())
        return self.fitted(x, grid)

    def _function(self, x: str, kind: str) -> str:
        builder, choices = self.builder, self.choices
        size = float(np.abs(builder.values[x]).max()) or 1.0
        if kind not in ("Relu", "LeakyRelu", "PRelu", "Clip") and size > 6:
            x = builder.op("Mul", x, builder.constant(np.float32(4 / size)))
        match kind:
            case "LeakyRelu":
                return builder.op(kind, x, alpha=pick(choices, [0.125, 0.01, 0.3]))
            case "PRelu":
                slope = np.abs(self.numbers(self.channel_shape(x)[1:], 0.3))
                return builder.op(kind, x, builder.constant(slope))
            case "Clip":
                low = pick(choices, [-1.0, 0.0, -0.37]) * size / 2
                return builder.op(kind, x, builder.constant(low), builder.constant(size / 2))
            case "HardSigmoid":
                return builder.op(kind, x, alpha=pick(choices, [0.25, 0.2, 1 / 6]), beta=0.5)
            case _:
                return builder.op(kind, x)

    def _multi_threshold(self, x: str) -> str:
        rows = self.builder.shape(x)[0] if sometimes(self.choices) else 1
        count = (1 << self.choices.integer(1, 3)) - 1
        spread = float(self.builder.values[x].std()) or 1.0
        thresholds = np.sort(self.numbers((rows, count), spread), axis=1)
        affine = pick(self.choices, [(1.0, 0.0), (0.25, 0.0), (0.5, -1.0)])
        output = self.builder.op(
            "MultiThreshold", x, self.builder.constant(thresholds), out_dtype="UINT4",
            out_scale=affine[0], out_bias=affine[1],
            data_layout={1: "NC", 2: "NCW", 3: "NCHW"}[len(self.builder.shape(x))],
        )  # fmt: skip
        self.builder.grids[output] = Grid(affine[0], -affine[1] / affine[0], 4, False)
        return output

    # Layers.

    def dense_layer(self, x: str) -> str:
        x = self.as_vector(x)
        shape = (self.builder.shape(x)[0], self.choices.integer(1, 8))
        return self.finished(self.builder.op("MatMul", x, self.weights(shape, 1)))

    def dense_over_steps(self, x: str) -> str:
        """A MatMul at every step of a sequence: channels last in between."""
        x = self.builder.same_grid("Transpose", x, perm=[0, 2, 1])
        shape = (self.builder.shape(x)[-1], self.choices.integer(1, 6))
        x = self.builder.op("MatMul", x, self.weights(shape, 1))
        x = self.builder.op("Transpose", x, perm=[0, 2, 1])
        return self.finished(x)

    def conv_layer(self, x: str) -> str:
        return self.finished(self.convolved(x), moves=True)

    def convolved(self, x: str, *, same: bool = False, channels: int | None = None) -> str:
        """Conv with stride, dilation, asymmetric pads and groups; `same` keeps the shape."""
        choices, (c_in, *spatial) = self.choices, self.builder.shape(x)
        kernel = [choices.integer(1, min(3, n)) for n in spatial]
        dilations = [
            choices.integer(1, 2) if 2 * (k - 1) < n else 1 for k, n in zip(kernel, spatial)
        ]
        strides = [1 if same else choices.integer(1, 2) for _ in spatial]
        extent = [d * (k - 1) for k, d in zip(kernel, dilations)]
        if same:
            pads = [e // 2 for e in extent] + [e - e // 2 for e in extent]
        else:
            pads = [choices.integer(0, e) for e in extent + extent]
        groups = pick(choices, [1, c_in, *(g for g in (2,) if c_in % g == 0)])
        c_out = channels or groups * choices.integer(1, 4 if groups == 1 else 2)
        if c_out % groups:
            groups = 1
        shape = (c_out, c_in // groups, *kernel)
        return self.builder.op(
            "Conv", x, self.weights(shape, 0), kernel_shape=kernel, strides=strides, pads=pads,
            dilations=dilations, group=groups,
        )  # fmt: skip

    def max_pool(self, x: str) -> str:
        return self.builder.same_grid("MaxPool", x, **self._window(x))

    def average_pool(self, x: str) -> str:
        """AveragePool, then a quantizer, a Trunc (as Brevitas does), or nothing."""
        window = self._window(x)
        counts = self.choices.integer(0, 1)
        out = self.builder.op("AveragePool", x, count_include_pad=counts, **window)
        if self.may("trunc", 3) and (counts or not any(window["pads"])):
            taps = prod(window["kernel_shape"])
            out = self.builder.op("Mul", out, self.builder.constant(float(taps)))
            if x in self.builder.grids and np.ndim(self.builder.grids[x].scale) == 0:
                return self._truncated(out, self.builder.grids[x])
        return out if sometimes(self.choices, 3) else self.activated(out)

    def _window(self, x: str) -> dict[str, list[int]]:
        spatial = self.builder.shape(x)[1:]
        kernel = [self.choices.integer(1, min(3, n)) for n in spatial]
        strides = [self.choices.integer(1, k) for k in kernel]
        pads = [0] * (2 * len(kernel))
        if sometimes(self.choices):
            pads = [self.choices.integer(0, k - 1) for k in kernel + kernel]
        return {"kernel_shape": kernel, "strides": strides, "pads": pads}

    def upsample(self, x: str) -> str:
        rank = len(self.builder.shape(x)) - 1
        factors = [self.choices.integer(1, 2) for _ in range(rank)]
        scales = self.builder.constant([1, 1, *factors])
        empty = self.builder.constant([])
        return self.builder.same_grid(
            "Resize", x, empty, scales, mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip

    def residual(self, x: str) -> str:
        """x + f(x), on equal scales, on simple ratios of scales, or on any two."""
        if len(self.builder.shape(x)) > 1:
            inner = self.convolved(x, same=True, channels=self.builder.shape(x)[0])
        else:
            size = self.builder.shape(x)[0]
            inner = self.builder.op("MatMul", x, self.weights((size, size), 1))
        if self.may("late_quantizers", 4):  # a sum of products goes into the addition as it is
            return self.activated(self.builder.op("Add", x, inner))
        grid = self.builder.grids.get(x)
        ratio = pick(self.choices, [1.0, 2.0, 0.5, 1.5, 2 / 3, 0.0])
        plain = grid is not None and np.ndim(grid.scale) == 0 and grid.bits > 1 and ratio
        if plain and (ratio in (1.0, 2.0, 0.5) or "odd_scales" in self.features):
            scale = np.float32(grid.scale * ratio)
            inner = self.finished(inner, grid=replace(grid, scale=scale, bits=4, zero_point=0.0))
        else:
            inner = self.finished(inner)
        return self.activated(self.builder.op("Add", x, inner))

    def concat(self, x: str) -> str:
        """Branches on one grid, joined along the channels; x itself may be one of them."""
        image = len(self.builder.shape(x)) > 1
        grid = self.builder.grids.get(x)
        plain = grid is not None and np.ndim(grid.scale) == 0 and grid.bits > 1
        branches = [x] if plain and sometimes(self.choices) else []
        if not plain:
            grid = Grid(self.a_scale(), 0.0, 4)
        for _ in range(2 if not branches else 1):
            channels = self.choices.integer(1, 3)
            if image:
                inner = self.convolved(x, same=True, channels=channels)
            else:
                inner = self.builder.op(
                    "MatMul", x, self.weights((self.builder.shape(x)[0], channels), 1)
                )
            branches.append(self.finished(inner, grid=grid))
        output = self.builder.op("Concat", *branches, axis=1)
        self.builder.grids[output] = grid
        return output

    def multiply(self, x: str) -> str:
        """Mul by a constant, scalar or per channel, and a quantizer."""
        shape = self.channel_shape(x) if sometimes(self.choices) else ()
        factor = np.float32(2.0) if "odd_scales" not in self.features else self.numbers(shape)
        return self.activated(self.builder.op("Mul", x, self.builder.constant(factor)))

    def per_channel_quantizer(self, x: str) -> str:
        """A Quant with one scale per channel, and a layer that keeps channels apart behind it."""
        grid = self.fitted(x, Grid(bits=self.choices.integer(2, 6)))
        steps = self.choices.arrays.integers(-1, 2, self.channel_shape(x))
        x = self.builder.quant(x, replace(grid, scale=np.float32(grid.scale * 2.0**steps)))
        if len(self.builder.shape(x)) > 1:
            channels = self.builder.shape(x)[0]
            kernel = [1] * (len(self.builder.shape(x)) - 1)
            options = [lambda y: y, self.upsample if prod(self.builder.shape(x)) < 50 else None]
            options += [self.max_pool, self._averaged] if "pool" in self.features else []
            x = pick(self.choices, [o for o in options if o])(x)
            if sometimes(self.choices):
                weight = self.weights((channels, 1, *kernel), 0)
                x = self.builder.op(
                    "Conv", x, weight, kernel_shape=kernel, group=channels, strides=kernel,
                    dilations=kernel, pads=[0] * (2 * len(kernel)),
                )  # fmt: skip
        return self.activated(x)

    def channels_last_quantizer(self, x: str) -> str:
        """A quantizer between two Transposes: what channels-last frameworks leave behind."""
        rank = len(self.builder.shape(x)) + 1
        x = self.builder.op("Transpose", x, perm=[0, *range(2, rank), 1])
        x = self.builder.quant(x, self._activation_grid(x))
        return self.builder.same_grid("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])

    def trunc(self, x: str) -> str:
        """Trunc drops low bits of what a Quant wrote."""
        grid = self.builder.grids.get(x)
        if grid is None or np.ndim(grid.scale) or grid.bits < 2 or grid.zero_point:
            return self.activated(x)
        return self._truncated(x, grid)

    def _truncated(self, x: str, grid: Grid) -> str:
        builder = self.builder
        out_bits = self.choices.integer(1, 4)
        dropped = self.choices.integer(1, 3)
        mode = pick(self.choices, ["FLOOR", *ROUNDINGS])
        numbers = [builder.constant(v) for v in (grid.scale, 0.0, out_bits + dropped)]
        if sometimes(self.choices):
            numbers.append(builder.constant(out_bits))
            output = builder.op("Trunc", x, *numbers, rounding_mode=mode)
            builder.grids[output] = replace(grid, zero_point=0.0, bits=8)
            return output
        out_scale = np.float32(grid.scale * 2**dropped)
        numbers += [builder.constant(out_scale), builder.constant(out_bits + 1)]
        output = builder.op(
            "Trunc", x, *numbers, version=2, rounding_mode=mode, signed=int(grid.signed), narrow=0
        )
        builder.grids[output] = Grid(out_scale, 0.0, out_bits + 1, grid.signed)
        return output

    def to_vector(self, x: str) -> str:
        """Flatten, or a global average pool with a quantizer behind it."""
        if "pool" in self.features and sometimes(self.choices):
            x = self.activated(self.builder.op("GlobalAveragePool", x))
        return self.as_vector(x)

    def as_vector(self, x: str) -> str:
        shape = self.builder.shape(x)
        if len(shape) == 1:
            return x
        if self.may("nhwc", 3):  # flattened in channels-last order
            rank = len(shape) + 1
            x = self.builder.same_grid("Transpose", x, perm=[0, *range(2, rank), 1])
        target = self.builder.constant([1, prod(shape)], np.int64)
        return self.builder.same_grid("Reshape", x, target)
