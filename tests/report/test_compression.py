"""What a compression technique did, on one screen."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from fpgacomp.report import compression


def screen(details: dict[str, Any], notes: tuple[str, ...] = (), **other: Any) -> list[str]:
    summary = {
        "technique": "quantize", "quantized": True, "score_before": 0.98, "score": 0.97,
        "metric": "accuracy", "task_found": "one class of 10 (one-hot labels)",
        "scores_before": {"y": {"accuracy": 0.98, "macro_f1": 0.97}},
        "scores": {"y": {"accuracy": 0.97, "macro_f1": 0.96}},
        "before_is": "the network as it was", "teacher_score": None,
        "teacher_scores": {}, "warnings": [],
        "test_samples": 400, "epochs": 3, "best_epoch": 2, "interrupted": True, "notes": notes,
        "details": details, **other,
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=100)
    compression.render(summary, "out.onnx", console)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_figures_by_layer_share_a_table_and_notes_stand_behind() -> None:
    lines = screen(
        {"budget": 20000.0, "share": 0.25, "weight_bits": {"c[1]": 3},
         "layers": {"c[1]": {"weights": 9}, "fc": {"weights": 90}}},
        ("1 layer left alone: fc",),
    )  # fmt: skip
    assert lines == [
        "quantize  test accuracy 98.00 % → 97.00 % (-1.00 points, 400 samples)",
        "macro F1 97.00 % → 96.00 %",
        "task: one class of 10 (one-hot labels)",
        "stopped after 3 epochs, kept epoch 2",
        "budget: 20,000",
        "share: 0.25",
        " layer  weight bits  weights",
        " c[1]   3            9",
        " fc                  90",
        "note: 1 layer left alone: fc",
        "wrote out.onnx; next: fpgacomp compile out.onnx --board BOARD --inputs TESTDATA",
    ]


def test_sensitivities_have_tables_of_their_own() -> None:
    lines = screen(
        {"weight_bits": {"c1": 3}, "weight_sensitivity": {"c1": {"1": 0.5, "2": 0.0}},
         "activation_sensitivity": {"relu": {"2": 0.125}}}
    )  # fmt: skip
    assert lines[4:-1] == [
        " layer  weight bits",
        " c1     3",
        "rise of the loss where one layer's weights have so many bits",
        " layer  1    2",
        " c1     0.5  0",
        "rise of the loss where one activation has so many bits",
        " layer  2",
        " relu   0.125",
    ]


def test_a_student_stands_beside_its_teacher() -> None:
    teacher = {"y": {"accuracy": 0.99, "macro_f1": 0.985}}
    lines = screen({}, teacher_score=0.99, teacher_scores=teacher, score_before=0.1,
                   before_is="the student before it was trained",
                   warnings=["too good"])  # fmt: skip
    assert " ".join(lines[:2]) == (
        "quantize  test accuracy: teacher 99.00 % → student 97.00 % (-2.00 points, 400 samples); "
        "the student before it was trained: 10.00 %"
    )
    assert "warning: too good" in lines and "macro F1 98.50 % → 96.00 %" in lines


def test_numbers_are_scored_without_percents() -> None:
    figures = {"r2": 0.5, "mae": 1.25, "mse": 3.0}
    lines = screen({}, metric="r2", score=0.5, score_before=0.75, scores={"y": figures},
                   scores_before={"y": {"r2": 0.75, "mae": 1.0, "mse": 2.0}})  # fmt: skip
    assert lines[:2] == ["quantize  test R2 0.75 → 0.5 (400 samples)", "MAE 1 → 1.25, MSE 2 → 3"]
