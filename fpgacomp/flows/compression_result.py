"""What a compression verb gives back: the smaller network as a file, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

from fpgacomp.compress.recipe import History
from fpgacomp.compress.types import KerasModel, TorchNetwork
from fpgacomp.errors import UsageError


@dataclass(frozen=True)
class CompressionResult:
    """A smaller network, its accuracy beside that of the network it was made from, and figures.

    Args:
        technique: the verb that made it, e.g. "prune".
        model: the network as ONNX. Where it is quantized it is QONNX, which `fpgacomp.compile`
            takes as it is.
        network: the same network as a torch or Keras model, for a further technique; None where
            the technique needed neither framework.
        quantized: whether weights and activations are quantized, so that `fpgacomp compile`
            needs no calibration data.
        before: share of the test split that the original network answers right, 0..1.
        after: the same share for the smaller network.
        samples: number of samples in the test split.
        history: the training run; None where nothing was trained.
        notes: sentences on what was skipped or left alone.
        details: figures of the technique as plain values, e.g. the sparsity of each layer.
    """

    technique: str
    model: onnx.ModelProto
    network: TorchNetwork | KerasModel | None
    quantized: bool
    before: float
    after: float
    samples: int
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
        scratch = path.with_name(path.name + ".part")
        onnx.save(self.model, scratch)
        return scratch.replace(path)

    def summary(self) -> dict[str, Any]:
        """Everything but the networks, as plain values that JSON can hold."""
        history = self.history or History()
        return {
            "technique": self.technique,
            "quantized": self.quantized,
            "accuracy_before": self.before,
            "accuracy": self.after,
            "test_samples": self.samples,
            "epochs": len(history.epochs),
            "best_epoch": history.best.number if history.best else None,
            "interrupted": history.interrupted,
            "notes": list(self.notes),
            "details": dict(self.details),
        }


def check_destination(path: Path, source: object = None) -> None:
    """Refuse a file that a network cannot, or should not, be written to.

    Call it before any training: a network that cannot be written is lost.

    Args:
        path: where the network is to be written.
        source: the network that it is made from. Its file is not written over.

    Raises:
        UsageError: the path is no .onnx file, is a folder, is the source, or its folder does
            not exist.
    """
    if path.suffix != ".onnx":
        raise UsageError(str(path), "is no .onnx file.", "name one: the network is written there.")
    if not path.parent.is_dir():
        raise UsageError(str(path), "its folder does not exist.", "create it first.")
    if path.is_dir():
        raise UsageError(str(path), "is a folder.", "name a file.")
    if isinstance(source, str | Path) and path.exists() and path.samefile(source):
        raise UsageError(str(path), "is the network it is made from.", "name another file.")
