"""The half before the compiler: float network and data -> smaller network -> file to compile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx

from fpgacomp.compress.data import Data, Samples, Source, load_data
from fpgacomp.compress.outcome import Outcome
from fpgacomp.compress.quantize.options import MixedOptions, QuantizeOptions
from fpgacomp.compress.recipe import History, Recipe, TrainingObserver, silent
from fpgacomp.errors import ModelError, ToolError, UsageError
from fpgacomp.frontend import open_network
from fpgacomp.frontend.calibrate import PtqOptions, input_shapes, quantize_post_training
from fpgacomp.ir.network import Network
from fpgacomp.options import Options
from fpgacomp.simulate.software import float32_outputs

INSTALL = "pip install torch==2.13.0 && pip install 'fpgacomp[brevitas]'"
# Calibration needs few samples; ONNX Runtime keeps every tensor of all of them.
CALIBRATION_SAMPLES = 512
FINE_TUNING = Recipe(epochs=30, learning_rate=3e-3)
FROM_SCRATCH = Recipe(epochs=40, learning_rate=1e-2)

Model = str | Path | onnx.ModelProto | Any  # a torch or Keras model, or an earlier result's network
Method = Literal["ptq", "brevitas-ptq", "qat"]
Cost = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What a network is estimated for.

    Args:
        board: a listed board's name, or the path of a board file.
        options: target, backend and bounds of the design; see `Options`.
        quantization: how a network that is still float is quantized for the estimate.
    """

    board: str
    options: Options = field(default_factory=Options)
    quantization: QuantizeOptions = field(default_factory=QuantizeOptions)


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
        if not path.parent.is_dir():
            raise UsageError(str(path), "its folder does not exist.", "create it first.")
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


