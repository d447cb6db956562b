"""The functions that a user calls to compress a network tell their arguments and types."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from fpgacomp.compress import quantize as techniques
from fpgacomp.flows import compress, evaluate
from tests.support.paths import PACKAGE

VERBS = (
    compress.quantize, compress.prune, compress.distill, compress.share, compress.factorize,
    evaluate.evaluate, techniques.quantize_aware, techniques.quantize_mixed,
    techniques.quantize_post_training, techniques.to_qonnx,
)  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_every_argument_is_named_typed_and_documented(verb: Callable[..., object]) -> None:
    signature = inspect.signature(verb)
    text = inspect.getdoc(verb) or ""
    assert signature.return_annotation not in (inspect.Signature.empty, "Any", None)
    for name, parameter in signature.parameters.items():
        assert parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        assert parameter.annotation not in (inspect.Parameter.empty, "Any"), name
        assert f"\n    {name}: " in text, f"{verb.__name__} does not say what {name} is"


FILES = [*sorted((PACKAGE / "compress").rglob("*.py")), PACKAGE / "data" / "labelled.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_everything_public_has_a_docstring(path: Path) -> None:
    def missing(node: ast.AST, inside: str = "") -> list[str]:
        found = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef) and child.name[0] != "_":
                found += [] if ast.get_docstring(child) else [inside + child.name]
                if isinstance(child, ast.ClassDef):
                    found += missing(child, f"{child.name}.")
        return found

    assert missing(ast.parse(path.read_text(encoding="utf-8"))) == []
