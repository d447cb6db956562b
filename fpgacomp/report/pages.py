"""Pages from the templates in hls_templates/report."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fpgacomp.host.resources import data_folder


def page(template: str, view: object) -> str:
    """The template filled with the fields of `view`; every value is escaped for HTML."""
    environment = Environment(
        loader=FileSystemLoader(data_folder("hls_templates") / "report"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(view=view)
