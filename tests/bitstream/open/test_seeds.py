"""Which seeds are tried, and which of them is taken; place and route is played."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fpgacomp.bitstream.job import BuildOptions
from fpgacomp.bitstream.open.family import FAMILIES
from fpgacomp.bitstream.open.seeds import Attempt, best, run_seeds
from fpgacomp.bitstream.open.tools import Workbench
from fpgacomp.devices.read import load_board
from fpgacomp.errors import ToolError
from fpgacomp.host.child import Ended

BOARD = load_board("ice40-hx8k-evn")


class Played(Workbench):
    """Place and route that reaches a clock from each seed, or fails with a line."""

    def __init__(self, folder: Path, reached: list[float | str]) -> None:
        super().__init__(folder)
        object.__setattr__(self, "reached", reached)

    def route(self, name: str, arguments: Any, log: str, bounds: Any, on_line: Any = None) -> Ended:
        seed = int(arguments[arguments.index("--seed") + 1])
        assert arguments[arguments.index("--freq") + 1] == "50" and "--hx8k" in arguments
        found = self.reached[seed - 1]  # type: ignore[attr-defined]
        if isinstance(found, str):
            return Ended(1, 1.0, False, (found,))
        clocks = {"clk": {"achieved": found, "constraint": 50.0}}
        report = {"fmax": clocks, "utilization": {}, "critical_paths": []}
        self.write({"route.json": json.dumps(report).encode(), "placed": b"%d" % seed})
        on_line("Info: Routing..")
        return Ended(0, 1.0, False, ())


def attempts(folder: Path, reached: list[float | str], **options: Any) -> list[Attempt]:
    assert BOARD.pins is not None
    return run_seeds(
        Played(folder, reached), FAMILIES["ice40"], BOARD, BOARD.pins, 50.0,
        BuildOptions(**options), lambda step, share: None,
    )  # fmt: skip


def test_the_first_seed_that_meets_the_clock_ends_the_search(tmp_path: Path) -> None:
    found = attempts(tmp_path, [40.0, 51.0, 60.0])
    assert [one.seed for one in found] == [1, 2]
    chosen, report = best(found)
    assert (chosen.seed, chosen.placed, report.met) == (2, b"2", True)


def test_all_seeds_are_tried_and_the_fastest_taken(tmp_path: Path) -> None:
    found = attempts(tmp_path, [51.0, 60.0, 55.0], seeds=3, all_seeds=True)
    assert len(found) == 3 and best(found)[0].seed == 2


def test_where_none_meets_the_clock_the_nearest_is_the_evidence(tmp_path: Path) -> None:
    found = attempts(tmp_path, [40.0, "ERROR: Routing design failed", 45.0], seeds=3)
    assert [bool(one.report) for one in found] == [True, False, True]
    assert best(found)[0].seed == 3 and not best(found)[1].met
    assert "Routing design failed" in found[1].failed


def test_what_no_seed_routes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"no seed could be routed: .*Failed to route"):
        attempts(tmp_path, ["ERROR: Failed to route net"] * 2, seeds=2)


def test_what_does_not_fit_is_an_error_at_once(tmp_path: Path) -> None:
    line = "ERROR: Unable to place cell 'a', no BELs remaining"
    with pytest.raises(ToolError, match="no BELs remaining") as caught:
        attempts(tmp_path, [line, 60.0])
    assert "larger board" in caught.value.fix
