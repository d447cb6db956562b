"""`fpgacomp quantize`: a float network becomes one of few bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fpgacomp.cli.options.arguments import FloatModelArgument
from fpgacomp.cli.options.build import FpsOption, OptionalBoardOption
from fpgacomp.cli.options.output import JsonOption, OutFileOption
from fpgacomp.cli.options.quantization import (
    ActivationBitsOption,
    FirstLastOption,
    GranularityOption,
    InputBitsOption,
    ScaleOption,
    WeightBitsOption,
)
from fpgacomp.cli.options.task import (
    ClassWeightsOption,
    LossOption,
    TaskOption,
    TrainingStepOption,
)
from fpgacomp.cli.options.technique import (
    BudgetOption,
    MeasureOption,
    QuantizeMethodOption,
    StepsOption,
    TrialEpochsOption,
)
from fpgacomp.cli.options.training import (
    BatchOption,
    CheckpointOption,
    DataOption,
    EpochsOption,
    LearningRateOption,
    SeedOption,
    TestDataOption,
    ThreadsOption,
)
from fpgacomp.cli.task import task_request
from fpgacomp.cli.technique import hardware_of, quantize_options, recipe_of, run_technique
from fpgacomp.cli.values import QuantizeMethod
from fpgacomp.errors import UsageError

if TYPE_CHECKING:
    from fpgacomp.compress.quantize import MixedOptions, QuantizeOptions
    from fpgacomp.compress.recipe import TrainingObserver
    from fpgacomp.flows.compression_result import CompressionResult


def quantize(
    context: typer.Context,
    model: FloatModelArgument,
    data: DataOption,
    method: QuantizeMethodOption = "qat",
    weight_bits: WeightBitsOption = ["8"],  # noqa: B006  Typer copies it
    activation_bits: ActivationBitsOption = ["8"],  # noqa: B006
    first_last_bits: FirstLastOption = "8",
    input_bits: InputBitsOption = 8,
    scale: ScaleOption = "free",
    granularity: GranularityOption = "channel",
    budget: BudgetOption = None,
    measure: MeasureOption = "bits",
    trial_epochs: TrialEpochsOption = 0,
    steps: StepsOption = None,
    board: OptionalBoardOption = None,
    fps: FpsOption = None,
    test_data: TestDataOption = None,
    task: TaskOption = None,
    class_weights: ClassWeightsOption = None,
    loss: LossOption = None,
    training_step: TrainingStepOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: LearningRateOption = None,
    checkpoint: CheckpointOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    out: OutFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Quantize a float network, while it is trained or after that.

    The result is a QONNX file, which `fpgacomp compile` takes. Layers that options name are called
    as `fpgacomp check MODEL --json` lists them.

    Example: `fpgacomp quantize cnn.onnx --data digits.npz --weight-bits 4 --activation-bits 4`
    """

    _check_method(method, budget, steps)
    _check_training(method, loss, training_step, class_weights)
    if board is not None and (budget is None or measure in ("bits", "bops")):
        raise UsageError(
            "--board", "is looked at only where --budget is in lut, dsp, ff or bram18.",
            "add --budget and --measure, or leave --board out: `fpgacomp estimate` tells what the "
            "result needs.",
        )  # fmt: skip

    def technique(observer: TrainingObserver) -> CompressionResult:
        from fpgacomp.flows import compress as flow

        wanted = quantize_options(
            weight_bits=weight_bits,
            activation_bits=activation_bits,
            first_last_bits=first_last_bits,
            input_bits=input_bits,
            scale=scale,
            granularity=granularity,
        )
        recipe = recipe_of(
            flow.FINE_TUNING,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            seed=seed,
            threads=threads,
            checkpoint=checkpoint,
            loss=loss,
            training_step=training_step,
        )
        return flow.quantize(
            model,
            data,
            method=method,
            options=_searched(wanted, budget, measure, trial_epochs),
            recipe=recipe,
            steps=None if steps is None else tuple(steps.split(",")),
            hardware=hardware_of(board, fps, wanted),
            test=test_data,
            task=task_request(task, class_weights),
            observer=observer,
        )

    run_technique(context, technique, source=model, out=out, needs_torch=False)


def _check_method(method: QuantizeMethod, budget: float | None, steps: str | None) -> None:
    """Refuse options that the method would not look at."""
    if budget is not None and method != "qat":
        raise UsageError(
            "--budget",
            f"searches bits by training, which the method {method} does not do.",
            "leave --method out (it is qat then), or leave --budget out.",
        )
    if steps is not None and method != "brevitas-ptq":
        raise UsageError(
            "--steps", f"are no part of the method {method}.",
            "add --method brevitas-ptq, or leave --steps out.",
        )  # fmt: skip


def _check_training(method: QuantizeMethod, *training: str | None) -> None:
    """Refuse what only a training looks at where the method trains nothing."""
    options = ("--loss", "--training-step", "--class-weights")
    for option, value in zip(options, training, strict=True):
        if value is not None and method != "qat":
            raise UsageError(
                option, f"is for training, which the method {method} does not do.",
                f"leave --method out (it is qat then), or leave {option} out.",
            )  # fmt: skip


def _searched(
    wanted: QuantizeOptions, budget: float | None, measure: str, trial_epochs: int
) -> QuantizeOptions | MixedOptions:
    """The bits that are wanted or, where a budget is given, a search for bits within it."""
    if budget is None:
        return wanted
    from fpgacomp.compress.quantize import MixedOptions

    return MixedOptions(budget=budget, measure=measure, trial_epochs=trial_epochs, base=wanted)
