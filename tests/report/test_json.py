from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.report.json_report import to_json
from fpgacomp.report.plain_json import json_text
from fpgacomp.results.estimate import Figure
from fpgacomp.results.report import Report
from tests.support import report_samples as samples

ALL = [samples.fits, samples.does_not_fit, samples.is_wrong]

# The contract: these keys stay, whatever is added (design, section 4).
CONTRACT: dict[str, Any] = {
    "fpgacomp": None,
    "model": {},
    "board": {},
    "backend": None,
    "target": {},
    "verdict": {"fits": None, "limiting_resource": None, "remedies": None},
    "exactness": {
        "vectors": None,
        "csim_mismatches": None,
        "rtl_mismatches": None,
        "network_mismatches": None,
        "ties": None,
        "top1_agreement_float32": None,
    },
    "estimate": {
        "stage": None,
        "level": None,
        "clock_mhz": None,
        "latency_cycles": {"value": None, "low": None, "high": None},
        "interval_cycles": {"value": None, "low": None, "high": None},
        "resources": {
            key: {"value": None, "low": None, "high": None, "available": None}
            for key in ("lut", "ff", "dsp", "bram18", "uram")
        },
    },
    "accuracy": None,
    "timings_s": {},
    "warnings": None,
}
LAYER = {
    "name", "kind", "shape", "weight_bits", "input_bits", "accumulator_bits", "folding", "cycles",
    "resources", "exact",
}  # fmt: skip


def holds(document: dict[str, Any], contract: dict[str, Any]) -> bool:
    return all(
        key in document and (below is None or holds(document[key], below))
        for key, below in contract.items()
    )


@pytest.mark.parametrize("sample", ALL)
def test_golden(sample: Callable[[], Report], golden: Callable[[Path, str], None]) -> None:
    golden(samples.GOLDEN / f"{sample.__name__}.json", to_json(sample()))


@pytest.mark.parametrize("sample", ALL)
def test_the_stable_keys_are_there(sample: Callable[[], Report]) -> None:
    document = json.loads(to_json(sample()))
    assert holds(document, CONTRACT)
    assert all(set(layer) >= LAYER for layer in document["layers"])
    assert isinstance(document["layers"][1]["cycles"], int)


def test_keys_are_sorted_and_the_text_is_stable() -> None:
    text = to_json(samples.fits())
    assert text == to_json(samples.fits())
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True) + "\n"


def test_available_is_what_the_shell_leaves() -> None:
    lut = json.loads(to_json(samples.fits()))["estimate"]["resources"]["lut"]
    assert (lut["available"], lut["device"]) == (48_200, 53_200)


def test_what_was_not_done_is_null() -> None:
    document = json.loads(to_json(samples.does_not_fit()))
    assert document["accuracy"] is None
    assert document["exactness"]["csim_mismatches"] is None
    assert document["status"] == "failed"


def test_no_nan_ever() -> None:
    report = samples.fits()
    nan, infinite = float("nan"), float("inf")
    report = replace(
        report,
        accuracy={"float32": nan},
        estimate=replace(
            samples.with_figures(report, lut=Figure(nan, -infinite, infinite)).estimate,
            interval_cycles=Figure.exact(0),
        ),
    )
    text = to_json(report)
    document = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert document["accuracy"] == {"float32": None}
    assert document["estimate"]["resources"]["lut"]["value"] is None
    assert document["estimate"]["frames_per_second"] is None


def test_whole_numbers_are_written_as_such() -> None:
    report = samples.fits()
    report = samples.with_figures(report, dsp=Figure(77.0, 76.5, 90.0))
    assert json.loads(to_json(report))["estimate"]["resources"]["dsp"] == {
        "value": 77, "low": 76.5, "high": 90, "available": 220, "device": 220,
    }  # fmt: skip
    assert '"value": 77,' in to_json(report) or '"value": 77\n' in to_json(report)


def test_options_of_numpy_and_path_types() -> None:
    options = {"n": np.int64(3), "x": np.float32(0.5), "p": Path("a/b.npy"), "t": (1, 2), "b": True}
    document = json.loads(to_json(replace(samples.fits(), options=options)))
    assert document["options"] == {"n": 3, "x": 0.5, "p": "a/b.npy", "t": [1, 2], "b": True}


def test_what_json_cannot_hold_is_named() -> None:
    with pytest.raises(TypeError, match=r"a report cannot hold a set: \{1\}"):
        to_json(replace(samples.fits(), options={"bad": {1}}))


def test_json_has_no_nan_and_no_infinity() -> None:
    document = {"nan": math.nan, "deep": [np.float32("inf"), {"whole": 2.0, "count": np.int64(3)}]}
    told = json.loads(json_text(document), parse_constant=pytest.fail)
    assert told == {"nan": None, "deep": [None, {"whole": 2, "count": 3}]}
    with pytest.raises(TypeError, match="cannot hold a set"):
        json_text({"set": {1}})
