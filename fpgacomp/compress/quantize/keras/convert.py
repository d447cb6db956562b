"""Float Keras model -> QKeras model with the same weights and scales fitted to the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fpgacomp.compress.quantize.keras.quantizers import (
    activation_quantizer,
    activation_step,
    error_of,
    smallest_step,
    weight_quantizer,
)
from fpgacomp.compress.quantize.keras.sites import KerasSite, KerasSites, find_sites
from fpgacomp.compress.quantize.keras.steps import SiteStep, steps_of
from fpgacomp.compress.quantize.options import BitWidth, QuantizeOptions
from fpgacomp.compress.quantize.torch.levels import IntegerLevels
from fpgacomp.compress.types import KerasLayer, KerasModel, KerasQuantizer, KerasTensor
from fpgacomp.data.labelled import LabelledData
from fpgacomp.host.keras2 import tensorflow

Array = npt.NDArray[Any]

CALIBRATION_SAMPLES = 512  # number of samples, evenly taken from the training split
KEPT_VALUES = 1 << 14  # number of values of an activation that its step is fitted to
# Settings of float layers that serve their training, and do not fit a quantized kernel.
DROPPED = (
    "kernel_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_regularizer",
    "kernel_constraint", "bias_constraint", "depthwise_constraint",
)  # fmt: skip


@dataclass(frozen=True)
class QuantizedKeras:
    """A QKeras model, and its bits.

    Args:
        model: a functional model, whose layers have the float model's names.
        weights: bits of the weights, by layer name.
        activations: bits of the activations, by the name of their site.
        notes: sentences on what was left out.
    """

    model: KerasModel
    weights: Mapping[str, BitWidth]
    activations: Mapping[str, int]
    notes: tuple[str, ...]


def to_qkeras(model: KerasModel, data: LabelledData, options: QuantizeOptions) -> QuantizedKeras:
    """Put QKeras layers in the place of float ones, without training.

    Every tensor that a dense or convolution layer, an average pooling, an Add or a
    Concatenate reads gets a quantizer. Activations always have power-of-two steps, the only
    ones that QKeras' activation quantizers have; weights have those that are asked for.
    Biases and normalizations stay float: the compiler folds them exactly.

    Args:
        model: a built Sequential or functional Keras 2 model of float layers; it is not changed.
        data: scales are fitted to the training split.
        options: bits and scales.

    Raises:
        UnsupportedLayer, ModelError: the model or its layers have no quantized form.
        UsageError: the options name layers that are not there.
        InputDataError: the samples have another shape than the model's input.
    """
    steps = steps_of(model)
    data = data.reshaped(tuple(model.input_shape[1:]))
    places = find_sites(steps, bool(data.train.x.min() < 0))
    weights = options.weights_of(step.name for step in steps if step.weighted)
    activations = _activation_bits(places, options)
    values = _observe(model, places, data)
    levels = _levels(places, values, activations)
    rebuild = _Rebuild(steps, weights, options)
    rebuild.place(places, levels, _site_steps(places, values, levels))
    built = rebuild.run(model)
    return QuantizedKeras(built, weights, activations, _notes(steps))


def _activation_bits(places: KerasSites, options: QuantizeOptions) -> dict[str, int]:
    inner = {site.name: site.names for site in places.sites if not site.is_input}
    bits = options.activations_of(inner)
    return {site.name: bits.get(site.name, options.input_bits) for site in places.sites}


def _observe(model: KerasModel, places: KerasSites, data: LabelledData) -> dict[KerasSite, Array]:
    """Values [1, N] of each site on training samples; of very many values, a part of them."""
    keras = tensorflow().keras
    tap = keras.Model(model.inputs, [site.step.tensor for site in places.sites])
    answers = tap(data.train.evenly(CALIBRATION_SAMPLES).x, training=False)
    if len(places.sites) == 1:
        answers = [answers] if not isinstance(answers, list | tuple) else answers
    return {s: _thinned(np.asarray(a).ravel())[None] for s, a in zip(places.sites, answers)}


def _thinned(values: Array) -> Array:
    """Draw a part of the values at random, always the same, and add the smallest and largest."""
    if len(values) <= KEPT_VALUES:
        return values
    drawn = values[np.random.default_rng(0).integers(len(values), size=KEPT_VALUES)]
    return np.concatenate([drawn, [values.min(), values.max()]])


def _levels(
    places: KerasSites, values: Mapping[KerasSite, Array], bits: Mapping[str, int]
) -> dict[KerasSite, IntegerLevels]:
    found = {}
    for site in places.sites:
        normalized = site.is_input and site.step.kind != "InputLayer"
        signed = bool(values[site].min() < 0) if normalized else site.signed
        found[site] = IntegerLevels(bits[site.name], signed)
    return found


def _site_steps(
    places: KerasSites, values: Mapping[KerasSite, Array], levels: Mapping[KerasSite, IntegerLevels]
) -> dict[KerasSite, float]:
    """The power-of-two step of each site; sites that are concatenated get the same one."""
    steps = {site: activation_step(values[site], levels[site]) for site in places.sites}
    for group in places.groups:
        least = max(smallest_step(levels[site]) for site in group)
        errors = {
            step: sum(_relative_error(values[site], step, levels[site]) for site in group)
            for step in sorted({max(steps[site], least) for site in group})
        }
        steps |= dict.fromkeys(group, min(errors, key=lambda step: errors[step]))
    return steps


def _relative_error(values: Array, step: float, levels: IntegerLevels) -> float:
    error = float(error_of(values.astype(np.float64), np.array([step]), levels)[0])
    return error / max(float(np.square(values).mean()), 1e-12)


class _Rebuild:
    """Builds the QKeras model by calling each layer's counterpart in the float model's order."""

    def __init__(
        self, steps: Sequence[SiteStep], weights: Mapping[str, BitWidth], options: QuantizeOptions
    ) -> None:
        self.layers = tensorflow().keras.layers
        self.steps = steps
        self.weights = weights
        self.options = options
        self.sites: dict[SiteStep, KerasSite] = {}
        self.quantizers: dict[KerasSite, KerasQuantizer] = {}
        self.plain: dict[int, KerasTensor] = {}
        self.quantized: dict[int, KerasTensor] = {}
        self.taken = {step.name for step in steps}
        self.replaced: set[str] = set()  # activations whose name a quantizer took
        self.shared: dict[str, KerasLayer] = {}

    def place(
        self,
        places: KerasSites,
        levels: Mapping[KerasSite, IntegerLevels],
        steps: Mapping[KerasSite, float],
    ) -> None:
        """Choose the quantizer of each site.

        Args:
            places: the sites.
            levels: the integers of each site.
            steps: the step of each site.
        """
        for site in places.sites:
            self.sites[site.step] = site
            relu = site.relu and not levels[site].bipolar
            self.quantizers[site] = activation_quantizer(levels[site], steps[site], relu=relu)

    def run(self, model: KerasModel) -> KerasModel:
        """Build the QKeras model of a float model."""
        for step in self.steps:
            self._step(step)
        keras = tensorflow().keras
        inputs = [self.plain[id(tensor)] for tensor in model.inputs]
        outputs = [self.plain[id(tensor)] for tensor in model.outputs]
        return keras.Model(inputs, outputs, name=model.name)

    def _step(self, step: SiteStep) -> None:
        site = self.sites.get(step)
        fused = site is not None and site.relu
        y = self._compute(step, with_function=not fused)
        if site is not None:
            replaces = fused and not step.weighted and step.name not in self.replaced
            name = step.name if replaces else self._free(step, fused)
            self.replaced.add(name)
            from qkeras import QActivation

            # Given as text, since a model that holds the object itself cannot be saved.
            quantized = QActivation(str(self.quantizers[site]), name=name)(y)
            self.quantized[step.output] = quantized
            y = quantized if fused else y
        self.plain[step.output] = y

    def _free(self, step: SiteStep, fused: bool) -> str:
        """A name for a new layer, which no other has."""
        wish = name = f"{step.name}_{'relu' if fused else 'quant'}"
        number = 1
        while name in self.taken:
            number += 1
            name = f"{wish}_{number}"
        self.taken.add(name)
        return name

    def _read(self, step: SiteStep) -> KerasTensor:
        inputs = []
        for source in step.inputs:
            producer = next(s for s in self.steps if s.output == source)
            site = self.sites.get(producer)
            wanted = site is not None and step in site.readers
            inputs.append(self.quantized[source] if wanted else self.plain[source])
        return inputs if len(inputs) > 1 else inputs[0]

    def _compute(self, step: SiteStep, *, with_function: bool) -> KerasTensor:
        """Compute the step's float tensor, with or without its activation function."""
        if step.kind == "InputLayer":
            shape = step.tensor.shape[1:]
            return self.layers.Input(shape, dtype=step.tensor.dtype, name=step.name)
        x = self._read(step)
        if step.weighted:
            y = self._weighted(step, x)
            inline = with_function and step.function != "linear"
            return self._function(step, y) if inline else y
        return self._copy(step, x) if with_function else x

    def _function(self, step: SiteStep, y: KerasTensor) -> KerasTensor:
        """The activation function that the float layer ends with, as a layer of its own."""
        name = f"{step.name}_{step.function}"
        name = name if name not in self.taken else self._free(step, fused=False)
        self.taken.add(name)
        return self.layers.Activation(step.layer.activation, name=name)(y)

    def _copy(self, step: SiteStep, x: KerasTensor) -> KerasTensor:
        """Call a copy of the step's layer; a layer that is called twice is copied once."""
        if step.name in self.shared:
            return self.shared[step.name](x)
        copied = type(step.layer).from_config(step.layer.get_config())
        y = copied(x)
        copied.set_weights(step.layer.get_weights())
        self.shared[step.name] = copied
        return y

    def _weighted(self, step: SiteStep, x: KerasTensor) -> KerasTensor:
        import qkeras
        from qkeras.qlayers import Clip

        role = "depthwise" if step.kind == "DepthwiseConv2D" else "kernel"
        kernel, *bias = step.layer.get_weights()
        axes = 2 if role == "depthwise" else 1
        chosen = weight_quantizer(kernel, self.weights[step.name], self.options, channel_axes=axes)
        config = {k: v for k, v in step.layer.get_config().items() if k not in DROPPED}
        config["activation"] = None
        if role == "depthwise":
            for foreign in ("kernel_initializer", "groups", "filters"):
                config.pop(foreign, None)
        config[f"{role}_quantizer"] = chosen.quantizer
        config[f"{role}_initializer"] = "zeros"  # QKeras would scale any other
        config[f"{role}_constraint"] = Clip(-chosen.limit, chosen.limit)
        layer = getattr(qkeras, f"Q{step.kind}")(**config)
        y = layer(x)
        layer.set_weights([kernel / chosen.alpha, *bias])
        return y


def _notes(steps: Sequence[SiteStep]) -> tuple[str, ...]:
    dropped = sum(
        getattr(step.layer, name, None) is not None
        for step in steps
        if step.weighted
        for name in DROPPED
    )
    note = f"{dropped} regularizers and constraints of layers were left out"
    return (note,) if dropped else ()
