"""Vectors in batches: the same answers, whatever memory allows at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgacomp
from fpgacomp.errors import UsageError
from fpgacomp.evidence.vectors import bytes_per_vector
from fpgacomp.flows import batches
from fpgacomp.flows.batches import batch_size, frame_bytes
from fpgacomp.flows.options import Options
from fpgacomp.ir.graph import Graph
from fpgacomp.results.report import Report
from tests.support import builders
from tests.support.depth import deep
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_cnn" / "model.onnx"
PIXELS = EXAMPLES / "digits_cnn" / "test_inputs.npy"
LABELS = EXAMPLES / "digits_cnn" / "test_labels.npy"
OPTIONS = Options(backend="stream", vectors=23, inputs=PIXELS, csim=False)


def compiled(out: Path, options: Options) -> Report:
    """The report of a run, without what differs from run to run."""
    report = fpgacomp.compile(DIGITS, "pynq-z2", out=out, options=options)
    return replace(report, timings_s={}, folder=None)


def labelled(tmp_path: Path) -> Options:
    """The options with as many labels as samples."""
    pixels, labels = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(pixels, np.load(PIXELS)[:23])
    np.save(labels, np.load(LABELS)[:23])
    return replace(OPTIONS, inputs=pixels, labels=labels)


def without_rounding(report: Report) -> Report:
    """The report, but for how far float32 is from the exact answers."""
    assert report.exactness.float32 is not None
    float32 = replace(report.exactness.float32, largest_difference=0.0)
    return replace(report, exactness=replace(report.exactness, float32=float32))


@pytest.mark.slow
def test_the_report_does_not_depend_on_the_memory(tmp_path: Path) -> None:
    options = labelled(tmp_path)
    whole = compiled(tmp_path / "whole", options)
    tiny = compiled(tmp_path / "tiny", replace(options, memory_gb=1e-9))
    # A processor's float32 sums may depend on how many samples are added up at once.
    assert without_rounding(whole) == without_rounding(tiny)
    differences = [one.exactness.float32.largest_difference for one in (whole, tiny)]
    assert max(differences) < 1e-4
    assert tiny.exactness.vectors == 23 and tiny.exactness.network_mismatches == 0
    for path in (path for path in (tmp_path / "whole").rglob("*") if path.is_file()):
        if path.name not in ("report.json", "report.html", "manifest.json", ".fpgacomp-signature"):
            other = tmp_path / "tiny" / path.relative_to(tmp_path / "whole")
            assert path.read_bytes() == other.read_bytes(), path.name


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["stream", deep("hls4ml")])
def test_c_simulation_runs_batch_by_batch(tmp_path: Path, backend: str) -> None:
    frames = 7
    options = replace(OPTIONS, backend=backend, csim=True, vectors=frames)
    report = compiled(tmp_path / "build", replace(options, memory_gb=_memory_for(4)))
    assert report.exactness.vectors == frames and report.exactness.csim_mismatches == 0
    answered = fpgacomp.simulate(
        tmp_path / "build", np.load(PIXELS)[:frames], level="c", memory_gb=_memory_for(5)
    )
    assert answered.samples == frames and answered.mismatches == 0


def _digits() -> Graph:
    from fpgacomp.frontend import open_network
    from fpgacomp.lower import lower

    return lower(open_network(DIGITS)).graph


def _memory_for(frames: int) -> float:
    """Gigabytes that hold so many frames of the digits network."""
    graph = _digits()
    memory = (frames + 0.5) * frame_bytes(graph) / 1e9
    assert batch_size(graph, memory) == frames
    return memory


@pytest.mark.slow
def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(batches, "KEPT_BYTES", 5000)
    options = replace(OPTIONS, memory_gb=_memory_for(4))
    compiled(tmp_path / "build", options)
    kept = {path.stem: np.load(path) for path in (tmp_path / "build" / "vectors").iterdir()}
    (frames,) = {len(array) for array in kept.values()}
    assert 1 <= frames < 23
    # At least one frame is always kept, whatever it takes.
    assert frames == 1 or sum(array.nbytes for array in kept.values()) <= 5000


def test_a_large_image_network_takes_few_frames_at_once() -> None:
    b = builders.GraphBuilder()
    graph = b.graph(b.conv("c", b.input("x", (128, 128, 32), 0, 15), 64, (3, 3)))
    frames = batch_size(graph, 4.0)
    assert 1 <= frames < 1000 and frames * frame_bytes(graph) <= 4e9


@pytest.mark.slow
def test_more_generated_vectors_than_the_memory_holds_are_refused(tmp_path: Path) -> None:
    """They are refused before any of them is made: 8 TB could not be."""
    many = Options(backend="stream", csim=False, vectors=10**10)
    with pytest.raises(UsageError) as refused:
        compiled(tmp_path / "build", many)
    text = str(refused.value)
    assert "--vectors 10000000000: so many generated samples take" in text
    assert "the limit is 4 GB" in text and "or raise --memory-gb" in text
    most = int(text.partition("at most ")[2].partition(",")[0])
    each = bytes_per_vector(_digits())
    assert each * most <= 4e9 < each * (most + 1)
    with pytest.raises(UsageError, match=r"generated samples take .* Fix: give samples of"):
        compiled(tmp_path / "build", replace(OPTIONS, inputs=None, memory_gb=1e-9))
    # As many as are made where nobody says how many: fewer, and the report says so.
    report = compiled(tmp_path / "few", replace(OPTIONS, inputs=None, memory_gb=20 * each / 1e9))
    assert report.exactness.vectors == 20
    assert any("20 of" in note and "--memory-gb raises" in note for note in report.warnings)
    with pytest.raises(UsageError, match="this machine has not so much"):
        compiled(tmp_path / "build", replace(many, vectors=10**15, memory_gb=1e12))
