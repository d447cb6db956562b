"""What each compression verb does: float network and data in, a smaller network to compile out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, assert_never, get_args

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.prune.options import (
    ChannelOptions,
    HardwareOptions,
    MagnitudeOptions,
    NOfMOptions,
    PruneOptions,
)
from fpgacomp.compress.quantize.options import MixedOptions, QuantizeOptions, repair_steps
from fpgacomp.compress.recipe import Recipe, TrainingObserver, silent
from fpgacomp.compress.types import CostFunction, TorchNetwork
from fpgacomp.data.labelled import LabelledData
from fpgacomp.data.sources import DataSource
from fpgacomp.data.tasks import FIND, TaskRequest
from fpgacomp.errors import UsageError
from fpgacomp.flows.board_cost import Hardware, paced_cost, prune_for_board
from fpgacomp.flows.compression_result import CompressionResult
from fpgacomp.flows.layer_names import in_layer_names
from fpgacomp.flows.options import require_type
from fpgacomp.flows.quantize_methods import (
    calibrate,
    quantize_within_budget,
    train_keras_quantized,
)
from fpgacomp.flows.torch_networks import (
    FloatModel,
    chain_outcomes,
    insert_quantizers,
    is_keras,
    load_for_training,
    require_torch,
    result_of,
)

if TYPE_CHECKING:
    from fpgacomp.compress.distill import DistillOptions
    from fpgacomp.compress.factorize.options import FactorizeOptions
    from fpgacomp.compress.share import ShareOptions

FINE_TUNING = Recipe(epochs=30, learning_rate=3e-3)
FROM_SCRATCH = Recipe(epochs=40, learning_rate=1e-2)

QuantizeMethod = Literal["ptq", "brevitas-ptq", "qat"]

__all__ = [
    "FINE_TUNING",
    "FROM_SCRATCH",
    "CompressionResult",
    "Hardware",
    "QuantizeMethod",
    "distill",
    "factorize",
    "prune",
    "quantize",
    "share",
]


def quantize(
    model: FloatModel,
    data: DataSource | LabelledData,
    *,
    method: QuantizeMethod = "qat",
    options: QuantizeOptions | MixedOptions | None = None,
    recipe: Recipe | None = None,
    steps: Sequence[str] | None = None,
    hardware: Hardware | None = None,
    test: DataSource | None = None,
    task: TaskRequest = FIND,
    observer: TrainingObserver = silent,
) -> CompressionResult:
    """Quantize a float network, after or during training.

    Args:
        model: a float network: an ONNX or Keras file, a model in memory, or a torch module.
        data: samples with labels; see `load_data`.
        method: "ptq" is our own calibration, which needs no torch. "brevitas-ptq" is Brevitas'
            equalization, GPTQ and bias correction. "qat" is quantization-aware training, with
            QKeras where the network is a Keras model, otherwise with Brevitas.
        options: bits and scales (default: 8 bits). With `MixedOptions` the bits of each layer
            are searched under a budget, and the network is trained with them.
        recipe: how the network is trained (default: `FINE_TUNING`).
        steps: the repairs that "brevitas-ptq" makes, of "merge", "equalize", "gptq" and "bias"
            (default: all of them).
        hardware: the board whose estimate measures the budget of `MixedOptions`, where its
            measure is "lut", "ff", "dsp" or "bram18".
        test: a test set of its own, instead of a part held out of `data`.
        task: what the network is asked to tell, and how much each class counts in the loss;
            `TaskRequest()` finds it from outputs and labels.
        observer: is told every epoch.

    Returns:
        The quantized network as QONNX, with its score before and after.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    require_type("options", options, QuantizeOptions, MixedOptions)
    require_type("recipe", recipe, Recipe)
    options = options or QuantizeOptions()
    if isinstance(options, MixedOptions):
        return quantize_within_budget(
            model, data, options, recipe or FINE_TUNING, hardware, test, task, observer
        )
    if method == "ptq":
        return calibrate(model, data, options, test, task)
    if is_keras(model) and method == "qat":
        return train_keras_quantized(
            model, data, options, recipe or FINE_TUNING, test, task, observer
        )
    from fpgacomp.compress import quantize as technique

    network, samples = load_for_training(model, data, test, task)
    options = in_layer_names(options, network)
    if method == "brevitas-ptq":
        chosen = repair_steps(steps)
        outcome = technique.quantize_post_training(network, samples, options, chosen)
    else:
        outcome = technique.quantize_aware(
            network, samples, options, recipe or FINE_TUNING, observer=observer
        )
    return result_of("quantize", network, outcome, samples)


