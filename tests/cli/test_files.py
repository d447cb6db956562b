"""No run writes over what it reads, over what it writes otherwise, or over a file of a build."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from fpgacomp.cli.app import app
from fpgacomp.cli.files import Role, roles_of
from fpgacomp.errors import UsageError
from fpgacomp.flows.files import Content, FileUse, Place, check_files
from fpgacomp.network.canonical import Network
from fpgacomp.report.folder import replace_folder
from fpgacomp.report.manifest import with_manifest
from fpgacomp.results.project import Project

VERBS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
# Metavars of what is no file.
NO_FILES = {
    "BITS", "BITS[:INTEGER]", "BITS|same", "CODE", "COMMAND", "COST", "COUNT", "ENGINE",
    "ENGINE,...", "EXTENT", "GB", "GOAL", "HOST[:PORT]", "KIND", "LAYER,...", "LEVEL", "METHOD",
    "MHZ", "MODULE:FUNCTION", "N:M", "NAME", "NUMBER", "NUMBER,...", "PAIRS", "PERCENT", "POINTS",
    "PRESET", "RATE", "RESOURCE", "SCOPE", "SHARE", "STEP,...", "TIME", "TOPIC", "UNIT", "VERSION",
    "WATTS", "[HOST:]PORT",
}  # fmt: skip
ENDINGS = {Role.PAGE: ".html", Role.ARRAYS: ".npz", Role.NETWORK: ".onnx", Role.LOG: ".log",
           Role.CHECKPOINT: ".ckpt", Role.TRACE: ".vcd", Role.PACKAGE: ".fpga"}  # fmt: skip


def roles(verb: str) -> dict[str, Role]:
    """The files of a verb, with the log that all verbs have."""
    return {**roles_of(VERBS[verb].callback), "log_file": Role.LOG}


def pairs(*, second: Callable[[Role], bool]) -> Iterator[Any]:
    """(verb, a single file that it writes, another file of it)."""
    for verb in VERBS:
        found = roles(verb)
        for written in (name for name, role in found.items() if role in ENDINGS):
            for other in (name for name, role in found.items() if second(role)):
                if other != written:
                    yield pytest.param(verb, written, other, id=f"{verb}-{written}-{other}")


def command_line(verb: str, folder: Path, given: dict[str, Path]) -> list[str]:
    """A command line with `given`, and a file of its own for whatever else is required."""
    line, found = [verb], roles(verb)
    for parameter in VERBS[verb].params:
        path = given.get(parameter.name)
        if path is None and parameter.required:
            path = folder / f"own-{parameter.name}"
            if found.get(parameter.name) is Role.READ and not path.exists():
                path.write_bytes(b"own")
        if path is not None:
            option = parameter.param_type_name == "option"
            line += [*([parameter.opts[0]] if option else []), str(path)]
    return line


def refused(line: list[str]) -> str:
    result = CliRunner().invoke(app, line, env={"COLUMNS": "400"})
    assert result.exit_code == 2, result.output
    told = " ".join(result.stderr.split())
    assert "Fix: name another f" in told, told
    return told


def small_build(folder: Path) -> Path:
    network = Network("net", None, None, "qonnx", "net.onnx", "0" * 64)  # type: ignore[arg-type]
    files = {"report.html": b"<!doctype html>", "hls/build_prj.tcl": b"", "x.npz": b"PK"}
    replace_folder(with_manifest(Project(files), network, {}, "stream"), folder)
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_that_names_a_file_says_what_is_done_with_it(verb: str) -> None:
    for parameter in VERBS[verb].params:
        takes_text = parameter.metavar and parameter.metavar not in NO_FILES
        assert (parameter.name in roles(verb)) == bool(takes_text), parameter.name


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "written", "read"), pairs(second=lambda role: role is Role.READ))
def test_nothing_is_written_over_what_is_read(
    verb: str, written: str, read: str, tmp_path: Path
) -> None:
    source = tmp_path / f"source{ENDINGS[roles(verb)[written]]}"
    source.write_bytes(b"precious")
    told = refused(command_line(verb, tmp_path, {written: source, read: source}))
    assert "which this run reads" in told
    assert source.read_bytes() == b"precious"


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
@pytest.mark.parametrize(("written", "read"), [("html", "models"), ("log_file", "data")])
def test_links_are_the_files_that_they_lead_to(
    link: Callable[[Path, Path], None], written: str, read: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "link"
    source.write_bytes(b"precious")
    link(target, source)
    told = refused(command_line("evaluate", tmp_path, {written: target, read: source}))
    assert "which this run reads" in told
    assert source.read_bytes() == b"precious"


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "written", "other"), pairs(second=lambda role: role in ENDINGS))
def test_two_files_that_are_written_are_two(
    verb: str, written: str, other: str, tmp_path: Path
) -> None:
    target = tmp_path / "both.onnx"
    told = refused(command_line(verb, tmp_path, {written: target, other: target}))
    assert "is the file of --" in told and not target.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "written"),
    [(v, name) for v in VERBS for name, role in roles(v).items() if role in ENDINGS],
)
def test_no_file_of_any_build_is_written_over(verb: str, written: str, tmp_path: Path) -> None:
    build = small_build(tmp_path / "build")
    for path in ("report.html", "manifest.json", "hls/build_prj.tcl"):
        before = (build / path).read_bytes()
        told = refused(command_line(verb, tmp_path, {written: build / path}))
        assert f"is a file of the build {build}" in told
        assert (build / path).read_bytes() == before


def test_a_second_name_of_a_file_of_a_build_is_known(tmp_path: Path) -> None:
    build, page = small_build(tmp_path / "build"), tmp_path / "page.html"
    page.hardlink_to(build / "report.html")
    told = refused(["compare", str(build), str(build), "--html", str(page)])
    assert "is a file of the build" in told


@pytest.mark.parametrize("place", ["build/run.log", "build.failed/run.log", "stages/run.log"])
def test_a_file_in_a_folder_that_is_replaced(place: str, tmp_path: Path) -> None:
    small_build(tmp_path / "build")
    for name in ("build.failed", "stages"):
        (tmp_path / name).mkdir()
    given = {"out": tmp_path / "build", "dump_stages": tmp_path / "stages"}
    line = command_line("compile", tmp_path, {**given, "log_file": tmp_path / place})
    assert "which this run replaces" in refused(line)
    assert not (tmp_path / place).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "read"),
    [("out", "build/x.npz"), ("out", "build/hls"), ("dump_stages", "stages/1-network/a.onnx")],
)
@pytest.mark.parametrize("option", ["model", "inputs", "calibration"])
def test_a_source_that_the_run_would_remove(
    given: str, read: str, option: str, tmp_path: Path
) -> None:
    small_build(tmp_path / "build")
    (tmp_path / "stages" / "1-network").mkdir(parents=True)
    (tmp_path / "stages" / "1-network" / "a.onnx").write_bytes(b"precious")
    place = tmp_path / read.partition("/")[0]
    line = command_line("compile", tmp_path, {given: place, option: tmp_path / read})
    assert "would replace" in refused(line)
    assert (tmp_path / read).exists()


def test_a_log_among_the_samples(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / "data" / name).mkdir(parents=True)
    log = tmp_path / "data" / "cats" / "run.log"
    line = command_line("split", tmp_path, {"data": tmp_path / "data", "log_file": log})
    assert "lies in the samples of DATA" in refused([*line, "--out", str(tmp_path)])


def test_what_a_split_writes_by_itself_counts(tmp_path: Path) -> None:
    (tmp_path / "d.npz").write_bytes(b"PK")
    log = tmp_path / "d-train.npz"
    line = ["split", str(tmp_path / "d.npz"), "--out", str(tmp_path), "--log-file", str(log)]
    assert "is the file of --out" in refused(line)


def test_what_a_technique_writes_by_itself_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(b"PK")
    line = command_line("prune", tmp_path, {"model": Path("net.onnx")})
    assert "is the file of --out" in refused([*line, "--log-file", "net-pruned.onnx"])


def test_the_file_of_a_function_is_read(tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def loss(): ...\n")
    line = command_line("quantize", tmp_path, {"log_file": code})
    assert "is the file of --loss" in refused([*line, "--loss", f"{code}:loss"])


@pytest.mark.parametrize(
    "written", ["html", "log_file", "outputs", "checkpoint", "arrays", "trace"]
)
def test_a_file_of_another_kind_is_not_lost(written: str, tmp_path: Path) -> None:
    """Such as what a module imports, or the weights beside an .onnx file."""
    verb = next(verb for verb in VERBS if written in roles(verb))
    mine = tmp_path / "weights.npz"
    mine.write_bytes(b"precious")
    assert "would be lost" in refused(command_line(verb, tmp_path, {written: mine}))
    assert mine.read_bytes() == b"precious"


@pytest.mark.slow
def test_a_page_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    from tests.cli.test_compare import build
    from tests.support import report_samples

    page = tmp_path / "page.html"
    folders = [build(tmp_path / name, report_samples.fits()) for name in ("a", "b")]
    for _ in range(2):
        result = CliRunner().invoke(app, ["compare", *folders, "--html", str(page)])
        assert result.exit_code == 0, result.output
    assert page.read_text().lstrip().lower().startswith("<!doctype html")


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="the system has no /dev/null")
def test_a_device_is_no_file_to_lose(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["boards", "--log-file", "/dev/null"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (("--html", "{}/none/page.html"), "its folder does not exist. Fix: create {}/none first"),
        (("--html", "{}/file/page.html"), "lies in {}/file, which is a file. Fix: name another"),
        (("--html", "{}"), "is a folder. Fix: name a file"),
        (("--html", "{}/loop"), "leads nowhere"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_work(
    line: tuple[str, str], why: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    option, place = line[0], line[1].format(tmp_path)
    result = CliRunner().invoke(app, ["compare", "a", "b", option, place], env={"COLUMNS": "400"})
    assert result.exit_code == 2
    assert why.format(tmp_path, tmp_path) in " ".join(result.stderr.split())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_file_without_rights_is_told_before_the_work(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.touch(mode=0o400)
    result = CliRunner().invoke(app, ["compare", "a", "b", "--html", str(page)])
    assert result.exit_code == 3 and "cannot be written" in result.stderr


@pytest.mark.parametrize(
    "options",
    [("--out", "a", "--out", "b"), ("-o", "a", "--out", "b"), ("--fps", "1", "--fps", "1"),
     ("--csim", "--no-csim"), ("--log-file", "a", "--log-file", "b")],
)  # fmt: skip
def test_an_option_is_given_once(options: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, ["compile", "m.onnx", "--board", "zcu104", *options])
    assert result.exit_code == 2 and "is given more than once" in result.stderr


@pytest.mark.parametrize("option", ["--out", "--log-file", "--inputs", "--dump-stages"])
def test_an_empty_text_is_no_file(option: str) -> None:
    result = CliRunner().invoke(app, ["compile", "m.onnx", "--board", "zcu104", option, ""])
    assert result.exit_code == 2 and "is empty" in result.stderr


def test_a_copy_of_a_build_is_a_build(tmp_path: Path) -> None:
    shutil.copytree(small_build(tmp_path / "build"), tmp_path / "copy")
    line = command_line("boards", tmp_path, {"log_file": tmp_path / "copy" / "report.html"})
    assert "is a file of the build" in refused(line)


@pytest.mark.parametrize("content", [Content.PACKAGE, Content.NETWORK, Content.CHECKPOINT])
def test_what_is_put_in_place_whole_replaces_no_device(content: Content, tmp_path: Path) -> None:
    pipe = tmp_path / "out"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(UsageError, match="is a device or a pipe"):
            check_files([Place("--out", path, FileUse.WRITE, content)])
    check_files([Place("--out", Path("/dev/null"), FileUse.WRITE, Content.LOG)])
