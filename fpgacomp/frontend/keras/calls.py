"""Finds out whether the calls of layers in a configuration can be made one after another.

Keras makes each call as soon as what it reads is there, and goes round without end where that
never comes: layers that read each other in a circle, or an output that no call gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from fpgacomp.errors import ModelError

_Reference = tuple[str, int]  # a layer, and which of its calls


def check_calls(config: Any, where: str) -> None:
    """Refuse a configuration with a model whose calls have no order.

    Raises:
        ModelError: naming one of the layers that would wait for ever.
    """
    waiting = [config]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict):
            waiting += entry.values()
            if isinstance(entry.get("layers"), list):
                _check_model(entry["layers"], where)
        elif isinstance(entry, list):
            waiting += entry


def _check_model(layers: list[Any], where: str) -> None:
    pending = {_name(layer): _calls(layer) for layer in layers if isinstance(layer, dict)}
    # A model that is a layer may count a call of its own, which is made with it.
    models = [_name(layer) for layer in layers if isinstance(layer, dict) and _is_model(layer)]
    made = Counter(models) + Counter(name for name, calls in pending.items() if not calls)
    progress = True
    while progress:
        progress = False
        for name, calls in pending.items():
            while calls and all(made[of] > call for of, call in calls[0] if of in pending):
                calls.pop(0)
                made[name] += 1
                progress = True
    stuck = next((name for name, calls in pending.items() if calls), None)
    if stuck is not None:
        why = f"its layer {stuck[:80]} reads what no layer before it answers."
        raise ModelError(where, why, "save the model again with Keras.")


def _name(layer: dict[str, Any]) -> str:
    inner = layer.get("config")
    return str(layer.get("name", inner.get("name", "") if isinstance(inner, dict) else ""))


def _is_model(layer: dict[str, Any]) -> bool:
    inner = layer.get("config")
    return isinstance(inner, dict) and "layers" in inner


def _calls(layer: dict[str, Any]) -> list[list[_Reference]]:
    nodes = layer.get("inbound_nodes")
    return [list(_references(node)) for node in nodes] if isinstance(nodes, list) else []


def _references(node: Any) -> Iterator[_Reference]:
    """Yield what a call reads: [layer, call, output] of Keras 2, `keras_history` of Keras 3."""
    if isinstance(node, list):
        match node:
            case [str(name), int(call), int(), *_]:
                yield name, call
            case _:
                for part in node:
                    yield from _references(part)
    elif isinstance(node, dict):
        for part in node.values():
            yield from _references(part)
