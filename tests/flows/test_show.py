"""`fpgacomp show`: a network's graph, a design of it, and what a build directory holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fpgacomp.cli.app import app
from fpgacomp.errors import UsageError
from fpgacomp.flows.compile import compile
from fpgacomp.flows.options import Options
from fpgacomp.flows.show import show
from fpgacomp.frontend import open_network
from fpgacomp.ir.text import arrays_from_npz, parse_graph
from fpgacomp.lower import lower
from fpgacomp.results.target import Target
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_cnn" / "model.onnx"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build") / "digits"
    options = Options(backend="stream", csim=False, vectors=4)
    assert compile(DIGITS, "pynq-z2", out=folder, options=options).status == "ok"
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["show", *map(str, arguments)], catch_exceptions=False)


def test_a_network_is_shown_as_its_graph(tmp_path: Path) -> None:
    file = tmp_path / "arrays.npz"
    result = run(DIGITS, "--arrays", file)
    assert result.exit_code == 0
    graph = parse_graph(result.stdout, arrays_from_npz(file.read_bytes()))
    assert graph == lower(open_network(DIGITS)).graph


@pytest.mark.slow
def test_a_board_adds_the_design() -> None:
    options = Options(backend="stream", target=Target("area"))
    shown = show(DIGITS, board="pynq-z2", options=options)
    assert parse_graph(shown.text, shown.arrays) == shown.graph
    assert shown.design["engine"] == "stream"
    assert "// engine stream\n// board pynq-z2 (" in shown.text
    assert "// operator MatrixVector" in shown.text
    assert set(shown.design["folding"]) <= {layer.name for layer in shown.graph.layers}
    for settings in shown.design["folding"].values():
        assert f"pe={settings['pe']} simd={settings['simd']} " in shown.text


def test_front_options_reach_the_graph() -> None:
    shown = show(DIGITS, options=Options(argmax=True))
    assert shown.graph.layers[-1].name == "argmax1"
    assert "= argmax %" in shown.text


@pytest.mark.slow
def test_a_build_directory_is_shown_with_its_design(built: Path) -> None:
    shown = show(built)
    report = json.loads((built / "report.json").read_text(encoding="utf-8"))
    assert parse_graph(shown.text, shown.arrays) == shown.graph
    assert (shown.design["engine"], shown.design["board"]) == ("stream", "pynq-z2")
    assert "// engine stream\n// board pynq-z2 (xc7z020clg400-1), 100 MHz\n" in shown.text
    folded = [layer for layer in report["layers"] if layer["folding"]]
    assert {layer["name"] for layer in folded} == set(shown.design["folding"])
    assert shown.text.count(" // ") == len(folded)


@pytest.mark.slow
def test_a_build_directory_is_folded_anew_for_a_board(built: Path) -> None:
    shown = show(built, board="zcu104", options=Options(backend="hls4ml"))
    assert (shown.design["engine"], shown.design["board"]) == ("hls4ml", "zcu104")
    assert shown.design["choices"]["io_type"] in shown.text


@pytest.mark.slow
def test_json_is_one_document(built: Path) -> None:
    document = json.loads(run(built, "--json").stdout)
    assert document["design"]["board"] == "pynq-z2"
    assert document["text"] == show(built).text
    assert [layer["kind"] for layer in document["layers"]][:2] == ["input", "conv"]
    assert json.loads(run(DIGITS, "--json").stdout)["design"] is None


@pytest.mark.slow
def test_what_does_not_go_together_is_refused(built: Path, tmp_path: Path) -> None:
    for options in (Options(argmax=True), Options(calibration="x.npy"), Options(input_bits=(8, 0))):
        with pytest.raises(UsageError, match="not for a build directory"):
            show(built, options=options)
    with pytest.raises(UsageError, match="is no build directory"):
        show(tmp_path)
    for file in ("arrays.npy", "missing/arrays.npz"):
        result = run(DIGITS, "--arrays", tmp_path / file)
        assert result.exit_code == 2
        assert "--arrays" in result.stderr
    assert run(DIGITS, "--input-bits", "many").exit_code == 2
    assert run(DIGITS, "--board", "no-such-board").exit_code != 0


@pytest.mark.parametrize(
    "option",
    [("--target", "area"), ("--fps", "10"), ("--latency-us", "5"), ("--clock-mhz", "50"),
     ("--io", "io_stream"), ("--backend", "stream")],
)  # fmt: skip
def test_options_of_a_design_need_a_board(option: tuple[str, str]) -> None:
    result = run(DIGITS, *option)
    assert result.exit_code == 2
    assert f"{option[0]}: says how a design is chosen" in result.stderr
