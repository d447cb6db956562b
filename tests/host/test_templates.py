"""Templates are compiled once, and a field that is missing is an error."""

from __future__ import annotations

import jinja2
import pytest

from fpgacomp.host.templates import templates


def test_a_template_is_compiled_once_in_a_process() -> None:
    first = templates("rtl").get_template("sim_main.cpp.j2")
    assert templates("rtl").get_template("sim_main.cpp.j2") is first
    with pytest.raises(jinja2.TemplateNotFound):
        templates("report").get_template("sim_main.cpp.j2")


def test_a_missing_field_is_an_error_and_values_are_escaped_where_they_have_to_be() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'name' is undefined"):
        templates("rtl").from_string("{{ name }}").render()
    assert templates("rtl").from_string("{{ name }}").render(name="<b>") == "<b>"
    assert templates("report", escape=True).from_string("{{ n }}").render(n="<b>") == "&lt;b&gt;"
