"""Networks that fit only because their activations share lanes: kws, and digits in arrays."""

from __future__ import annotations

from pathlib import Path

import pytest

import fpgacomp
from fpgacomp.devices.read import load_board
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.estimate.design import estimate_hls4ml
from fpgacomp.engines.hls4ml.fold.design import fold_hls4ml
from fpgacomp.flows.integers import integer_graph
from fpgacomp.flows.options import Options
from fpgacomp.flows.stages import Stages
from fpgacomp.ir.layers import Activation
from fpgacomp.results.target import Target
from tests.support.csim_run import exact
from tests.support.paths import REPOSITORY

ROOT = REPOSITORY
KWS = ROOT.parent / "shared" / "models" / "kws_mlp_w3a3.onnx"
pytestmark = pytest.mark.slow


def shared(design: Hls4mlDesign) -> dict[str, int]:
    """Layers whose lanes serve several elements, and their reuse factors."""
    factors = {layer.name: design.folding[layer.name].reuse_factor
               for layer in design.graph.layers if isinstance(layer, Activation)}  # fmt: skip
    return {name: factor for name, factor in factors.items() if factor > 1}


@pytest.mark.skipif(not KWS.is_file(), reason="the shared keyword-spotting network is not here")
def test_keyword_spotting_compiles_for_a_pynq_z2() -> None:
    report = fpgacomp.compile(KWS, "pynq-z2", options=Options(vectors=100, backend="hls4ml"))
    assert report.verdict.fits
    assert report.exactness.csim_mismatches == 0 and report.exactness.network_mismatches == 0
    activations = [layer for layer in report.layers if layer.kind == "thresholds"]
    assert len(activations) == 3
    assert all(layer.folding["reuse_factor"] > 1 for layer in activations)


def test_digits_in_arrays_without_moving_the_pool(tmp_path: Path) -> None:
    """Its first Thresholds makes 15,360 comparisons per frame: over several cycles they fit."""
    network = ROOT / "examples" / "digits_cnn" / "model.onnx"
    _, lowered = integer_graph(network, Options(), Stages())
    result = fold_hls4ml(lowered.graph, load_board("pynq-z2"), clock_mhz=100,
                         target=Target("area"), estimate=estimate_hls4ml,
                         io_type="io_parallel")  # fmt: skip
    assert result.verdict.fits and "act1" in shared(result.design)
    assert exact(result.design, tmp_path, samples=100)