def prune(
    model: FloatModel,
    data: DataSource | LabelledData,
    *,
    options: PruneOptions,
    recipe: Recipe | None = None,
    quantization: QuantizeOptions | None = None,
    hardware: Hardware | None = None,
    test: DataSource | None = None,
    task: TaskRequest = FIND,
    observer: TrainingObserver = silent,
) -> CompressionResult:
    """Remove weights or channels, train what is left, and quantize it if asked to.

    Args:
        model: a float network: an ONNX or Keras file, a model in memory, or a torch module.
        data: samples with labels; see `load_data`.
        options: `MagnitudeOptions`, `NOfMOptions`, `ChannelOptions` or `HardwareOptions` of
            `compress.prune.options`; their type is the method.
        recipe: how the network is trained (default: `FINE_TUNING`).
        quantization: quantizers that the pruned network is trained with as well; its zeros stay
            zero. Hardware-aware pruning of weights works on integers, and quantizes first.
        hardware: the board whose estimate judges, for hardware-aware pruning and for channels
            with a saving or the scope "board".
        test: a test set of its own, instead of a part held out of `data`.
        task: what the network is asked to tell, and how much each class counts in the loss;
            `TaskRequest()` finds it from outputs and labels.
        observer: is told every epoch.

    Returns:
        The pruned network, with its score before and after.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    require_torch()
    from fpgacomp.compress.quantize import quantize_aware

    require_type("options", options, *get_args(PruneOptions))
    require_type("recipe", recipe, Recipe)
    recipe = recipe or FINE_TUNING
    if isinstance(options, ChannelOptions | HardwareOptions):
        _refuse_step(recipe, "pruning channels")
    network, samples = load_for_training(model, data, test, task)
    options = in_layer_names(options, network)
    if quantization is not None:
        quantization = in_layer_names(quantization, network)
    if isinstance(options, HardwareOptions):
        outcome = prune_for_board(
            network, samples, options, recipe, quantization, hardware, observer
        )
    else:
        outcome = _prune(network, samples, options, recipe, hardware, observer)
        if quantization is not None:
            trained = quantize_aware(
                outcome.network, samples, quantization, recipe, observer=observer
            )
            outcome = chain_outcomes(outcome, trained)
    return result_of("prune", network, outcome, samples)


def distill(
    teacher: FloatModel,
    student: FloatModel | float,
    data: DataSource | LabelledData,
    *,
    options: DistillOptions | None = None,
    recipe: Recipe | None = None,
    quantization: QuantizeOptions | None = None,
    test: DataSource | None = None,
    task: TaskRequest = FIND,
    observer: TrainingObserver = silent,
) -> CompressionResult:
    """Train a student on the answers of a teacher.

    Args:
        teacher: a trained float network: an ONNX or Keras file, a model in memory, or a torch
            module.
        student: a network like `teacher`, or the quantized network of an earlier result. A
            number is the share of the teacher's width (e.g. 0.25) that a fresh student gets.
        data: samples with labels; see `load_data`.
        options: temperature and weights of the loss (default: `DistillOptions()`).
        recipe: how the student is trained (default: `FROM_SCRATCH`).
        quantization: quantizers that the student gets before it learns.
        test: a test set of its own, instead of a part held out of `data`.
        task: what the network is asked to tell, and how much each class counts in the loss;
            `TaskRequest()` finds it from outputs and labels.
        observer: is told every epoch.

    Returns:
        The student. Its `before` is the score of the student itself before it is trained, without
        quantizers; `teacher` holds the teacher's.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    require_torch()
    from fpgacomp.compress.distill import DistillOptions
    from fpgacomp.compress.distill import distill as technique
    from fpgacomp.compress.prune.structured import narrow_copy

    require_type("options", options, DistillOptions)
    require_type("recipe", recipe, Recipe)
    recipe = recipe or FROM_SCRATCH
    _refuse_step(recipe, "distillation")
    guide, samples = load_for_training(teacher, data, test, task)
    if isinstance(student, float):
        pupil = narrow_copy(guide, student, seed=recipe.seed)
    else:
        pupil, _ = load_for_training(student, samples)
    learner = pupil
    if quantization is not None:
        learner = insert_quantizers(pupil, samples, in_layer_names(quantization, pupil))
    outcome = technique(
        learner, guide, samples, options or DistillOptions(), recipe, observer=observer
    )
    return result_of("distill", pupil, outcome, samples, teacher=guide)


