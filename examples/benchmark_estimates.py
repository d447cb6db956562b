"""How far off the estimates are: of our SystemVerilog beside Yosys, and of published designs.

    make bench-estimates [TABLES=FOLDER]
    or: python -m examples.benchmark_estimates [--tables FOLDER] [--write]

Our SystemVerilog: every instance of fpgacomp/engines/stream/estimate/rtl/measured.json, predicted
by a fit that saw four fifths of the others. Published designs: the tables (CSV) in FOLDER, which
are not in the repository, each of their repositories left out in turn. --write writes the table and
the picture of docs/estimates.md.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import fpgacomp
from examples.estimates_picture import picture
from fpgacomp.engines.judging_rtl import instances_left_out, judged_instances
from fpgacomp.report.estimate_bench import markdown, table_text, text
from fpgacomp.results.estimate import LEVEL
from fpgacomp.results.judged import Judged

PAGE = Path(__file__).parents[1] / "docs" / "estimates.md"
PICTURE = PAGE.with_name("estimates_rtl.svg")
_NAME = "our rtl"


def stated() -> str:
    """The table that the page has."""
    found = re.search(rf"<!-- {_NAME} -->\n(.*?)\n<!-- /{_NAME} -->", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def table_of_page(judged: Sequence[Judged]) -> str:
    """The page's table: all kinds of the family that was measured most, the sums of the others."""
    first = judged[0].stage
    return markdown([one for one in judged if one.stage == first or one.kind == "all"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tables", type=Path, help="folder with published tables (CSV)")
    parser.add_argument("--write", action="store_true", help="write the table and the picture")
    options = parser.parse_args()
    some = list(instances_left_out())
    judged = judged_instances(some)
    print(f"{len(some)} instances of our SystemVerilog by Yosys, each left out of the fit.\n")
    print(table_text(judged, LEVEL))
    if options.tables is not None:
        tables = sorted(options.tables.glob("*.csv"))
        known = [path for path in tables if path.name != "peer_estimators.csv"]
        print(text(fpgacomp.bench_estimates(known, leave_out="repository")))
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(page.replace(stated(), table_of_page(judged)), encoding="utf-8")
        PICTURE.write_text(picture(some), encoding="utf-8")


if __name__ == "__main__":
    main()
