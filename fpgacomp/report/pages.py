"""Pages from the templates in hls_templates/report."""

from __future__ import annotations

from fpgacomp.host.templates import templates


def page(template: str, view: object) -> str:
    """The template filled with the fields of `view`; every value is escaped for HTML."""
    return templates("report", escape=True).get_template(template).render(view=view)
