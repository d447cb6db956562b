"""Who may import whom: the rules of docs/architecture.md, held against every import statement.

    cli -> flows -> bitstream -> deploy
        -> frontend | lower | passes | engines | evidence | compress | qdq | report
        -> ir | network | devices | data | results -> host | runtime -> errors

Within one group nothing imports a sibling, except what SIBLINGS lists. `zoo` stands beside
`examples`: nothing imports it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.paths import EXAMPLES, PACKAGE

FLOORS = (
    ("errors",),
    ("host", "runtime"),
    ("ir", "network", "devices", "data", "results"),
    ("frontend", "lower", "passes", "engines", "evidence", "compress", "qdq", "report"),
    ("deploy",),
    ("bitstream",),
    ("flows",),
    ("cli", "zoo"),
)
SIBLINGS = {
    # Lowered holds the integer graph beside the network that it speaks for.
    "network": {"ir"},
    # ir.types names the types of arrays that all rooms share.
    "data": {"ir"},
    "results": {"ir", "devices"},
    "engines": {"passes"},
    "compress": {"engines"},
}
# Within the engines' room: who may import which of the others.
ENGINE_ROOMS = {
    "shared": set[str](),
    "stream": {"shared"},
    "hls4ml": {"shared"},
    "finn": {"shared", "stream"},
    "adders": {"shared", "stream"},
}
# Files of the engines' room that stand above its folders: the registry and the choice.
ENGINE_TOP = {
    "__init__", "engine", "registry", "choose", "refit", "published", "judging",
    "judging_rtl", "layer_price", "layer_spec", "weigh",
}  # fmt: skip
HEAVY = (
    "alkaid",
    "hls4ml",
    "torch",
    "tensorflow",
    "finn",
    "qkeras",
    "brevitas",
    "tf_keras",
    "keras",
)
LATE = (*HEAVY, "qonnx", "scipy", "onnxruntime")
HOMES = {
    "alkaid": ("engines/shared/circuit/solve.py",),
    "hls4ml": ("engines/hls4ml/",),
    "finn": ("engines/finn/",),
    "tensorflow": ("frontend/keras/", "host/keras2.py", "host/tflite.py", "compress/"),
    "tf_keras": ("frontend/keras/", "host/keras2.py", "compress/"),
    "keras": ("frontend/keras/", "host/keras2.py", "compress/"),
    "qkeras": ("frontend/keras/", "host/keras2.py", "compress/"),
    "torch": ("frontend/brevitas.py", "host/brevitas_qonnx.py", "compress/"),
    "brevitas": ("host/brevitas_qonnx.py", "compress/"),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Modules that a file imports, wherever in it the statement stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def name_of(path: Path) -> str:
    """A file of the package as the tests' ids and messages call it."""
    return path.relative_to(PACKAGE).as_posix()