def quantize(
    model: Model,
    data: Source | Data,
    *,
    method: Method = "qat",
    options: QuantizeOptions | MixedOptions | None = None,
    recipe: Recipe | None = None,
    steps: tuple[str, ...] | None = None,
    hardware: Hardware | None = None,
    test: Source | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Quantize a float network, after or during training.

    Args:
        model: a float network: ONNX or Keras file, model in memory, torch module.
        data: samples with labels; see `load_data`.
        method: "ptq": our own calibration, without torch; "brevitas-ptq": Brevitas'
            equalization, GPTQ and bias correction; "qat": quantization-aware training, with
            Brevitas, or with QKeras where the network is a Keras model.
        options: bits, scales; `MixedOptions` have the bits of each layer searched under a
            budget, before quantization-aware training.
        recipe: of the training.
        steps: of "brevitas-ptq".
        hardware: the board whose estimate is the budget's measure, where it is lut, dsp, ...
        test: a test set of its own, instead of a part held out of `data`.

    Raises:
        FpgacompError: with where, what and remedy.
    """
    options = options or QuantizeOptions()
    if isinstance(options, MixedOptions):
        return _mixed(model, data, options, recipe or FINE_TUNING, hardware, test, observer)
    if method == "ptq":
        return _calibrated(model, data, options, test)
    if is_keras(model) and method == "qat":
        return _keras_trained(model, data, options, recipe or FINE_TUNING, test, observer)
    from fpgacomp.compress import quantize as stage

    network, samples = opened(model, data, test)
    if method == "brevitas-ptq":
        chosen = {} if steps is None else {"steps": steps}
        outcome = stage.quantize_post_training(network, samples, options, **chosen)
    else:
        outcome = stage.quantize_aware(
            network, samples, options, recipe or FINE_TUNING, observer=observer
        )
    return _compressed("quantize", network, outcome, samples)


def prune(
    model: Model,
    data: Source | Data,
    *,
    options: Any,
    recipe: Recipe | None = None,
    quantization: QuantizeOptions | None = None,
    hardware: Hardware | None = None,
    test: Source | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Remove weights or channels, train what is left, and quantize it if asked to.

    Args:
        options: `MagnitudeOptions`, `NOfMOptions`, `ChannelOptions` or `HardwareOptions` of
            `compress.prune`; its type is the method.
        quantization: train the pruned network with these quantizers, too; zeros stay.
            Hardware-aware pruning works on the integers and quantizes first.
        hardware: the board whose estimate judges, for hardware-aware pruning.
    """
    _torch()
    from fpgacomp.compress.prune.options import HardwareOptions
    from fpgacomp.compress.quantize import quantize_aware

    recipe = recipe or FINE_TUNING
    network, samples = opened(model, data, test)
    if isinstance(options, HardwareOptions):
        outcome = _hardware_pruned(
            network, samples, options, recipe, quantization, hardware, observer
        )
    else:
        outcome = _pruned(network, samples, options, recipe, hardware, observer)
        if quantization is not None:
            trained = quantize_aware(
                outcome.network, samples, quantization, recipe, observer=observer
            )
            outcome = _after(outcome, trained)
    return _compressed("prune", network, outcome, samples)


def distill(
    teacher: Model,
    student: Model,
    data: Source | Data,
    *,
    options: Any = None,
    recipe: Recipe | None = None,
    quantization: QuantizeOptions | None = None,
    test: Source | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Train a student on a teacher's answers.

    Args:
        student: a network like `teacher`, or the quantized network of an earlier result, or
            the share of the teacher's width (0.25) that a fresh student has. The accuracy
            before is the student's own.
        options: `DistillOptions` of `compress.distill`.
        quantization: the student is quantized first, and learns with its quantizers.
    """
    _torch()
    from fpgacomp.compress.distill import DistillOptions
    from fpgacomp.compress.distill import distill as technique
    from fpgacomp.compress.prune.structured import narrowed

    recipe = recipe or FROM_SCRATCH
    guide, samples = opened(teacher, data, test)
    if isinstance(student, float):
        pupil = narrowed(guide, student, seed=recipe.seed)
    else:
        pupil, _ = opened(student, samples)
    learner = pupil
    if quantization is not None:
        learner = with_quantizers(pupil, samples, quantization)
    outcome = technique(
        learner, guide, samples, options or DistillOptions(), recipe, observer=observer
    )
    return _compressed("distill", pupil, outcome, samples)


def share(
    model: Model,
    data: Source | Data,
    *,
    options: Any = None,
    recipe: Recipe | None = None,
    test: Source | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Tie each layer's weights to a few values and train these.

    Args:
        options: `ShareOptions` of `compress.share`.
    """
    _torch()
    from fpgacomp.compress.share import ShareOptions
    from fpgacomp.compress.share import share as technique

    network, samples = opened(model, data, test)
    outcome = technique(
        network, samples, options or ShareOptions(), recipe or FINE_TUNING, observer=observer
    )
    return _compressed("share", network, outcome, samples)


def factorize(
    model: Model,
    data: Source | Data,
    *,
    options: Any = None,
    recipe: Recipe | None = None,
    test: Source | None = None,
    observer: TrainingObserver = silent,
) -> Compressed:
    """Split layers into smaller ones and train the network on its former self's answers.

    Args:
        options: `FactorizeOptions` of `compress.factorize.options`.
    """
    _torch()
    from fpgacomp.compress.factorize.factorize import factorize as technique
    from fpgacomp.compress.factorize.options import FactorizeOptions

    network, samples = opened(model, data, test)
    outcome = technique(
        network, samples, options or FactorizeOptions(), recipe or FINE_TUNING, observer=observer
    )
    return _compressed("factorize", network, outcome, samples)


def board_cost(data: Data, hardware: Hardware) -> Cost:
    """The board's estimate of a torch network; a float one is quantized for it, untrained."""
    from fpgacomp import pipeline
    from fpgacomp.compress.quantize import to_qonnx

    def cost(network: Any) -> dict[str, float]:
        if not is_quantized(network):
            network = with_quantizers(network, data, hardware.quantization)
        report = pipeline.estimate(to_qonnx(network), hardware.board, options=hardware.options)
        figures = report.estimate
        assert figures is not None
        names = ("lut", "ff", "dsp", "bram18")
        found = {name: float(getattr(figures, name).value) for name in names}
        return {**found, "latency_us": float(figures.latency_us)}

    return cost


def opened(model: Model, data: Source | Data, test: Source | None = None) -> tuple[Any, Data]:
    """(the canonical torch network, the samples in its input shape).

    Raises:
        ToolError: torch is not installed.
        ModelError: the network is quantized already, or of several inputs or outputs.
        UnsupportedLayer: a layer that has no counterpart there.
        InputDataError: samples that do not go with the network.
    """
    torch = _torch()
    from fpgacomp.compress.network import from_module, from_onnx

    samples = data if isinstance(data, Data) else load_data(data, test)
    if isinstance(model, torch.fx.GraphModule) and "input_shape" in model.meta:
        network = model
    elif isinstance(model, torch.nn.Module):
        network = from_module(model, torch.from_numpy(samples.train.x[:2]))
    else:
        network = from_onnx(_float_network(model).original)
    return network, samples.reshaped(tuple(network.meta["input_shape"]))


def with_quantizers(network: Any, data: Data, quantization: QuantizeOptions) -> Any:
    """A float torch network with calibrated quantizers in it, not trained any further."""
    from fpgacomp.compress.quantize import quantize_aware

    return quantize_aware(network, data, quantization, Recipe(epochs=0)).network


def is_quantized(network: Any) -> bool:
    """Whether a torch network has Brevitas layers."""
    return any(type(layer).__module__.startswith("brevitas") for layer in network.modules())


def is_keras(model: Model) -> bool:
    """Whether this is a Keras model or the file of one."""
    if isinstance(model, str | Path):
        return Path(model).suffix.lower() in (".h5", ".hdf5", ".keras")
    return any("keras" in kind.__module__.split(".")[0] for kind in type(model).__mro__)


def _keras_trained(
    model: Any,
    data: Source | Data,
    options: QuantizeOptions,
    recipe: Recipe,
    test: Source | None,
    observer: TrainingObserver,
) -> Compressed:
    """Quantization-aware training of a Keras model with QKeras, exported as QONNX."""
    from fpgacomp.compress.quantize.keras_aware import quantize_keras
    from fpgacomp.compress.quantize.keras_train import keras_accuracy
    from fpgacomp.frontend.keras_export import export_keras, load_keras

    loaded = load_keras(Path(model)) if isinstance(model, str | Path) else model
    samples = data if isinstance(data, Data) else load_data(data, test)
    samples = samples.reshaped(tuple(loaded.input_shape[1:]))
    outcome = quantize_keras(loaded, samples, options, recipe, observer=observer)
    return Compressed(
        technique="quantize",
        model=export_keras(outcome.network),
        network=outcome.network,
        quantized=True,
        before=keras_accuracy(loaded, samples.test),
        after=keras_accuracy(outcome.network, samples.test),
        samples=len(samples.test),
        history=outcome.history,
        notes=(*samples.notes, *outcome.notes),
        details=outcome.details,
    )


def _mixed(
    model: Model,
    data: Source | Data,
    options: MixedOptions,
    recipe: Recipe,
    hardware: Hardware | None,
    test: Source | None,
    observer: TrainingObserver,
) -> Compressed:
    """Search for bits per layer, then quantization-aware training with them."""
    from fpgacomp.compress.quantize import quantize_mixed

    network, samples = opened(model, data, test)
    cost = None if hardware is None else board_cost(samples, hardware)
    outcome = quantize_mixed(network, samples, options, recipe, cost=cost, observer=observer)
    return _compressed("quantize", network, outcome, samples)


def _float_network(model: Model) -> Network:
    network = open_network(model)
    if network.format != "float":
        raise ModelError(
            network.file or network.name,
            f"is quantized already ({network.format}).",
            "start from the float network: weights and activations are fitted again.",
        )
    return network


def _calibrated(
    model: Model, data: Source | Data, options: QuantizeOptions, test: Source | None
) -> Compressed:
    """Post-training quantization by our own calibration; neither torch nor labels are needed."""
    network = _float_network(model)
    name, shape = next(iter(input_shapes(network.model).items()))
    samples = (data if isinstance(data, Data) else load_data(data, test)).reshaped(shape)
    feed = {name: samples.train.x[:CALIBRATION_SAMPLES]}
    quantized = quantize_post_training(network.model, feed, _ptq(options))
    return Compressed(
        technique="quantize",
        model=quantized,
        network=None,
        quantized=True,
        before=_answered(network.original, name, samples.test),
        after=_answered(quantized, name, samples.test),
        samples=len(samples.test),
        notes=(*network.warnings, *samples.notes),
        details={"method": "ptq"},
    )


def _ptq(options: QuantizeOptions) -> PtqOptions:
    """The same wishes for our own calibration, which has one width for all layers."""
    for what, bits in (("weight bits", options.weight_bits),
                       ("activation bits", options.activation_bits),
                       ("first and last bits", options.first_last_bits)):  # fmt: skip
        if isinstance(bits, Mapping) or bits == "ternary":
            raise UsageError(
                what,
                "by layer, or ternary, is not for the method ptq.",
                "use the method brevitas-ptq or qat.",
            )
    ends = options.first_last_bits
    return PtqOptions(
        weight_bits=options.weight_bits,  # type: ignore[arg-type]
        activation_bits=options.activation_bits,  # type: ignore[arg-type]
        input_bits=options.input_bits,
        scale=options.scale,
        per_channel_weights=options.granularity == "channel",
        first_layer_bits=ends,  # type: ignore[arg-type]
        last_layer_bits=ends,  # type: ignore[arg-type]
    )


def _answered(model: onnx.ModelProto, name: str, samples: Samples) -> float:
    """Accuracy of an ONNX network, executed in float32."""
    outputs = float32_outputs(model, {name: samples.x})
    if outputs.outputs is None:
        raise ToolError("accuracy", outputs.reason, "check that ONNX Runtime runs the network.")
    scores = next(iter(outputs.outputs.values())).reshape(len(samples), -1)
    return float(np.mean(scores.argmax(axis=1) == samples.y))


def _compressed(technique: str, before: Any, outcome: Outcome, data: Data) -> Compressed:
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
    from fpgacomp.compress.network import to_onnx
    from fpgacomp.compress.quantize import to_qonnx

    if is_quantized(network):
        return to_qonnx(network), True
    meta = network.meta
    return to_onnx(
        network, meta["input_shape"], input_name=meta["input_name"], output_name=meta["output_name"]
    ), False  # fmt: skip


def _pruned(
    network: Any,
    data: Data,
    options: Any,
    recipe: Recipe,
    hardware: Hardware | None,
    observer: TrainingObserver,
) -> Outcome:
    """The pruning that the options are of."""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.n_of_m import prune_n_of_m
    from fpgacomp.compress.prune.options import MagnitudeOptions, NOfMOptions
    from fpgacomp.compress.prune.structured import prune_channels

    match options:
        case MagnitudeOptions():
            return prune_magnitude(network, data, options, recipe, observer=observer)
        case NOfMOptions():
            return prune_n_of_m(network, data, options, recipe, observer=observer)
        case _:
            cost = None if hardware is None else board_cost(data, hardware)
            return prune_channels(network, data, options, recipe, observer=observer, cost=cost)


def _hardware_pruned(
    network: Any,
    data: Data,
    options: Any,
    recipe: Recipe,
    quantization: QuantizeOptions | None,
    hardware: Hardware | None,
    observer: TrainingObserver,
) -> Outcome:
    """Let go what the board saves most by, judged by its estimate.

    Channels go from the float network, which is quantized then; weights and digits go from
    the integers, so that the network is quantized first.
    """
    from fpgacomp.compress.prune.hardware import prune_hardware
    from fpgacomp.compress.prune.structured import ChannelOptions, prune_channels
    from fpgacomp.compress.quantize import quantize_aware

    if hardware is None:
        raise UsageError(
            "hardware-aware pruning", "has no board to judge by.", "name one (--board pynq-z2)."
        )
    chosen = quantization or hardware.quantization
    cost = board_cost(data, replace(hardware, quantization=chosen))
    units = options.units
    if is_quantized(network):
        units = "weights"
    elif units == "auto":
        units = _best_units(network, data, cost, options)
    if units == "channels":
        channels = ChannelOptions(
            saving=options.saving, resource=options.resource, leave=options.leave
        )
        first = prune_channels(network, data, channels, recipe, observer=observer, cost=cost)
        then = quantize_aware(first.network, data, chosen, recipe, observer=observer)
    else:
        first = Outcome(network)
        if not is_quantized(network):
            first = quantize_aware(network, data, chosen, recipe, observer=observer)
        then = prune_hardware(first.network, data, options, recipe, cost=cost, observer=observer)
    outcome = _after(first, then)
    return replace(outcome, details={"units": units, **outcome.details})


def _best_units(network: Any, data: Data, cost: Cost, options: Any) -> str:
    """Channels or weights: where about as many weights are gone, what is the estimate?"""
    from fpgacomp.compress.prune.magnitude import prune_magnitude
    from fpgacomp.compress.prune.options import MagnitudeOptions
    from fpgacomp.compress.prune.structured import ChannelOptions, prune_channels

    untrained = Recipe(epochs=0)
    fewer = ChannelOptions(share=0.5, rounds=1, leave=options.leave)
    smaller = prune_channels(network, data, fewer, untrained)
    sparsity = 1 - smaller.details["weights"] / smaller.details["weights_before"]
    zeros = MagnitudeOptions(sparsity=sparsity, leave=options.leave)
    sparse = prune_magnitude(network, data, zeros, untrained)
    by_channels, by_weights = (cost(o.network)[options.resource] for o in (smaller, sparse))
    return "channels" if by_channels < by_weights else "weights"


def _after(first: Outcome, then: Outcome) -> Outcome:
    """Two techniques in a row as one outcome."""
    return replace(
        then, notes=(*first.notes, *then.notes), details={**first.details, **then.details}
    )


def _torch() -> Any:
    try:
        return import_module("torch")
    except ImportError as missing:
        raise ToolError("torch", f"networks are trained with it ({missing}).", INSTALL) from missing
