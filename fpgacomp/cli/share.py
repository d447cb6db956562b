"""`fpgacomp share`: each layer of a float network keeps a few distinct weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fpgacomp.cli.options.arguments import FloatModelArgument
from fpgacomp.cli.options.output import JsonOption, OutFileOption
from fpgacomp.cli.options.task import (
    ClassWeightsOption,
    LossOption,
    TaskOption,
    TrainingStepOption,
)
from fpgacomp.cli.options.technique import ValuesOption
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
from fpgacomp.cli.technique import recipe_of, run_technique
from fpgacomp.cli.values import by_layer, whole

if TYPE_CHECKING:
    from fpgacomp.compress.recipe import TrainingObserver
    from fpgacomp.flows.compression_result import CompressionResult


def share(
    context: typer.Context,
    model: FloatModelArgument,
    data: DataOption,
    values: ValuesOption = "16",
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
    """Tie the weights of each layer to a few values, which the file keeps as a codebook.

    Layers that options name are called as `fpgacomp check MODEL --json` lists them.

    Example: `fpgacomp share cnn.onnx --data digits.npz --values 16`
    """

    def technique(observer: TrainingObserver) -> CompressionResult:
        from fpgacomp.compress.share import ShareOptions
        from fpgacomp.flows import compress as flow

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
        return flow.share(
            model,
            data,
            options=ShareOptions(values=by_layer(values, "--values", whole)),
            recipe=recipe,
            test=test_data,
            task=task_request(task, class_weights),
            observer=observer,
        )

    run_technique(context, technique, source=model, out=out)
