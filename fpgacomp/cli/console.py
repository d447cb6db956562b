"""What every verb of the command line shares: errors as text, progress on standard error."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape

from fpgacomp.errors import FpgacompError, Problems

if TYPE_CHECKING:
    from fpgacomp.compress.recipe import Epoch


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Every error raised on purpose as text on standard error (and JSON where asked for)."""
    with _noticing_ctrl_c() as pressed:
        try:
            yield
        except FpgacompError as error:
            _tell(error, as_json)
            raise typer.Exit(error.exit_code) from None
        except typer.Exit:
            raise
        except (KeyboardInterrupt, Exception) as error:
            # Libraries that are being imported turn Ctrl-C into errors of their own.
            if not pressed.is_set() and not isinstance(error, KeyboardInterrupt):
                raise
            Console(stderr=True).print("stopped; nothing was written.")
            raise typer.Exit(130) from None


@contextmanager
def _noticing_ctrl_c() -> Iterator[threading.Event]:
    """An event that is set once Ctrl-C was pressed; what it does stays the same."""
    pressed = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def noticed(number: int, frame: FrameType | None) -> Any:
        pressed.set()
        return before(number, frame)

    signal.signal(signal.SIGINT, noticed)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(error: FpgacompError, as_json: bool) -> None:
    if as_json:
        problems = error.problems if isinstance(error, Problems) else (error,)
        document = {"errors": [{"where": p.where, "why": p.why, "fix": p.fix}
                               for p in problems]}  # fmt: skip
        sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
    Console(stderr=True, soft_wrap=True, emoji=False).print(
        f"[bold red]error[/]: {escape(str(error))}"
    )


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str, float | None], None]]:
    """Progress bars on standard error, on terminals only."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        from fpgacomp.host.progress import silent

        yield silent
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:9}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def observe(step: str, share: float | None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None)
            if share is not None:
                bars.update(tasks[step], total=1.0, completed=share)

        yield observe


# A line every so many epochs where standard error is no terminal.
LINES_PER_TRAINING = 10


@contextmanager
def training_progress(quiet: bool) -> Iterator[Callable[[str, Epoch], None]]:
    """Loss and accuracy of every epoch on standard error; lines where it is no terminal."""
    console = Console(stderr=True)
    if quiet:
        yield lambda what, epoch: None
        return
    if not console.is_terminal:
        yield lambda what, epoch: _line(console, what, epoch)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}
        # What is measured between trainings (sensitivities, estimates) has no share done.
        bars.add_task("working", total=None, figures="")

        def observe(what: str, epoch: Epoch) -> None:
            if what not in tasks or epoch.number == 1:
                tasks[what] = bars.add_task(what, total=epoch.epochs, figures="")
            bars.update(tasks[what], completed=epoch.number, figures=_figures(epoch))

        yield observe


def _line(console: Console, what: str, epoch: Epoch) -> None:
    every = max(1, epoch.epochs // LINES_PER_TRAINING)
    if epoch.number % every == 0 or epoch.number == epoch.epochs:
        text = f"{what:12} epoch {epoch.number:3}/{epoch.epochs}  {_figures(epoch)}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _figures(epoch: Epoch) -> str:
    return f"loss {epoch.loss:.4f}  validation accuracy {epoch.accuracy:.2%}"
