"""What the verbs that make networks smaller share: their options as values, and how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fpgacomp.cli.console import result_console, write_json
from fpgacomp.cli.files import network_file
from fpgacomp.cli.log import logger
from fpgacomp.cli.progress import training_progress
from fpgacomp.cli.task import function_of
from fpgacomp.cli.telling import telling_of
from fpgacomp.cli.values import Granularity, Scale, bits, by_layer, whole
from fpgacomp.errors import UsageError

if TYPE_CHECKING:
    from fpgacomp.compress.quantize import QuantizeOptions
    from fpgacomp.compress.recipe import Recipe, TrainingObserver
    from fpgacomp.flows.board_cost import Hardware
    from fpgacomp.flows.compression_result import CompressionResult

DEFAULT_BITS = "8"


def run_technique(
    context: typer.Context,
    technique: Callable[[TrainingObserver], CompressionResult],
    *,
    source: str,
    out: Path | None,
    needs_torch: bool = True,
) -> None:
    """Run a technique with progress, write its network, show what it did.

    Args:
        context: of the running verb.
        technique: makes the smaller network; takes the observer of its training.
        source: file of the network that is made smaller.
        out: file to write; None calls it after the network and the verb.
        needs_torch: whether a missing PyTorch is told before anything is computed.
    """
    from fpgacomp.flows.compression_result import check_destination
    from fpgacomp.flows.torch_networks import require_torch

    destination = network_file(str(context.command.name), source, out)
    check_destination(destination)
    if needs_torch:
        require_torch()
    with training_progress(context) as observer:
        result = technique(observer)
    for warning in result.warnings:
        logger.info("warning: %s", warning)
    for note in result.notes:
        logger.info("note: %s", note)
    replaced = destination.exists()
    path = result.save(destination)
    if telling_of(context).as_json:
        write_json({**result.summary(), "file": str(path)})
    else:
        from fpgacomp.report import compression

        compression.render(result.summary(), str(path), result_console(), replaced=replaced)


def recipe_of(
    default: Recipe,
    *,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    seed: int,
    threads: int,
    checkpoint: Path | None,
    loss: str | None = None,
    training_step: str | None = None,
) -> Recipe:
    """Change the technique's own recipe where the command line says something else.

    Raises:
        InputDataError: the functions that `loss` and `training_step` name cannot be imported.
    """
    return replace(
        default,
        epochs=default.epochs if epochs is None else epochs,
        batch=default.batch if batch is None else batch,
        learning_rate=default.learning_rate if learning_rate is None else learning_rate,
        seed=seed,
        threads=threads,
        checkpoint=checkpoint,
        loss=function_of(loss),
        step=function_of(training_step),
    )


def quantize_options(
    *,
    weight_bits: Sequence[str] | None,
    activation_bits: Sequence[str] | None,
    first_last_bits: str,
    input_bits: int,
    scale: Scale,
    granularity: Granularity,
) -> QuantizeOptions:
    """Make the options of a quantization from the values on the command line.

    Raises:
        UsageError: values that cannot be read, or that are out of their bounds.
    """
    from fpgacomp.compress.quantize import QuantizeOptions

    same = first_last_bits == "same"
    return QuantizeOptions(
        weight_bits=by_layer(_joined(weight_bits), "--weight-bits", bits),
        activation_bits=by_layer(_joined(activation_bits), "--activation-bits", whole),
        first_last_bits=None if same else bits(first_last_bits, "--first-last-bits"),
        input_bits=input_bits,
        scale=scale,
        granularity=granularity,
    )


def _joined(texts: Sequence[str] | None) -> str:
    """The texts of an option that was given any number of times as one."""
    return ",".join(texts) if texts else DEFAULT_BITS


def hardware_of(
    board: str | None, fps: float | None, quantization: QuantizeOptions
) -> Hardware | None:
    """Say what a network is estimated for; None where no board is named.

    Raises:
        UsageError: a rate without the board that is to reach it.
    """
    from fpgacomp.flows.board_cost import Hardware
    from fpgacomp.flows.options import Options
    from fpgacomp.results.target import Target

    if board is None:
        if fps is not None:
            raise UsageError(
                "--fps", "is a bound of a design for a board.", "add --board, or leave --fps out."
            )
        return None
    options = Options(target=Target.at_rate(fps))
    return Hardware(board=board, options=options, quantization=quantization)
