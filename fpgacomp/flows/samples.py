"""A user's samples: what quantizes a network, what it is checked with, how well it does."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.data.labelled import LabelledData, Samples, load_data
from fpgacomp.data.labels import load_labels
from fpgacomp.errors import InputDataError, ModelError
from fpgacomp.evidence.software import to_integers
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.flows.options import Data, Options
from fpgacomp.frontend.calibrate import (
    check_inputs,
    input_shapes,
    load_inputs,
    quantize_input,
    quantize_post_training,
)
from fpgacomp.ir import interpreter
from fpgacomp.network.canonical import Network
from fpgacomp.network.lowered import Lowered
from fpgacomp.report import assemble

Arrays = dict[str, npt.NDArray[Any]]

# Of labelled data; more tell little, and ONNX Runtime keeps every tensor of all of them.
CALIBRATION_SAMPLES = 512
# Range of an input whose type is given by its width alone: -8..8 holds standardized data.
STANDARDIZED_INTEGER_BITS = 4


@dataclass(frozen=True)
class Given:
    """Samples that a network is run with.

    Args:
        raw: by input name, [N, *input shape], in the network's own units.
        labels: of them, if they are known.
        source: what they are, where the options alone do not tell.
    """

    raw: Arrays
    labels: npt.NDArray[Any] | None = None
    source: str | None = None


def quantized(network: Network, options: Options) -> Network:
    """A float network quantized by its calibration data; a raw input given its type."""
    data = None if options.calibration is None else _calibration(options, network.model)
    if network.format == "float":
        if data is None:
            raise ModelError(
                network.file,
                "is a float network.",
                "give samples with --calibration X.npy, or quantize it first.",
            )
        model = quantize_post_training(network.model, data, options.quantization)
        return replace(network, model=model)
    if data is None and options.input_bits is None:
        return network
    bits, integer_bits = options.input_bits or (8, None)
    if data is None and integer_bits is None:
        integer_bits = min(STANDARDIZED_INTEGER_BITS, bits)
    model, notes = quantize_input(
        network.model, bits=bits, integer_bits=integer_bits, calibration=data
    )
    return replace(network, model=model, warnings=(*network.warnings, *notes))


def _calibration(options: Options, model: onnx.ModelProto) -> Arrays:
    assert options.calibration is not None
    data = _labelled(options.calibration, model)
    if data is not None:
        return _named(data.train.evenly(CALIBRATION_SAMPLES), model, data.name)
    return _samples_of(options.calibration, model)


def oracle_values(
    network: Network, lowered: Lowered, options: Options
) -> tuple[Given, interpreter.Values]:
    """(network inputs, every tensor's integers) for the samples given, or for seeded ones."""
    if options.inputs is not None:
        found = given(options.inputs, options.labels, network.model, options.vectors)
    else:
        seeded = integer_vectors(lowered.graph, options.vectors, options.seed)
        raw = {port.name: port.to_raw(seeded[port.tensor]) for port in lowered.ports}
        raw = {name: array.astype(np.float32) for name, array in raw.items()}
        found = Given(raw, _labels_of(options.labels, options.vectors))
    return found, interpreter.run(lowered.graph, to_integers(lowered.before, found.raw))


def scores(
    answers: Mapping[str, npt.NDArray[Any]], labels: npt.NDArray[Any] | None
) -> dict[str, float] | None:
    """Accuracy of the network's answers; None without labels."""
    return None if labels is None else assemble.accuracy(answers, labels)


def given(
    data: Data, labels: Data | None, model: onnx.ModelProto, most: int | None = None
) -> Given:
    """A user's samples, checked against the network, and their labels.

    Of labelled data as the compression verbs take them (a .npz with x and y, a folder with
    one folder of images per class, `module:function`) these are the test split: nothing was
    trained on it.

    Args:
        most: how many samples are taken: the first ones, of labelled data evenly.

    Raises:
        InputDataError, Problems: they do not go with the network, or with their labels.
    """
    labelled = _labelled(data, model)
    if labelled is None:
        raw = {name: array[:most] for name, array in _samples_of(data, model).items()}
        return Given(raw, _labels_of(labels, len(next(iter(raw.values())))))
    if labels is not None:
        raise InputDataError(
            labelled.name, "holds labels of its own.", "leave --labels out, or give x alone."
        )
    whole = labelled.test
    test = whole.evenly(len(whole) if most is None else most)
    part = f"{len(test)} of {len(whole)}" if len(test) < len(whole) else f"{len(whole)}"
    source = f"{labelled.name} (test split, {part} samples)"
    return Given(_named(test, model, labelled.name), test.y, source)


def _labels_of(labels: Data | None, count: int) -> npt.NDArray[Any] | None:
    assert not isinstance(labels, Mapping)
    return None if labels is None else load_labels(labels, count)


def _labelled(data: Data, model: onnx.ModelProto) -> LabelledData | None:
    """Labelled data in splits; None where it is samples alone."""
    inputs = input_shapes(model)
    if not isinstance(data, str | Path) or len(inputs) != 1:
        return None
    path = Path(data)
    function = ":" in str(data) and not path.exists()
    arrays = path.suffix == ".npz" and path.is_file() and _has_labels(path)
    if function or arrays or path.is_dir():
        (shape,) = inputs.values()
        found = load_data(data)
        return found if -1 in shape else found.reshaped(shape)
    return None


def _has_labels(path: Path) -> bool:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return isinstance(arrays, Mapping) and {"x", "y"} <= set(arrays)
    except (ValueError, OSError, zipfile.BadZipFile):
        return False  # whoever reads the samples says what is wrong


def _named(samples: Samples, model: onnx.ModelProto, name: str) -> Arrays:
    (own,) = input_shapes(model)
    return dict(check_inputs({own: samples.x}, model, where=name))


def _samples_of(data: Data, model: onnx.ModelProto) -> Arrays:
    """A user's samples by input name, checked against the network."""
    if isinstance(data, str | Path):
        return dict(load_inputs(Path(data), model))
    if isinstance(data, np.ndarray):
        data = {next(iter(input_shapes(model))): data}
    return dict(check_inputs(data, model))
