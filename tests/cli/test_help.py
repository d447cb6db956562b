"""The help: of every verb, under both names, within 80 columns, and quick to come."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import VERBS, app

NAMES = sorted(get_command(app).commands)  # type: ignore[attr-defined]
PANELS = ("What to build", "Checking", "Repeatability", "Float networks", "Output")
# What takes long to import, or is needed only once a verb runs.
HEAVY = (
    "numpy", "onnx", "onnxruntime", "qonnx", "scipy", "yaml", "jinja2", "hls4ml", "torch",
    "tensorflow",
)  # fmt: skip


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_of_verbs_is_what_the_command_has() -> None:
    shown_as = {verb.__name__.replace("_", "-") for verbs in VERBS.values() for verb in verbs}
    assert sorted(shown_as) == NAMES
    assert {"compile", "quantize", "boards"} <= set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("verb", NAMES)
def test_both_names_show_the_same_help_with_an_example(verb: str) -> None:
    text = shown(verb, "--help")
    assert shown(verb, "-h") == text
    assert f"Example: fpgacomp {verb}" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    for option in ("--verbose", "--quiet", "--log-file", "--json"):
        assert option in text


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), *((verb,) for verb in NAMES)])
def test_the_help_shows_no_python_types(arguments: tuple[str, ...]) -> None:
    """`--json <bool>` would read as if a value had to follow."""
    text = shown(*arguments, "-h")
    for kind in ("bool", "str", "path", "list"):
        assert f"<{kind}" not in text
    assert not re.search(r"Usage:.*[{}]", text)


@pytest.mark.slow
def test_the_options_of_compile_are_in_panels() -> None:
    text = shown("compile", "-h")
    places = [text.index(f" {panel} ") for panel in PANELS]
    assert places == sorted(places)


@pytest.mark.slow
def test_the_root_documents_the_exit_codes() -> None:
    text = shown("-h")
    assert shown("--help") == text
    for line in ("0: all is well", "1: the model, the data or the design", "2: the command line",
                 "3: a tool or the file system", "70: fpgacomp itself"):  # fmt: skip
        assert line in text


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["compile", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import json, sys\n"
        "from fpgacomp.cli.app import main\n"
        "try:\n    main()\n"
        "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    loaded: list[Any] = json.loads(run.stderr)
    assert "fpgacomp.cli.app" in loaded
    assert not set(HEAVY) & set(loaded)


@pytest.mark.slow
def test_the_package_runs_as_a_module() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "fpgacomp", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"fpgacomp {fpgacomp.__version__}\n"
