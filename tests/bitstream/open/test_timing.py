"""Reading the report of place and route."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fpgacomp.bitstream.open.timing import read_report
from fpgacomp.errors import ToolError


def step(kind: str, delay: float, cell: str, *sources: str) -> dict[str, Any]:
    place = {"cell": cell, "loc": [1, 2], "port": "Q"}
    found = {"delay": delay, "from": place, "to": place, "type": kind}
    return found | ({"net": "n", "sources": list(sources)} if kind == "routing" else {})


REPORT: dict[str, Any] = {
    "critical_paths": [
        {"from": "<async>", "to": "posedge $glbnet$clk", "path": [step("routing", 50.0, "pin")]},
        {
            "from": "posedge $glbnet$clk",
            "to": "posedge $glbnet$clk",
            "path": [
                step("clk-to-q", 0.5, "a_FF"),
                step("routing", 1.5, "b", "/opt/yosys/share/arith.v:3", "lib/fpgacomp_rom.sv:17.3"),
                step("logic", 0.25, "b"),
            ],
        },
        {"from": "posedge slow", "to": "posedge slow", "path": [step("logic", 9.0, "c")]},
    ],
    "fmax": {
        "$glbnet$clk": {"achieved": 90.0, "constraint": 100.0},
        "slow": {"achieved": 60.0, "constraint": 12.0},
    },
    "utilization": {"TRELLIS_FF": {"available": 100, "used": 7}},
}


def test_clocks_cells_and_the_slowest_path_within_a_clock() -> None:
    found = read_report(json.dumps(REPORT).encode())
    assert not found.met and found.margin == 0.9
    assert found.slowest.achieved_mhz == 90.0
    assert found.used == {"TRELLIS_FF": (7, 100)}
    path = found.critical
    assert path is not None and len(path.steps) == 3
    assert (path.delay_ns, path.logic_ns, path.routing_ns) == (2.25, 0.75, 1.5)
    assert path.steps[1].sources[1] == "lib/fpgacomp_rom.sv:17.3"


def test_every_clock_must_be_met() -> None:
    clocks = {**REPORT["fmax"], "$glbnet$clk": {"achieved": 100.0, "constraint": 100.0}}
    assert read_report(json.dumps(REPORT | {"fmax": clocks}).encode()).met


@pytest.mark.parametrize(
    "change",
    [
        {"fmax": {"c": {"achieved": "fast", "constraint": 1}}},
        {"fmax": {"c": {"achieved": float("inf"), "constraint": 1}}},
        {"fmax": {"c": {"achieved": 10.0, "constraint": 0}}},
        {"fmax": {}},
        {"utilization": None},
        {"critical_paths": [{"from": "a"}]},
    ],
)
def test_a_report_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="nextpnr"):
        read_report(json.dumps(REPORT | change).encode())


def test_a_report_that_is_no_json_is_refused() -> None:
    with pytest.raises(ToolError, match="another form than is known"):
        read_report(b"{")
