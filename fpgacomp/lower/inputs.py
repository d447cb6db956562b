"""Turns a network input's quantizer into an integer input, laid out as its first
reader needs it.
"""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.ir.layers import Input, Tensor
from fpgacomp.ir.types import BIPOLAR, IntArray, IntType, Reals
from fpgacomp.lower.builder import GraphBuilder, unsupported
from fpgacomp.lower.input_layout import input_layout
from fpgacomp.lower.quantizer_nodes import read_quantizer
from fpgacomp.lower.quantizers import LevelQuantizer
from fpgacomp.lower.scalar import Chain, Function
from fpgacomp.lower.software import InputRecipe
from fpgacomp.lower.value import RawInput, Value


def lower_input(
    builder: GraphBuilder, node: onnx.NodeProto, raw: Value
) -> tuple[Value, InputRecipe]:
    """Append the Input layer that a raw network input's quantizer becomes.

    The host may hand over the integers in any order, so a channels-first network
    costs no transpose in hardware.

    Returns:
        The input's value, and the recipe by which the host makes its integers.
    """
    assert isinstance(raw.source, RawInput)
    name = raw.source.name
    shape, order = input_layout(builder.source, node.output[0], raw.order)
    place = np.empty(order.size, dtype=np.int64)
    place[order.ravel()] = raw.order.ravel()  # integer position -> raw position
    value = Value(raw.source, shape, order, _relaid(node, raw.chain, place, shape[-1]))
    for step in value.chain.steps:
        if isinstance(step, Function) and not step.clips:
            raise unsupported(
                node,
                f"quantizes {step.op} of a network input.",
                "apply the function to the data before they reach the network.",
            )
    quantizer = read_quantizer(builder.source, node, value)
    if quantizer.linear is None and quantizer.level_step == 1:
        raise unsupported(
            node, "quantizes a network input with thresholds.",
            "use a Quant or BipolarQuant node for the input.",
        )  # fmt: skip
    if quantizer.level_base.size > 1:
        raise unsupported(node, "quantizes a network input with a zero point per channel.",
                          "use one zero point.")  # fmt: skip
    base = int(quantizer.level_base[0])
    is_bipolar = quantizer.level_step == 2
    lo, hi = _reachable(value.chain, quantizer)
    kind = BIPOLAR if is_bipolar else IntType(lo + base, hi + base)
    tensor = builder.add(Input(name=name, output=Tensor("", shape, kind)))
    linear = quantizer.linear
    recipe = InputRecipe(
        name=name,
        place=place,
        chain=value.chain,
        tensor=tensor,
        scale=linear.scale if linear else quantizer.scale,
        zero_point=linear.zero_point if linear else -quantizer.offset / quantizer.scale,
        rounding=linear.rounding if linear else "BIPOLAR",
        lo=quantizer.lo,
        hi=quantizer.hi,
        base=base,
    )
    return Value(tensor, shape, order, Chain.of(quantizer.scale, quantizer.offset)), recipe


def _reachable(chain: Chain, quantizer: LevelQuantizer) -> tuple[int, int]:
    """Return the lowest and highest level over all raw inputs (a Clip may leave less than the
    quantizer).
    """
    if np.any(chain.slope() == 0):
        return quantizer.lo, quantizer.hi
    ends = [quantizer.levels(chain(np.array([[end]]))) for end in (-np.inf, np.inf)]
    return int(min(end.min() for end in ends)), int(max(end.max() for end in ends))


def _relaid(node: onnx.NodeProto, chain: Chain, place: IntArray, channels: int) -> Chain:
    """Return a raw input's per-element parameters as per-channel ones of its integer layout."""

    def shrink(values: Reals) -> Reals:
        if values.shape == (1,):
            return values
        rows = values.array[place].reshape(-1, channels)
        if np.any(rows != rows[0]):
            raise unsupported(
                node,
                "quantizes an input whose normalisation differs from position to position.",
                "use one mean and deviation per channel.",
            )
        return Reals(rows[0])

    return chain.with_parameters(shrink)
