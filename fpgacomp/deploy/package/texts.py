"""Fills in the templates of hls_templates/package, whose values may come from strangers."""

from __future__ import annotations

from typing import Any

from fpgacomp.host.resources import data_folder
from fpgacomp.host.templates import templates

_SPECIAL = "\\`*_{}[]<>|#~"


def rendered(template: str, **values: Any) -> bytes:
    """A template with its values; one that is missing is an error."""
    environment = templates("package")
    environment.filters["cell"] = cell
    return environment.get_template(template).render(**values).encode()


def cell(value: object) -> str:
    """Text for one line of Markdown, in which nothing of it is markup."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return "".join(f"\\{c}" if c in _SPECIAL and not _is_inside(text, i) else c
                   for i, c in enumerate(text))  # fmt: skip


def _is_inside(text: str, index: int) -> bool:
    """An underscore within a word is no markup, and names read better without a backslash."""
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return text[index] == "_" and len(around) == 2 and around.isalnum()


def licence_text() -> bytes:
    """The text of Apache-2.0."""
    return (data_folder("hls_templates") / "package" / "Apache-2.0.txt").read_bytes()
