"""A value for each of the five resources: order, names, arithmetic."""

from __future__ import annotations

from dataclasses import fields
from math import sqrt

import pytest

from fpgacomp.devices.resources import RESOURCE_FIELDS, Resources, counts
from fpgacomp.results.estimate import Figure

SOME = Resources(1, 2, 3, 4, 5)


def test_names_and_values_come_in_one_order() -> None:
    assert tuple(field.name for field in fields(Resources)) == RESOURCE_FIELDS
    assert tuple(SOME) == (1, 2, 3, 4, 5)
    assert dict(SOME.items()) == {"lut": 1, "ff": 2, "dsp": 3, "bram18": 4, "uram": 5}
    assert [SOME[name] for name in RESOURCE_FIELDS] == [1, 2, 3, 4, 5]
    assert Resources.of(str.upper) == Resources("LUT", "FF", "DSP", "BRAM18", "URAM")


def test_a_name_that_is_no_resource() -> None:
    with pytest.raises(KeyError, match="bram36"):
        SOME["bram36"]


def test_arithmetic_is_resource_by_resource() -> None:
    assert SOME + SOME == Resources(2, 4, 6, 8, 10) == SOME.map(lambda amount: 2 * amount)
    assert counts(lut=9, uram=7) - counts(lut=4, ff=1) == counts(lut=5, ff=-1, uram=7)
    assert counts() == Resources(0, 0, 0, 0, 0)


def test_figures_add_up_with_their_ranges() -> None:
    one = SOME.map(lambda amount: Figure(amount, amount / 2, amount * 2))
    twice = (one + one).dsp
    assert twice.value == 6
    # Independent errors: the root of the sum of their squares, 1.5 and 3.
    assert twice.low == pytest.approx(6 - 1.5 * sqrt(2))
    assert twice.high == pytest.approx(6 + 3 * sqrt(2))
    assert sum((one, one), one).uram.value == 15


def test_what_all_parts_share_adds_up_plainly() -> None:
    part = Figure.within(100.0, (0.5, 2.0), shared=(0.8, 1.25))
    assert (part.low, part.high) == (50.0, 200.0)
    whole = sum((part,) * 3, part)
    # Own error below: the root of 50^2 - 20^2, four times in quadrature; shared: four times 20.
    assert whole.low == pytest.approx(400 - sqrt((4 * 20) ** 2 + 4 * (50**2 - 20**2)))
    assert whole.high == pytest.approx(400 + sqrt((4 * 25) ** 2 + 4 * (100**2 - 25**2)))


def test_a_range_holds_whole_numbers_up_to_its_ends() -> None:
    figure = Figure(3.2, 2.4, 4.1)
    assert [amount for amount in range(8) if figure.holds(amount)] == [2, 3, 4, 5]
