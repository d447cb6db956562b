"""Fills the templates of hls_templates/rtl."""

from __future__ import annotations

import jinja2

from fpgacomp.host.resources import data_folder

TEMPLATES = data_folder("hls_templates") / "rtl"


def render(template: str, /, **context: object) -> bytes:
    """The content of a file from `template`.j2; a field that the context lacks is an error."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    return templates.get_template(f"{template}.j2").render(**context).encode()
