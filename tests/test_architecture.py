"""Imports go one way: cli, pipeline, stages, ir, errors; stages do not import each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fpgacomp"
# What everybody may import, from the bottom up.
GROUND = ("errors", "resources", "ir", "toolchain", "keras2", "brevitas_qonnx", "solver")
STAGES = tuple(
    sorted(p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file() and p.name != "ir")
)
HEAVY = ("hls4ml", "torch", "tensorflow", "finn", "qkeras", "brevitas", "tf_keras", "keras")
LATE = (*HEAVY, "qonnx", "scipy", "onnxruntime")
HOMES = {
    "hls4ml": "backends/hls4ml",
    "finn": "backends/finn",
    "tensorflow": "frontend/keras_export",
    "tf_keras": "frontend/keras_export",
    "keras": "frontend/keras_export",
    "qkeras": "frontend/keras_export",
    "torch": "frontend/brevitas_export.py",
    "brevitas": "brevitas_qonnx.py",
}


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Modules that a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def parts(modules: set[str]) -> set[str]:
    """First component below fpgacomp of each of our own modules."""
    return {m.split(".")[1] for m in modules if m.startswith("fpgacomp.")}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_import_only_the_ground_and_themselves(stage: str) -> None:
    for path in (PACKAGE / stage).rglob("*.py"):
        strangers = parts(imports(path)) & {*STAGES, "pipeline", "cli", "boards"} - {stage}
        assert not strangers, f"{path.relative_to(PACKAGE)} imports {strangers}"


def test_the_ground_imports_no_stage() -> None:
    for path in [*(PACKAGE / "ir").rglob("*.py"), PACKAGE / "errors.py", PACKAGE / "toolchain.py"]:
        allowed = {"ir", "errors", "resources"}
        known = {*STAGES, "pipeline", "cli", "boards", "ir", "errors", "resources", "toolchain"}
        strangers = (parts(imports(path)) & known) - allowed
        assert not strangers, f"{path.relative_to(PACKAGE)} imports {strangers}"


def test_only_the_pipeline_knows_the_stages() -> None:
    # The command line names the views it prints with and the options it fills in.
    allowed = {"errors", "pipeline", "options", "boards", "report", "toolchain", "ir", "frontend"}
    known = {*STAGES, "pipeline", "boards", "ir", "errors", "toolchain"}
    assert (parts(imports(PACKAGE / "cli.py")) & known) <= allowed


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_heavy_packages_are_imported_at_home(path: Path) -> None:
    inside = path.relative_to(PACKAGE).as_posix()
    for name in {m.split(".")[0] for m in imports(path)} & set(HEAVY):
        home = HOMES[name]
        at_home = inside.startswith((home, "compress/", "keras2.py"))
        assert at_home, f"{inside} imports {name}"


def test_only_the_toolchain_reads_the_environment() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name == "toolchain.py":
            continue
        text = path.read_text()
        for word in ("os.getenv", "os.environ.get", "shutil.which"):
            assert word not in text, f"{path.relative_to(PACKAGE)} reads the environment"


def test_estimate_loads_no_heavy_package() -> None:
    code = (
        "import sys, fpgacomp.pipeline as p\n"
        "p.estimate(sys.argv[1], 'pynq-z2')\n"
        f"loaded = [m for m in {LATE!r} if m in sys.modules]\n"
        "print(loaded)"
    )
    model = PACKAGE.parent / "examples" / "digits_cnn" / "model.onnx"
    run = subprocess.run(
        [sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True
    )
    # scipy solves the folding's integer program, and only that.
    assert run.stdout.strip() in ("[]", "['scipy']")
