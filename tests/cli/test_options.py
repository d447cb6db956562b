"""Each option is declared once and says the same for every verb, in sentences."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from typer.main import get_command

from fpgacomp.cli import app as app_module
from fpgacomp.cli.options import training
from fpgacomp.compress.recipe import Recipe
from fpgacomp.flows.compress import FINE_TUNING, FROM_SCRATCH
from tests.support.paths import PACKAGE

VERBS: dict[str, Any] = get_command(app_module.app).commands  # type: ignore[attr-defined]
# Options that mean something else for another verb, with the reason.
ON_PURPOSE = {
    "--out": "compile writes a folder, the techniques write a network file",
    "--board": "compile and estimate need one, the other verbs only for an estimate",
    "--inputs": "compile has vectors of its own, simulate needs samples",
    "--weight-bits": "compile quantizes with one width, the techniques with one for each layer",
    "--activation-bits": "compile quantizes with one width, the techniques with one for each layer",
    "--input-bits": "compile types a raw input (total and integer bits), quantize a network's",
    "--key": "package signs with a private key, verify and install check with a public one",
    "--transport": "install tests a version through it, serve computes with it",
    "--batch": "of a training step, or of samples that a service answers together",
    "--data": "the techniques learn from samples, evaluate does without them for --engines",
    "--method": "how a network is quantized is not how it is pruned",
}
PARAMETERS = [
    pytest.param(verb, parameter, id=f"{verb} {parameter.opts[0]}")
    for verb, command in VERBS.items()
    for parameter in command.params
]


def said(parameter: Any) -> tuple[object, ...]:
    """What the help says of a parameter, without its default."""
    return (
        tuple(parameter.opts), parameter.help, parameter.metavar, parameter.rich_help_panel,
        parameter.multiple, parameter.is_flag,
    )  # fmt: skip


def test_an_option_says_the_same_everywhere() -> None:
    meanings: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for command in VERBS.values():
        for parameter in command.params:
            if parameter.opts[0].startswith("-"):
                meanings[parameter.opts[0]].add(said(parameter))
    assert {name for name, found in meanings.items() if len(found) > 1} == set(ON_PURPOSE)


def test_an_option_is_declared_once() -> None:
    declared = defaultdict(list)
    for path in sorted((PACKAGE / "cli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.Option"):
                continue
            names = [a.value for a in node.args if isinstance(a, ast.Constant)]
            assert names, f"{path.name} line {node.lineno}: an option without a name"
            declared[str(names[0]).split("/")[0]].append(path.name)
    twice = {name for name, places in declared.items() if len(places) > 1}
    # That of fpgacomp itself stands on the command, not on a verb.
    assert twice - {"--version"} == set(ON_PURPOSE), {name: declared[name] for name in twice}
    known = {name for verb in VERBS.values() for p in verb.params for name in p.opts}
    assert set(declared) - {"--version"} <= known, "an option that no verb takes"


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "parameter"), PARAMETERS)
def test_help_is_in_sentences(verb: str, parameter: Any) -> None:
    text = parameter.help or ""
    assert re.match(r"[A-Z]", text), text
    assert text.endswith((".", ",...")), text
    assert len(text.split()) >= 5, text
    assert not re.search(r":[a-z_]+:", text), f"{text}: the terminal would show an emoji"


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "parameter"), PARAMETERS)
def test_what_is_optional_has_its_default_in_the_help(verb: str, parameter: Any) -> None:
    if parameter.required or parameter.default is not None:
        return  # the help shows these by itself
    assert re.search(r"[Ww]ithout|default:|needs none|Where only", parameter.help), parameter.help


def test_the_training_options_name_the_defaults_of_the_recipes() -> None:
    def text(option: Any) -> str:
        return str(option.__metadata__[0].help)

    assert f"(default: {FINE_TUNING.epochs}; {FROM_SCRATCH.epochs} for distill)" in text(
        training.EpochsOption
    )
    rates = f"(default: {FINE_TUNING.learning_rate:g}; {FROM_SCRATCH.learning_rate:g} for distill)"
    assert rates in text(training.LearningRateOption)
    assert FINE_TUNING.batch == FROM_SCRATCH.batch == Recipe.batch
    assert f"(default: {Recipe.batch})" in text(training.BatchOption)


def literals(hint: Any) -> Iterator[str]:
    """The choices of a hint such as `Literal["a", "b"] | None`."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    else:
        for part in get_args(hint):
            yield from literals(part)


def test_every_choice_is_named_in_the_help() -> None:
    named = set()
    for verb in (verb for verbs in app_module.VERBS.values() for verb in verbs):
        for name, hint in get_type_hints(verb, include_extras=True).items():
            for choice in literals(hint):
                assert choice in hint.__metadata__[0].help, (verb.__name__, name, choice)
                named.add(choice)
    assert {"stream", "area", "io_stream", "mse", "n:m", "tucker", "bram18"} <= named
