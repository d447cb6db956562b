"""The ways to quantize a float network that do not start from one in PyTorch with given bits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fpgacomp.compress.quantize.options import BitWidth, MixedOptions, QuantizeOptions
from fpgacomp.compress.recipe import Recipe, TrainingObserver
from fpgacomp.compress.types import CostFunction
from fpgacomp.data.labelled import LabelledData, load_data
from fpgacomp.data.sources import DataSource
from fpgacomp.data.tasks import TaskRequest
from fpgacomp.errors import UsageError
from fpgacomp.flows.board_cost import Hardware, paced_cost
from fpgacomp.flows.compression_result import CompressionResult
from fpgacomp.flows.samples import CALIBRATION_SAMPLES
from fpgacomp.flows.torch_networks import (
    FloatModel,
    load_float_network,
    load_for_training,
    measure_onnx,
    result_of,
)
from fpgacomp.frontend import output_forms
from fpgacomp.frontend.calibrate import PtqOptions, quantize_post_training
from fpgacomp.network.canonical import input_shapes


def train_keras_quantized(
    model: FloatModel,
    data: DataSource | LabelledData,
    options: QuantizeOptions,
    recipe: Recipe,
    test: DataSource | None,
    task: TaskRequest,
    observer: TrainingObserver,
) -> CompressionResult:
    """Train a Keras model with QKeras quantizers in it, and export it as QONNX.

    Args:
        model: a float Keras model, or its file.
        data: samples with labels; see `load_data`.
        options: bits and scales.
        recipe: how the quantized model is trained.
        test: a test set of its own, instead of a part held out of `data`.
        task: what the user says of the task.
        observer: is told every epoch.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    from fpgacomp.compress.quantize.keras.aware import quantize_keras
    from fpgacomp.compress.quantize.keras.losses import with_keras_task
    from fpgacomp.compress.quantize.keras.scores import measure_keras
    from fpgacomp.compress.quantize.keras.train import set_threads
    from fpgacomp.frontend.keras import export_keras, load_keras

    set_threads(recipe.threads)  # TensorFlow fixes the number when a model is loaded
    loaded = load_keras(Path(model)) if isinstance(model, str | Path) else model
    samples = data if isinstance(data, LabelledData) else load_data(data, test)
    samples = samples.reshaped(tuple(loaded.input_shape[1:]))
    samples = with_keras_task(loaded, samples, task)
    outcome = quantize_keras(loaded, samples, options, recipe, observer=observer)
    found = samples.known_task
    first, last = measure_keras(loaded, samples), measure_keras(outcome.network, samples)
    return CompressionResult(
        technique="quantize",
        model=export_keras(outcome.network),
        network=outcome.network,
        quantized=True,
        task=found,
        before=found.quality_of(first),
        after=found.quality_of(last),
        samples=len(samples.test),
        scores_before=first,
        scores_after=last,
        is_held_out=samples.is_held_out,
        history=outcome.history,
        notes=(*samples.notes, *outcome.notes),
        details=outcome.details,
    )


def quantize_within_budget(
    model: FloatModel,
    data: DataSource | LabelledData,
    options: MixedOptions,
    recipe: Recipe,
    hardware: Hardware | None,
    test: DataSource | None,
    task: TaskRequest,
    observer: TrainingObserver,
) -> CompressionResult:
    """Search for the bits of each layer under a budget, then train the network with them.

    Args:
        model: a float network: an ONNX or Keras file, a model in memory, or a torch module.
        data: samples with labels; see `load_data`.
        options: the budget, its measure, and the bits to choose from.
        recipe: how the quantized network is trained.
        hardware: the board whose estimate measures the budget, where it is no number of bits.
        test: a test set of its own, instead of a part held out of `data`.
        task: what the user says of the task.
        observer: is told every epoch.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    from fpgacomp.compress.quantize import quantize_mixed

    network, samples = load_for_training(model, data, test, task)
    cost: CostFunction | None = None
    pace: tuple[str, ...] = ()
    if hardware is not None and options.measure not in ("bits", "bops"):
        cost, pace = paced_cost(network, samples, hardware)
    outcome = quantize_mixed(network, samples, options, recipe, cost=cost, observer=observer)
    return result_of("quantize", network, outcome.with_notes(pace), samples)


def calibrate(
    model: FloatModel,
    data: DataSource | LabelledData,
    options: QuantizeOptions,
    test: DataSource | None,
    task: TaskRequest,
) -> CompressionResult:
    """Quantize by our own calibration, which trains nothing and needs no PyTorch.

    Args:
        model: a float network: an ONNX or Keras file, or a model in memory.
        data: scales are fitted to the training split; the labels serve to score the network.
        options: bits and scales, the same for all inner layers.
        test: a test set of its own, instead of a part held out of `data`.
        task: what the user says of the task.

    Raises:
        UsageError: the options give bits by layer, or ternary ones.
        FpgacompError: with where, what and remedy.
    """
    network = load_float_network(model)
    name, shape = next(iter(input_shapes(network.model).items()))
    samples = (data if isinstance(data, LabelledData) else load_data(data, test)).reshaped(shape)
    samples = samples.for_task(output_forms(network), task)
    feed = {name: samples.train.evenly(CALIBRATION_SAMPLES).x}
    quantized = quantize_post_training(network.model, feed, _calibration_options(options))
    first = measure_onnx(network.original, name, samples)
    last = measure_onnx(quantized, name, samples)
    return CompressionResult(
        technique="quantize",
        model=quantized,
        network=None,
        quantized=True,
        task=samples.known_task,
        before=samples.known_task.quality_of(first),
        after=samples.known_task.quality_of(last),
        samples=len(samples.test),
        scores_before=first,
        scores_after=last,
        is_held_out=samples.is_held_out,
        notes=(*network.warnings, *samples.notes, *options.notes_on({})),
        details={"method": "ptq"},
    )


def _calibration_options(options: QuantizeOptions) -> PtqOptions:
    """Translate the options for our own calibration, which has one width for all layers."""
    return PtqOptions(
        weight_bits=_one_width("--weight-bits", options.weight_bits),
        activation_bits=_one_width("--activation-bits", options.activation_bits),
        input_bits=options.input_bits,
        scale=options.scale,
        per_channel_weights=options.granularity == "channel",
        first_layer_bits=_first_last_width(options),
        last_layer_bits=_first_last_width(options),
    )


def _first_last_width(options: QuantizeOptions) -> int | None:
    bits = options.first_last_bits
    return None if bits is None else _one_width("--first-last-bits", bits)


def _one_width(what: str, bits: BitWidth | Mapping[str, BitWidth] | Mapping[str, int]) -> int:
    if isinstance(bits, int):
        return bits
    raise UsageError(
        what,
        "by layer, or ternary, is not for the method ptq.",
        "use the method brevitas-ptq or qat.",
    )
