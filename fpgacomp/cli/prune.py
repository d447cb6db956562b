"""`fpgacomp prune`: weights or channels are removed from a float network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

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
    LeaveOption,
    NOfMOption,
    PruneMethodOption,
    ResourceOption,
    ScopeOption,
    ShareOption,
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
from fpgacomp.cli.values import PruneMethod, Resource, Scope, by_layer, n_of_m, names, real
from fpgacomp.errors import UsageError

if TYPE_CHECKING:
    from fpgacomp.compress.prune.options import (
        ChannelOptions,
        HardwareOptions,
        MagnitudeOptions,
        NOfMOptions,
    )
    from fpgacomp.compress.recipe import TrainingObserver
    from fpgacomp.flows.compression_result import CompressionResult


def prune(
    context: typer.Context,
    model: FloatModelArgument,
    data: DataOption,
    method: PruneMethodOption = "magnitude",
    share: ShareOption = "0.5",
    n_of_m: NOfMOption = "2:4",
    scope: ScopeOption = None,
    leave: LeaveOption = None,
    resource: ResourceOption = "lut",
    board: OptionalBoardOption = None,
    fps: FpsOption = None,
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
    """Remove weights, groups of weights or channels, and train what is left.

    With --weight-bits or --activation-bits the result is also quantized; weights that were
    removed stay zero.

    Layers that options name are called as `fpgacomp check MODEL --json` lists them.

    Example: `fpgacomp prune cnn.onnx --data digits.npz --share 0.75 --weight-bits 4`
    """

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
        is_quantized = bool(weight_bits or activation_bits)
        return flow.prune(
            model,
            data,
            options=_options(method, share, n_of_m, scope, names(leave), resource, board),
            recipe=recipe,
            quantization=wanted if is_quantized else None,
            hardware=hardware_of(board, fps, wanted),
            test=test_data,
            task=task_request(task, class_weights),
            observer=observer,
        )

    run_technique(context, technique, source=model, out=out)


def _options(
    method: PruneMethod,
    share: str,
    group: str,
    scope: Scope | None,
    leave: tuple[str, ...],
    resource: Resource,
    board: str | None,
) -> MagnitudeOptions | NOfMOptions | ChannelOptions | HardwareOptions:
    """The options of the pruning method; their type is the method."""
    from fpgacomp.compress.prune.options import (
        ChannelOptions,
        HardwareOptions,
        MagnitudeOptions,
        NOfMOptions,
    )

    if scope is not None and method in ("n:m", "hardware"):
        raise UsageError(
            f"--scope {scope}", f"is no choice of the method {method}.",
            "leave --scope out, or add --method magnitude or channels.",
        )  # fmt: skip
    if board is not None and method != "hardware" and scope != "board":
        raise UsageError(
            "--board", "is looked at only by the method hardware and by --scope board.",
            "leave --board out: `fpgacomp estimate` tells what the result needs.",
        )  # fmt: skip
    shares = by_layer(share, "--share", real)
    match method:
        case "magnitude":
            competing = scope or MagnitudeOptions.scope
            if competing == "board":
                raise UsageError(
                    "--scope board", "compares channels, not weights.",
                    "add --method channels, or use global or layer.",
                )  # fmt: skip
            return MagnitudeOptions(sparsity=shares, leave=leave, scope=competing)
        case "n:m":
            n, m = n_of_m(group, "--n-of-m")
            return NOfMOptions(n=n, m=m, leave=leave)
        case "channels":
            return ChannelOptions(share=shares, leave=leave, scope=scope or ChannelOptions.scope)
        case "hardware":
            if isinstance(shares, Mapping):
                raise UsageError(
                    "--share", "is one number for this method.", "write for instance 0.5."
                )
            return HardwareOptions(saving=shares, resource=resource, leave=leave)
        case _:
            assert_never(method)
