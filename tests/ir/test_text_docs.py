"""docs/text-form.md says what the code does."""

from __future__ import annotations

import pytest

from fpgacomp.frontend import open_network
from fpgacomp.ir import text
from fpgacomp.ir.text import print_graph
from fpgacomp.ir.text.parse import READERS
from fpgacomp.lower import lower
from tests.support.paths import EXAMPLES, REPOSITORY

PAGE = (REPOSITORY / "docs" / "text-form.md").read_text(encoding="utf-8")


def test_the_example_is_what_is_printed() -> None:
    graph = lower(open_network(EXAMPLES / "digits_cnn" / "model.onnx")).graph
    assert f"```text\n{print_graph(graph).text}```\n" in PAGE


def test_every_kind_of_layer_has_a_row() -> None:
    for kind in READERS:
        assert f"| `{kind}` |" in PAGE


@pytest.mark.parametrize("name", ["layer", "value", "stored", "type", "bits"])
def test_the_grammar_is_that_of_the_module(name: str) -> None:
    (rule,) = (line for line in PAGE.splitlines() if line.startswith(f"    {name} "))
    assert rule in (text.__doc__ or "")
