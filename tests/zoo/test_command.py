"""`python -m fpgacomp.zoo`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from fpgacomp import zoo
from fpgacomp.zoo.__main__ import main

NAME = "jet_w6a6"


def test_a_network_and_samples_are_written(tmp_path: Path) -> None:
    assert main([NAME, str(tmp_path / "new")]) == 0
    onnx.checker.check_model(onnx.load(tmp_path / "new" / f"{NAME}.onnx"))
    samples = np.load(tmp_path / "new" / f"{NAME}.npy")
    np.testing.assert_array_equal(samples, zoo.samples(NAME, 16, 0))


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.split() == list(zoo.NAMES)


def test_help_says_what_the_words_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "NAME.npy" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--hel", "--out"])
def test_an_unknown_option_is_no_name(option: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([option, str(tmp_path)])


def test_what_cannot_be_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nothing", str(tmp_path)]) == 2
    assert "is not in the zoo" in capsys.readouterr().err
    (tmp_path / "file").write_text("no folder")
    assert main([NAME, str(tmp_path / "file")]) == 3
    assert "cannot be written to" in capsys.readouterr().err