def share(
    model: FloatModel,
    data: DataSource | LabelledData,
    *,
    options: ShareOptions | None = None,
    recipe: Recipe | None = None,
    test: DataSource | None = None,
    task: TaskRequest = FIND,
    observer: TrainingObserver = silent,
) -> CompressionResult:
    """Tie the weights of each layer to a few values, and train these.

    Args:
        model: a float network: an ONNX or Keras file, a model in memory, or a torch module.
        data: samples with labels; see `load_data`.
        options: how many values each layer keeps (default: 16).
        recipe: how the values are trained (default: `FINE_TUNING`).
        test: a test set of its own, instead of a part held out of `data`.
        task: what the network is asked to tell, and how much each class counts in the loss;
            `TaskRequest()` finds it from outputs and labels.
        observer: is told every epoch.

    Returns:
        The network, whose file holds each layer's weights as a codebook and indices.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    require_torch()
    from fpgacomp.compress.share import ShareOptions
    from fpgacomp.compress.share import share as technique

    require_type("options", options, ShareOptions)
    require_type("recipe", recipe, Recipe)
    network, samples = load_for_training(model, data, test, task)
    options = in_layer_names(options or ShareOptions(), network)
    outcome = technique(network, samples, options, recipe or FINE_TUNING, observer=observer)
    return result_of("share", network, outcome, samples)


def factorize(
    model: FloatModel,
    data: DataSource | LabelledData,
    *,
    options: FactorizeOptions | None = None,
    recipe: Recipe | None = None,
    test: DataSource | None = None,
    task: TaskRequest = FIND,
    observer: TrainingObserver = silent,
) -> CompressionResult:
    """Split layers into smaller ones, and train them on the answers of the network as it was.

    Args:
        model: a float network: an ONNX or Keras file, a model in memory, or a torch module.
        data: samples with labels; see `load_data`.
        options: how layers are split, and how small they get (default: `FactorizeOptions()`).
        recipe: how the network is trained (default: `FINE_TUNING`).
        test: a test set of its own, instead of a part held out of `data`.
        task: what the network is asked to tell, and how much each class counts in the loss;
            `TaskRequest()` finds it from outputs and labels.
        observer: is told every epoch.

    Returns:
        The network of smaller layers, with its score before and after.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    require_torch()
    from fpgacomp.compress.factorize.factorize import factorize as technique
    from fpgacomp.compress.factorize.options import FactorizeOptions

    require_type("options", options, FactorizeOptions)
    require_type("recipe", recipe, Recipe)
    _refuse_step(recipe, "factorizing")
    network, samples = load_for_training(model, data, test, task)
    options = in_layer_names(options or FactorizeOptions(), network)
    outcome = technique(network, samples, options, recipe or FINE_TUNING, observer=observer)
    return result_of("factorize", network, outcome, samples)


def _refuse_step(recipe: Recipe | None, what: str) -> None:
    """Refuse a training step of the user's own where a teacher's answers are part of the loss."""
    if recipe is not None and recipe.step is not None:
        raise UsageError(
            "the training step of your own",
            f"would leave out the teacher, whose answers {what} trains by.",
            "give a loss of your own instead (--loss), which is added to the teacher's part.",
        )


def _prune(
    network: TorchNetwork,
    data: LabelledData,
    options: MagnitudeOptions | NOfMOptions | ChannelOptions,
    recipe: Recipe,
    hardware: Hardware | None,
    observer: TrainingObserver,
) -> TechniqueOutcome:
    """Prune by the method that the options belong to."""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.n_of_m import prune_n_of_m
    from fpgacomp.compress.prune.structured import prune_channels

    match options:
        case MagnitudeOptions():
            return prune_magnitude(network, data, options, recipe, observer=observer)
        case NOfMOptions():
            return prune_n_of_m(network, data, options, recipe, observer=observer)
        case ChannelOptions():
            cost: CostFunction | None = None
            pace: tuple[str, ...] = ()
            if hardware is not None and (options.saving is not None or options.scope == "board"):
                cost, pace = paced_cost(network, data, hardware)
            outcome = prune_channels(network, data, options, recipe, observer=observer, cost=cost)
            return outcome.with_notes(pace)
        case _:
            assert_never(options)
