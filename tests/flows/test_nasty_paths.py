"""Folders, links, pipes and values that somebody may hand in: nothing of others is touched."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgacomp
from fpgacomp.errors import FpgacompError, UsageError
from fpgacomp.flows.options import Options
from fpgacomp.flows.output import Destination
from fpgacomp.results.target import Target
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_mlp" / "model.onnx"
QUICK = Options(csim=False, vectors=2, backend="stream")


def estimated(dump: Path) -> None:
    """An estimate whose stages are kept."""
    fpgacomp.estimate(DIGITS, "pynq-z2", options=Options(dump_stages=dump, backend="stream"))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Somebody's folder, which must stay as it is."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "network.txt").write_text("precious")
    return folder


def test_a_dump_does_not_write_through_a_link(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "1-network").symlink_to(victim)
    with pytest.raises(UsageError, match="holds a link"):
        estimated(tmp_path / "dump")
    assert (victim / "network.txt").read_text() == "precious"
    assert [path.name for path in victim.iterdir()] == ["network.txt"]


def test_a_list_of_stages_does_not_delete_through_a_link(tmp_path: Path, victim: Path) -> None:
    dump = tmp_path / "dump"
    dump.mkdir()
    (dump / "sub").symlink_to(victim)
    listed = json.dumps({"fpgacomp_stages": {"sub/network.txt": "0"}})
    (dump / "stages.json").write_text(listed)
    with pytest.raises(UsageError, match="holds a link"):
        estimated(dump)
    assert (victim / "network.txt").read_text() == "precious"
    assert (dump / "stages.json").read_text() == listed


@pytest.mark.slow
def test_a_refused_dump_keeps_the_earlier_one(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    estimated(dump)
    before = sorted(dump.rglob("*"))
    (dump / "2-integer-graph" / "graph.txt").write_text("my notes")
    with pytest.raises(UsageError, match="was edited"):
        estimated(dump)
    assert sorted(dump.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("content", ["[" * 100_000, "{}", '{"fpgacomp_stages": 3}'])
def test_a_list_of_stages_may_hold_anything(tmp_path: Path, content: str) -> None:
    (tmp_path / "stages.json").write_text(content)
    estimated(tmp_path)
    assert (tmp_path / "1-network" / "network.onnx").is_file()


def test_a_dump_at_a_pipe_or_nowhere_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    for name in ("pipe", "nowhere"):
        with pytest.raises(UsageError, match="is no folder"):
            estimated(tmp_path / name)


def test_out_at_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="a pipe or a device"):
        fpgacomp.compile(DIGITS, "pynq-z2", out=tmp_path / "pipe", options=QUICK)
    assert (tmp_path / "pipe").is_fifo()


def test_out_in_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match="leads nowhere"):
        fpgacomp.compile(DIGITS, "pynq-z2", out=tmp_path / "loop", options=QUICK)


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("/", "is the root of the file system"),
        ("", "is empty"),
        ("file/x", "lies in file, which is a file. Fix: name another place"),
        ("file", "is a file, a pipe or a device. Fix: name a folder"),
        ("none/x", "its folder does not exist. Fix: create none first"),
    ],
)
def test_out_where_no_build_can_be(
    out: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=why):
        fpgacomp.compile(DIGITS, "pynq-z2", out=out, options=QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_folder_above_the_top_is_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(UsageError, match="is the root of the file system"):
        fpgacomp.compile(DIGITS, "pynq-z2", out="..", options=QUICK)


def test_what_a_folder_above_fails_with_stands_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "build" / "below")
    assert Destination(Path("..")).failed == tmp_path / "build.failed"


@pytest.mark.slow
def test_a_source_that_a_run_from_python_would_remove(tmp_path: Path) -> None:
    estimated(tmp_path / "stages")
    network = tmp_path / "stages" / "1-network" / "network.onnx"
    options = Options(dump_stages=tmp_path / "stages")
    with pytest.raises(UsageError, match=r"would replace MODEL .*network\.onnx"):
        fpgacomp.estimate(network, "pynq-z2", options=options)
    assert network.is_file()


@pytest.mark.slow
def test_out_may_be_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    report = fpgacomp.compile(DIGITS, "pynq-z2", out=".", options=QUICK)
    assert report.status == "ok" and (folder / "report.json").is_file()


@pytest.mark.parametrize(
    ("out", "dump"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a", "a.failed")]
)
def test_out_and_dump_lie_apart(tmp_path: Path, out: str, dump: str) -> None:
    (tmp_path / "a").mkdir()
    options = Options(csim=False, vectors=2, dump_stages=tmp_path / dump)
    with pytest.raises(UsageError, match="lie in each other"):
        fpgacomp.compile(DIGITS, "pynq-z2", out=tmp_path / out, options=options)


@pytest.mark.slow
def test_answers_are_not_written_over_what_they_come_from(tmp_path: Path) -> None:
    build, samples = tmp_path / "build", tmp_path / "x.npy"
    fpgacomp.compile(DIGITS, "pynq-z2", out=build, options=QUICK)
    np.save(samples, np.load(EXAMPLES / "digits_mlp" / "test_inputs.npy")[:2])
    for outputs in (samples, build / "report.json"):
        before = outputs.read_bytes()
        with pytest.raises(UsageError, match="--outputs"):
            fpgacomp.simulate(build, samples, outputs=outputs)
        assert outputs.read_bytes() == before


@pytest.mark.slow
def test_a_level_that_is_none_is_refused(tmp_path: Path) -> None:
    build = tmp_path / "build"
    fpgacomp.compile(DIGITS, "pynq-z2", out=build, options=QUICK)
    few = np.load(EXAMPLES / "digits_mlp" / "test_inputs.npy")[:2]
    with pytest.raises(UsageError, match=r"level 'gates'.*use graph or c or hls or rtl"):
        fpgacomp.simulate(build, few, level="gates")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"w\.txt: has no ending.*in \.fst or \.vcd"):
        fpgacomp.simulate(build, few, level="rtl", trace=tmp_path / "w.txt")
    with pytest.raises(UsageError, match=r"which --level c does not have.*--level rtl"):
        fpgacomp.simulate(build, few, level="c", trace=tmp_path / "w.vcd")
    with pytest.raises(UsageError, match=r"w\.vcd: is the file of --inputs"):
        np.save(tmp_path / "few.npy", few)
        (tmp_path / "few.npy").rename(tmp_path / "w.vcd")
        fpgacomp.simulate(build, tmp_path / "w.vcd", level="rtl", trace=tmp_path / "w.vcd")


@pytest.mark.slow
def test_a_design_without_rtl_says_what_it_has(tmp_path: Path) -> None:
    build = tmp_path / "build"
    options = replace(QUICK, backend="hls4ml")
    fpgacomp.compile(DIGITS, "pynq-z2", out=build, options=options)
    few = np.load(EXAMPLES / "digits_mlp" / "test_inputs.npy")[:2]
    with pytest.raises(
        UsageError, match=r"not there for designs of the hls4ml engine.*--backend stream"
    ) as told:
        fpgacomp.simulate(build, few, level="rtl")
    assert told.value.exit_code == 2


def test_a_pipe_for_a_manifest_is_no_build(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(UsageError, match="is no build directory"):
        fpgacomp.simulate(tmp_path, np.zeros((1, 64)))


@pytest.mark.parametrize(
    "values",
    [
        {"clock_mhz": 0.0}, {"clock_mhz": -1.0}, {"clock_mhz": float("nan")}, {"memory_gb": 0.0},
        {"vectors": 0}, {"vectors": 2.5}, {"seed": -1}, {"io_type": "nonsense"},
        {"target": "throughput"}, {"dump_stages": "stages"}, {"clock_mhz": "100"},
    ],
)  # fmt: skip
def test_options_that_are_not_possible_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Options(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [{"fps": -5.0}, {"fps": 0.0}, {"fps": float("inf")}, {"latency_us": float("nan")},
     {"goal": "nonsense"}],
)  # fmt: skip
def test_targets_that_are_not_possible_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Target(**values)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_board_may_be_a_path() -> None:
    board = EXAMPLES.parent / "boards" / "pynq-z2.yaml"
    assert fpgacomp.estimate(DIGITS, board).board.name == "pynq-z2"
    with pytest.raises(FpgacompError):
        fpgacomp.estimate(DIGITS, Path("absent.yaml"))
