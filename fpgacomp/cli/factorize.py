"""`fpgacomp factorize`: layers of a float network are split into smaller ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fpgacomp.cli.options.arguments import FloatModelArgument
from fpgacomp.cli.options.output import JsonOption, OutFileOption
from fpgacomp.cli.options.task import (
    ClassWeightsOption,
    LossOption,
    TaskOption,
)
from fpgacomp.cli.options.technique import (
    EnergyOption,
    GroupsOption,
    KindOption,
    LeaveOption,
    RankOption,
    WithinOption,
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
from fpgacomp.cli.technique import recipe_of, run_technique
from fpgacomp.cli.values import by_layer, names, real

if TYPE_CHECKING:
    from fpgacomp.compress.recipe import TrainingObserver
    from fpgacomp.flows.compression_result import CompressionResult


def factorize(
    context: typer.Context,
    model: FloatModelArgument,
    data: DataOption,
    kind: KindOption = "svd",
    rank: RankOption = None,
    energy: EnergyOption = None,
    within: WithinOption = None,
    groups: GroupsOption = 2,
    leave: LeaveOption = None,
    test_data: TestDataOption = None,
    task: TaskOption = None,
    class_weights: ClassWeightsOption = None,
    loss: LossOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: LearningRateOption = None,
    checkpoint: CheckpointOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    out: OutFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split layers into smaller ones: of a low rank, depthwise separable, or in groups.

    Layers that options name are called as `fpgacomp check MODEL --json` lists them.

    Example: `fpgacomp factorize cnn.onnx --data digits.npz --rank 0.5`
    """

    def technique(observer: TrainingObserver) -> CompressionResult:
        from fpgacomp.compress.factorize.options import FactorizeOptions
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
        )
        return flow.factorize(
            model,
            data,
            options=FactorizeOptions(
                kind=kind,
                rank=None if rank is None else by_layer(rank, "--rank", real),
                energy=energy,
                within=within,
                groups=groups,
                leave=names(leave),
            ),
            recipe=recipe,
            test=test_data,
            task=task_request(task, class_weights),
            observer=observer,
        )

    run_technique(context, technique, source=model, out=out)
