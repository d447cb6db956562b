"""What is asked of hls4ml: a node per hls4ml layer, with every type and decision stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlFolding
from fpgacomp.engines.shared.circuit.solve import AdderGraph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import IntArray, IntType

# name -> value of the constants that a kernel's CONFIG_T has.
Constants = dict[str, int | bool | str]


@dataclass(frozen=True)
class Hls4mlNode:
    """One layer of hls4ml's graph.

    Args:
        name: unique in the graph, also in lower case (hls4ml's configuration ignores case).
        class_name: hls4ml's layer class, or `EXTENSION` for one of our own.
        output: the integers it writes (the same on each of `outputs`).
        inputs: names of the outputs it reads.
        outputs: names of what it writes; one, except under a clone.
        attributes: hls4ml's layer dictionary, without names.
        weights: weight variable -> integers and C++ type.
        types: attribute -> C++ type, for each type that hls4ml takes from its configuration.
        folding: strategy and reuse factor.
        traces: name of the graph's tensor that this node writes, or None for a helper.
        sums: additions that take the place of the products of hls4ml's layer.
    """

    name: str
    class_name: str
    output: Tensor
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    weights: Mapping[str, NodeWeights] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    folding: Hls4mlFolding = field(default_factory=Hls4mlFolding)
    traces: str | None = None
    sums: AdderGraph | None = None


@dataclass(frozen=True)
class NodeWeights:
    """Integers that a node carries, and the C++ type that holds them."""

    values: IntArray
    type: str


EXTENSION = "FpgacompExtension"


@dataclass(frozen=True)
class Extension:
    """One call of a kernel in hls_templates/hls4ml/nnet_utils.

    Args:
        kernel: function in namespace fpgacomp.
        header: file that has it.
        constants: name -> value, as the header documents them in CONFIG_T.
        typedefs: name -> C++ type beside those of the weights (`<weight>_t`).
        weights: names of the weight arguments, in the order of the call.
    """

    kernel: str
    header: str
    constants: Constants = field(default_factory=dict)
    typedefs: Mapping[str, str] = field(default_factory=dict)
    weights: tuple[str, ...] = ()


# A value of hls4ml's layer dictionary, as far as we fill one in.
Attribute = int | str | list[int] | Extension


def ap_type(values: IntType) -> str:
    """The narrowest ap_int or ap_uint that holds the range."""
    return f"ap_{'int' if values.signed else 'uint'}<{values.bits}>"


def signed_ap_type(*values: int) -> str:
    """The narrowest ap_int that holds all these values."""
    bits = max(IntType(min(value, -1), max(value, 0)).bits for value in values)
    return f"ap_int<{bits}>"


def parameter(values: IntArray) -> NodeWeights:
    """Per-channel integers of an extension layer in their narrowest type, as one flat array."""
    return NodeWeights(values.reshape(-1), ap_type(IntType.of_values(values)))


def elements(tensor: Tensor) -> Constants:
    """The constants by which most kernels of ours are told a tensor's size."""
    return {"n_pixels": tensor.pixels, "n_channels": tensor.channels}


def multiplier_type(weight: IntArray) -> str:
    """The narrowest type of a weight that hls4ml multiplies by as it is.

    hls4ml picks its product by the weight's type (nnet_mult.h, fpga_backend.py product_type):
    ap_int<2> means -1, 0, 1, so a -2 takes three bits; ap_uint<1> beside 1-bit data
    means XNOR (`cast` in nnet_mult.h), so an unsigned weight takes two.
    """
    values = IntType.of_values(weight)
    if not values.signed:
        return f"ap_uint<{max(values.bits, 2)}>"
    smallest = 3 if np.any(weight == -2) else 2
    return f"ap_int<{max(values.bits, smallest)}>"
