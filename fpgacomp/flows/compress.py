"""The half before the compiler: float network and data -> smaller network -> file to compile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import MixedOptions, QuantizeOptions
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.data.labelled import DataSource, LabelledData, load_data
from fpgacomp.errors import UsageError
from fpgacomp.flows.board_cost import Cost, Hardware, board_cost, judging_cost, prune_for_board
from fpgacomp.flows.networks import (
    Compressed,
    Model,
    answered,
    compressed,
    exported,
    float_network,
    in_a_row,
    is_keras,
    opened,
    require_torch,
    with_quantizers,
)
from fpgacomp.flows.samples import CALIBRATION_SAMPLES
from fpgacomp.frontend.calibrate import PtqOptions, input_shapes, quantize_post_training

FINE_TUNING = Recipe(epochs=30, learning_rate=3e-3)
FROM_SCRATCH = Recipe(epochs=40, learning_rate=1e-2)

QuantizeMethod = Literal["ptq", "brevitas-ptq", "qat"]


__all__ = [
    "Compressed",
    "Hardware",
    "board_cost",
    "distill",
    "exported",
    "factorize",
    "judging_cost",
    "opened",
    "prune",
    "quantize",
    "share",
    "with_quantizers",
]


def quantize(
    model: Model,
    data: DataSource | LabelledData,
    *,
    method: QuantizeMethod = "qat",
    options: QuantizeOptions | MixedOptions | None = None,
    recipe: Recipe | None = None,
    steps: tuple[str, ...] | None = None,
    hardware: Hardware | None = None,
    test: DataSource | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Quantize a float network, after or during training.

    Args:
        model: a float network: ONNX or Keras file, model in memory, torch module.
        data: samples with labels; see `load_data`.
        method: "ptq": our own calibration, without torch; "brevitas-ptq": Brevitas'
            equalization, GPTQ and bias correction; "qat": quantization-aware training, with
            Brevitas, or with QKeras where the network is a Keras model.
        options: bits, scales; `MixedOptions` have the bits of each layer searched under a
            budget, before quantization-aware training.
        recipe: of the training.
        steps: of "brevitas-ptq".
        hardware: the board whose estimate is the budget's measure, where it is lut, dsp, ...
        test: a test set of its own, instead of a part held out of `data`.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    options = options or QuantizeOptions()
    if isinstance(options, MixedOptions):
        return _mixed(model, data, options, recipe or FINE_TUNING, hardware, test, observer)
    if method == "ptq":
        return _calibrated(model, data, options, test)
    if is_keras(model) and method == "qat":
        return _keras_trained(model, data, options, recipe or FINE_TUNING, test, observer)
    from fpgacomp.compress import quantize as stage

    network, samples = opened(model, data, test)
    if method == "brevitas-ptq":
        chosen = {} if steps is None else {"steps": steps}
        outcome = stage.quantize_post_training(network, samples, options, **chosen)
    else:
        outcome = stage.quantize_aware(
            network, samples, options, recipe or FINE_TUNING, observer=observer
        )
    return compressed("quantize", network, outcome, samples)


def prune(
    model: Model,
    data: DataSource | LabelledData,
    *,
    options: Any,
    recipe: Recipe | None = None,
    quantization: QuantizeOptions | None = None,
    hardware: Hardware | None = None,
    test: DataSource | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Remove weights or channels, train what is left, and quantize it if asked to.

    Args:
        options: `MagnitudeOptions`, `NOfMOptions`, `ChannelOptions` or `HardwareOptions` of
            `compress.prune`; its type is the method.
        quantization: train the pruned network with these quantizers, too; zeros stay.
            Hardware-aware pruning works on the integers and quantizes first.
        hardware: the board whose estimate judges, for hardware-aware pruning.
    """
    require_torch()
    from fpgacomp.compress.prune.options import HardwareOptions
    from fpgacomp.compress.quantize import quantize_aware

    recipe = recipe or FINE_TUNING
    network, samples = opened(model, data, test)
    if isinstance(options, HardwareOptions):
        outcome = prune_for_board(
            network, samples, options, recipe, quantization, hardware, observer
        )
    else:
        outcome = _pruned(network, samples, options, recipe, hardware, observer)
        if quantization is not None:
            trained = quantize_aware(
                outcome.network, samples, quantization, recipe, observer=observer
            )
            outcome = in_a_row(outcome, trained)
    return compressed("prune", network, outcome, samples)


