"""Layer names that a user recognises: valid identifiers, each once."""

from __future__ import annotations

import keyword
import re

from torch import fx, nn

_TAKEN = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph())))


class UniqueNames:
    """Hands out each name once."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def unique(self, wish: str, other: str = "") -> str:
        """The wish as an identifier, or the other one, with a number where both are taken."""
        base = identifier(wish)
        if other and base in self._used:
            base = identifier(other)
        name, number = base, 1
        while name in self._used:
            number += 1
            name = f"{base}_{number}"
        self._used.add(name)
        return name


def identifier(wish: str) -> str:
    """`layers.0/conv` -> `layers_0_conv`; never a keyword or an attribute of modules."""
    name = re.sub(r"\W+", "_", wish, flags=re.ASCII).strip("_")
    if not name or name[0].isdigit():
        name = f"layer_{name}".rstrip("_")
    return f"{name}_layer" if name in _TAKEN or keyword.iskeyword(name) else name


def from_onnx_name(node: str, op: str, weight: str = "") -> str:
    """A layer's name from its weight `fc1.weight`, or else its node `/fc1/Gemm`.

    Args:
        node: name of the ONNX node, may be "".
        op: its operator, the name where there is no other.
        weight: name of its weight tensor, "" for an operator without one.
    """
    for ending in (".weight", "/weight", "/weight_turned", "_weight"):
        if weight.endswith(ending) and len(weight) > len(ending):
            return weight.removesuffix(ending)
    parts = [part for part in node.split("/") if part]
    if len(parts) > 1 and re.fullmatch(rf"{op}(_\d+)?", parts[-1]):
        parts.pop()
    return "/".join(parts) or op.lower()
