"""What the service counts, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Callable, Iterable, Mapping, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Upper ends of the buckets of a request's latency, in seconds.
BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# How far back the web page looks.
WINDOW_S = 60
RECENT = 20
_PREFIX = "fpgacomp_"
# Counter -> what it counts; those with a label say which in brackets.
_COUNTERS = {
    "requests_total": ("Requests that came, by the way they came.", "via"),
    "answers_total": ("Predictions that were computed and kept.", None),
    "repeats_total": ("Requests whose id was answered already, or was being computed.", None),
    "errors_total": ("Requests that got an error, by its kind.", "kind"),
    "unanswerable_total": (
        "Requests over MQTT that were dropped, as no reply could be sent, by what they lack.",
        "lacks",
    ),
    "connections_ended_total": (
        "HTTP connections that were ended without an answer to a request, by the reason.",
        "why",
    ),
    "samples_total": ("Samples that were computed.", None),
    "clipped_values_total": (
        "Values beyond the range of their input, which were taken as its nearer end.",
        None,
    ),
    "batches_total": ("Batches that the accelerator computed.", None),
    "device_faults_total": ("Errors of the device.", None),
    "device_resets_total": ("Resets after an error of the device.", None),
    "device_starts_total": ("How often the device was opened.", None),
}


class RecentPrediction(NamedTuple):
    """A prediction, for the web page.

    Args:
        at: when it was answered, in seconds since 1970.
        id: of its request.
        samples: how many it had.
        latency_ms: from its arrival to its answer.
        told: the outputs of its first sample, in few words.
    """

    at: float
    id: str
    samples: int
    latency_ms: float
    told: str


class Metrics:
    """Counters, a histogram of latencies, and what the last minute was like."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._counts: dict[tuple[str, str], int] = {}
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0
        self._times: deque[tuple[float, float]] = deque(maxlen=100_000)  # when, latency
        self._recent: deque[RecentPrediction] = deque(maxlen=RECENT)

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Add to a counter."""
        assert name in _COUNTERS and (label != "") == (_COUNTERS[name][1] is not None)
        with self._guard:
            self._counts[name, label] = self._counts.get((name, label), 0) + by

    def total(self, name: str) -> int:
        """A counter, over all its labels."""
        with self._guard:
            return sum(value for key, value in self._counts.items() if key[0] == name)

    def answered(self, recent: RecentPrediction) -> None:
        """Note a prediction and its latency."""
        seconds = recent.latency_ms / 1000
        with self._guard:
            self._buckets[sum(seconds > end for end in BUCKETS_S)] += 1
            self._seconds += seconds
            self._times.append((self._clock(), seconds))
            self._recent.append(recent)

    def live(self) -> dict[str, Any]:
        """The last minute: answers of each second, latencies, and the last predictions."""
        now = self._clock()
        with self._guard:
            while self._times and self._times[0][0] < now - WINDOW_S:
                self._times.popleft()
            times, recent = list(self._times), list(self._recent)
        rates = [0] * WINDOW_S
        for when, _ in times:
            rates[WINDOW_S - 1 - min(int(now - when), WINDOW_S - 1)] += 1
        latencies = sorted(latency for _, latency in times)
        return {
            "rates": rates,
            "median_ms": _quantile_ms(latencies, 0.5),
            "p99_ms": _quantile_ms(latencies, 0.99),
            "recent": [one._asdict() for one in reversed(recent)],
        }

    def text(self, gauges: Mapping[str, tuple[str, Mapping[str, float]]]) -> str:
        """Everything as Prometheus reads it.

        Args:
            gauges: name -> what it is, and labels (as `name="value"`, or nothing) -> value.
        """
        with self._guard:
            counts, buckets, seconds = dict(self._counts), list(self._buckets), self._seconds
        lines: list[str] = []
        for name, (told, label) in _COUNTERS.items():
            found = {key[1]: value for key, value in counts.items() if key[0] == name}
            if label is None:
                found = found or {"": 0}
            shown = {_label(label, value): float(n) for value, n in sorted(found.items())}
            lines += _family(name, told, "counter", shown)
        lines += _histogram(buckets, seconds)
        for name, (told, values) in gauges.items():
            lines += _family(name, told, "gauge", values)
        return "\n".join(lines) + "\n"


def _family(name: str, told: str, kind: str, values: Mapping[str, float]) -> Iterable[str]:
    yield f"# HELP {_PREFIX}{name} {told}"
    yield f"# TYPE {_PREFIX}{name} {kind}"
    for label, value in values.items():
        yield (
            f"{_PREFIX}{name}{{{label}}} {value:.15g}" if label else f"{_PREFIX}{name} {value:.15g}"
        )


def _histogram(buckets: list[int], seconds: float) -> Iterable[str]:
    name, so_far = f"{_PREFIX}latency_seconds", 0
    yield f"# HELP {name} Time from the arrival of a request to its answer."
    yield f"# TYPE {name} histogram"
    for end, count in zip((*BUCKETS_S, float("inf")), buckets):
        so_far += count
        yield '{}_bucket{{le="{}"}} {}'.format(name, f"{end:g}".replace("inf", "+Inf"), so_far)
    yield f"{name}_sum {seconds:.9g}"
    yield f"{name}_count {so_far}"


def _label(label: str | None, value: str) -> str:
    return "" if label is None else label_pair(label, value)


def label_pair(label: str, value: str) -> str:
    """A label with its value, escaped."""
    safe = value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'{label}="{safe}"'


def _quantile_ms(values: list[float], part: float) -> float | None:
    return round(values[int(part * (len(values) - 1))] * 1000, 3) if values else None
