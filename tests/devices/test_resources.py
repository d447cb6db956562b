"""A value for each of the five resources: order, names, arithmetic."""

from __future__ import annotations

from dataclasses import fields

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
    assert (one + one).dsp == Figure(6, 3, 12)
    assert sum((one, one), one).uram == Figure(15, 7.5, 30)
