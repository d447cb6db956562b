"""The device runtime is a package of its own: Python 3.8, numpy, and no fpgacomp beside it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fpgacomp.runtime
from tests.support import packages

FOLDER = Path(fpgacomp.runtime.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
# Taken inside the function that needs it, and told where it is missing.
OPTIONAL = {"bottle", "cryptography", "onnxruntime", "paho", "pynq", "pyxrt", "serial"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def absolute_imports(module: ast.AST) -> set[str]:
    """Top names of the modules that are imported otherwise than relatively."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


def late_imports(module: ast.Module) -> set[str]:
    """The same, of the imports that only a function makes when it is called."""
    functions = (n for n in ast.walk(module) if isinstance(n, ast.FunctionDef))
    return {name for function in functions for name in absolute_imports(function)}


def early_imports(module: ast.Module) -> set[str]:
    """The same, of the imports that are made when the module is."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
    return absolute_imports(module)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_python_3_8_and_imports_numpy_alone(path: Path) -> None:
    late, early = late_imports(tree(path)), early_imports(tree(path))
    known = {*sys.stdlib_module_names, "numpy"}
    assert early <= known, early - known
    assert late <= known | OPTIONAL, late - known
    assert "from __future__ import annotations" in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_relative_imports_stay_inside(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level <= len(path.relative_to(FOLDER).parts), ast.unparse(node)


def test_newer_syntax_is_found() -> None:
    for text in ("match x:\n  case 1: pass", "with (open('a') as a, open('b') as b): pass",
                 "try:\n  pass\nexcept* ValueError: pass", "def f[T](x: T): pass"):  # fmt: skip
        with pytest.raises(SyntaxError):
            ast.parse(text, feature_version=(3, 8))


@pytest.mark.slow
def test_names_and_types_that_3_8_has_not_are_found() -> None:
    for path in FILES:
        for text in _newer(tree(path)):
            raise AssertionError(f"{path.name}: {text} needs a newer Python")
    assert [*_newer(ast.parse("x = list[int]\ny.removeprefix('a')\nz = dict[str, int]"))] == [
        "list[int]", "dict[str, int]", "y.removeprefix",
    ]  # fmt: skip
    assert not [*_newer(ast.parse("def f(x: list[int] | None) -> dict[str, int]: ..."))]


_GENERIC = {"list", "dict", "tuple", "set", "frozenset", "type"}
_NEWER_METHODS = {
    "removeprefix", "removesuffix", "file_digest", "bit_count", "hardlink_to", "is_relative_to",
    "with_stem", "randbytes", "waitstatus_to_exitcode", "cache",
}  # fmt: skip


def _newer(module: ast.Module) -> list[str]:
    """Expressions that run, and that Python 3.8 has not: generics of builtins, newer methods."""
    for node in ast.walk(module):  # with `annotations` of the future, these are never run
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            arguments = node.args
            extra = [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
            for argument in (
                *arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra,
            ):  # fmt: skip
                argument.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            found += [ast.unparse(node)] if node.value.id in _GENERIC else []
        elif isinstance(node, ast.Attribute):
            found += [ast.unparse(node)] if node.attr in _NEWER_METHODS else []
    return found


@pytest.mark.slow
def test_it_works_alone_in_an_empty_folder_under_its_own_name(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "fpgacomp_runtime",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    package = packages.small(tmp_path / "x.fpga", 2)
    code = (
        "import sys, runpy, importlib.util, pathlib\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "sys.modules['fpgacomp'] = None\n"
        "import fpgacomp_runtime\n"
        "folder = pathlib.Path(fpgacomp_runtime.__file__).parent\n"
        "for path in folder.rglob('*.py'):\n"
        "    if path.stem != '__main__':\n"
        "        parts = path.relative_to(folder.parent).with_suffix('').parts\n"
        "        importlib.import_module('.'.join(parts))\n"
        "runpy.run_module('fpgacomp_runtime', run_name='__main__')\n"
    )
    for line in (
        ["verify", str(package)],
        ["install", str(package), "--root", str(tmp_path / "r")],
    ):
        run = subprocess.run(
            [sys.executable, "-I", "-c", code, *line], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        assert "digits" in run.stdout
    assert (tmp_path / "r" / "current" / "MODEL_CARD.md").is_file()
