"""A network before and after compression: opened, exported, scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.compress.recipe import History, Recipe
from fpgacomp.data.labelled import DataSource, LabelledData, Samples, load_data
from fpgacomp.errors import ModelError, ToolError, UsageError
from fpgacomp.evidence.software import float32_outputs
from fpgacomp.frontend import open_network
from fpgacomp.network.canonical import Network

INSTALL = "pip install torch==2.13.0 && pip install 'fpgacomp[brevitas]'"

Model = str | Path | onnx.ModelProto | Any  # a torch or Keras model, or an earlier result's network


@dataclass(frozen=True)
class Compressed:
    """A smaller network, what it won and what it cost.

    Args:
        technique: the verb that made it.
        model: as ONNX; QONNX, ready for `fpgacomp.compile`, where it is quantized.
        network: the torch or Keras model, for a further technique; None where neither was needed.
        quantized: whether `fpgacomp compile` takes the model as it is.
        before, after: share of the test split answered right, 0..1.
        samples: size of the test split.
        history: of the training; None where nothing was trained.
        notes: what was skipped or left alone.
        details: figures of the technique, plain values.
    """

    technique: str
    model: onnx.ModelProto
    network: Any
    quantized: bool
    before: float
    after: float
    samples: int
    history: History | None = None
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> Path:
        """Write the model, whole or not at all."""
        path = Path(path)
        check_destination(path)
        scratch = path.with_name(path.name + ".part")
        onnx.save(self.model, scratch)
        return scratch.replace(path)

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
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


def check_destination(path: Path, source: Model | None = None) -> None:
    """Refuse, best before any training, a file that the network cannot or should not go to.

    Args:
        source: what the network is made from; it is not written over.
    """
    if path.suffix != ".onnx":
        raise UsageError(str(path), "is no .onnx file.", "name one: the network is written there.")
    if not path.parent.is_dir():
        raise UsageError(str(path), "its folder does not exist.", "create it first.")
    if path.is_dir():
        raise UsageError(str(path), "is a folder.", "name a file.")
    if isinstance(source, str | Path) and path.exists() and path.samefile(source):
        raise UsageError(str(path), "is the network it is made from.", "name another file.")


def opened(
    model: Model, data: DataSource | LabelledData, test: DataSource | None = None
) -> tuple[Any, LabelledData]:
    """(the canonical torch network, the samples in its input shape).

    Raises:
        ToolError: torch is not installed.
        ModelError: the network is quantized already, or of several inputs or outputs.
        UnsupportedLayer: a layer that has no counterpart there.
        InputDataError: samples that do not go with the network.
    """
    torch = require_torch()
    from fpgacomp.compress.trainable import from_module, from_onnx

    samples = data if isinstance(data, LabelledData) else load_data(data, test)
    if isinstance(model, torch.fx.GraphModule) and "input_shape" in model.meta:
        network = model
    elif isinstance(model, torch.nn.Module):
        network = from_module(model, torch.from_numpy(samples.train.x[:2]))
    else:
        network = from_onnx(float_network(model).original)
    return network, samples.reshaped(tuple(network.meta["input_shape"]))


def is_quantized(network: Any) -> bool:
    """Whether a torch network has Brevitas layers."""
    return any(type(layer).__module__.startswith("brevitas") for layer in network.modules())


def is_keras(model: Model) -> bool:
    """Whether this is a Keras model or the file of one."""
    if isinstance(model, str | Path):
        return Path(model).suffix.lower() in (".h5", ".hdf5", ".keras")
    return any("keras" in kind.__module__.split(".")[0] for kind in type(model).__mro__)


def float_network(model: Model) -> Network:
    """The canonical ONNX network of a model that nothing has quantized."""
    network = open_network(model)
    if network.format != "float":
        raise ModelError(
            network.file or network.name,
            f"is quantized already ({network.format}).",
            "start from the float network: weights and activations are fitted again.",
        )
    return network


def with_quantizers(network: Any, data: LabelledData, quantization: QuantizeOptions) -> Any:
    """A float torch network with calibrated quantizers in it, not trained any further."""
    from fpgacomp.compress.quantize import quantize_aware

    return quantize_aware(network, data, quantization, Recipe(epochs=0)).network


def answered(model: onnx.ModelProto, name: str, samples: Samples) -> float:
    """Accuracy of an ONNX network, executed in float32."""
    outputs = float32_outputs(model, {name: samples.x})
    if outputs.outputs is None:
        raise ToolError("accuracy", outputs.reason, "check that ONNX Runtime runs the network.")
    scores = next(iter(outputs.outputs.values())).reshape(len(samples), -1)
    return float(np.mean(scores.argmax(axis=1) == samples.y))


def compressed(
    technique: str, before: Any, outcome: TechniqueOutcome, data: LabelledData
) -> Compressed:
    """Export the outcome and score it beside the network it came from."""
    from fpgacomp.compress.training import accuracy

    model, quantized = exported(outcome.network)
    return Compressed(
        technique=technique,
        model=model,
        network=outcome.network,
        quantized=quantized,
        before=accuracy(before, data.test),
        after=accuracy(outcome.network, data.test),
        samples=len(data.test),
        history=outcome.history,
        notes=(*data.notes, *outcome.notes),
        details=outcome.details,
    )


def exported(network: Any) -> tuple[onnx.ModelProto, bool]:
    """(ONNX or QONNX of a torch network, whether it is quantized)."""
    from fpgacomp.compress.quantize import to_qonnx
    from fpgacomp.compress.trainable import to_onnx

    if is_quantized(network):
        return to_qonnx(network), True
    meta = network.meta
    return to_onnx(
        network, meta["input_shape"], input_name=meta["input_name"], output_name=meta["output_name"]
    ), False  # fmt: skip


def in_a_row(first: TechniqueOutcome, then: TechniqueOutcome) -> TechniqueOutcome:
    """Two techniques in a row as one outcome."""
    return replace(
        then, notes=(*first.notes, *then.notes), details={**first.details, **then.details}
    )


def require_torch() -> Any:
    """The torch module, or one sentence with the command that installs it."""
    try:
        return import_module("torch")
    except ImportError as missing:
        raise ToolError("torch", f"networks are trained with it ({missing}).", INSTALL) from missing
