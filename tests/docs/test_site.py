"""What the pages say about the code is true of it: rooms, import rule, links, keys, reference."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import fpgacomp
import tests.test_architecture as architecture
from docs.hooks import generated
from fpgacomp.cli.app import app
from fpgacomp.engines.engine import Engine
from fpgacomp.report import json_report
from tests.support.pages import page_name, pages
from tests.support.paths import EXAMPLES, PACKAGE, REPOSITORY

DOCS = REPOSITORY / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def between(text: str, mark: str) -> str:
    """The part of a page between `<!-- mark -->` and `<!-- /mark -->`."""
    return text.split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0]


def first_cells(table: str) -> list[str]:
    """What stands in backticks in the first column of a table."""
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


# ---- architecture


def test_the_rooms_are_the_folders() -> None:
    folders = sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file())
    assert first_cells(between(page("architecture.md"), "rooms")) == folders


def test_the_import_rule_is_the_one_that_is_tested() -> None:
    stated = between(page("architecture.md"), "imports").replace("```text", "").replace("```", "")
    assert " ".join(stated.split()) in " ".join((architecture.__doc__ or "").split())


def test_the_import_rule_is_what_the_floors_say() -> None:
    stated = between(page("architecture.md"), "imports").replace("```text", "").replace("```", "")
    floors = [{room.strip() for room in floor.split("|")} for floor in stated.split("->")]
    tested = [set(floor) - {"zoo"} for floor in reversed(architecture.FLOORS)]
    assert floors == tested


def test_exceptions_of_the_import_rule_are_counted() -> None:
    text = page("architecture.md")
    assert len(architecture.SIBLINGS) == 5 and "with five exceptions" in text
    for room, others in architecture.SIBLINGS.items():
        assert f"`{room}` uses" in text and all(f"`{other}" in text for other in others)


def test_every_engine_has_a_row() -> None:
    engines = {p.parent.name for p in PACKAGE.glob("engines/*/__init__.py")}
    assert {f"engines/{name}" for name in engines} <= set(first_cells(page("architecture.md")))


def test_the_protocol_of_engines_is_the_one_in_the_code() -> None:
    members = [name for name in vars(Engine) if not name.startswith("_")]
    assert first_cells(between(page("architecture.md"), "protocol")) == members


# ---- links


@pytest.mark.parametrize("path", pages(), ids=page_name)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{page_name(path)} links to {target}"


# ---- reference


def test_every_public_name_is_in_the_reference() -> None:
    named = set(re.findall(r"^::: fpgacomp\.(\w+)$", page("reference/api.md"), re.MULTILINE))
    assert set(getattr(fpgacomp, "__all__", ())) - {"__version__"} <= named
    for name in named:
        assert (getattr(fpgacomp, name).__doc__ or "").strip(), name


def test_every_verb_is_in_the_reference() -> None:
    text = generated.command_line()
    verbs = re.findall(r"^## fpgacomp ([\w-]+)$", text, re.MULTILINE)
    assert verbs == sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert re.search(r"^\| `--board`, `-b` ", text, re.MULTILINE)


def test_every_mark_is_generated() -> None:
    for path in DOCS.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert set(generated.MARK.findall(text)) <= generated.GENERATORS.keys(), path


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"[\w/-]+\.md", (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md"))


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The path of every leaf of a document, lists of objects as `[]`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from keys(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for item in value:
            yield from keys(item, f"{path}[]")
    else:
        yield path


@pytest.fixture(scope="module")
def report_keys() -> set[str]:
    options = fpgacomp.Options(
        backend="hls4ml",  # whose report has every key, if only to say that there is nothing
        vectors=20,
        inputs=EXAMPLES / "digits_mlp" / "test_inputs.npy",
        labels=EXAMPLES / "digits_mlp" / "test_labels.npy",
    )
    report = fpgacomp.compile(EXAMPLES / "digits_mlp" / "model.onnx", "pynq-z2", options=options)
    return set(keys(json.loads(json_report.to_json(report))))


@pytest.mark.slow
def test_every_key_of_report_json_is_described(report_keys: set[str]) -> None:
    described = [pattern(key) for key in first_cells(between(page("reference/report.md"), "keys"))]
    for key in report_keys:
        assert any(p.fullmatch(key) for p in described), f"{key} is not in reference/report.md"


@pytest.mark.slow
def test_every_key_that_is_described_is_in_report_json(report_keys: set[str]) -> None:
    for key in first_cells(between(page("reference/report.md"), "keys")):
        assert any(pattern(key).fullmatch(found) for found in report_keys), f"{key} does not occur"


def pattern(key: str) -> re.Pattern[str]:
    """A described key as a pattern: `*` stands for the rest of a path or one part of it."""
    parts = [re.escape(part) for part in key.split("*")]
    return re.compile(parts[0] + "".join(r"[^.]+" + p if p else ".+" for p in parts[1:]))


# ---- what surrounds the repository


def test_the_citation_states_the_version() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == fpgacomp.__version__


@pytest.mark.parametrize("name", [".pre-commit-config.yaml", ".github/workflows/ci.yml"])
def test_configurations_are_yaml(name: str) -> None:
    assert yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


def test_the_version_is_stated_once() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in text and fpgacomp.__version__ not in text
