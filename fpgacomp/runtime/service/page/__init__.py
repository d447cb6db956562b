"""The web page: the figures of the moment, written into index.html, which page.js keeps fresh.

Nothing is fetched from elsewhere, and the Content-Security-Policy says so. Without JavaScript the
page shows the same and loads itself again.
"""

from __future__ import annotations

import time
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Callable, Mapping

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
# Path -> file and type.
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_FOLDER = Path(__file__).resolve().parent
# The curve of the last minute, in units of its picture.
_WIDTH, _HEIGHT = 590, 80


def content(name: str, state: Callable[[], Mapping[str, Any]]) -> bytes:
    """One file of the page; index.html with the figures of the moment."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    if name == "index.html":
        text = Template(text).substitute(_fields(state()))
    return text.encode()


def _fields(state: Mapping[str, Any]) -> dict[str, str]:
    counts = state["counts"]
    problems = "".join(f"<li>{escape(problem)}</li>" for problem in state["problems"])
    return {
        "name": escape(state["name"]),
        "board": escape(state["board"]),
        "design": escape(state["design"]),
        "transport": escape(state["transport"]),
        "state": "ready" if state["ready"] else "not ready",
        "state_class": "good" if state["ready"] else "bad",
        "broker": escape(state["broker"]),
        "problems": problems,
        "rate": f"{_rate(state['rates']):.1f}",
        "median": _figure(state["median_ms"]),
        "p99": _figure(state["p99_ms"]),
        "queue": str(state["queue"]),
        "queue_limit": str(state["queue_limit"]),
        "points": _points(state["rates"]),
        "highest": str(max(state["rates"])),
        "rows": "".join(_row(one) for one in state["recent"]),
        "device": "".join(
            f"<tr><th scope='row'>{escape(name)}</th><td>{value:g}</td></tr>"
            for name, value in sorted(state["device"].items())
        ),
        **{name: str(counts[name]) for name in counts},
    }


def _row(one: Mapping[str, Any]) -> str:
    when = time.strftime("%H:%M:%S", time.gmtime(one["at"]))
    cells = (when, one["id"], str(one["samples"]), f"{one['latency_ms']:.1f}", one["told"])
    return "<tr>{}</tr>".format("".join(f"<td>{escape(cell)}</td>" for cell in cells))


def _rate(rates: Any) -> float:
    """Answers a second over the last ten whole seconds."""
    return float(sum(rates[-11:-1])) / 10


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _points(rates: Any) -> str:
    highest, step = max(*rates, 1), _WIDTH / (len(rates) - 1)
    return " ".join(
        f"{number * step:.1f},{_HEIGHT - rate * _HEIGHT / highest:.1f}"
        for number, rate in enumerate(rates)
    )
