"""Errors in functions of the user's own are the user's, and say in which line they are."""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.data.sources import read_source
from fpgacomp.data.user_code import call_users, function_name, user_function
from fpgacomp.errors import InputDataError, UsageError

OWN = """
import json
import numpy

def raises():
    raise ValueError("mine:\\nit is broken.")

def deep():
    return raises()

def within_a_library():
    return json.loads("{")

def opens():
    return numpy.load("missing.npy")

def silent():
    raise KeyError

def stops():
    raise KeyboardInterrupt

def exits():
    raise SystemExit(5)

class Loader:
    def __call__(self):
        return 1 / 0

loader = Loader()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_loaders", raising=False)  # another test's
    Path("own_loaders.py").write_text(OWN)
    return tmp_path


@pytest.mark.parametrize("place", ["own_loaders.py", "own_loaders"])
@pytest.mark.parametrize(
    ("function", "text"),
    [
        (
            "raises",
            r"raised ValueError: mine: it is broken \(own_loaders.py, line 6, in raises\)\.",
        ),
        ("deep", r"raised ValueError: mine: it is broken \(own_loaders.py, line 6, in raises\)\."),
        ("within_a_library", r"raised JSONDecodeError: .*\(own_loaders.py, line 12, in within_a"),
        ("opens", r"raised FileNotFoundError: .*missing.npy.*\(own_loaders.py, line 15, in opens"),
        ("silent", r"raised KeyError \(own_loaders.py, line 18, in silent\)\."),
        ("loader", r"raised ZeroDivisionError: .*\(own_loaders.py, line 28, in __call__\)"),
    ],
)
@pytest.mark.usefixtures("here")
def test_an_exception_names_the_users_line(place: str, function: str, text: str) -> None:
    with pytest.raises(InputDataError, match=text) as told:
        read_source(f"{place}:{function}", "d")
    assert told.value.where.startswith("own_loaders.py:")
    assert told.value.exit_code == 1 and "mend the function" in told.value.fix
    assert told.value.__cause__ is not None  # the whole traceback, for who calls from Python


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("def f(:\n  pass", r"raised SyntaxError: invalid syntax \(own_broken.py, line 1\)"),
        ("x = 1\nraise RuntimeError('x')", r"raised RuntimeError: x \(own_broken.py, line 2\)"),
        ("import no_such_thing", r"raised ModuleNotFoundError: .*\(own_broken.py, line 1\)"),
        ("open('missing.txt')", r"raised FileNotFoundError: .*\(own_broken.py, line 1\)"),
        ("int('a')", r"raised ValueError: .*\(own_broken.py, line 1\)"),
        ("def __getattr__(name):\n    return 1 / 0", r"raised ZeroDivisionError.*line 2, in __get"),
    ],
)
def test_a_file_that_cannot_be_imported(here: Path, code: str, text: str) -> None:
    (here / "own_broken.py").write_text(code)
    with pytest.raises(InputDataError, match=text) as told:
        user_function("own_broken.py:f")
    assert told.value.where == "own_broken.py:f" and told.value.exit_code == 1


@pytest.mark.parametrize("name", ["missing.py:f", "no_such_module:f", "..:f", "no.such:f"])
@pytest.mark.usefixtures("here")
def test_a_module_that_is_not_there(name: str) -> None:
    with pytest.raises(InputDataError, match="cannot be imported"):
        user_function(name)


@pytest.mark.usefixtures("here")
def test_what_stops_the_program_stops_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        read_source("own_loaders.py:stops", "d")
    with pytest.raises(SystemExit):
        read_source("own_loaders.py:exits", "d")


def test_our_own_errors_pass_through_the_users_code() -> None:
    def refuses() -> None:
        raise UsageError("here", "is wrong.", "do right.")

    with pytest.raises(UsageError, match="here: is wrong"):
        call_users(refuses, fix="")


def test_functions_without_a_file_are_called_by_their_names() -> None:
    assert function_name(len) == "len"
    part = functools.partial(np.load, "x")
    assert function_name(part).endswith("partial")
    with pytest.raises(InputDataError, match=r"len: raised TypeError: object of type 'int' has no"):
        call_users(len, 3, fix="give a list.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("returned", "text"),
    [
        ("None", "is a NoneType. Fix: give"),
        ("numpy.zeros((3, 2))", "is a ndarray. Fix: give"),
        ("(1, 2, 3)", "is a tuple of 3 parts. Fix: give"),
        ("(numpy.zeros((5, 2)), numpy.zeros(4))", "has 5 samples and 4 labels"),
        ("(numpy.zeros(5), numpy.zeros(5))", r"x is float64 of shape \[5\]"),
        ("([[1, 2], [3]], [0, 1])", "is no array"),
        ("(numpy.full((5, 2), numpy.nan), numpy.zeros(5))", "are NaN or infinite"),
    ],
)
def test_the_verbs_say_so(here: Path, returned: str, text: str) -> None:
    (here / "own.py").write_text(f"import numpy\ndef f():\n    return {returned}\n")
    told = CliRunner().invoke(app, ["split", "own.py:f"])
    assert told.exit_code == 1, told.output
    assert re.search(text, told.output), told.output


@pytest.mark.slow
def test_a_loss_of_ones_own() -> None:
    torch: Any = pytest.importorskip("torch")
    from fpgacomp.compress.losses import loss_of_answers
    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.data.find_task import decide
    from fpgacomp.data.tasks import FIND, OutputForm
    from fpgacomp.errors import FpgacompError

    task = decide((OutputForm("y", (1,)),), np.array([0, 1]), FIND, where="labels")
    outputs, y = torch.zeros((2, 1), requires_grad=True), torch.tensor([0, 1])

    def told(loss: Any) -> str:
        with pytest.raises(FpgacompError) as error:
            loss_of_answers(task, Recipe(epochs=1, loss=loss))(outputs, y)
        assert error.value.exit_code == 1
        return str(error.value)

    assert "raised RuntimeError" in told(lambda o, y: o @ torch.zeros(7))
    assert "test_user_code.py, line" in told(lambda o, y: 1 / 0)
    assert "raised TypeError" in told(lambda o: o)
    assert "returned NoneType, not one number" in told(lambda o, y: None)
    assert "returned float, not one number" in told(lambda o, y: 1.5)
    assert "of shape [2, 1], not one number" in told(lambda o, y: o)
    assert "returned torch.int64 of shape []" in told(lambda o, y: y.sum())
    assert "does not depend on the outputs" in told(lambda o, y: torch.tensor(1.0))
    good = loss_of_answers(task, Recipe(epochs=1, loss=lambda o, y: o.sum()))(outputs, y)
    assert good.shape == ()


@pytest.mark.slow
def test_a_training_step_and_a_loss_that_go_wrong_later() -> None:
    pytest.importorskip("torch")
    import torch
    from torch import nn

    from fpgacomp.compress.recipe import Recipe
    from fpgacomp.compress.training import train
    from fpgacomp.data.labelled import load_data
    from fpgacomp.errors import FpgacompError

    rng = np.random.default_rng(0)
    data = load_data((rng.normal(size=(60, 4)), rng.normal(size=60)))

    def told(**own: Any) -> str:
        with pytest.raises(FpgacompError) as error:
            train(nn.Linear(4, 1), data, Recipe(epochs=1, batch=16, **own))
        assert error.value.exit_code == 1
        return str(error.value)

    assert "raised ZeroDivisionError" in told(step=lambda *_: 1 / 0)
    assert "returned None" in told(step=lambda *_: None)
    assert "returned a tensor of shape [3]" in told(step=lambda *_: torch.zeros(3))
    nan = told(step=lambda *_: float("nan"))
    assert "the loss is nan" in nan and "or mend " in nan and "test_user_code.py" in nan

    def only_in_training(outputs: Any, labels: Any) -> Any:
        factor = 1.0 if torch.is_grad_enabled() else float("nan")
        return (outputs[:, 0] - labels[:, 0]).square().mean() * factor

    assert "the loss is nan" in told(loss=only_in_training)
