"""The table of `fpgacomp evaluate --engines`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.markup import escape

from fpgacomp.results.engine_rates import EngineRates, Rate

_HEADINGS = ("network", "form", "runs on", "median us", "p99 us", "samples/s", "batch",
             "energy uJ (est.)", "")  # fmt: skip
_FORMS = {"float32": "float32", "qdq": "QDQ int8", "hardware": "hardware"}


def lines(found: EngineRates) -> Iterator[str]:
    """The table and its notes, for `rich`: every name is escaped."""
    rows = [_HEADINGS, *(_cells(rate) for rate in found.rates)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        yield escape("  ".join(
            cell.ljust(width) if column < 3 or column == 8 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip())  # fmt: skip
    for stated in dict.fromkeys(rate.watts_from for rate in found.rates if rate.watts_from):
        yield escape(f"energy: an estimate, watts over samples per second; the watts are {stated}")
    if any(rate.watts is None for rate in found.rates):
        yield "energy: not stated where nobody states watts (--fpga-watts, --engine-watts)"
    yield from (escape(f"note: {note}") for note in found.notes)


def _cells(rate: Rate) -> tuple[str, ...]:
    return (
        rate.source,
        _FORMS[rate.form],
        f"{rate.engine}: {rate.device}",
        f"{rate.latency_us:,.1f}",
        "" if rate.latency_p99_us is None else f"{rate.latency_p99_us:,.1f}",
        f"{rate.samples_per_second:,.0f}",
        str(rate.batch),
        "not stated" if rate.energy_uj is None else f"{rate.energy_uj:,.3g}",
        "measured" if rate.measured else "estimated",
    )
