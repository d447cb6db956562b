"""Every file that is emitted is the recorded one, byte for byte, until somebody means it."""

from __future__ import annotations

import pytest

from tests.support.depth import draws
from tests.support.emitted_digests import BOARDS, NETWORKS, changed, network_digests, recorded

# Folding the other networks takes most of the time: one board each, in turn. `python -m
# tests.support.emitted_digests --check` compares them on every board.
ON_EVERY_BOARD = ("digits", "digits_cnn", "digits_mlp")
# Twins of networks that are compared here; and the largest, which take ten seconds or more to fold.
TWINS = ("cnv_w1a1", "lfc_w1a1")
LARGE = ("dscnn_w4a4", "unet_w4a4", "cnv_w2a2", "mobilenet025_w4a4", "resnet8_w4a4")
BY_HAND = draws((*TWINS, *LARGE), TWINS)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in BY_HAND])
def test_emitted_files_are_the_recorded_ones(name: str) -> None:
    turn = NETWORKS.index(name) % 3
    boards = BOARDS if name in ON_EVERY_BOARD else BOARDS[turn : turn + 1]
    found, before = network_digests(name, boards), recorded()[name]
    if found["graph"] != before["graph"]:
        # The zoo calibrates with float sums, whose last bit depends on the processor.
        pytest.skip("this processor's calibration gave a network of other integers")
    different = changed(name, found)
    again = "python -m tests.support.emitted_digests --update"
    assert not different, f"{different} changed (if that is meant: {again})"
