"""Random networks through the whole compiler: C-simulation == oracle == network."""

from __future__ import annotations

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fpgacomp
from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.errors import DoesNotFit, Problems, UnsupportedLayer
from fpgacomp.results.report import Report
from tests.support.random_networks import networks

Options = fpgacomp.Options


def compiled(model: onnx.ModelProto, options: Options) -> Report | None:
    """The report; None where a layer has no form in this engine, which must be said so."""
    try:
        return fpgacomp.compile(model, "alveo-u250", options=options)
    except (UnsupportedLayer, DoesNotFit, Problems) as error:
        assert error.fix
        return None


@pytest.mark.slow
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=networks(size=3), io=st.sampled_from(("io_parallel", "io_stream")))
def test_hls4ml_designs_of_random_networks_are_exact(model: onnx.ModelProto, io: IoType) -> None:
    report = compiled(model, Options(backend="hls4ml", io_type=io, vectors=60))
    if report is not None and report.verdict.fits:
        assert report.exactness.csim_mismatches == 0
        assert report.exactness.network_mismatches == 0


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=networks(size=3))
def test_auto_designs_of_random_networks_are_exact(model: onnx.ModelProto) -> None:
    report = compiled(model, Options(vectors=60))
    if report is not None and report.verdict.fits:
        assert report.exactness.csim_mismatches == 0
        assert report.exactness.network_mismatches == 0
        assert any(report.backend in reason for reason in report.reasons)
