"""Texts of options as typed values, and what is said of texts that are none."""

from __future__ import annotations

import pytest

from fpgacomp.cli.values import (
    bits,
    by_layer,
    file_or_share,
    fixed_point,
    n_of_m,
    names,
    pairs,
    real,
    reals,
    whole,
)
from fpgacomp.errors import UsageError
from fpgacomp.results.target import Target


def test_one_value_or_values_by_layer() -> None:
    assert by_layer("4", "--weight-bits", bits) == 4
    assert by_layer(" ternary ", "--weight-bits", bits) == "ternary"
    assert by_layer("conv1=8, fc=ternary,*=4", "--weight-bits", bits) == {
        "conv1": 8, "fc": "ternary", "*": 4,
    }  # fmt: skip
    assert by_layer("conv1=0.25,fc=.5", "--share", real) == {"conv1": 0.25, "fc": 0.5}


@pytest.mark.parametrize(
    ("text", "parse"),
    [("four", bits), ("ternary", whole), ("4.5", whole), ("", real), ("a=", real)],
)
def test_what_is_no_number(text: str, parse: object) -> None:
    with pytest.raises(UsageError, match=r"--x: '.*' is no number. Fix: write one, or '"):
        by_layer(text, "--x", parse)  # type: ignore[arg-type]


def test_a_layer_that_is_named_twice() -> None:
    with pytest.raises(UsageError, match="--weight-bits: fc is named twice"):
        by_layer("fc=4,*=8,fc=2", "--weight-bits", bits)


def test_lists() -> None:
    assert reals("0.1,-0.2", "--noise") == (0.1, -0.2)
    assert reals("", "--noise") == ()
    assert names("a, b") == ("a", "b")
    assert names(None) == names("") == ()
    assert pairs("a:b, c:d", "--hidden") == (("a", "b"), ("c", "d"))
    assert pairs(None, "--hidden") == ()
    assert n_of_m("2:4", "--n-of-m") == (2, 4)
    for text in ("a", "a:", ":b", "a:b,c"):
        with pytest.raises(UsageError, match=r"--hidden: .* is no list of pairs"):
            pairs(text, "--hidden")
    with pytest.raises(UsageError, match="--n-of-m: '' is no number"):
        n_of_m("2", "--n-of-m")


def test_fixed_point_types() -> None:
    assert fixed_point(None, "--input-bits") is None
    assert fixed_point("8", "--input-bits") == (8, None)
    assert fixed_point("16:6", "--input-bits") == (16, 6)
    with pytest.raises(UsageError, match="--input-bits 8:x: is not BITS or BITS:INTEGER"):
        fixed_point("8:x", "--input-bits")


def test_files_and_shares() -> None:
    assert file_or_share("0.25") == 0.25
    assert file_or_share("student.onnx") == "student.onnx"


def test_a_rate_is_reached_with_the_least_of_the_board() -> None:
    assert Target.at_rate(None) == Target("latency")
    assert Target.at_rate(100.0) == Target("area", 100.0)


def test_one_name_has_one_value() -> None:
    with pytest.raises(UsageError, match="--task: out is named twice"):
        by_layer("out=a, out=b", "--task", lambda text, _: text)
