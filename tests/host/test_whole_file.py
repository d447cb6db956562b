"""A file is written whole or not at all, and no other file is touched by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fpgacomp.flows.export import export
from fpgacomp.flows.options import Options
from fpgacomp.flows.split import split
from fpgacomp.host.whole_file import whole_file
from tests.support.paths import EXAMPLES


def test_it_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 240 + ".onnx")
    target.write_bytes(b"old")
    with whole_file(target) as scratch:
        scratch.write_bytes(b"new")
        assert scratch.parent == tmp_path and target.read_bytes() == b"old"
    assert target.read_bytes() == b"new" and list(tmp_path.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), whole_file(target) as scratch:
        scratch.write_bytes(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


def test_two_that_write_one_file_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with whole_file(target) as first, whole_file(target) as second:
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert target.read_bytes() == b"first" and list(tmp_path.iterdir()) == [target]


@pytest.mark.slow
def test_a_users_own_part_and_what_a_link_leads_to_stay(tmp_path: Path) -> None:
    own, linked = tmp_path / "q.onnx.part", tmp_path / "elsewhere"
    own.write_text("mine")
    linked.write_text("mine, too")
    (tmp_path / "digits-train.npz.part").symlink_to(linked)
    model = EXAMPLES / "digits_cnn" / "model.onnx"
    export(model, tmp_path / "q.onnx", options=Options(vectors=2))
    data = tmp_path / "digits.npz"
    inputs, labels = (
        np.load(EXAMPLES / "digits_cnn" / f"test_{what}.npy") for what in ("inputs", "labels")
    )
    np.savez(data, x=inputs, y=labels)
    split(data, out=tmp_path)
    assert own.read_text() == "mine" and linked.read_text() == "mine, too"
    assert (tmp_path / "digits-train.npz").is_file()
