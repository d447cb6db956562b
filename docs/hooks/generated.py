"""MkDocs hook: fills in the parts of the pages that are generated from the code.

A page asks for a part with a comment of its own line, `<!-- generated: NAME -->`; the names
are the keys of GENERATORS. The line `::: fpgacomp.NAME` stands for a public name of the
package and is pointed at the module that defines it, which is what mkdocstrings reads.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

import fpgacomp
from fpgacomp import errors
from fpgacomp.cli.app import VERBS, root
from fpgacomp.devices.read import list_boards
from fpgacomp.ir import layers

MARK = re.compile(r"^<!-- generated: (?P<name>[a-z]+) -->$", re.MULTILINE)
PUBLIC = re.compile(r"^::: fpgacomp\.(?P<name>\w+)$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the generated parts of one page; called by MkDocs.

    Args:
        markdown: the page's source.

    Returns:
        The page with every mark replaced by what the code says now.

    Raises:
        KeyError: a mark names a part that nothing generates.
        AttributeError: the page lists a public name that the package does not have.
    """
    filled = MARK.sub(lambda mark: GENERATORS[mark["name"]](), markdown)
    return PUBLIC.sub(lambda mark: f"::: {defined_at(mark['name'])}", filled)


def defined_at(name: str) -> str:
    """The full path of a public name of the package, for instance of `fpgacomp.compile`."""
    public = getattr(fpgacomp, name)
    return f"{public.__module__}.{public.__qualname__}"


def command_line() -> str:
    """Every verb of the command line with its arguments and options, as Markdown."""
    verbs = {verb.__name__.replace("_", "-"): verb for group in VERBS.values() for verb in group}
    sections = (_verb(name, verbs[name]) for name in sorted(verbs))
    return "\n\n".join((*sections, "## Options of every verb", _table("Option", _options(root))))


def _verb(name: str, callback: Callable[..., Any]) -> str:
    arguments = [p for p in _parameters(callback) if isinstance(p.info, ArgumentInfo)]
    usage = (p.spelling if p.required else f"[{p.spelling}]" for p in arguments)
    parts = [
        f"## fpgacomp {name}",
        inspect.cleandoc(callback.__doc__ or ""),
        f"Usage: `{' '.join(('fpgacomp', name, *usage))} [OPTIONS]`",
        _table("Argument", arguments),
        _table("Option", _options(callback)),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(title: str, parameters: Sequence[_Parameter]) -> str:
    """Parameters as a table; nothing where there are none."""
    rows = [parameter.row() for parameter in parameters]
    return "\n".join((f"| {title} | Meaning |", "|---|---|", *rows)) if rows else ""


def _options(callback: Callable[..., Any]) -> list[_Parameter]:
    return [p for p in _parameters(callback) if isinstance(p.info, OptionInfo)]


def _parameters(callback: Callable[..., Any]) -> list[_Parameter]:
    """What a verb declares for the command line; its context is no part of that."""
    signature = inspect.signature(callback, eval_str=True)
    declared = signature.parameters.values()
    return [_parameter(p) for p in declared if get_origin(p.annotation) is Annotated]


@dataclass(frozen=True)
class _Parameter:
    """One argument or option as the command line has it."""

    spelling: str
    values: str
    info: ParameterInfo
    default: Any

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty or self.default is ...

    def row(self) -> str:
        """This parameter as a row of the table."""
        names = ", ".join(f"`{name}`" for name in self.spelling.split("/"))
        left = f"{names} {self.values}".rstrip()
        return f"| {left} | {_cell(self.info.help or '')}{self._default()} |"

    def _default(self) -> str:
        if self.required:
            return " Required." if isinstance(self.info, OptionInfo) else ""
        value = getattr(self.default, "value", self.default)
        if value is None or isinstance(value, bool) or value == "":
            return ""
        return f" Default: `{_cell(str(value))}`."


def _parameter(parameter: inspect.Parameter) -> _Parameter:
    kind, info = get_args(parameter.annotation)[:2]
    # Typer keeps the first spelling of an annotated option where its default would be.
    declared = (info.default, *(info.param_decls or ()))
    spelled = [d for d in declared if isinstance(d, str) and d.startswith("-")]
    if isinstance(info, ArgumentInfo):
        spelling = info.metavar or parameter.name.upper()
        return _Parameter(spelling, "", info, parameter.default)
    spelling = "/".join(spelled) or "--" + parameter.name.replace("_", "-")
    return _Parameter(spelling, _values(kind, info), info, parameter.default)


def _values(kind: Any, info: ParameterInfo) -> str:
    """What an option takes: its choices, or a word for its type; nothing for a switch."""
    if kind is bool:
        return ""
    kinds = [k for k in get_args(kind) if k is not type(None)] if _is_union(kind) else [kind]
    choices = [choice for k in kinds if get_origin(k) is Literal for choice in get_args(k)]
    if choices:
        return " \\| ".join(f"`{choice}`" for choice in choices)
    return f"`{_cell(info.metavar or kinds[0].__name__.upper())}`"


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _cell(text: str) -> str:
    """Text for one cell of a table: one line, whose bars do not end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def error_classes() -> str:
    """Every error that is raised on purpose, its exit code and its meaning, as a table."""
    found = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, Exception)]
    rows = [f"| `{c.__name__}` | {c.exit_code} | {_summary(c)} |" for c in found]
    return "\n".join(("| Error | Exit code | Meaning |", "|---|---|---|", *rows))


def layer_classes() -> str:
    """Every layer of the integer graph and what it computes, as a table."""
    union: UnionType = layers.Layer
    rows = [f"| `{c.__name__}` | {_summary(c)} |" for c in get_args(union)]
    return "\n".join(("| Layer | Computes |", "|---|---|", *rows))


def board_list() -> str:
    """Every board that is shipped: its name, its part and what a design may use, as a table."""
    rows = [
        f"| `{b.name}` | {b.title} | `{b.part}` | {b.budget.lut:,.0f} | {b.budget.dsp:,.0f} "
        f"| {b.budget.bram18:,.0f} |"
        for b in list_boards()
    ]
    head = "| Name | Board | Part | LUTs | DSPs | 18 Kb block RAMs |"
    return "\n".join((head, "|---|---|---|---|---|---|", *rows))


def _summary(documented: Any) -> str:
    """First paragraph of a docstring, on one line."""
    return _cell((inspect.getdoc(documented) or "").split("\n\n")[0])


GENERATORS: dict[str, Callable[[], str]] = {
    "boards": board_list,
    "cli": command_line,
    "errors": error_classes,
    "layers": layer_classes,
}
