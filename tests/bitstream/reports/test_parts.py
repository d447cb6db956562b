"""A report counts for a build only where it is of the build's own device."""

from __future__ import annotations

import pytest

from fpgacomp.bitstream.reports.compare import EstimatedDesign, of_design
from fpgacomp.bitstream.reports.matching import PartNames
from fpgacomp.errors import InputDataError
from fpgacomp.results.tool_report import ToolReport


def take(of_report: str, of_build: str) -> None:
    report = ToolReport("utilization (text)", "Vivado", "2024.2", "logic_synth", of_report, "model")
    design = EstimatedDesign("model", of_build, 5.0, {}, {}, PartNames({}))
    of_design("report.rpt", report, design)


@pytest.mark.parametrize(
    ("of_report", "of_build"),
    [
        ("7z020clg400-1", "xc7z020clg400-1"),
        ("7z020-clg400", "xc7z020clg400-1"),
        ("XC7Z020-CLG400-1", "xc7z020clg400-1"),
        ("xczu3eg-sbva484-1", "xczu3eg-sbva484-1-i"),
        ("xcu250-figd2104-2L-e", "xcu250-figd2104-2L-e"),
        ("xck26-sfvc784", "xck26-sfvc784-2LV-c"),
    ],
)
def test_one_part_is_spelled_in_several_ways(of_report: str, of_build: str) -> None:
    take(of_report, of_build)


@pytest.mark.parametrize(
    ("of_report", "of_build"),
    [
        ("xc7a100", "xc7a100tcsg324-1"),
        ("xc7a35t", "xc7a35ticsg324-1L"),
        ("xcku5p-ffvb676-2-e", "xcku5p-ffvb676-2L-e"),
        ("xczu3eg-sbva484-1-e", "xczu3eg-sbva484-1-i"),
        ("xc7z020clg400-2", "xc7z020clg400-1"),
        ("xcvu9p-flga2104", "xcvu9p"),
        ("x", "xc7z020clg400-1"),
    ],
)
def test_a_part_whose_name_begins_as_anothers_is_another(of_report: str, of_build: str) -> None:
    with pytest.raises(InputDataError, match="is of the device"):
        take(of_report, of_build)
