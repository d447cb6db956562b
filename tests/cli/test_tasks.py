"""What the command line says of tasks, floors and functions of the user's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from tests.support.task_networks import task_case

pytestmark = pytest.mark.slow  # loading the framework takes seconds


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def document(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_task_is_told_and_set(here: Path) -> None:
    model, train, test = task_case("binary").save(here)
    given = ("quantize", model, "-d", train, "--test-data", test, "--method", "ptq", "-o", "q.onnx")
    found = document(run(*given, "--json"))
    assert (found["task"], found["metric"]) == ("binary", "accuracy")
    assert "one logit" in found["task_found"] and not found["test_held_out_of_data"]
    assert found["accuracy"] == found["score"] == found["scores"]["y"]["accuracy"]
    other = document(run(*given, "--task", "regression", "--json"))
    assert (other["task"], other["metric"], other["accuracy"]) == ("regression", "r2", None)
    shown = run(*given)
    assert "task: yes or no, from one logit" in shown.stdout
    wrong = run(*given, "--task", "guess")
    assert wrong.exit_code == 2 and "'guess' is no kind" in wrong.output


def test_held_out_samples_are_told(here: Path) -> None:
    model, train, _ = task_case("regression").save(here)
    shown = run("quantize", model, "-d", train, "--method", "ptq", "-o", "q.onnx")
    assert "warning: the test samples are a part of --data" in shown.stdout
    assert "test R2" in shown.stdout and "MAE" in shown.stdout


def test_a_training_alone_takes_losses_and_weights(here: Path) -> None:
    model, train, _ = task_case("binary").save(here)
    for option, value in (("--loss", "mine.py:loss"), ("--class-weights", "balanced")):
        wrong = run("quantize", model, "-d", train, "--method", "ptq", option, value)
        assert wrong.exit_code == 2 and f"{option}: is for training" in wrong.output
    wrong = run("share", model, "-d", train, "--class-weights", "heavy")
    assert wrong.exit_code == 2 and "neither balanced nor a .npy" in wrong.output


def test_functions_of_the_users_own(here: Path) -> None:
    pytest.importorskip("torch")
    model, train, test = task_case("binary").save(here)
    Path("mine.py").write_text(
        "import torch\n"
        "def loss(outputs, labels):\n"
        "    open('loss.txt', 'a').write(f'{tuple(outputs.shape)} {labels.dtype}\\n')\n"
        "    return torch.nn.functional.binary_cross_entropy_with_logits("
        "outputs[:, 0], labels.float())\n"
        "def step(network, optimizer, x, labels):\n"
        "    open('step.txt', 'a').write('.')\n"
        "    optimizer.zero_grad()\n"
        "    value = loss(network(x), labels)\n"
        "    value.backward()\n"
        "    optimizer.step()\n"
        "    return value.item()\n"
    )
    np.save("weights.npy", np.array([1.0, 2.0]))
    given = (model, "-d", train, "--test-data", test, "--epochs", 1, "-o", "s.onnx", "--json")
    assert document(run("share", *given, "--loss", "mine.py:loss"))["score"] > 0.7
    assert "(64, 1) torch.int64" in Path("loss.txt").read_text()
    document(run("share", *given, "--training-step", "mine.py:step"))
    assert Path("step.txt").read_text() == ".." or len(Path("step.txt").read_text()) >= 1
    assert document(run("share", *given, "--class-weights", "weights.npy"))["epochs"] == 1
    missing = run("share", *given, "--loss", "mine.py:none")
    assert missing.exit_code == 1 and "has no function none" in missing.output
    nothing = run("share", *given, "--loss", "mine")
    assert nothing.exit_code == 1 and "names no function" in nothing.output
    steps = ("--training-step", "mine.py:step")
    refused = run("distill", *given, *steps)
    assert refused.exit_code == 2  # distill has no such option: a teacher is part of its loss


def test_the_best_reach_a_floor(here: Path) -> None:
    model, train, test = task_case("classes").save(here)
    arguments = ("quantize", model, "-d", train, "--test-data", test, "--method", "ptq")
    for bits in (8, 2):
        name = f"w{bits}.onnx"
        assert run(*arguments, "--weight-bits", bits, "--activation-bits", bits,
                   "--first-last-bits", "same", "-o", name).exit_code == 0  # fmt: skip
    compared = ("evaluate", model, "w8.onnx", "w2.onnx", "-d", train, "--test-data", test,
                "--epsilons", "", "--noise", "", "--brightness", "")  # fmt: skip
    found = document(run(*compared, "--json"))
    scores = {item["name"]: item["score"] for item in found["models"]}
    assert scores["w2"] < scores["w8"] - 0.06
    assert (found["below_floor"] == ["w2"] and found["best"]["weight_bytes"] == ["w8"]) or (
        "w2" not in found["best"]["weight_bytes"]
    )
    assert "w2" in found["pareto"]["weight_bytes"]
    assert found["score_floor"] == pytest.approx(max(scores.values()) - 0.05)
    assert any("w2" in text and "below the floor" in text for text in found["warnings"])
    shown = run(*compared).stdout
    assert "warning: not among the best, whatever they save: w2" in shown
    low = document(run(*compared, "--accuracy-floor", "1", "--json"))
    assert low["below_floor"] == [] and "w2" in low["best"]["weight_bytes"]
    wide = document(run(*compared, "--max-drop", "100", "--json"))
    assert wide["below_floor"] == []
