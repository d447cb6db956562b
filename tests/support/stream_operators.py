"""The classes of the streaming engine's operators, found in their files."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from fpgacomp.engines.stream import operators
from fpgacomp.engines.stream.operators.operator import Operator


def operator_classes() -> Iterator[type[Any]]:
    """Every class of the operators' files that states what a C++ call is made of."""
    for module in iter_modules(operators.__path__, f"{operators.__name__}."):
        for cls in vars(import_module(module.name)).values():
            own = isinstance(cls, type) and cls.__module__ == module.name
            if own and cls is not Operator and "call" in vars(cls):
                yield cls
