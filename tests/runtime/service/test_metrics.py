"""Counts, latencies and the last minute, as they are read."""

from __future__ import annotations

import pytest

from fpgacomp.runtime.service.metrics import BUCKETS_S, Metrics, RecentPrediction, label_pair
from tests.support.services import samples_of


def recent(latency_ms: float, id: str = "a") -> RecentPrediction:
    return RecentPrediction(0.0, id, 1, latency_ms, "m: 1")


def test_a_latency_is_in_every_bucket_that_reaches_it() -> None:
    metrics = Metrics()
    for latency_ms in (0.5, 1.0, 1.5, 60_000.0):
        metrics.answered(recent(latency_ms))
    found = samples_of(metrics.text({}))
    buckets = {
        name.partition('"')[2].rpartition('"')[0]: value
        for name, value in found.items()
        if name.startswith("fpgacomp_latency_seconds_bucket")
    }
    assert list(buckets) == [*(f"{end:g}" for end in BUCKETS_S), "+Inf"]
    # An upper end belongs to its bucket.
    assert (buckets["0.001"], buckets["0.002"], buckets["10"], buckets["+Inf"]) == (2, 3, 3, 4)
    assert found["fpgacomp_latency_seconds_sum"] == pytest.approx(60.003)


def test_the_last_minute_forgets_what_is_older() -> None:
    now = [0.0]
    metrics = Metrics(lambda: now[0])
    assert metrics.live()["median_ms"] is None
    for second in range(90):
        now[0] = float(second)
        metrics.answered(recent(second, str(second)))
    found = metrics.live()
    assert len(found["rates"]) == 60 and sum(found["rates"]) == 61
    assert found["rates"][-1] == 1 and found["rates"][0] == 2
    assert found["median_ms"] == 59 and found["p99_ms"] == 88
    assert [one["id"] for one in found["recent"]] == [str(n) for n in range(89, 69, -1)]


def test_counters_are_there_before_anything_is_counted() -> None:
    found = samples_of(Metrics().text({}))
    assert found["fpgacomp_answers_total"] == found["fpgacomp_device_faults_total"] == 0


def test_labels_are_escaped() -> None:
    assert label_pair("name", 'a"b\\c\nd') == r'name="a\"b\\c\nd"'
    text = Metrics().text({"device": ("Figures.", {label_pair("name", 'x"y'): 1e20})})
    assert '\nfpgacomp_device{name="x\\"y"} 1e+20\n' in text
