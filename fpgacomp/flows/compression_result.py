"""What a compression verb gives back: the smaller network as a file, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import onnx

from fpgacomp.compress.recipe import History
from fpgacomp.compress.types import KerasModel, TorchNetwork
from fpgacomp.data.tasks import Task
from fpgacomp.errors import UsageError
from fpgacomp.host.paths import check_parent
from fpgacomp.host.whole_file import whole_file

# Scores of a network: output name -> key of `fpgacomp.data.metrics.METRICS` -> value.
Measured: TypeAlias = Mapping[str, Mapping[str, float]]

ORIGINAL, UNTRAINED = "the network as it was", "the student before it was trained"
MOST_DROP = 0.02  # a fall of the score, 1 being perfect, that is told as a warning
CONTAMINATED = (
    "the test samples are a part of --data that is held out here. If the network was trained on "
    "the same data before, it has seen them, and both figures are too good: train it on the "
    "training file of `fpgacomp split DATA`, and give the other file with --test-data."
)


@dataclass(frozen=True)
class CompressionResult:
    """A smaller network, its score beside that of the network it was made from, and figures.

    Args:
        technique: the verb that made it, e.g. "prune".
        model: the network as ONNX. Where it is quantized it is QONNX, which `fpgacomp.compile`
            takes as it is.
        network: the same network as a torch or Keras model, for a further technique; None where
            the technique needed neither framework.
        quantized: whether weights and activations are quantized, so that `fpgacomp compile`
            needs no calibration data.
        task: what the network is asked to tell, and how it is scored.
        before: score of the network that this one was made from, on the test split, by the
            task's metric; 1 is perfect.
        after: the same score of the smaller network.
        samples: number of samples in the test split.
        scores_before: all figures behind `before`: output name -> key of `METRICS` -> value.
        scores_after: the same of the smaller network.
        before_is: what `before` is the score of.
        teacher: scores of the teacher, of a student; None for other techniques.
        is_held_out: whether the test split was held out of the same data, which the network may
            have been trained on before it came here.
        history: the training run; None where nothing was trained.
        notes: sentences on what was skipped or left alone.
        details: figures of the technique as plain values, e.g. the sparsity of each layer.
    """

    technique: str
    model: onnx.ModelProto
    network: TorchNetwork | KerasModel | None
    quantized: bool
    task: Task
    before: float
    after: float
    samples: int
    scores_before: Measured = field(default_factory=dict)
    scores_after: Measured = field(default_factory=dict)
    before_is: str = ORIGINAL
    teacher: Measured | None = None
    is_held_out: bool = False
    history: History | None = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> Path:
        """Write the model to a file, whole or not at all.

        Args:
            path: an .onnx file in a folder that exists. An older file is replaced.

        Returns:
            The path that was written.

        Raises:
            UsageError: the path is no .onnx file, is a folder, or its folder does not exist.
        """
        path = Path(path)
        check_destination(path)
        with whole_file(path) as scratch:
            onnx.save(self.model, scratch)
        return path

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the figures must know, in sentences."""
        found = []
        if self.is_held_out:
            found.append(CONTAMINATED)
        reference, former = self.before, "the network it was made from"
        if self.teacher is not None:
            reference, former = self.task.quality_of(self.teacher), "its teacher"
        if reference - self.after > MOST_DROP:
            metric, fall = self.task.metric, reference - self.after
            by = f"{100 * fall:.1f} points of " if metric.is_share else f"{fall:.3g} of "
            found.append(
                f"the network is {by}{metric.title} worse than {former}: ask for less, or train "
                "it longer (--epochs)."
            )
        return tuple(found)

    def summary(self) -> dict[str, Any]:
        """Everything but the networks, as plain values that JSON can hold."""
        history = self.history or History()
        is_accuracy = self.task.metric.key == "accuracy"
        teacher = self.teacher
        return {
            "technique": self.technique,
            "quantized": self.quantized,
            "task": self.task.kind,
            "task_found": self.task.text,
            "metric": self.task.metric.key,
            "accuracy_before": self.before if is_accuracy else None,
            "accuracy": self.after if is_accuracy else None,
            "score_before": self.before,
            "score": self.after,
            "scores_before": {name: dict(found) for name, found in self.scores_before.items()},
            "scores": {name: dict(found) for name, found in self.scores_after.items()},
            "before_is": self.before_is,
            "teacher_score": None if teacher is None else self.task.quality_of(teacher),
            "teacher_scores": {name: dict(found) for name, found in (teacher or {}).items()},
            "test_samples": self.samples,
            "test_held_out_of_data": self.is_held_out,
            "epochs": len(history.epochs),
            "best_epoch": history.best.number if history.best else None,
            "interrupted": history.interrupted,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "details": dict(self.details),
        }


def check_destination(path: Path, suffix: str = ".onnx") -> None:
    """Refuse a file that a network cannot, or should not, be written to.

    Call it before any training: a network that cannot be written is lost.

    Args:
        path: where the network is to be written.
        suffix: what its name has to end in.

    Raises:
        UsageError: the path is no such file, is a folder, or its folder does not exist.
    """
    if path.suffix != suffix:
        why = f"is no {suffix} file."
        raise UsageError(str(path), why, "name one: the network is written there.")
    check_parent(str(path), path)
    if path.is_dir():
        raise UsageError(str(path), "is a folder.", "name a file.")
