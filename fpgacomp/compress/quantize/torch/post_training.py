"""Quantization after training: scales and repairs are fitted to samples, without gradients."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from brevitas.graph.calibrate import bias_correction_mode
from brevitas.graph.equalize import EqualizeGraph
from brevitas.graph.gptq import gptq_mode
from torch import Tensor, fx

from fpgacomp.compress.constraints import KEPT, SHARED, constraints_of
from fpgacomp.compress.outcome import TechniqueOutcome
from fpgacomp.compress.quantize.options import (
    REPAIR_STEPS,
    QuantizeOptions,
    RepairStep,
    repair_steps,
)
from fpgacomp.compress.quantize.torch.aware import describe
from fpgacomp.compress.quantize.torch.merge import merge_norms
from fpgacomp.compress.quantize.torch.sites import check
from fpgacomp.compress.quantize.torch.transform import calibration_samples, quantize
from fpgacomp.compress.threads import one_thread
from fpgacomp.compress.trainable import weight_layers
from fpgacomp.data.labelled import LabelledData

BATCH = 64


def quantize_post_training(
    network: fx.GraphModule,
    data: LabelledData,
    options: QuantizeOptions,
    steps: Sequence[RepairStep] = REPAIR_STEPS,
) -> TechniqueOutcome:
    """Quantize a float network with the scales that err least, and repair what rounding does.

    The steps are made in this order, and each may be left out:

        merge     BatchNormalization is merged into the layer in front of it
        equalize  the channels of a layer are scaled to similar ranges, and its readers scaled back
                  (Nagel et al., Data-Free Quantization, 2019), by Brevitas
        gptq      each column of a weight makes up for the rounding errors of those before it
                  (Frantar et al., GPTQ, 2023), by Brevitas
        bias      the mean error of each channel is subtracted from its bias (Nagel et al., 2019),
                  by Brevitas

    Args:
        network: a trained float network of known modules; it is not changed.
        data: scales and repairs are fitted to the training split.
        options: bits and scales.
        steps: the steps to make.

    Returns:
        The network of Brevitas layers. Its details are those of `quantize_aware`, and steps.

    Raises:
        UnsupportedLayer: layers have no quantized form; all of them are named.
        UsageError: a step is unknown, or the options name layers that are not there.
    """
    steps = repair_steps(steps)
    check(network)
    notes: list[str] = []
    with one_thread(), torch.no_grad():
        prepared = copy.deepcopy(network).eval()
        if "merge" in steps:
            notes += _merge(prepared)
        if "equalize" in steps:
            notes += _equalize(prepared)
        quantized = quantize(prepared, data, options)
        notes += options.notes_on(quantized.weights)
        batches = calibration_samples(data).split(BATCH)
        if "gptq" in steps:
            notes += _gptq(quantized.network, batches)
        if "bias" in steps:
            _correct_bias(quantized.network, batches)
        _drop_originals(quantized.network)
    details = describe(quantized) | {"steps": list(steps)}
    return TechniqueOutcome(quantized.network.eval(), notes=tuple(notes), details=details)


def _merge(network: fx.GraphModule) -> Iterator[str]:
    merged, kept = merge_norms(network)
    if merged:
        yield f"{merged} normalizations were merged into the layer before"
    if kept:
        yield f"{kept} normalizations stay: the weights before them share values"


def _equalize(network: fx.GraphModule) -> Iterator[str]:
    tied = [n for n, layer in weight_layers(network).items() if hasattr(layer, SHARED)]
    if tied:
        yield f"nothing was equalized: the weights of {len(tied)} layers share values"
        return
    _, regions = EqualizeGraph(return_regions=True, merge_bias=False).apply(network)
    network.recompile()
    yield f"{len(regions)} groups of layers were equalized"


def _gptq(network: fx.GraphModule, batches: Sequence[Tensor]) -> Iterator[str]:
    layers = weight_layers(network).values()
    bound = sum(hasattr(layer, KEPT) or hasattr(layer, SHARED) for layer in layers)
    # The bias step compares with the original weights, which are dropped at the end.
    with gptq_mode(network, create_weight_orig=True) as mode:
        for _ in range(mode.num_layers):
            for batch in batches:
                mode.model(batch)
            mode.update()
    network.recompile()  # Brevitas leaves a bound method where the class had its function
    for constraint in constraints_of(network):
        constraint.project(1.0)
    if bound:
        yield f"{bound} layers took up less of their rounding error: their weights are bound"


def _correct_bias(network: fx.GraphModule, batches: Sequence[Tensor]) -> None:
    with _plain_modes(network), bias_correction_mode(network):
        for batch in batches:
            network(batch)


def _drop_originals(network: fx.GraphModule) -> None:
    for layer in weight_layers(network).values():
        if hasattr(layer, "weight_orig"):
            del layer.weight_orig


@contextmanager
def _plain_modes(network: fx.GraphModule) -> Iterator[None]:
    """Put modules back into training or evaluation mode, between which Brevitas switches them."""
    modes = {module: module.training for module in network.modules()}
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
