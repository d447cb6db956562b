"""What every verb has beside its own options: -v, -q, --log-file, errors in one sentence."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fpgacomp.cli.console import FAULT_OF_OURS, errors, write_json
from fpgacomp.cli.fault import tell_fault
from fpgacomp.cli.files import check_verb, roles_of
from fpgacomp.cli.log import logged, logger
from fpgacomp.cli.options.output import LogFileOption, NoModelOption, QuietOption, VerboseOption
from fpgacomp.cli.stop import was_stopped
from fpgacomp.cli.telling import Telling, Verbosity
from fpgacomp.errors import FpgacompError, InvalidGraph, UsageError

# The error of all misuse, which Typer does not export.
_MISUSE: Any = typer.BadParameter.__mro__[1]
_JSON = "fpgacomp.json"  # under this name a context keeps whether --json was given
_FORESEEN = (FpgacompError, typer.BadParameter, typer.Exit, typer.Abort)


class Verb(TyperCommand):
    """A verb of the command line, which also takes what all verbs take.

    The options are appended here rather than in each signature, so that no verb can forget
    one. What they say reaches the verb through its context; see `telling_of`.
    """

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, **settings)
        self.params = [*self.params, *_shared_parameters()]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` among them, as the help shows them."""
        return without_types(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line; Typer puts required arguments in braces."""
        return [
            piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)
        ]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; what is missing or wrong is told in the words of the help."""
        try:
            self._refuse_repeated_and_empty(ctx, list(args))
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = _explained(error)
            raise

    def _refuse_repeated_and_empty(self, ctx: Any, args: list[str]) -> None:
        """Refuse an option that is given twice, and an empty text where a file belongs.

        Of two values Typer takes the last without a word, and an empty text, as an unset variable
        of a shell gives it, as the name of the current folder.

        Raises:
            typer.BadParameter: there is one.
        """
        if ctx.resilient_parsing:  # a shell completes a command line that is not whole yet
            return
        values, _, found = self.make_parser(ctx).parse_args(args=args)
        order: list[Any] = list(found)  # Typer does not export the types of parameters
        files = {*roles_of(self.callback), "log_file"}
        for parameter in dict.fromkeys(order):
            is_option = parameter.param_type_name == "option"
            can_differ = is_option and (not parameter.is_flag or parameter.secondary_opts)
            if can_differ and not parameter.multiple and order.count(parameter) > 1:
                told = "is given more than once: give it once."
                raise typer.BadParameter(told, ctx=ctx, param=parameter)
            if parameter.name in files and "" in _listed(values.get(parameter.name)):
                told = "is empty: name a file or folder; the current folder is `.`."
                raise typer.BadParameter(told, ctx=ctx, param=parameter)

    def invoke(self, ctx: Any) -> Any:  # Typer does not export the type of this context
        """Run the verb; its errors become sentences and exit codes."""
        verbose, quiet, log_file, no_model = (
            ctx.params.pop(name) or ctx.find_root().params.get(name)
            for name in ("verbose", "quiet", "log_file", "no_model")
        )
        as_json = ctx.params.get("as_json", False)
        with errors(as_json):
            check_verb(ctx, log_file)
            ctx.obj = Telling(
                verbosity=_verbosity(verbose, quiet), as_json=as_json, log_file=log_file
            )
            with logged(ctx.obj):
                logger.debug("%s", reproducer())
                try:
                    return super().invoke(ctx)
                except OSError:
                    raise  # the console tells what of it is the file system's
                except Exception as error:
                    foreseen = isinstance(error, _FORESEEN) and not isinstance(error, InvalidGraph)
                    if foreseen or was_stopped(error):
                        raise
                    logger.debug("fault", exc_info=error)
                    model = ctx.params.get("model")
                    keep = isinstance(model, str) and not no_model
                    if as_json:
                        write_json({"errors": [_fault_of_ours(error)]})
                    tell_fault(error, reproducer(), Path(str(model)) if keep else None)
                    raise typer.Exit(FAULT_OF_OURS) from None


class Root(TyperGroup):
    """The command `fpgacomp` itself; its help shows options as the verbs' help does."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Read the command line in front of the verb; what is wrong is told as JSON, too."""
        wanted = "--json" in args
        with _also_as_json(wanted):
            context = super().make_context(info_name, args, parent, **extra)
        context.meta[_JSON] = wanted
        return context

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; what is wrong with its command line is told as JSON, too."""
        with _also_as_json(ctx.meta[_JSON]):
            return super().invoke(ctx)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` among them, as the help shows them."""
        return without_types(super().get_params(ctx))


def _fault_of_ours(error: Exception) -> dict[str, str]:
    """A fault as one of the errors of a JSON document."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    fix = "this is a fault of fpgacomp: report it with the archive that standard error names."
    return {"where": "fpgacomp", "why": what, "fix": fix}


@contextmanager
def _also_as_json(wanted: bool) -> Iterator[None]:
    """Write what is wrong with the command line to standard output where --json asks for it."""
    try:
        yield
    except _MISUSE as error:
        if wanted:
            verb = getattr(getattr(error, "ctx", None), "command_path", "fpgacomp")
            parameter: Any = getattr(error, "param", None)
            where = "/".join(parameter.opts) if parameter is not None else verb
            told = {
                "where": where,
                "why": error.message or error.format_message(),
                "fix": f"see {verb} --help.",
            }
            write_json({"errors": [told]})
        raise


def without_types(parameters: list[Any]) -> list[Any]:
    """Keep Typer from showing Python types (`<bool>`, `<str>`) beside options and arguments.

    An option shows its metavar, an argument its name, and a flag takes no value: `--json <bool>`
    would read as if it did.
    """
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None
        elif parameter.is_flag:
            parameter.metavar = ""
    return parameters


def reproducer() -> str:
    """Describe this run so that somebody else can repeat it: command line and versions."""
    import fpgacomp

    command = shlex.join(["fpgacomp", *sys.argv[1:]])
    return (
        f"{command} (fpgacomp {fpgacomp.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()})"
    )


def _explained(error: typer.BadParameter) -> str:
    """Say what a parameter means that is missing, and what is wrong with one that is there."""
    parameter: Any = error.param
    if parameter is not None and parameter.required and not error.message:
        return str(parameter.help).replace("`", "")
    return error.message.removeprefix("Value error, ")  # the words of Pydantic


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _verbosity(verbose: bool, quiet: bool) -> Verbosity:
    if verbose and quiet:
        raise UsageError("--verbose and --quiet", "contradict each other.", "give one of them.")
    if quiet:
        return Verbosity.QUIET
    return Verbosity.VERBOSE if verbose else Verbosity.NORMAL


@cache
def _shared_parameters() -> list[Any]:
    """The parameters of a verb that has the shared options and nothing else."""
    only = typer.Typer(add_completion=False)

    @only.command()
    def shared(
        verbose: VerboseOption = False,
        quiet: QuietOption = False,
        log_file: LogFileOption = None,
        no_model: NoModelOption = False,
    ) -> None:
        """Take what every verb takes."""

    return list(typer.main.get_command(only).params)
