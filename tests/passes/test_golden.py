"""Every pass on one small graph, as text before and after: golden/NAME.txt.

A change of a pass is a diff of its golden file; `pytest --update-golden` writes them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.text import print_graph
from fpgacomp.passes import PASSES
from tests.support.builders import GraphBuilder
from tests.support.paths import PACKAGE

GOLDEN = Path(__file__).parent / "golden"
NOT_A_PASS = {"__init__"}


def pools() -> Graph:
    """Two rising activations that only a pool reads, and a falling one, which must stay."""
    b = GraphBuilder("pools")
    x = b.input("x", (4, 4, 2), -8, 7)
    rising = b.maxpool("pool1", b.thresholds("act1", x, 3, per_channel=False), (2, 2), (2, 2))
    scaled = b.maxpool(
        "pool2", b.requantize("act2", x, 0, 3, shift=2, per_channel=False), (2, 2), (2, 2)
    )
    falling = b.thresholds("act3", x, 3, per_channel=False, base=3, step=-1)
    return b.graph(rising, scaled, b.maxpool("pool3", falling, (2, 2), (2, 2)))


CASES: dict[str, Callable[[], Graph]] = {"pool_before_activation": pools}


def test_every_pass_has_a_case() -> None:
    files = {path.stem for path in (PACKAGE / "passes").glob("*.py")} - NOT_A_PASS
    assert set(CASES) == {rewrite.__name__ for rewrite in PASSES} == files


@pytest.mark.parametrize("rewrite", PASSES, ids=lambda rewrite: rewrite.__name__)
def test_pass(rewrite: Callable[[Graph], Graph], golden: Callable[[Path, str], None]) -> None:
    name = rewrite.__name__
    graph = CASES[name]()
    before, after = print_graph(graph).text, print_graph(rewrite(graph)).text
    assert before != after, "the case gives the pass nothing to do"
    golden(GOLDEN / f"{name}.txt", f"// before {name}\n{before}\n// after {name}\n{after}")
