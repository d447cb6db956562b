"""Checks that the calls of layers in a saved Keras model can be made one after another.

Keras makes each call as soon as what it reads is there, and goes round without end where that
never comes: layers that read each other in a circle, or an output that no call gives.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from fpgacomp.errors import ModelError

_NEVER = 1 << 62
_Node = tuple[str, int]


def check_calls(layers: list[Any], where: str) -> None:
    """Refuse layers that wait for each other, or for a call that no layer makes.

    Args:
        layers: the `layers` of a functional model's configuration.
        where: the file, for messages.

    Raises:
        ModelError: names a layer that can never be called.
    """
    made: dict[str, int] = {}
    waiting: dict[str, list[list[_Node]]] = {}
    connected = [layer for layer in layers if isinstance(layer, dict) and "inbound_nodes" in layer]
    if not connected:
        return  # of a Sequential model, whose layers follow each other
    if len(connected) < len(layers):
        why = "some of its layers do not say what they read."
        raise ModelError(where, why, "save the model again with Keras.")
    names = {_name(layer) for layer in layers}
    for layer in layers:
        config, name = layer.get("config"), _name(layer)
        nodes = layer["inbound_nodes"]
        calls = [list(_read(node, names)) for node in nodes] if isinstance(nodes, list) else []
        # A nested model has one call, from its own input to its output, before a layer calls it.
        is_model = isinstance(config, dict) and "layers" in config
        made[name] = int(not calls or is_model)
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
        why = f"its layer {stuck[:80]} reads what no layer before it answers."
        raise ModelError(where, why, "save the model again with Keras.")


def _name(layer: dict[str, Any]) -> str:
    config = layer.get("config")
    return str(layer.get("name", config.get("name") if isinstance(config, dict) else ""))


def _read(node: Any, names: Container[str]) -> Iterator[_Node]:
    """Yield layer and number of the call behind every tensor that a call reads.

    Keras 2 writes [layer, call, output], Keras 3 such a list as `keras_history`. A call that is
    no number is one that no layer makes.

    Args:
        node: one entry of `inbound_nodes`.
        names: of all layers.
    """
    inner = [node]
    while inner:
        value = inner.pop()
        if isinstance(value, dict):
            inner += value.values()
        elif isinstance(value, list):
            match value[:3]:
                case [str(layer), int() | float() as call, int() | float()] if call >= 0:
                    # 1e308 is a number to JSON, and of no call.
                    yield layer, call if isinstance(call, int) else _NEVER
                    inner += value[3:]
                case [str(layer), _, _] if layer in names:
                    yield layer, _NEVER
                case _:
                    inner += value
