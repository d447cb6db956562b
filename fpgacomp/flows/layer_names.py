"""Lets options name the layers of a network as its ONNX file and `fpgacomp check` name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from fpgacomp.compress.types import TorchNetwork
from fpgacomp.errors import UsageError

Chosen = TypeVar("Chosen", bound=Any)  # a frozen dataclass of options
# The fields of all options that hold names of layers: mappings by name, and lists of names.
_FIELDS = (
    "weight_bits", "activation_bits", "sparsity", "share", "rank", "values", "leave",
)  # fmt: skip


def in_layer_names(options: Chosen, network: TorchNetwork) -> Chosen:
    """Return the options with the names of the network's layers for those of its ONNX nodes.

    A layer of a network that was read from ONNX is called after its weight or its node, as an
    identifier: the node "/0/Gemm" becomes "layer_0". Both names are taken.

    Args:
        options: options of a technique, with bits, shares or other values by layer.
        network: the network as it was loaded.

    Raises:
        UsageError: one layer is named by both of its names.
    """
    layers: Mapping[str, str] = network.meta.get("onnx_names", {})
    found: dict[str, Any] = {}
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name in _FIELDS and isinstance(value, Mapping):
            found[field.name] = _renamed(f"--{field.name.replace('_', '-')}", value, layers)
        elif field.name in _FIELDS and isinstance(value, tuple):
            found[field.name] = tuple(layers.get(name, name) for name in value)
    changed: Chosen = replace(options, **found)
    return changed


def _renamed(what: str, values: Mapping[str, Any], layers: Mapping[str, str]) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for name, value in values.items():
        own = layers.get(name, name)
        if own in renamed:
            raise UsageError(
                f"{what} of {name}", f"are given twice: {own} is the same layer.",
                "give one of them.",
            )  # fmt: skip
        renamed[own] = value
    return renamed
