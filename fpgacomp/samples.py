"""A user's samples: what quantizes a network, what it is checked with, how well it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.errors import ModelError
from fpgacomp.frontend.calibrate import (
    check_inputs,
    input_shapes,
    load_inputs,
    quantize_input,
    quantize_post_training,
)
from fpgacomp.frontend.labels import load_labels
from fpgacomp.ir import interpreter
from fpgacomp.ir.lowered import Lowered
from fpgacomp.ir.network import Network
from fpgacomp.options import Data, Options
from fpgacomp.report import assemble
from fpgacomp.simulate.software import to_integers
from fpgacomp.simulate.vectors import integer_vectors

# Range of an input whose type is given by its width alone: -8..8 holds standardized data.
STANDARDIZED_INTEGER_BITS = 4


def quantized(network: Network, options: Options) -> Network:
    """A float network quantized by its calibration data; a raw input given its type."""
    data = None if options.calibration is None else samples_of(options.calibration, network.model)
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


def oracle_values(
    network: Network, lowered: Lowered, options: Options
) -> tuple[dict[str, npt.NDArray[Any]], interpreter.Values]:
    """(network inputs, every tensor's integers) for the samples given, or for seeded ones."""
    if options.inputs is not None:
        loaded = samples_of(options.inputs, network.model)
        raw = {name: array[: options.vectors] for name, array in loaded.items()}
    else:
        seeded = integer_vectors(lowered.graph, options.vectors, options.seed)
        raw = {port.name: port.to_raw(seeded[port.tensor]) for port in lowered.ports}
        raw = {name: array.astype(np.float32) for name, array in raw.items()}
    return raw, interpreter.run(lowered.graph, to_integers(lowered.before, raw))


def scores(answers: Mapping[str, npt.NDArray[Any]], labels: Data | None) -> dict[str, float] | None:
    """Accuracy of the network\'s answers; None without labels."""
    if labels is None:
        return None
    count = len(next(iter(answers.values())))
    assert not isinstance(labels, Mapping)
    return assemble.accuracy(answers, load_labels(labels, count))


def samples_of(data: Data, model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    """A user's samples by input name, checked against the network."""
    if isinstance(data, str | Path):
        return dict(load_inputs(Path(data), model))
    if isinstance(data, np.ndarray):
        data = {next(iter(input_shapes(model))): data}
    return dict(check_inputs(data, model))
