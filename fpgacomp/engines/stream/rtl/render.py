"""Fills the templates of hls_templates/rtl."""

from __future__ import annotations

from fpgacomp.host.resources import data_folder
from fpgacomp.host.templates import templates

TEMPLATES = data_folder("hls_templates") / "rtl"


def render(template: str, /, **context: object) -> bytes:
    """The content of a file from `template`.j2; a field that the context lacks is an error."""
    return templates("rtl").get_template(f"{template}.j2").render(**context).encode()
