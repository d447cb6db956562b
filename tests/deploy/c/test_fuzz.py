"""A short run of `make fuzz-drivers`, and that it would find something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.c import fuzz

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not fuzz.available(), reason="clang with libFuzzer is not installed"),
]


@pytest.mark.parametrize("target", list(fuzz.TARGETS))
def test_nothing_is_found_in_some_thousand_inputs(target: str, tmp_path: Path) -> None:
    fuzz.fuzz(target, fuzz.write_driver(tmp_path), "-runs=5000", "-seed=1")


def test_a_store_beyond_the_frame_is_found(tmp_path: Path) -> None:
    driver = fuzz.write_driver(tmp_path)
    source = driver / "side_deployment.c"
    text = source.read_text()
    assert text.count("k < 5u") == 2
    source.write_text(text.replace("k < 5u", "k < 6u", 1))
    with pytest.raises(AssertionError, match="AddressSanitizer"):
        fuzz.fuzz("fuzz_sides", driver, "-runs=20000", "-seed=1")
