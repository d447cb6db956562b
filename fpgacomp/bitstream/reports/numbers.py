"""Numbers as reports spell them, and what is wrong with a report that has none where it should."""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST = 1e12  # no report counts more of anything
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,20})?([eE][+-]?\d{1,2})?")
_UNKNOWN = frozenset({"", "-", "?", "NA", "N/A", "undef", "inf"})


class DamagedReport(ValueError):
    """A file that begins like a report of a known format, and does not go on like one."""


def number(text: str, what: str) -> float:
    """The amount that a report states.

    Args:
        what: it is the amount of, for the message.

    Raises:
        DamagedReport: it is no number, is negative, or is beyond all reason.
    """
    value = signed(text, what)
    if value < 0:
        raise DamagedReport(f"{what} is negative ({text.strip()[:40]})")
    return value


def signed(text: str, what: str) -> float:
    """The figure that a report states, which may be negative, as a slack is.

    Raises:
        DamagedReport: it is no number, or is beyond all reason.
    """
    plain = text.strip().replace(",", "")
    if not _NUMBER.fullmatch(plain):
        raise DamagedReport(f"{what} is no number ({text.strip()[:40]!r})")
    value = float(plain)
    if abs(value) > MOST:
        raise DamagedReport(f"{what} is beyond all reason ({text.strip()[:40]})")
    return value


def known(text: str | None, what: str) -> float | None:
    """The amount that a report states; None where it says that it does not know.

    A range such as `3 ~ 7` counts as its upper end, and a share behind the amount is left out.

    Raises:
        DamagedReport: it is something else.
    """
    plain = (text or "").split("~")[-1] if "(" not in (text or "") else (text or "").split("(")[0]
    return None if plain.strip() in _UNKNOWN else number(plain, what)


def json_number(value: object, what: str) -> float:
    """The amount that JSON states, as a number or as the text of one.

    Raises:
        DamagedReport: it is neither.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DamagedReport(f"{what} is no number ({type(value).__name__})")
    return number(str(value) if not isinstance(value, int) else f"{value:d}"[:40], what)


def json_object(value: object, what: str) -> Mapping[str, object]:
    """The object that JSON states.

    Raises:
        DamagedReport: it is none.
    """
    if not isinstance(value, dict):
        raise DamagedReport(f"{what} is no object ({type(value).__name__})")
    return value
