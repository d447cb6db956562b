"""Users' networks in and out of PyTorch: loaded for training, scored, exported to ONNX or QONNX."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import onnx

from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import QuantizeOptions
from fpgacomp.compress.recipe import Recipe
from fpgacomp.compress.types import KerasModel, TorchNetwork
from fpgacomp.data.labelled import LabelledData, load_data
from fpgacomp.data.sources import DataSource
from fpgacomp.data.tasks import FIND, TaskRequest
from fpgacomp.errors import ModelError, ToolError
from fpgacomp.evidence.software import float32_outputs
from fpgacomp.flows.compression_result import (
    ORIGINAL,
    UNTRAINED,
    CompressionResult,
    Measured,
)
from fpgacomp.frontend import open_network
from fpgacomp.host.toolchain import INSTALL_BREVITAS as INSTALL
from fpgacomp.network.canonical import Network

# What a technique starts from: an ONNX or Keras file, an ONNX or Keras model in memory, a torch
# module, or the `network` of an earlier `CompressionResult`.
FloatModel: TypeAlias = str | Path | onnx.ModelProto | TorchNetwork | KerasModel


def load_for_training(
    model: FloatModel,
    data: DataSource | LabelledData,
    test: DataSource | None = None,
    task: TaskRequest = FIND,
) -> tuple[TorchNetwork, LabelledData]:
    """Load a network into PyTorch, and its samples in the shape of its input.

    Args:
        model: a float network, or the torch network of an earlier result.
        data: samples with labels; see `load_data`.
        test: a test set of its own, instead of a part held out of `data`.
        task: what the user says of the task; data whose task is known keep it.

    Returns:
        The network of known modules (see `compress.trainable`), and the three splits of samples
        with their task.

    Raises:
        ToolError: torch is not installed.
        ModelError: the network is quantized already, or has several inputs.
        UnsupportedLayer: a layer has no counterpart in PyTorch.
        InputDataError: the samples cannot be read, or do not go with the network.
    """
    torch = require_torch()
    from fpgacomp.compress.trainable import from_module, from_onnx
    from fpgacomp.compress.trainable.outputs import output_forms

    samples = data if isinstance(data, LabelledData) else load_data(data, test)
    if isinstance(model, torch.fx.GraphModule) and "input_shape" in model.meta:
        network = model
    elif isinstance(model, torch.nn.Module):
        network = from_module(model, torch.from_numpy(samples.train.x[:2]))
    else:
        network = from_onnx(load_float_network(model).original)
    fitting = samples.reshaped(tuple(network.meta["input_shape"]))
    return network, fitting.for_task(output_forms(network, fitting.train.x), task)


def load_float_network(model: FloatModel) -> Network:
    """Read a float network from a file or from memory, without PyTorch.

    Raises:
        ModelError: the network is quantized already.
    """
    network = open_network(model)
    if network.format != "float":
        raise ModelError(
            network.file or network.name,
            f"is quantized already ({network.format}).",
            "start from the float network: weights and activations are fitted again.",
        )
    return network


def is_quantized(network: TorchNetwork) -> bool:
    """Tell whether a torch network has Brevitas layers."""
    return any(type(layer).__module__.startswith("brevitas") for layer in network.modules())


def is_keras(model: FloatModel) -> bool:
    """Tell whether this is a Keras model, or the name of a file that holds one."""
    if isinstance(model, str | Path):
        return Path(model).suffix.lower() in (".h5", ".hdf5", ".keras")
    return any("keras" in kind.__module__.split(".")[0] for kind in type(model).__mro__)


def insert_quantizers(
    network: TorchNetwork, data: LabelledData, quantization: QuantizeOptions
) -> TorchNetwork:
    """Give a copy of a float torch network calibrated quantizers, without training it.

    Args:
        data: the scales are fitted to its training split.

    Raises:
        UnsupportedLayer: layers have no quantized form; all of them are named.
    """
    from fpgacomp.compress.quantize import quantize_aware

    return quantize_aware(network, data, quantization, Recipe(epochs=0)).network


def measure_onnx(model: onnx.ModelProto, name: str, data: LabelledData) -> Measured:
    """Execute an ONNX network in float32 on the test split, and score its answers.

    Args:
        name: the network's input.
        data: in the shape of that input; its task is known.

    Returns:
        Output name -> figures by the keys of `METRICS`.

    Raises:
        ToolError: ONNX Runtime cannot execute the network.
    """
    outputs = float32_outputs(model, {name: data.test.x})
    if outputs.outputs is None:
        raise ToolError("accuracy", outputs.reason, "check that ONNX Runtime runs the network.")
    return data.known_task.measure(outputs.outputs, data.test.y)


def result_of(
    technique: str,
    before: TorchNetwork,
    outcome: TechniqueOutcome,
    data: LabelledData,
    *,
    teacher: TorchNetwork | None = None,
) -> CompressionResult:
    """Export the network that a technique made, and score it beside the one it came from.

    Args:
        technique: the verb, e.g. "prune".
        before: the network that the technique was given.
        data: both networks are scored on its test split.
        teacher: of a student, which `before` is before it was trained; None for other techniques.
    """
    from fpgacomp.compress.training import measure

    model, quantized = export_network(outcome.network)
    task = data.known_task
    first, last = measure(before, data), measure(outcome.network, data)
    return CompressionResult(
        technique=technique,
        model=model,
        network=outcome.network,
        quantized=quantized,
        task=task,
        before=task.quality_of(first),
        after=task.quality_of(last),
        samples=len(data.test),
        scores_before=first,
        scores_after=last,
        before_is=ORIGINAL if teacher is None else UNTRAINED,
        teacher=None if teacher is None else measure(teacher, data),
        is_held_out=data.is_held_out,
        history=outcome.history,
        notes=(*data.notes, *outcome.notes),
        details=outcome.details,
    )


def export_network(network: TorchNetwork) -> tuple[onnx.ModelProto, bool]:
    """Write a torch network as QONNX where it is quantized, otherwise as float ONNX.

    Returns:
        The ONNX model, and whether it is quantized.
    """
    from fpgacomp.compress.quantize import to_qonnx
    from fpgacomp.compress.trainable import to_onnx

    if is_quantized(network):
        return to_qonnx(network), True
    meta = network.meta
    return to_onnx(
        network, meta["input_shape"], input_name=meta["input_name"], output_name=meta["output_name"]
    ), False  # fmt: skip


def chain_outcomes(first: TechniqueOutcome, then: TechniqueOutcome) -> TechniqueOutcome:
    """Join the notes and details of two techniques, of which one was applied after the other.

    Returns:
        The network and history of the second; where both have a detail of one name, the second's.
    """
    return replace(
        then, notes=(*first.notes, *then.notes), details={**first.details, **then.details}
    )


def require_torch() -> ModuleType:
    """Import torch.

    Raises:
        ToolError: it is not installed; the message holds the command that installs it.
    """
    try:
        return import_module("torch")
    except ImportError as missing:
        raise ToolError("torch", f"networks are trained with it ({missing}).", INSTALL) from missing
