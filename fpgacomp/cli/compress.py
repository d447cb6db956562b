"""Verbs that make networks smaller: arguments to compression to terminal; decides nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fpgacomp.cli.console import errors, training_progress
from fpgacomp.cli.options import (
    ActivationBitsOption,
    BatchOption,
    BoardOption,
    CheckpointOption,
    DataOption,
    EpochsOption,
    FirstLastOption,
    FpsOption,
    GranularityOption,
    InputBitsOption,
    JsonOption,
    LeaveOption,
    ModelArgument,
    OutOption,
    RateOption,
    ScaleOption,
    SeedOption,
    TestDataOption,
    ThreadsOption,
    WeightBitsOption,
)
from fpgacomp.cli.values import (
    Granularity,
    Kind,
    Method,
    Pruning,
    Scale,
    Scope,
    hardware_of,
    mixed_options,
    names,
    numbers,
    pairs,
    prune_options,
    quantize_options,
    recipe_of,
    student_of,
)


def quantize(
    model: ModelArgument,
    data: DataOption,
    method: Annotated[Method, typer.Option(help="After training, or aware of it.")] = Method.qat,
    weight_bits: WeightBitsOption = "8",
    activation_bits: ActivationBitsOption = "8",
    first_last_bits: FirstLastOption = "8",
    input_bits: InputBitsOption = 8,
    scale: ScaleOption = Scale.free,
    granularity: GranularityOption = Granularity.channel,
    budget: Annotated[
        float | None, typer.Option(help="Most it may cost: bits of each layer are searched.")
    ] = None,
    measure: Annotated[
        str, typer.Option(help="Of the budget: bits, bops, or of a --board lut, dsp, ff, bram18.")
    ] = "bits",
    trial_epochs: Annotated[
        int, typer.Option(help="Of training before bits are judged, in the search.")
    ] = 0,
    board: BoardOption = None,
    fps: FpsOption = None,
    steps: Annotated[
        str | None, typer.Option(help="Of brevitas-ptq: merge,equalize,gptq,bias.")
    ] = None,
    test_data: TestDataOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: RateOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    checkpoint: CheckpointOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Quantize a float network, during training or after it.

    Example: `fpgacomp quantize cnn.onnx --data digits.npz --weight-bits 4 --activation-bits 4`
    """
    arguments = locals()

    def run(observer: Any) -> Any:
        from fpgacomp.flows import compress as compression

        return compression.quantize(
            model,
            data,
            method=method.value,
            options=quantize_options(arguments) if budget is None else mixed_options(arguments),
            recipe=recipe_of(compression.FINE_TUNING, arguments),
            hardware=hardware_of(arguments),
            steps=None if steps is None else tuple(steps.split(",")),
            test=test_data,
            observer=observer,
        )

    _verb(run, model, "quantized", out, as_json, torch=False)