def distill(
    teacher: Model,
    student: Model,
    data: DataSource | LabelledData,
    *,
    options: Any = None,
    recipe: Recipe | None = None,
    quantization: QuantizeOptions | None = None,
    test: DataSource | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Train a student on a teacher's answers.

    Args:
        student: a network like `teacher`, or the quantized network of an earlier result, or
            the share of the teacher's width (0.25) that a fresh student has. The accuracy
            before is the student's own.
        options: `DistillOptions` of `compress.distill`.
        quantization: the student is quantized first, and learns with its quantizers.
    """
    require_torch()
    from fpgacomp.compress.distill import DistillOptions
    from fpgacomp.compress.distill import distill as technique
    from fpgacomp.compress.prune.structured import narrow_copy

    recipe = recipe or FROM_SCRATCH
    guide, samples = opened(teacher, data, test)
    if isinstance(student, float):
        pupil = narrow_copy(guide, student, seed=recipe.seed)
    else:
        pupil, _ = opened(student, samples)
    learner = pupil
    if quantization is not None:
        learner = with_quantizers(pupil, samples, quantization)
    outcome = technique(
        learner, guide, samples, options or DistillOptions(), recipe, observer=observer
    )
    return compressed("distill", pupil, outcome, samples)


def share(
    model: Model,
    data: DataSource | LabelledData,
    *,
    options: Any = None,
    recipe: Recipe | None = None,
    test: DataSource | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Tie each layer's weights to a few values and train these.

    Args:
        options: `ShareOptions` of `compress.share`.
    """
    require_torch()
    from fpgacomp.compress.share import ShareOptions
    from fpgacomp.compress.share import share as technique

    network, samples = opened(model, data, test)
    outcome = technique(
        network, samples, options or ShareOptions(), recipe or FINE_TUNING, observer=observer
    )
    return compressed("share", network, outcome, samples)


def factorize(
    model: Model,
    data: DataSource | LabelledData,
    *,
    options: Any = None,
    recipe: Recipe | None = None,
    test: DataSource | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Split layers into smaller ones and train the network on its former self's answers.

    Args:
        options: `FactorizeOptions` of `compress.factorize.options`.
    """
    require_torch()
    from fpgacomp.compress.factorize.factorize import factorize as technique
    from fpgacomp.compress.factorize.options import FactorizeOptions

    network, samples = opened(model, data, test)
    outcome = technique(
        network, samples, options or FactorizeOptions(), recipe or FINE_TUNING, observer=observer
    )
    return compressed("factorize", network, outcome, samples)


def _keras_trained(
    model: Any,
    data: DataSource | LabelledData,
    options: QuantizeOptions,
    recipe: Recipe,
    test: DataSource | None,
    observer: TrainingObserver,
) -> Compressed:
    """Quantization-aware training of a Keras model with QKeras, exported as QONNX."""
    from fpgacomp.compress.quantize.keras.aware import quantize_keras
    from fpgacomp.compress.quantize.keras.train import keras_accuracy, set_threads
    from fpgacomp.frontend.keras import export_keras, load_keras

    set_threads(recipe.threads)  # loading a model computes already
    loaded = load_keras(Path(model)) if isinstance(model, str | Path) else model
    samples = data if isinstance(data, LabelledData) else load_data(data, test)
    samples = samples.reshaped(tuple(loaded.input_shape[1:]))
    outcome = quantize_keras(loaded, samples, options, recipe, observer=observer)
    return Compressed(
        technique="quantize",
        model=export_keras(outcome.network),
        network=outcome.network,
        quantized=True,
        before=keras_accuracy(loaded, samples.test),
        after=keras_accuracy(outcome.network, samples.test),
        samples=len(samples.test),
        history=outcome.history,
        notes=(*samples.notes, *outcome.notes),
        details=outcome.details,
    )


def _mixed(
    model: Model,
    data: DataSource | LabelledData,
    options: MixedOptions,
    recipe: Recipe,
    hardware: Hardware | None,
    test: DataSource | None,
    observer: TrainingObserver,
) -> Compressed:
    """Search for bits per layer, then quantization-aware training with them."""
    from fpgacomp.compress.quantize import quantize_mixed

    network, samples = opened(model, data, test)
    cost: Cost | None = None
    pace: tuple[str, ...] = ()
    if hardware is not None and options.measure not in ("bits", "bops"):
        cost, pace = judging_cost(network, samples, hardware)
    outcome = quantize_mixed(network, samples, options, recipe, cost=cost, observer=observer)
    return compressed("quantize", network, outcome.noted(pace), samples)


def _calibrated(
    model: Model, data: DataSource | LabelledData, options: QuantizeOptions, test: DataSource | None
) -> Compressed:
    """Post-training quantization by our own calibration; neither torch nor labels are needed."""
    network = float_network(model)
    name, shape = next(iter(input_shapes(network.model).items()))
    samples = (data if isinstance(data, LabelledData) else load_data(data, test)).reshaped(shape)
    feed = {name: samples.train.evenly(CALIBRATION_SAMPLES).x}
    quantized = quantize_post_training(network.model, feed, _ptq(options))
    return Compressed(
        technique="quantize",
        model=quantized,
        network=None,
        quantized=True,
        before=answered(network.original, name, samples.test),
        after=answered(quantized, name, samples.test),
        samples=len(samples.test),
        notes=(*network.warnings, *samples.notes),
        details={"method": "ptq"},
    )


def _ptq(options: QuantizeOptions) -> PtqOptions:
    """The same wishes for our own calibration, which has one width for all layers."""
    for what, bits in (("weight bits", options.weight_bits),
                       ("activation bits", options.activation_bits),
                       ("first and last bits", options.first_last_bits)):  # fmt: skip
        if isinstance(bits, Mapping) or bits == "ternary":
            raise UsageError(
                what,
                "by layer, or ternary, is not for the method ptq.",
                "use the method brevitas-ptq or qat.",
            )
    ends = options.first_last_bits
    return PtqOptions(
        weight_bits=options.weight_bits,  # type: ignore[arg-type]
        activation_bits=options.activation_bits,  # type: ignore[arg-type]
        input_bits=options.input_bits,
        scale=options.scale,
        per_channel_weights=options.granularity == "channel",
        first_layer_bits=ends,  # type: ignore[arg-type]
        last_layer_bits=ends,  # type: ignore[arg-type]
    )


def _pruned(
    network: Any,
    data: LabelledData,
    options: Any,
    recipe: Recipe,
    hardware: Hardware | None,
    observer: TrainingObserver,
) -> TechniqueOutcome:
    """The pruning that the options are of."""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.n_of_m import prune_n_of_m
    from fpgacomp.compress.prune.options import MagnitudeOptions, NOfMOptions
    from fpgacomp.compress.prune.structured import prune_channels

    match options:
        case MagnitudeOptions():
            return prune_magnitude(network, data, options, recipe, observer=observer)
        case NOfMOptions():
            return prune_n_of_m(network, data, options, recipe, observer=observer)
        case _:
            cost: Cost | None = None
            pace: tuple[str, ...] = ()
            if hardware is not None and (options.saving is not None or options.scope == "board"):
                cost, pace = judging_cost(network, data, hardware)
            found: TechniqueOutcome = prune_channels(
                network, data, options, recipe, observer=observer, cost=cost
            )
            return found.noted(pace)
