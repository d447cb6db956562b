"""Tables of published synthesis results: which there are, and their rows as the engines count.

A table is known by its columns, not by its name. A row that cannot be rebuilt says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.hls4ml.estimate.fit import hls4ml_content
from fpgacomp.engines.hls4ml.estimate.rows import design_row, layer_row, swept_row, two_dense_row
from fpgacomp.engines.shared.coefficients import Coefficients, coefficients_of
from fpgacomp.engines.shared.rows import CsvRow, NotRebuilt, Row
from fpgacomp.engines.stream.estimate import coefficients as stream
from fpgacomp.engines.stream.estimate.fit import distinct, stream_content
from fpgacomp.engines.stream.estimate.rows import node_row, shell_row
from fpgacomp.results.estimate import Stage

EngineName = Literal["hls4ml", "stream"]
Rebuild = Callable[[CsvRow], Row | NotRebuilt]
Content = dict[str, Any]


@dataclass(frozen=True)
class PublishedTable:
    """A kind of table.

    Args:
        name: what its rows are, in the plural.
        columns: that a table of this kind has.
        rebuild: how its rows become those of an engine, by the text of the column `flow`; ""
            where it has none.
    """

    name: str
    columns: frozenset[str]
    rebuild: Mapping[str, tuple[EngineName, Rebuild]]


def _columns(text: str) -> frozenset[str]:
    return frozenset(text.split())


TABLES = (
    PublishedTable("designs",
          _columns("id flow network layers device hls_tool clock_target_ns stage LUT FF DSP "
                   "BRAM18 source"),
          {"hls4ml": ("hls4ml", design_row), "FINN": ("stream", shell_row)}),
    PublishedTable("FINN nodes",
          _columns("repo node op attrs MW MH SIMD PE inputDataType weightDataType syn_LUT "
                   "syn_FF syn_BRAM36 syn_BRAM18 syn_DSP"),
          {"": ("stream", node_row)}),
    PublishedTable("hls4ml layers",
          _columns("repo report tool part clk_target_ns op lat_max ii_max bram18 dsp ff lut "
                   "params"),
          {"": ("hls4ml", layer_row)}),
    PublishedTable("Dense sweep",
          _columns("d_in d_out prec rf strategy hls_synth_success FF_hls LUT_hls BRAM_18K_hls "
                   "DSP_hls WorstLatency_hls IntervalMax_hls"),
          {"": ("hls4ml", swept_row)}),
    PublishedTable("two Dense", _columns("arch prec_bits reuse_factor source BRAM36 DSP FF LUT"),
          {"": ("hls4ml", two_dense_row)}),
)  # fmt: skip


_AGAIN = "equal in every cell to a row before, which counts once"


@dataclass(frozen=True)
class Published:
    """What was rebuilt of some tables.

    Args:
        rows: engine -> (name of the table, row).
        left: (name of the table, why) -> rows that could not be rebuilt, or were given before.
    """

    rows: Mapping[EngineName, Sequence[tuple[str, Row]]]
    left: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def of(self, engine: EngineName) -> list[Row]:
        """The rows of one engine."""
        return [row for _, row in self.rows[engine]]


def table_of(columns: Iterable[str]) -> PublishedTable | None:
    """The kind of table that has these columns; None where it is none that is known."""
    present = frozenset(columns)
    return next((table for table in TABLES if table.columns <= present), None)


def rebuilt(tables: Iterable[tuple[PublishedTable, Sequence[CsvRow]]]) -> Published:
    """The rows of tables.

    Equal nodes of one FINN repository's builds count once, and so do rows that are equal in every
    cell, as those of a table that is given twice: they are one measurement.
    """
    rows: dict[EngineName, list[tuple[str, Row]]] = {"hls4ml": [], "stream": []}
    left: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[object, ...]] = set()
    for table, lines in tables:
        for line in lines:
            cells = (table.name, *sorted(line.items()))
            found = NotRebuilt(_AGAIN) if cells in seen else _rebuilt(table, line)
            seen.add(cells)
            if isinstance(found, NotRebuilt):
                left[table.name, found.why] += 1
            else:
                engine, row = found
                rows[engine].append((table.name, row))
    return Published({"hls4ml": rows["hls4ml"], "stream": _distinct(rows["stream"])}, left)


def _distinct(rows: Sequence[tuple[str, Row]]) -> list[tuple[str, Row]]:
    names = list(dict.fromkeys(name for name, _ in rows))
    return [(name, row) for name in names for row in distinct([r for n, r in rows if n == name])]


def _rebuilt(table: PublishedTable, line: CsvRow) -> tuple[EngineName, Row] | NotRebuilt:
    found = table.rebuild.get(line["flow"] if "" not in table.rebuild else "")
    if found is None:
        return NotRebuilt(f"flow {line['flow'][:40]} is not one of {', '.join(table.rebuild)}")
    engine, rebuild = found
    try:
        row = rebuild(line)
    except ValueError as error:  # a cell that is no amount
        return NotRebuilt(str(error)[:80])
    if isinstance(row, NotRebuilt):
        return row
    if not row.actual:
        return NotRebuilt("no figure was measured")
    return engine, row


def fitted(engine: EngineName, rows: Sequence[Row]) -> Content:
    """The content of an engine's coefficients.json from these rows."""
    return hls4ml_content(rows) if engine == "hls4ml" else stream_content(rows)


def shipped(engine: EngineName, stage: Stage) -> Coefficients:
    """The coefficients of an engine at a stage that come with the package."""
    return hls4ml.load(stage) if engine == "hls4ml" else stream.load()


def coefficients_from(content: Content, stage: Stage) -> Coefficients:
    """Coefficients of a stage from what `fitted` returned."""
    return coefficients_of(content, stage)
