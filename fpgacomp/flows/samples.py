"""A user's samples: what quantizes a network, what it is checked with, how well it does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from fpgacomp.data.arrays import InputShapes, check_inputs, load_inputs
from fpgacomp.data.labelled import LabelledData, Samples, load_data, load_test_samples
from fpgacomp.data.labels import Labels, load_labels
from fpgacomp.data.numpy_files import read_arrays
from fpgacomp.data.tasks import OutputForm, TaskRequest
from fpgacomp.errors import InputDataError, ModelError, UsageError
from fpgacomp.evidence.clipping import clipped_inputs
from fpgacomp.evidence.vectors import bytes_per_vector, integer_vectors
from fpgacomp.flows.options import DEFAULT_VECTORS, Options, SampleSource
from fpgacomp.frontend.calibrate import (
    PtqOptions,
    complete_quantization,
    quantize_input,
    quantize_post_training,
    unquantized_inputs,
)
from fpgacomp.ir.types import NamedArrays
from fpgacomp.network.canonical import Network, input_shapes, unread_inputs
from fpgacomp.network.lowered import Lowered
from fpgacomp.report.answers import AnswerScores, score_answers

# Of labelled data; more tell little, and ONNX Runtime keeps every tensor of all of them.
CALIBRATION_SAMPLES = 512
# Range of an input whose type is given by its width alone: -8..8 holds standardized data.
STANDARDIZED_INTEGER_BITS = 4
# Share of an input's values that may be clipped before a note asks how the samples are scaled.
MOST_CLIPPED = 0.01


@dataclass(frozen=True)
class NetworkSamples:
    """Samples that a network is run with.

    Args:
        raw: by input name, [N, *input shape], in the network's own units.
        labels: [N, ...] of the first output, or by output name; None where they are not known.
        source: what the samples are, where the options alone do not tell.
        held_out_of: data of which the samples are a part that is held out here, so that the
            network may have been trained on them; None where they are a file of their own.
        notes: what the user should know of them, in sentences.
        labels_name: what messages call the labels: their file, where they come from one.
    """

    raw: NamedArrays
    labels: Labels | None = None
    source: str | None = None
    held_out_of: str | None = None
    notes: tuple[str, ...] = ()
    labels_name: str = "labels"


def quantize_network(network: Network, options: Options) -> Network:
    """Quantize what is float of a network by calibration data, and give raw inputs a type.

    Returns:
        The network itself where it is quantized already and nothing else is asked for.

    Raises:
        ModelError: a float network without calibration data.
        InputDataError, Problems: calibration data that does not go with the network.
        UnsupportedLayer: nothing in the network can be quantized.
        UsageError: an impossible type of the inputs.
    """
    shapes = input_shapes(network.model)
    unread = unread_inputs(network.model)
    source = options.calibration
    data = None if source is None else _calibration(source, shapes, unread)
    if network.format == "float":
        if data is None:
            raise ModelError(
                network.file,
                "is a float network.",
                "give samples with --calibration X.npy, or quantize it first: `fpgacomp quantize`.",
            )
        model = quantize_post_training(network.model, data, options.quantization)
        notes = _few_bits_at_the_ends(options.quantization)
        return replace(
            network, model=model, warnings=(*network.warnings, *notes), quantized_here=True
        )
    if data is None and options.input_bits is None:
        return replace(network, warnings=(*network.warnings, *_unused(network, options)))
    bits, integer_bits = options.input_bits or (8, None)
    if data is None and integer_bits is None:
        integer_bits = min(STANDARDIZED_INTEGER_BITS, bits)
    model, notes = quantize_input(
        network.model, bits=bits, integer_bits=integer_bits, calibration=data
    )
    whole = model if data is None else complete_quantization(model, data, options.quantization)
    if whole == model:
        notes = (*_unused(network, options), *notes)
    return replace(
        network, model=whole, warnings=(*network.warnings, *notes),
        quantized_here=whole != network.model,
    )  # fmt: skip


def _few_bits_at_the_ends(options: PtqOptions) -> tuple[str, ...]:
    """Say that few weight bits are those of all layers, which other ways to quantize do not do."""
    ends = (options.first_layer_bits, options.last_layer_bits)
    if ends != (None, None) or options.weight_bits >= PtqOptions.weight_bits:
        return ()
    return (
        f"all layers have {options.weight_bits} weight bits, the first and the last among them; "
        f"`fpgacomp quantize` keeps 8 in those two, which usually loses less.",
    )


def _unused(network: Network, options: Options) -> Iterator[str]:
    """Say which options have no effect because the network has quantizers of its own."""
    chosen = {
        "--weight-bits": options.quantization.weight_bits != PtqOptions.weight_bits,
        "--activation-bits": options.quantization.activation_bits != PtqOptions.activation_bits,
        "--scale": options.quantization.scale != PtqOptions.scale,
        "--ranges": options.quantization.ranges != PtqOptions.ranges,
    }
    unused = [option for option, given in chosen.items() if given]
    if not unquantized_inputs(network.model):
        typed = {"--calibration": options.calibration, "--input-bits": options.input_bits}
        unused += [option for option, given in typed.items() if given is not None]
    if unused:
        yield (
            f"the network is quantized already and keeps its own quantizers: "
            f"{', '.join(unused)} changed nothing."
        )


def _calibration(source: SampleSource, shapes: InputShapes, unread: Collection[str]) -> NamedArrays:
    """Return the training split of labelled data (at most 512 of it), or all plain samples."""
    data = _load_labelled(source, shapes)
    if data is not None:
        return _by_input(data.train.evenly(CALIBRATION_SAMPLES), shapes, data.name)
    return _load_plain(source, shapes, unread)


def vectors_of(network: Network, lowered: Lowered, options: Options) -> NetworkSamples:
    """Return the network's inputs to check with: the user's samples, or seeded ones.

    Raises:
        UsageError: so many seeded ones that they do not fit the memory.
        InputDataError, Problems: samples that do not go with the network, or with their labels.
    """
    if options.inputs is not None:
        shapes = input_shapes(network.model)
        unread = unread_inputs(network.model)
        found = load_samples(options.inputs, options.labels, shapes, options.vectors, unread=unread)
        return with_clipping(found, lowered.before)
    each = bytes_per_vector(lowered.graph)
    most = int(options.memory_gb * 1e9) // each
    notes: tuple[str, ...] = ()
    if options.vectors > most:
        if not most or options.vectors > DEFAULT_VECTORS:
            raise _too_many(options, each, most, f"the limit is {options.memory_gb:g} GB")
        notes = (
            f"{most:,} of {options.vectors:,} samples were generated, because all would take "
            f"{options.vectors * each / 1e9:.3g} GB; --memory-gb raises the limit.",
        )
        options = replace(options, vectors=most)
    try:
        raw = _seeded(network, lowered, options)
    except MemoryError as error:
        raise _too_many(options, each, None, "this machine has not so much") from error
    return NetworkSamples(raw, notes=notes)  # labels belong to samples of the user's own


def _too_many(options: Options, each: int, most: int | None, why: str) -> UsageError:
    """What is told of generated vectors that do not fit the memory, `each` in bytes."""
    fewer = "fewer" if most is None else f"at most {most}"
    return UsageError(
        f"--vectors {options.vectors}",
        f"so many generated samples take {options.vectors * each / 1e9:.3g} GB, and {why}.",
        ("" if most == 0 else f"ask for {fewer}, ")
        + "give samples of your own with --inputs"
        + ("." if most is None else ", or raise --memory-gb."),
    )


def _seeded(network: Network, lowered: Lowered, options: Options) -> NamedArrays:
    """Generated inputs of the network, float32 by input name."""
    seeded = integer_vectors(lowered.graph, options.vectors, options.seed)
    raw = {
        port.name: port.to_raw(seeded.pop(port.tensor)).astype(np.float32) for port in lowered.ports
    }
    for name, shape in input_shapes(network.model).items():
        if name not in raw:  # nothing that the hardware computes depends on it
            raw[name] = np.zeros((options.vectors, *shape), np.float32)
    return raw


def scores(
    outputs: NamedArrays,
    samples: NetworkSamples,
    forms: Sequence[OutputForm],
    task: str | Mapping[str, str] | None,
) -> AnswerScores | None:
    """Score the network's outputs; None where there is nothing to compare them with.

    Args:
        outputs: what the network answered, by output name.
        samples: the inputs, and their labels.
        forms: what the network's outputs look like.
        task: what the user says of the task.
    """
    if samples.labels is None and task != "reconstruction":
        return None
    request = TaskRequest(kind=task)
    found = score_answers(
        outputs, samples.labels, forms=forms, request=request, inputs=samples.raw,
        where=samples.labels_name,
    )  # fmt: skip
    if samples.held_out_of is None:
        return found
    return replace(found, task={**found.task, "held_out_of": samples.held_out_of})


def load_samples(
    source: SampleSource,
    labels: SampleSource | None,
    shapes: InputShapes,
    most: int | None = None,
    *,
    unread: Collection[str] = (),
) -> NetworkSamples:
    """Load a user's samples and their labels, and check them against the network.

    Of a .npz file with x and y these are all samples or, where it has them, those of x_test. Of
    a folder with one folder of images per class and of `module:function`, which are a whole data
    set, they are the test split: `load_data` trains nothing on it.

    Args:
        source: the samples.
        labels: of the samples, where the source itself holds none.
        shapes: of the network's inputs (`fpgacomp.network.canonical.input_shapes`).
        most: how many samples are taken: the first ones, of labelled data evenly.
        unread: inputs that nothing reads, which need no values.

    Raises:
        InputDataError, Problems: they do not go with the network, or with their labels.
    """
    data = _load_labelled(source, shapes, to_check=True)
    if data is None:
        every = _load_plain(source, shapes, unread)
        raw = {name: array[:most] for name, array in every.items()}
        taken, count = (len(next(iter(arrays.values()))) for arrays in (raw, every))
        return NetworkSamples(
            raw, None if labels is None else load_labels(labels, count, taken),
            notes=_left_out(taken, count),
            labels_name=str(labels) if isinstance(labels, str | Path) else "labels",
        )  # fmt: skip
    if labels is not None:
        raise InputDataError(
            data.name, "holds labels of its own.", "leave --labels out, or give x alone."
        )
    whole = data.test
    test = whole.evenly(len(whole) if most is None else most)
    part = f"{len(test)} of {len(whole)}" if len(test) < len(whole) else f"{len(whole)}"
    split = "test split, " if data.is_held_out else ""
    return NetworkSamples(
        raw=_by_input(test, shapes, data.name),
        labels=data.labels_of(test.y),
        source=f"{data.name} ({split}{part} samples)",
        held_out_of=data.name if data.is_held_out else None,
        notes=_left_out(len(test), len(whole)),
        labels_name=data.name,
    )


def _left_out(taken: int, count: int) -> tuple[str, ...]:
    """Say how many of the samples are used, where it is not all of them."""
    if taken == count:
        return ()
    return (f"{taken:,} of {count:,} samples were run; --vectors {count} runs all.",)


def with_clipping(samples: NetworkSamples, before: onnx.ModelProto) -> NetworkSamples:
    """The samples with a note on each input many of whose values its quantizer clips.

    Args:
        samples: a user's samples.
        before: the software side in front of the hardware (`Lowered.before`).
    """
    found = tuple(
        f"input {one.name}: {100 * one.share:.0f} % of the values lie beyond "
        f"{one.range_text} and are clipped; are the samples scaled as in training?"
        for one in clipped_inputs(before, samples.raw)
        if one.share > MOST_CLIPPED
    )
    return replace(samples, notes=(*samples.notes, *found))


def _load_labelled(
    source: SampleSource, shapes: InputShapes, *, to_check: bool = False
) -> LabelledData | None:
    """Return labelled data in splits; None where the source is samples alone.

    Args:
        source: the samples.
        shapes: of the network's inputs.
        to_check: nothing is fitted to the samples, so that all of a file are the test split.
    """
    if not isinstance(source, str | Path) or len(shapes) != 1:
        return None
    path = Path(source)
    function = ":" in str(source) and not path.exists()
    if function or path.is_dir() or _has_labels(path):
        (shape,) = shapes.values()
        is_file = not function and not path.is_dir()
        data = load_test_samples(source) if to_check and is_file else load_data(source)
        return data if -1 in shape else data.reshaped(shape)
    return None


def _has_labels(path: Path) -> bool:
    if path.suffix != ".npz" or not path.is_file():
        return False
    arrays = read_arrays(path, wanted="a .npz file")
    if not isinstance(arrays, Mapping):
        return False
    return "x" in arrays and any(name == "y" or name.startswith("y_") for name in arrays)


def _by_input(samples: Samples, shapes: InputShapes, name: str) -> NamedArrays:
    (own,) = shapes
    return check_inputs({own: samples.x}, shapes, where=name)


def _load_plain(
    source: SampleSource, shapes: InputShapes, unread: Collection[str] = ()
) -> NamedArrays:
    """Return samples without labels by input name, checked against the network."""
    if isinstance(source, str | Path):
        return load_inputs(Path(source), shapes, unread=unread)
    if isinstance(source, np.ndarray):
        source = {next((name for name in shapes if name not in unread), next(iter(shapes))): source}
    return check_inputs(source, shapes, unread=unread)
