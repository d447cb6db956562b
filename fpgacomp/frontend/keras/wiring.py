"""Checks that the layers of a saved Keras model can be joined: Keras loops for ever otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fpgacomp.errors import ModelError

# A nested model has one node, from its own input to its output, before any layer calls it.
_MODELS = ("Functional", "Model", "Sequential")
_NEVER = 1 << 62
_Node = tuple[str, int]


def check_wiring(layers: list[Any], where: str) -> None:
    """Refuse layers that wait for each other, or for a call that no layer makes.

    Args:
        layers: the `layers` of a functional model's configuration.
        where: the file, for messages.

    Raises:
        ModelError: names a layer that can never be called.
    """
    made: dict[str, int] = {}
    waiting: dict[str, list[list[_Node]]] = {}
    for layer in layers:
        if not isinstance(layer, dict) or "inbound_nodes" not in layer:
            return  # of a Sequential model, whose layers follow each other
        config = layer.get("config")
        name = str(layer.get("name", config.get("name") if isinstance(config, dict) else ""))
        nodes = layer["inbound_nodes"]
        calls = [list(_read(node)) for node in nodes] if isinstance(nodes, list) else []
        made[name] = int(not calls or layer.get("class_name") in _MODELS)
        waiting[name] = calls
    progress = True
    while progress:
        progress = False
        for name, calls in waiting.items():
            while calls and all(index < made.get(source, 0) for source, index in calls[0]):
                calls.pop(0)
                made[name] += 1
                progress = True
    stuck = next((name for name, calls in waiting.items() if calls), None)
    if stuck is not None:
        why = f"its layer {stuck[:80]!r} reads a tensor that no layer gives it."
        raise ModelError(where, why, "save the model again.")


def _read(node: Any) -> Iterator[_Node]:
    """Yield layer and number of the call behind every tensor that a call reads.

    Keras 2 writes [layer, call, output], Keras 3 such a list as `keras_history`.
    """
    inner = [node]
    while inner:
        value = inner.pop()
        if isinstance(value, dict):
            inner += value.values()
        elif isinstance(value, list):
            match value[:3]:
                case [str(layer), int() | float() as call, int() | float()]:
                    # 1e308 is a number to JSON, and of no call.
                    yield layer, call if isinstance(call, int) else _NEVER
                    inner += value[3:]
                case _:
                    inner += value
