"""Vivado's utilization by hierarchy as XML, which FINN keeps as post_synth_resources.xml."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from fpgacomp.bitstream.reports.numbers import DamagedReport
from fpgacomp.bitstream.reports.vivado import hierarchical, stage_of_state
from fpgacomp.results.tool_report import ToolReport


def read_rpt_doc(root: Element) -> ToolReport | None:
    """A utilization report of Vivado; None where the document is none."""
    if root.tag != "RptDoc" or "report_utilization" not in root.get("cmdline", ""):
        return None
    begun = ToolReport(
        "", "Vivado", "", stage_of_state(root.get("designstate", "")), root.get("partname", ""),
        root.get("designname", ""), notes=("it does not say Vivado's version.",),
    )  # fmt: skip
    rows = list(_rows(root))
    if not rows or rows[0][:2] != ["Instance", "Module"]:
        raise DamagedReport("it has no table by hierarchy: write it with -hierarchical")
    return hierarchical(rows[0], rows[1:], begun)


def _rows(root: Element) -> Iterator[list[str]]:
    """The cells of the table whose first heading is Instance; a depth is kept as an indent."""
    for table in root.iter("table"):
        rows = [
            [cell.get("contents", "") for cell in row if cell.tag in ("tableheader", "tablecell")]
            for row in table.iterfind("tablerow")
        ]
        if rows and [cell.strip() for cell in rows[0][:1]] == ["Instance"]:
            yield [cell.strip() for cell in rows[0]]
            yield from rows[1:]
            return
