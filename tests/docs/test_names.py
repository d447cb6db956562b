"""Every path and every dotted name that a page mentions exists in the repository."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import page_name, pages
from tests.support.paths import PACKAGE, REPOSITORY

CHANGELOG = REPOSITORY / "CHANGELOG.md"
PAGES = [*pages(), CHANGELOG, *sorted((REPOSITORY / "hls_templates").rglob("*.md"))]
# Placeholders in paths: the reader's own file.
PLACEHOLDER = re.compile(r"NAME|KIND|FOLDER|DIR|\*")
TOP = ("boards", "docs", "examples", "fpgacomp", "hls_templates", "tests")


def paths_in(text: str) -> set[str]:
    """Paths of the repository: below one of its folders, or Python files below the package."""
    found = set(re.findall(rf"(?<![\w/.])(?:{'|'.join(TOP)})/[\w./*-]*[\w/*]", text))
    found |= set(re.findall(r"`([\w-]+(?:/[\w-]+)*/[\w-]+\.py)`", text))
    return {path for path in found if not PLACEHOLDER.search(path)}


def names_in(text: str) -> set[str]:
    """Dotted names of the package; `fpgacomp.yaml` and the like would be files."""
    return set(re.findall(r"(?<![\w./-])fpgacomp(?:\.[A-Za-z_]\w*)+", text))


def without_old_names(text: str) -> str:
    """The change list without the column of the modules that are gone."""
    return re.sub(r"^\| `fpgacomp[\w.]*` \|", "|", text, flags=re.MULTILINE)


def without_toy_files(text: str) -> str:
    """The guide without the files of its toy layer, which test_toy_layer.py has."""
    return re.sub(r"<!-- toy files -->.*<!-- /toy files -->", "", text, flags=re.DOTALL)


def exists(path: str) -> bool:
    return (REPOSITORY / path).exists() or (path.endswith(".py") and (PACKAGE / path).exists())


def resolved(name: str) -> Any:
    """The module, or the attribute of a module, of this dotted name; None where there is none."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        module = REPOSITORY.joinpath(*parts[:cut])
        if module.with_suffix(".py").is_file() or (module / "__init__.py").is_file():
            found: Any = import_module(".".join(parts[:cut]))
            for attribute in parts[cut:]:
                found = getattr(found, attribute, None)
            return found
    return None


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_paths_that_are_named_exist(page: Path) -> None:
    text = without_toy_files(page.read_text(encoding="utf-8"))
    missing = {path for path in paths_in(text) if not exists(path)}
    assert not missing, f"{page_name(page)} names {sorted(missing)}"


@pytest.mark.slow  # names of the frameworks' parts load the frameworks
@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_dotted_names_that_are_named_exist(page: Path) -> None:
    text = without_old_names(page.read_text(encoding="utf-8"))
    missing = {name for name in names_in(text) if resolved(name) is None}
    assert not missing, f"{page_name(page)} names {sorted(missing)}"


def test_old_modules_of_the_change_list_are_gone() -> None:
    table = CHANGELOG.read_text(encoding="utf-8").split("<!-- renamed -->")[1]
    rows = re.findall(r"^\| `(fpgacomp[\w.]*)` \| (.+) \|$", table, re.MULTILINE)
    assert rows
    for old, new in rows:
        assert old not in re.findall(r"`([^`]+)`", new)


def test_what_the_extraction_finds() -> None:
    text = "see `ir/graph.py`, fpgacomp/ir/infer.py, `fpgacomp.ir.layers`, https://x.org/docs/a.md"
    assert paths_in(text) == {"ir/graph.py", "fpgacomp/ir/infer.py"}
    assert names_in(text) == {"fpgacomp.ir.layers"}
    assert not paths_in("`fpgacomp/engines/NAME/engine.py`")


def test_what_does_not_exist_is_noticed() -> None:
    assert exists("ir/graph.py") and not exists("ir/graphs.py")
    assert resolved("fpgacomp.ir.layers.Dense") and resolved("fpgacomp.ir.layers.Dens") is None
