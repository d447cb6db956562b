"""What Yosys made of a few hundred instances (examples/sweep_operators.py), as rows of a fit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from fpgacomp.engines.shared.rows import Part, Row
from fpgacomp.engines.shared.terms import RESOURCES, Terms
from fpgacomp.engines.stream.estimate.rtl.tally import Tally

PATH = Path(__file__).with_name("measured.json")
FIRST = "xc7"  # the family that was measured most; the costs of others start from its
FOLDS = 5  # parts of the instances, each of which is left out once


@lru_cache(maxsize=1)
def content() -> dict[str, Any]:
    """Seed, versions of the tools and instances by family, as the script wrote them."""
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def terms_of(count: Tally) -> Terms:
    """A tally as a term table; blocks are known and have no terms."""
    whole = {name: {name: amount} for name, amount in count.whole.items() if amount}
    tables = {"lut": count.lut, "ff": count.ff}
    some = {r: {t: a for t, a in table.items() if a} for r, table in tables.items()}
    return {"lut": {}, "ff": {}, "dsp": {}, "bram18": {}, **some, **whole}


def rows_of(instances: Iterable[Mapping[str, Any]]) -> list[Row]:
    """A row for each instance; its source is its digest."""
    return [
        Row(
            source=one["key"],
            kind=one["module"],
            parts=(Part(one["module"], _every_resource(one["terms"])),),
            actual={name: one["measured"].get(name, 0.0) for name in RESOURCES},
            stage="logic_synth",
        )
        for one in instances
    ]


def _every_resource(terms: Terms) -> Terms:
    return {name: terms.get(name, {}) for name in RESOURCES}


def fold_of(row: Row) -> int:
    """Which part of the instances a row belongs to, by its digest."""
    return int(row.source[:8], 16) % FOLDS


def of_family(family: str) -> Sequence[Row]:
    """The rows of a family; none where nothing was measured."""
    return rows_of(content()["families"].get(family, {}).get("instances", ()))
