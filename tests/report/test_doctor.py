"""`fpgacomp doctor`: commands are shown as they must be typed."""

from __future__ import annotations

import io

from rich.console import Console

from fpgacomp.host.toolchain import Tool, survey
from fpgacomp.report.doctor import render
from tests.support.paths import REPOSITORY


def test_brackets_of_extras_are_printed() -> None:
    command = "pip install 'fpgacomp[brevitas]'"
    tools = [
        Tool(name="brevitas", found=None, enables="training [with PyTorch]", install=command),
        Tool(name="g++", found="12.2 [Debian]", enables="C-simulation", install="apt-get install"),
    ]
    out = io.StringIO()
    render(tools, Console(file=out, width=160))
    missing, found = out.getvalue().splitlines()[1:]
    assert command in missing and "training [with PyTorch]" in missing and "missing" in missing
    assert "12.2 [Debian]" in found and "apt-get" not in found


def test_one_command_installs_torch_in_the_version_that_is_tested() -> None:
    (brevitas,) = (tool for tool in survey() if tool.name == "brevitas")
    assert brevitas.install.startswith("pip install torch==")
    for page in ("docs/install.md", "docs/tutorials/pytorch.md", "examples/digits_cnn/README.md"):
        assert brevitas.install in (REPOSITORY / page).read_text(encoding="utf-8"), page
