"""Checks that the calls of layers in a saved Keras model can be made one after another.

Keras makes each call as soon as what it reads is there, and goes round without end where that
never comes: layers that read each other in a circle, or an output that no call gives.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    for layer in layers:
        if not isinstance(layer, dict) or "inbound_nodes" not in layer:
            return  # of a Sequential model, whose layers follow each other
        config = layer.get("config")
        name = str(layer.get("name", config.get("name") if isinstance(config, dict) else ""))
        nodes = layer["inbound_nodes"]
        calls = [list(_read(node)) for node in nodes] if isinstance(nodes, list) else []
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
