"""The command `fpgacomp`: which verbs it has, and what it says of itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Annotated, Any

import typer

from fpgacomp.cli.bench_estimates import bench_estimates
from fpgacomp.cli.boards import boards
from fpgacomp.cli.build import build
from fpgacomp.cli.calibrate import calibrate
from fpgacomp.cli.check import check
from fpgacomp.cli.compare import compare
from fpgacomp.cli.compile import compile
from fpgacomp.cli.console import FAULT_OF_OURS, leave, tell_stopped, tell_unwritable
from fpgacomp.cli.distill import distill
from fpgacomp.cli.doctor import doctor
from fpgacomp.cli.emulate import emulate
from fpgacomp.cli.estimate import estimate
from fpgacomp.cli.evaluate import evaluate
from fpgacomp.cli.export import export
from fpgacomp.cli.factorize import factorize
from fpgacomp.cli.fault import tell_fault
from fpgacomp.cli.import_report import import_report
from fpgacomp.cli.install import install
from fpgacomp.cli.new_key import new_key
from fpgacomp.cli.options.output import LogFileOption, NoModelOption, QuietOption, VerboseOption
from fpgacomp.cli.package import package
from fpgacomp.cli.prune import prune
from fpgacomp.cli.quantize import quantize
from fpgacomp.cli.serve import serve
from fpgacomp.cli.share import share
from fpgacomp.cli.show import show
from fpgacomp.cli.simulate import simulate
from fpgacomp.cli.split import split
from fpgacomp.cli.stop import was_stopped
from fpgacomp.cli.verb import Root, Verb, reproducer
from fpgacomp.cli.verify import verify

# Every verb, in the order and under the headings of the help.
VERBS: Mapping[str, tuple[Callable[..., None], ...]] = {
    "Build an accelerator": (compile, estimate, check, simulate, build, export),
    "Bring it to a device": (emulate, package, verify, install, new_key, serve),
    "Make a network smaller": (split, quantize, prune, distill, share, factorize, evaluate),
    "Look around": (show, compare, import_report, calibrate, boards, bench_estimates, doctor),
}


class _Verbs(Mapping[str, Any]):
    """The verbs by name, each made from its signature when it is asked for: a run needs one."""

    def __init__(self) -> None:
        self._panels = {
            verb.__name__.replace("_", "-"): (verb, panel)
            for panel, verbs in VERBS.items()
            for verb in verbs
        }
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            verb, panel = self._panels[name]
            only = typer.Typer(add_completion=False, rich_markup_mode="markdown")
            only.command(cls=Verb, rich_help_panel=panel)(verb)
            self._made[name] = typer.main.get_command(only)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._panels)

    def __len__(self) -> int:
        return len(self._panels)


class _Command(Root):
    """The command with its verbs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": _Verbs()})


app = typer.Typer(
    name="fpgacomp",
    cls=_Command,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import fpgacomp

        typer.echo(f"fpgacomp {fpgacomp.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    log_file: LogFileOption = None,
    no_model: NoModelOption = False,
) -> None:
    """Neural network in, verified FPGA accelerator out.

    fpgacomp turns a neural network into exact integer arithmetic, writes it as HLS C++ for one
    FPGA board, and proves or checks every integer that the hardware computes.

    Example: `fpgacomp compile model.onnx --board pynq-z2`

    Exit codes:

    - 0: all is well.
    - 1: the model, the data or the design is at fault: what is in a file is wrong or not
      supported, a design does not fit, or a check found a mismatch.
    - 2: the command line is wrong: an option or a value, or a file or a board that it names
      does not exist.
    - 3: a tool or the file system failed.
    - 70: fpgacomp itself is at fault.
    - 130, 143: it was stopped, by Ctrl-C or by SIGTERM.
    """


def main() -> None:
    """Run the command and exit with its code; `fpgacomp.cli.main` heeds signals before this."""
    try:
        app(prog_name="fpgacomp")
    except SystemExit as ended:
        leave(ended.code if isinstance(ended.code, int) else int(ended.code is not None))
    except KeyboardInterrupt:  # it came where no verb runs: while one begins or ends
        tell_stopped()
    except Exception as error:
        if was_stopped(error):
            tell_stopped()
        if isinstance(error, OSError):
            with suppress(OSError):
                tell_unwritable(error)
        tell_fault(error, reproducer(), None)
        sys.exit(FAULT_OF_OURS)
