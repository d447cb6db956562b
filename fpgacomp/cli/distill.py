"""`fpgacomp distill`: a small network learns the answers of a large one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fpgacomp.cli.options.arguments import TeacherArgument
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
)
from fpgacomp.cli.options.technique import (
    HiddenOption,
    SoftShareOption,
    StudentOption,
    TemperatureOption,
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
from fpgacomp.cli.technique import quantize_options, recipe_of, run_technique
from fpgacomp.cli.values import file_or_share, pairs

if TYPE_CHECKING:
    from fpgacomp.compress.recipe import TrainingObserver
    from fpgacomp.flows.compression_result import CompressionResult


def distill(
    context: typer.Context,
    teacher: TeacherArgument,
    data: DataOption,
    student: StudentOption = "0.25",
    temperature: TemperatureOption = 4.0,
    soft_share: SoftShareOption = 0.9,
    hidden: HiddenOption = None,
    weight_bits: WeightBitsOption = None,
    activation_bits: ActivationBitsOption = None,
    first_last_bits: FirstLastOption = "8",
    input_bits: InputBitsOption = 8,
    scale: ScaleOption = "free",
    granularity: GranularityOption = "channel",
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
    """Train a smaller or quantized student network on the answers of a teacher network.

    With --weight-bits or --activation-bits the student is quantized while it learns.

    Example: `fpgacomp distill cnn.onnx --data digits.npz --student 0.25 --weight-bits 3`
    """

    def technique(observer: TrainingObserver) -> CompressionResult:
        from fpgacomp.compress.distill import DistillOptions
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
            flow.FROM_SCRATCH,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            seed=seed,
            threads=threads,
            checkpoint=checkpoint,
            loss=loss,
        )
        is_quantized = bool(weight_bits or activation_bits)
        return flow.distill(
            teacher,
            file_or_share(student),
            data,
            options=DistillOptions(
                temperature=temperature,
                soft_share=soft_share,
                hidden=pairs(hidden, "--hidden"),
            ),
            recipe=recipe,
            quantization=wanted if is_quantized else None,
            test=test_data,
            task=task_request(task, class_weights),
            observer=observer,
        )

    run_technique(context, technique, source=teacher, out=out)
