"""A tool that takes 1.3 times the LUTs: the factor is found, and helps builds it had not seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import exp

import numpy as np
import pytest

from fpgacomp.devices.read import load_board
from fpgacomp.devices.resources import Resources
from fpgacomp.engines.shared.tool_calibration import (
    ALL,
    FORM,
    MeasuredDesign,
    MeasuredUnit,
    ToolCalibration,
    corrections,
    from_json,
)
from fpgacomp.errors import InputDataError
from fpgacomp.results.estimate import Estimate, Figure, LayerEstimate

SIZES = {"conv": 4000.0, "thresholds": 900.0, "dense": 1500.0}


def design(
    number: int, truth: Mapping[str, float], *, noise: float = 0.0, layers: bool = False
) -> MeasuredDesign:
    """A build whose layers take `truth` (kind -> factor) times their estimate.

    Args:
        noise: standard deviation of the logarithm of what no factor explains.
        layers: whether a report by hierarchy names the layers.
    """
    draw = np.random.default_rng(number)
    kinds, units, whole = {}, [], 0.0
    for kind, size in SIZES.items():
        luts = size * float(draw.uniform(0.5, 2.0))
        measured = luts * truth.get(kind, truth[ALL]) * exp(noise * float(draw.normal()))
        kinds[kind] = {"lut": luts, "ff": 2 * luts, "dsp": 4.0, "bram18": 2.0}
        units.append(MeasuredUnit(kind, kinds[kind], {"lut": measured, "ff": 2 * luts}))
        whole += measured
    total = {r: sum(of[r] for of in kinds.values()) for r in ("lut", "ff", "dsp", "bram18")}
    seen = {"lut": whole, "ff": total["ff"], "dsp": total["dsp"], "bram18": total["bram18"]}
    return MeasuredDesign(str(number), total, seen, kinds, tuple(units) if layers else ())


@pytest.mark.parametrize("builds", [3, 5, 12])
@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_factor_is_found_and_helps_what_was_left_out(builds: int, factor: float) -> None:
    found = corrections([design(n, {ALL: factor}, noise=0.02) for n in range(builds)])
    luts = found["lut"]
    assert luts.factors[ALL] == pytest.approx(factor, rel=0.05)
    assert luts.before == pytest.approx(abs(1 / factor - 1), abs=0.05)
    assert luts.after < luts.before / 3
    assert luts.builds == builds


def test_what_needs_no_factor_gets_none() -> None:
    found = corrections([design(n, {ALL: 1.3}) for n in range(5)])
    assert found["ff"].factors == {ALL: 1.0} and found["ff"].before == 0
    # Blocks follow from structure: whatever a release does, they are not scaled.
    shifted = [replace(d, measured={**d.measured, "dsp": 24.0}) for d in
               (design(n, {ALL: 1.0}) for n in range(5))]  # fmt: skip
    assert corrections(shifted)["dsp"].factors == {ALL: 1.0}
    assert corrections(shifted)["dsp"].before == pytest.approx(0.5)


def test_a_factor_that_does_not_help_is_not_taken() -> None:
    """Half of the builds need more and half less: the middle is no better than nothing."""
    mixed = [design(n, {ALL: 1.25 if n % 2 else 0.8}) for n in range(6)]
    luts = corrections(mixed)["lut"]
    assert luts.factors == {ALL: 1.0} and luts.after == luts.before


@pytest.mark.slow
def test_ranges_hold_what_was_left_out_and_need_eight_builds() -> None:
    few = corrections([design(n, {ALL: 1.3}, noise=0.1) for n in range(7)])["lut"]
    assert few.low is None and few.high is None
    many = [design(n, {ALL: 1.3}, noise=0.1) for n in range(30)]
    luts = corrections(many)["lut"]
    assert luts.low is not None and luts.high is not None
    assert 0.7 < luts.low < 1 < luts.high < 1.4
    new = [design(n, {ALL: 1.3}, noise=0.1) for n in range(1000, 1200)]
    held = [luts.low <= d.measured["lut"] / (d.estimated["lut"] * luts.factors[ALL]) <= luts.high
            for d in new]  # fmt: skip
    assert np.mean(held) >= 0.82  # 90 %, with the luck of 30 builds


def test_kinds_of_layers_get_their_own_factor_where_enough_were_measured() -> None:
    truth = {ALL: 1.1, "conv": 1.6}
    found = corrections([design(n, truth, layers=True) for n in range(10)])["lut"]
    assert found.factor("conv") == pytest.approx(1.6, rel=0.06)
    assert found.factor("dense") == pytest.approx(1.1, rel=0.06)
    assert found.factor("never seen") == found.factors[ALL]
    few = corrections([design(n, truth, layers=True) for n in range(5)])["lut"]
    assert set(few.factors) == {ALL}


def test_resources_that_few_reports_state_are_left_out() -> None:
    some = [replace(d, measured={"lut": d.measured["lut"]}) if n else d
            for n, d in enumerate(design(n, {ALL: 1.3}) for n in range(4))]  # fmt: skip
    assert set(corrections(some)) == {"lut"}


# ---- what is done with it


def calibration(**more: object) -> ToolCalibration:
    found = corrections([design(n, {ALL: 1.3}) for n in range(10)])
    made = ToolCalibration(
        fpgacomp_tool_calibration=FORM, tool="Vivado", version="2023.2", stage="logic_synth",
        engine="stream", toolchain="vivado", parts=("xc7z020clg400-1",), sources=("a", "b", "c"),
        corrections=found,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def estimate() -> Estimate:
    def figures(luts: float) -> Resources[Figure]:
        return Resources.of(
            lambda r: Figure.within(luts, (0.7, 1.4)) if r == "lut" else Figure.exact(4.0)
        )

    cycles = Figure.exact(10.0)
    layers = {
        n: LayerEstimate(cycles, cycles, figures(v)) for n, v in (("a", 1000.0), ("b", 500.0))
    }
    return Estimate("logic_synth", 100.0, cycles, cycles, figures(1600.0), layers)


def test_an_estimate_is_corrected_and_says_so() -> None:
    made, before = calibration(), estimate()
    after = made.corrected(before, {"a": "conv", "b": "dense"})
    factor = made.factor("lut")
    assert factor == pytest.approx(1.3, rel=0.03)
    assert after.lut.value == pytest.approx(1600 * factor)
    assert after.layers["a"].lut.value == pytest.approx(1000 * factor)
    assert after.layers["a"].lut.high == pytest.approx(1400 * factor)
    known = made.corrections["lut"]
    assert after.lut.low == pytest.approx(after.lut.value * (known.low or 0))
    assert after.dsp == before.dsp and after.latency_cycles == before.latency_cycles
    assert after.basis.calibrated == f"Vivado 2023.2, 3 builds, LUT x{factor:.3g}"


def test_the_board_holds_less_before_the_correction() -> None:
    board = load_board("pynq-z2")
    tight = calibration().tightened(board, {"lut": 1.25})
    assert tight.budget.lut == pytest.approx(board.budget.lut / 1.25)
    assert tight.budget.dsp == board.budget.dsp and tight.part == board.part


def test_it_is_read_as_it_was_written() -> None:
    made = calibration()
    assert from_json(made.to_json().encode(), "file") == made


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fpgacomp_tool_calibration": 2}, "has the form 2, and 1 is known"),
        ({"tool": 3}, "tool: "),
        ({"more": 1}, "more: "),
        ({"stage": "nothing"}, "stage: "),
        ({"corrections": {"gold": "LUT"}}, "corrects gold|corrections"),
        ({"lut.factors": {"conv": 1.0}}, "has no common factor of lut"),
        ({"lut.factors": {"all": 1e9}}, "not within 0.1 to 10"),
        ({"lut.factors": {"all": -1.0}}, "not within 0.1 to 10"),
        ({"lut.factors": {"all": "1.3"}}, "factors"),
        ({"lut.low": None}, "one end of the range"),
        ({"lut.low": 2.0}, "does not hold its own value"),
        ({"lut.high": 1e300}, "does not hold its own value"),
    ],
)
def test_a_strange_file_is_refused(change: dict[str, object], why: str) -> None:
    content = json.loads(calibration().to_json())
    for key, value in change.items():
        if "." in key:
            content["corrections"]["lut"][key.split(".")[1]] = value
        else:
            content[key] = value
    with pytest.raises(InputDataError, match=why):
        from_json(json.dumps(content).encode(), "file")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 50_000, b"NaN"])
def test_what_is_no_calibration_is_refused(content: bytes) -> None:
    with pytest.raises(InputDataError, match="fpgacomp calibrate --out"):
        from_json(content, "file")
