"""Layer names that a user recognises, made into valid and unique identifiers."""

from __future__ import annotations

import keyword
import re

from torch import fx, nn

_TAKEN = frozenset(dir(fx.GraphModule(nn.Module(), fx.Graph())))


class UniqueNames:
    """Hands out names, none of them twice."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def unique(self, wish: str, other: str = "") -> str:
        """Hand out a name.

        Args:
            wish: the name asked for; characters that identifiers cannot have are replaced.
            other: the name to take where the wish is taken; "" for none.

        Returns:
            One of the two names, with a number behind it where both are taken.
        """
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
    """Make an identifier of a name: "layers.0/conv" becomes "layers_0_conv".

    Python's keywords and the attributes of modules get "_layer" behind them.
    """
    name = re.sub(r"\W+", "_", wish, flags=re.ASCII).strip("_")
    if not name or name[0].isdigit():
        name = f"layer_{name}".rstrip("_")
    return f"{name}_layer" if name in _TAKEN or keyword.iskeyword(name) else name


def from_onnx_name(node: str, op: str, weight: str = "") -> str:
    """Find the name of a layer in its weight's name "fc1.weight", or its node's name "/fc1/Gemm".

    Args:
        node: name of the ONNX node; it may be "".
        op: its operator, which is the name where there is no other.
        weight: name of its weight tensor; "" for an operator without one.
    """
    for ending in (".weight", "/weight", "/weight_turned", "_weight"):
        if weight.endswith(ending) and len(weight) > len(ending):
            return weight.removesuffix(ending)
    parts = [part for part in node.split("/") if part]
    if len(parts) > 1 and re.fullmatch(rf"{op}(_\d+)?", parts[-1]):
        parts.pop()
    return "/".join(parts) or op.lower()