def prune(
    model: ModelArgument,
    data: DataOption,
    method: Annotated[Pruning, typer.Option(help="What is removed.")] = Pruning.magnitude,
    share: Annotated[
        str,
        typer.Option(
            "--share",
            "--sparsity",
            metavar="SHARE",
            help="Of weights, channels or LUTs that go; or by layer.",
        ),
    ] = "0.5",
    n_of_m: Annotated[
        str, typer.Option("--n-of-m", metavar="N:M", help="N of every M weights stay.")
    ] = "2:4",
    scope: Annotated[
        Scope | None, typer.Option(help="Whether layers compete; board: of channels.")
    ] = None,
    leave: LeaveOption = None,
    resource: Annotated[str, typer.Option(help="That method hardware saves.")] = "lut",
    board: BoardOption = None,
    fps: FpsOption = None,
    weight_bits: WeightBitsOption = None,
    activation_bits: ActivationBitsOption = None,
    first_last_bits: FirstLastOption = "8",
    input_bits: InputBitsOption = 8,
    scale: ScaleOption = Scale.free,
    granularity: GranularityOption = Granularity.channel,
    test_data: TestDataOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: RateOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    checkpoint: CheckpointOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove weights, groups of weights or channels, and train what is left.

    With --weight-bits or --activation-bits the result is quantized, too, its zeros kept.

    Example: `fpgacomp prune cnn.onnx --data digits.npz --share 0.75 --weight-bits 4`
    """
    arguments = locals()

    def run(observer: Any) -> Any:
        from fpgacomp.flows import compress as compression

        quantized = weight_bits is not None or activation_bits is not None
        return compression.prune(
            model,
            data,
            options=prune_options(arguments),
            recipe=recipe_of(compression.FINE_TUNING, arguments),
            quantization=quantize_options(arguments) if quantized else None,
            hardware=hardware_of(arguments),
            test=test_data,
            observer=observer,
        )

    _verb(run, model, "pruned", out, as_json)


def distill(
    teacher: Annotated[str, typer.Argument(metavar="TEACHER", help="Float ONNX or Keras file.")],
    data: DataOption,
    student: Annotated[
        str,
        typer.Option(metavar="FILE|SHARE", help="A network, or a share of the teacher's width."),
    ] = "0.25",
    temperature: Annotated[float, typer.Option(help="Softens the answers.")] = 4.0,
    soft_share: Annotated[float, typer.Option(help="Weight of the teacher's answers.")] = 0.9,
    hidden: Annotated[
        str | None, typer.Option(help="TEACHER:STUDENT layers drawn together, by commas.")
    ] = None,
    weight_bits: WeightBitsOption = None,
    activation_bits: ActivationBitsOption = None,
    first_last_bits: FirstLastOption = "8",
    input_bits: InputBitsOption = 8,
    scale: ScaleOption = Scale.free,
    granularity: GranularityOption = Granularity.channel,
    test_data: TestDataOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: RateOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    checkpoint: CheckpointOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a smaller or quantized student on a teacher's answers.

    Example: `fpgacomp distill cnn.onnx --data digits.npz --student 0.25 --weight-bits 3`
    """
    arguments = locals()

    def run(observer: Any) -> Any:
        from fpgacomp.compress.distill import DistillOptions
        from fpgacomp.flows import compress as compression

        quantized = weight_bits is not None or activation_bits is not None
        return compression.distill(
            teacher,
            student_of(student),
            data,
            options=DistillOptions(
                temperature=temperature, soft_share=soft_share, hidden=pairs(hidden)
            ),
            recipe=recipe_of(compression.FROM_SCRATCH, arguments),
            quantization=quantize_options(arguments) if quantized else None,
            test=test_data,
            observer=observer,
        )

    _verb(run, teacher, "student", out, as_json)


def share(
    model: ModelArgument,
    data: DataOption,
    values: Annotated[
        str, typer.Option(metavar="COUNT", help="Values per layer: 2 to 256, or LAYER=COUNT,...")
    ] = "16",
    test_data: TestDataOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: RateOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    checkpoint: CheckpointOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tie each layer's weights to a few values, kept as a codebook in the file.

    Example: `fpgacomp share cnn.onnx --data digits.npz --values 16`
    """
    arguments = locals()

    def run(observer: Any) -> Any:
        from fpgacomp.compress.share import ShareOptions
        from fpgacomp.flows import compress as compression

        return compression.share(
            model,
            data,
            options=ShareOptions(values=numbers(values, "--values", int)),
            recipe=recipe_of(compression.FINE_TUNING, arguments),
            test=test_data,
            observer=observer,
        )

    _verb(run, model, "shared", out, as_json)


def factorize(
    model: ModelArgument,
    data: DataOption,
    kind: Annotated[Kind, typer.Option(help="How layers are split.")] = Kind.svd,
    rank: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Of the full rank; or by layer.")
    ] = None,
    energy: Annotated[
        float | None, typer.Option(help="Share of the squared singular values that is kept.")
    ] = None,
    within: Annotated[
        float | None, typer.Option(help="Points of accuracy it may cost before training.")
    ] = None,
    groups: Annotated[int, typer.Option(help="Of kind grouped.")] = 2,
    leave: LeaveOption = None,
    test_data: TestDataOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    learning_rate: RateOption = None,
    seed: SeedOption = 0,
    threads: ThreadsOption = 1,
    checkpoint: CheckpointOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split layers into smaller ones: low rank, depthwise separable, or groups.

    Example: `fpgacomp factorize cnn.onnx --data digits.npz --rank 0.5`
    """
    arguments = locals()

    def run(observer: Any) -> Any:
        from fpgacomp.compress.factorize.options import FactorizeOptions
        from fpgacomp.flows import compress as compression

        return compression.factorize(
            model,
            data,
            options=FactorizeOptions(
                kind=kind.value,
                rank=None if rank is None else numbers(rank, "--rank", float),
                energy=energy,
                within=within,
                groups=groups,
                leave=names(leave),
            ),
            recipe=recipe_of(compression.FINE_TUNING, arguments),
            test=test_data,
            observer=observer,
        )

    _verb(run, model, "factorized", out, as_json)


def _verb(
    run: Callable[[Any], Any],
    source: str,
    made: str,
    out: Path | None,
    as_json: bool,
    torch: bool = True,
) -> None:
    """Run a technique with progress, write its network, show what it did.

    Args:
        made: what the source becomes, for the name of a file where none is given.
    """
    with errors(as_json):
        from fpgacomp.flows.compression_result import check_destination

        destination = out or Path(f"{Path(source).stem}-{made}.onnx")
        check_destination(destination, source)
        if torch:
            from fpgacomp.flows.torch_networks import require_torch

            require_torch()
        with training_progress(as_json) as observer:
            result = run(observer)
        path = result.save(destination)
        if as_json:
            document = {**result.summary(), "file": str(path)}
            sys.stdout.write(json.dumps(document, indent=1, sort_keys=True, default=str) + "\n")
        else:
            from fpgacomp.report import compression

            compression.render(result.summary(), str(path), Console())


VERBS = (quantize, prune, distill, share, factorize)