def room(path: Path) -> str:
    """The first folder below fpgacomp, or the file's own name where it stands alone."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms(modules: set[str], *, below: str = "fpgacomp") -> set[str]:
    """First component of each of our own modules that lies below `below`."""
    prefix = f"{below}."
    return {m.removeprefix(prefix).split(".")[0] for m in modules if m.startswith(prefix)}


def floor(name: str) -> int:
    """How high up a room stands."""
    return next(height for height, names in enumerate(FLOORS) if name in names)


def test_every_room_has_a_floor() -> None:
    known = {name for names in FLOORS for name in names} | {"__init__", "__main__"}
    assert {room(path) for path in FILES} <= known


def of_each(paths: Sequence[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """A rule of one file as one test of all of them: a test for each takes longer to collect."""

    def all_of_them(rule: Callable[[Path], None]) -> Callable[[], None]:
        def check() -> None:
            broken = []
            for path in paths:
                try:
                    rule(path)
                except AssertionError as error:
                    broken.append(f"{name_of(path)}: {error}")
            assert not broken, "\n".join(broken)

        return check

    return all_of_them


@pytest.mark.slow
@of_each(FILES)
def test_imports_go_down(path: Path) -> None:
    here = room(path)
    if here in ("__init__", "__main__"):
        return  # the public API names every flow, and `python -m fpgacomp` is the command
    known = {name for names in FLOORS for name in names}
    for other in rooms(imports(path)) & known - {here}:
        allowed = floor(other) < floor(here) or other in SIBLINGS.get(here, set())
        assert allowed and other != "zoo", f"{name_of(path)} imports {other}"


@pytest.mark.slow
@of_each([p for p in FILES if room(p) == "engines"])
def test_engines_do_not_meet(path: Path) -> None:
    inside = path.relative_to(PACKAGE / "engines").parts[0].removesuffix(".py")
    others = rooms(imports(path), below="fpgacomp.engines") - {inside}
    if inside in ENGINE_TOP:
        return
    strangers = (others & {*ENGINE_ROOMS, *ENGINE_TOP}) - ENGINE_ROOMS[inside] - {"engine"}
    assert not strangers, f"{name_of(path)} imports {strangers}"


@pytest.mark.slow
@of_each([p for p in FILES if room(p) == "compress"])
def test_compression_takes_from_the_engines_only_what_they_share(path: Path) -> None:
    assert rooms(imports(path), below="fpgacomp.engines") <= {"shared"}


@of_each(FILES)
def test_names_do_not_repeat_their_folder(path: Path) -> None:
    folder = path.parent.name
    assert not path.stem.startswith(f"{folder}_"), f"{name_of(path)} repeats {folder}"


@pytest.mark.slow
def test_a_class_name_has_one_meaning() -> None:
    """Public classes; an engine's parallel parts (its `Operator`) are told apart by their room."""
    places: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(name_of(path))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert set(twice) <= {"Operator"}, twice


@pytest.mark.slow
@of_each(FILES)
def test_heavy_packages_are_imported_at_home(path: Path) -> None:
    for name in {m.split(".")[0] for m in imports(path)} & set(HEAVY):
        assert name_of(path).startswith(HOMES[name]), f"{name_of(path)} imports {name}"


@of_each(FILES)
def test_only_the_toolchain_reads_the_environment(path: Path) -> None:
    if name_of(path) in ("host/toolchain.py", "runtime/environment.py"):
        return
    text = path.read_text(encoding="utf-8")
    for word in ("os.getenv", "os.environ.get", "shutil.which"):
        assert word not in text, f"{name_of(path)} reads the environment"


def compared(tree: ast.AST) -> list[int]:
    """Lines that compare a name of a part, family or vendor, or ask how it begins or ends.

    `row.family` is spared: it says who published a calibration row.
    """

    def words(node: ast.AST) -> set[str]:
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return names | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}

    lines: list[int] = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare() if "row" not in words(node):
                asked: ast.AST = node
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith") as method):
                asked = method.value
            case ast.Match():
                asked = node.subject
            case _:
                continue
        if words(asked) & {"part", "family", "vendor"}:
            lines.append(node.lineno)
    return lines


def test_a_guess_at_the_device_is_found() -> None:
    for guess in (
        'board.family in ("a", "b")', 'part.lower().startswith("xc7")', "x = 1 if part == y else 2",
        'match board.vendor:\n  case "xilinx": pass',
    ):  # fmt: skip
        assert compared(ast.parse(guess)) == [1], guess
    assert not compared(ast.parse("f(board.part, part); row.family == family; names.get(part)"))


@pytest.mark.slow
@of_each([p for p in FILES if room(p) == "engines"])
def test_engines_ask_the_device_and_guess_nothing_from_names(path: Path) -> None:
    lines = compared(ast.parse(path.read_text(encoding="utf-8")))
    assert not lines, f"{name_of(path)} compares part, family or vendor in lines {lines}"


@pytest.mark.slow
def test_estimate_loads_no_heavy_package() -> None:
    code = (
        "import sys, fpgacomp\n"
        "fpgacomp.estimate(sys.argv[1], 'pynq-z2')\n"
        f"loaded = [m for m in {LATE!r} if m in sys.modules]\n"
        "print(loaded)"
    )
    model = EXAMPLES / "digits_cnn" / "model.onnx"
    run = subprocess.run(
        [sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=True
    )
    # scipy solves the folding's integer program, and only that. alkaid, which loads in a moment,
    # finds the additions that a layer's sums share, unless an earlier run has kept them.
    assert set(ast.literal_eval(run.stdout)) <= {"alkaid", "scipy"}
