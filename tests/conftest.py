"""Fixtures of every test: golden files and the shared folder beside the repository."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.host.garbage import look_seldom
from tests.support.paths import REPOSITORY

# Before anything loads OpenMP: each worker's thread per core waits for the other workers'.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Verilator and g++ take seconds for each streaming design: the tests that mean them ask for them.
os.environ.setdefault("FPGACOMP_CHECKS", "quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite golden files with what the code gives now, for review as a diff",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave modules that are slow as a whole unread where no slow test is wanted.

    Reading them loads the frameworks, which takes longer than a hundred other tests.
    """
    if config.getoption("markexpr") != "not slow" or not collection_path.name.startswith("test_"):
        return None
    if collection_path.suffix != ".py":
        return None
    return "\npytestmark = pytest.mark.slow" in collection_path.read_text(encoding="utf-8") or None


def pytest_configure() -> None:
    """Look for garbage as seldom as the command does."""
    look_seldom()


def pytest_collection_finish() -> None:
    """Let no garbage collection go through the frameworks again, which takes a second each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing keys and kept programs are the tests' own, not those of whoever runs them."""
    base = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(base / "config"))
    # The workers of one run share what they compile.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared / "cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with published models and synthesis data, or a skip where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "models").is_dir():
        pytest.skip("the shared folder with the published models is not on this machine")
    return folder


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """`golden(path, text)`: the text equals the file, byte for byte; --update-golden writes it."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run pytest with --update-golden"
        assert text == path.read_text(encoding="utf-8"), f"{path} differs (--update-golden)"

    return compare


@pytest.fixture(scope="session")
def digits() -> Any:
    """scikit-learn's digits [N, 1, 8, 8] in 0..1, in their three splits."""
    from fpgacomp.data.labelled import load_data

    return load_data(f"{REPOSITORY}/examples/compression/digits.py:images")


@pytest.fixture(scope="session")
def few_digits(digits: Any) -> Any:
    """The first digits of each split, for trainings whose accuracy does not count."""
    from dataclasses import replace

    def first(split: Any, count: int) -> Any:
        return replace(split, x=split.x[:count], y=split.y[:count])

    return replace(
        digits, train=first(digits.train, 320), validation=first(digits.validation, 80),
        test=first(digits.test, 80),
    )  # fmt: skip


@pytest.fixture
def float_cnn() -> Any:
    """The float CNN of the compression examples as a torch network of the test's own."""
    pytest.importorskip("torch")
    import onnx

    from fpgacomp.compress.trainable import from_onnx

    return from_onnx(onnx.load(REPOSITORY / "examples" / "compression" / "float_cnn.onnx"))
