"""What a verb is doing, told while it runs: bars on terminals, lines and log records elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from fpgacomp.cli.log import logger
from fpgacomp.cli.telling import telling_of
from fpgacomp.host.progress import Observer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from fpgacomp.compress.recipe import Epoch, TrainingObserver

# Where standard error is no terminal, a training tells a line every so many epochs.
LINES_PER_TRAINING = 10


@contextmanager
def progress(context: typer.Context) -> Iterator[Observer]:
    """Yield an observer of steps, which logs them and shows them as bars on a terminal."""
    console = Console(stderr=True)
    if not (telling_of(context).shows_progress and console.is_terminal):
        yield StepLog()
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:9}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        log = StepLog()
        tasks: dict[str, TaskID] = {}

        def observe(step: str, share: float | None) -> None:
            log(step, share)
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None)
            if share is not None:
                bars.update(tasks[step], total=1.0, completed=share)

        yield observe


class StepLog:
    """An observer of steps that logs when each begins, how far it is and when it is done."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}

    def __call__(self, step: str, share: float | None) -> None:
        """Log that a step begins (share None), how much of it is done, or that all is (1.0)."""
        if share is None:
            self._started[step] = time.perf_counter()
            logger.info("%s: started", step)
        elif share < 1.0:
            logger.debug("%s: %.0f %% done", step, 100 * share)
        elif step in self._started:
            seconds = time.perf_counter() - self._started.pop(step)
            logger.info("%s: done after %.2f s", step, seconds)


@contextmanager
def training_progress(context: typer.Context) -> Iterator[TrainingObserver]:
    """Yield an observer of epochs, which logs loss and accuracy and shows how far training is."""
    console = Console(stderr=True)
    if not telling_of(context).shows_progress:
        yield _log_epoch
    elif not console.is_terminal:
        yield lambda what, epoch: _line(console, what, epoch)
    else:
        with _training_bars(console) as bars:
            yield _epoch_bars(bars)


@contextmanager
def _training_bars(console: Console) -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        yield bars


def _epoch_bars(bars: Progress) -> TrainingObserver:
    tasks: dict[str, TaskID] = {}
    # What is measured between trainings (sensitivities, estimates) has no share done.
    bars.add_task("working", total=None, figures="")

    def observe(what: str, epoch: Epoch) -> None:
        _log_epoch(what, epoch)
        if what not in tasks or epoch.number == 1:
            tasks[what] = bars.add_task(what, total=epoch.epochs, figures="")
        bars.update(tasks[what], completed=epoch.number, figures=_figures(epoch))

    return observe


def _line(console: Console, what: str, epoch: Epoch) -> None:
    _log_epoch(what, epoch)
    every = max(1, epoch.epochs // LINES_PER_TRAINING)
    if epoch.number % every == 0 or epoch.number == epoch.epochs:
        console.print(_sentence(what, epoch), markup=False, highlight=False, soft_wrap=True)


def _log_epoch(what: str, epoch: Epoch) -> None:
    logger.info("%s", _sentence(what, epoch))


def _sentence(what: str, epoch: Epoch) -> str:
    return f"{what:12} epoch {epoch.number:3}/{epoch.epochs}  {_figures(epoch)}"


def _figures(epoch: Epoch) -> str:
    from fpgacomp.data.metrics import METRICS

    metric = METRICS[epoch.metric]
    return f"loss {epoch.loss:.4f}  validation {metric.title} {metric.text(epoch.score)}"
