"""A build becomes one archive, the same everywhere, and only if it is as it was written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import helper
from typer.testing import CliRunner

import fpgacomp
from fpgacomp.cli.app import app
from fpgacomp.errors import FileSystemError, FpgacompError, PackageError, UsageError
from fpgacomp.report.bitstream_folder import build_digest, write_bitstream
from fpgacomp.runtime.archive import open_package
from tests.support.hostile_onnx import plain, weight
from tests.support.paths import REPOSITORY


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of one layer, that nobody edits."""
    return compiled(tmp_path_factory, "pynq-z2")


@pytest.fixture
def made_for_uart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build for a board at a serial port."""
    return compiled(tmp_path_factory, "icebreaker")


def compiled(tmp_path_factory: pytest.TempPathFactory, board: str) -> Path:
    folder = tmp_path_factory.mktemp("made")
    config = tmp_path_factory.getbasetemp() / "config"  # the key that every test has
    product = helper.make_node("MatMul", ["xq", "w"], ["y"])
    model = plain((1, 4), nodes=[product], constants=[weight()], output="y")
    onnx.save(model, folder / "net.onnx")
    options = fpgacomp.Options(backend="stream", csim=False, vectors=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(config))
        fpgacomp.compile(folder / "net.onnx", board, out=folder / "build", options=options)
    return folder / "build"


@pytest.fixture
def build(made: Path, tmp_path: Path) -> Path:
    """A copy of the build, which a test may edit."""
    shutil.copytree(made, tmp_path / "build")
    return tmp_path / "build"


def contents(place: Path) -> dict[str, bytes]:
    with open_package(place) as package:
        return {name: b"".join(package.chunks(name)) for name in package.members}


def rewrite(build: Path, path: str, content: bytes) -> None:
    """Change a file of a build, and its manifest with it, as somebody does who means harm."""
    (build / path).write_bytes(content)
    manifest = json.loads((build / "manifest.json").read_text())
    manifest["files"][path] = hashlib.sha256(content).hexdigest()
    (build / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
def test_a_package_holds_what_a_device_needs(made: Path, tmp_path: Path) -> None:
    found = fpgacomp.package(made, tmp_path / "x.fpga", version=7)
    assert (found.name, found.version, found.contents) == ("net", 7, "sources")
    assert not found.signed and found.size == (tmp_path / "x.fpga").stat().st_size
    files = contents(tmp_path / "x.fpga")
    for path in ("software/deployment.json", "rtl/interface.json", "hls/interface.json",
                 "software/before.onnx", "rtl/registers.h"):  # fmt: skip
        assert files[path] == (made / path).read_bytes()
    runtime = REPOSITORY / "fpgacomp" / "runtime"
    for path in runtime.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":  # and nothing of it is forgotten
            assert files[f"fpgacomp_runtime/{path.relative_to(runtime)}"] == path.read_bytes()
    assert files["licenses/Apache-2.0.txt"] == (REPOSITORY / "LICENSE").read_bytes()
    tests = [path for path in files if path.startswith("software/selftest/")]
    assert len(tests) == 2 and all(files[path] for path in tests)
    assert "report.json" not in files and "vectors" not in " ".join(p[:7] for p in files)
    checked = fpgacomp.verify(tmp_path / "x.fpga")
    assert checked == found


@pytest.mark.slow
def test_two_builds_two_folders_and_two_settings_give_one_archive(
    made: Path, tmp_path: Path
) -> None:
    fpgacomp.package(made, tmp_path / "one.fpga")
    second = tmp_path / "elsewhere" / "of another name"
    second.parent.mkdir()
    options = fpgacomp.Options(backend="stream", csim=False, vectors=8)
    fpgacomp.compile(made.parent / "net.onnx", "pynq-z2", out=second, options=options)
    assert (second / "report.json").read_bytes() != (made / "report.json").read_bytes()
    script = (
        "import os, sys, fpgacomp\nos.umask(0o077)\n"
        "fpgacomp.package(sys.argv[1], sys.argv[2])"
    )  # fmt: skip
    environment = {**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "7",
                   "PYTHONPATH": str(REPOSITORY)}  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", script, str(second), "two.fpga"],
        cwd=tmp_path, env=environment, check=True,
    )  # fmt: skip
    assert (tmp_path / "two.fpga").read_bytes() == (tmp_path / "one.fpga").read_bytes()


@pytest.mark.slow
def test_users_own_files_are_no_part_of_a_package(build: Path, tmp_path: Path) -> None:
    fpgacomp.package(build, tmp_path / "one.fpga")
    (build / "hls" / "solution1").mkdir()
    (build / "hls" / "solution1" / "secret.key").write_text("mine")
    (build / "software" / "link").symlink_to("/etc/passwd")
    fpgacomp.package(build, tmp_path / "two.fpga")
    assert (tmp_path / "two.fpga").read_bytes() == (tmp_path / "one.fpga").read_bytes()


def edited(build: Path) -> None:
    (build / "rtl" / "registers.h").write_text("changed")


def removed(build: Path) -> None:
    (build / "rtl" / "registers.h").unlink()


def linked(build: Path) -> None:
    (build / "rtl" / "registers.h").unlink()
    (build / "rtl" / "registers.h").symlink_to("/etc/passwd")


def folder_linked(build: Path) -> None:
    (build / "rtl").rename(build / "elsewhere")
    (build / "rtl").symlink_to("elsewhere")


def vectors_edited(build: Path) -> None:
    next((build / "vectors").iterdir()).write_bytes(b"")


def failed(build: Path) -> None:
    report = json.loads((build / "report.json").read_text())
    rewrite(build, "report.json", json.dumps(report | {"status": "failed"}).encode())


def report_damaged(build: Path) -> None:
    rewrite(build, "report.json", b"[" * 100_000)


def evidence(build: Path) -> None:
    rewrite(build, "error.txt", b"it went wrong")


def description_removed(build: Path) -> None:
    manifest = json.loads((build / "manifest.json").read_text())
    del manifest["files"]["software/deployment.json"]
    (build / "manifest.json").write_text(json.dumps(manifest))


def description_damaged(build: Path) -> None:
    rewrite(build, "software/deployment.json", b"{}")


def of_another_graph(build: Path) -> None:
    place = build / "software" / "deployment.json"
    content = json.loads(place.read_text()) | {"identity": "0" * 32}
    rewrite(build, "software/deployment.json", json.dumps(content).encode())


def self_test_wrong(build: Path) -> None:
    place = next((build / "software" / "selftest").glob("out*"))
    content = bytearray(place.read_bytes())
    content[0] ^= 1
    rewrite(build, f"software/selftest/{place.name}", bytes(content))


def self_test_cut(build: Path) -> None:
    place = next((build / "software" / "selftest").glob("in*"))
    rewrite(build, f"software/selftest/{place.name}", place.read_bytes()[:-1])


def name_of_a_terminal(build: Path) -> None:
    rewrite(build, "hls/\x1b[2J.h", b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (edited, "rtl/registers.h: was changed since it was compiled"),
        (removed, "rtl/registers.h: was removed since it was compiled"),
        (linked, "rtl/registers.h: was changed since it was compiled"),
        (folder_linked, "was changed since it was compiled"),
        (vectors_edited, "was changed since it was compiled"),
        (failed, "is the result of a run that failed"),
        (report_damaged, "has a damaged report.json"),
        (evidence, "holds the evidence of a failure"),
        (description_removed, "has no software/deployment.json"),
        (description_damaged, "its format is None"),
        (of_another_graph, "describes another design than graph.json"),
        (self_test_wrong, "holds other integers of"),
        (self_test_cut, "does not hold whole frames"),
        (name_of_a_terminal, "has a part that no file of a package may be called"),
    ],
)
def test_a_build_that_is_not_as_it_must_be(
    build: Path, tmp_path: Path, harm: Any, why: str
) -> None:
    harm(build)
    with pytest.raises(PackageError) as caught:
        fpgacomp.package(build, tmp_path / "x.fpga", trust=True)
    assert why in str(caught.value) and caught.value.exit_code == 1
    assert sorted(place.name for place in tmp_path.iterdir()) == ["build"]


@pytest.mark.parametrize("path", ["../evil", "/etc/passwd", "hls/../../evil"])
def test_a_manifest_that_leads_out_of_the_build(build: Path, tmp_path: Path, path: str) -> None:
    manifest = json.loads((build / "manifest.json").read_text())
    manifest["files"][path] = "0" * 64
    (build / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match="is no build directory"):
        fpgacomp.package(build, tmp_path / "x.fpga", trust=True)


def test_a_strangers_build_needs_trust(build: Path, tmp_path: Path) -> None:
    (build / ".fpgacomp-signature").write_text("0" * 64)
    with pytest.raises(UsageError, match="was not made by you on this machine") as caught:
        fpgacomp.package(build, tmp_path / "x.fpga")
    assert "--trust" in caught.value.fix
    assert fpgacomp.package(build, tmp_path / "x.fpga", trust=True).name == "net"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"version": 0}, "--version 0: is no whole number"),
        ({"version": 1 << 60}, "is no whole number from 1"),
        ({"name": "../x"}, "--name ../x: is not 1 to 64 letters"),
        ({"name": ""}, "is not 1 to 64 letters"),
        ({"key": "none.pem"}, "--key none.pem: cannot be read"),
    ],
)
def test_options_that_are_wrong(
    made: Path, tmp_path: Path, options: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        fpgacomp.package(made, tmp_path / "x.fpga", **options)
    with pytest.raises(UsageError, match="would be lost"):
        (tmp_path / "x.fpga").write_text("my own notes")
        fpgacomp.package(made, tmp_path / "x.fpga")


def test_a_disk_that_is_full_leaves_the_package_before(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fpgacomp.package(made, tmp_path / "x.fpga")
    before = (tmp_path / "x.fpga").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileSystemError, match="No space left on device"):
        fpgacomp.package(made, tmp_path / "x.fpga", version=2)
    assert (tmp_path / "x.fpga").read_bytes() == before
    assert [place.name for place in tmp_path.iterdir()] == ["x.fpga"]


def test_the_bitstream_takes_the_place_of_the_sources(build: Path, tmp_path: Path) -> None:
    report = {"status": "ok", "seed": 3, "tools": {"nextpnr-ecp5": "0.9"},
              "clock_mhz": {"wanted": 100.0, "set": 100.0, "achieved": 121.5},
              "resources": {"LUT": {"used": 1234, "available": 84000}},
              "program": ["openFPGALoader", "-b", "a board", "design.bit"]}  # fmt: skip
    files = {"design.bit": b"bits", "nextpnr-3.log": b"in 12 s"}
    write_bitstream(build / "bitstream", build_digest(build), files, report)
    found = fpgacomp.package(build, tmp_path / "x.fpga")
    assert found.contents == "bitstream"
    held = contents(tmp_path / "x.fpga")
    assert held["bitstream/design.bit"] == b"bits"
    assert not [path for path in held if path.startswith(("hls/", "rtl/"))]
    assert [path for path in held if path.startswith("bitstream/")] == ["bitstream/design.bit"]
    card = held["MODEL_CARD.md"].decode()
    assert "by nextpnr-ecp5 0.9: 121.5 MHz, 100 MHz wanted." in card
    assert "Place and route began from seed 3." in card
    assert "After place and route: LUT 1,234 of 84,000." in card
    assert "| loaded in bitstream/ by | openFPGALoader -b 'a board' design.bit |" in card
    assert "Their terms may bind its use" in held["LICENSES.md"].decode()


@pytest.mark.slow
def test_the_rate_of_a_uart_is_the_bitstreams(made_for_uart: Path, tmp_path: Path) -> None:
    """Not the board's, where it was built with --baud; and never PYNQ's way."""
    fpgacomp.package(made_for_uart, tmp_path / "sources.fpga")
    held = contents(tmp_path / "sources.fpga")
    assert b"--transport uart:/dev/ttyUSB1:3000000 " in held["systemd/example.env"]
    assert b"FPGACOMP_BAUD=RATE" in held["software/c/README.md"]
    report = {"status": "ok", "tools": {}, "host_link": {"kind": "uart", "baud": 115200}}
    digest = build_digest(made_for_uart)
    write_bitstream(made_for_uart / "bitstream", digest, {"design.bin": b"bits"}, report)
    fpgacomp.package(made_for_uart, tmp_path / "x.fpga")
    held = contents(tmp_path / "x.fpga")
    assert b"--transport uart:/dev/ttyUSB1:115200 " in held["systemd/example.env"]
    assert "| reached over | a UART at 115,200 baud, " in held["MODEL_CARD.md"].decode()
    assert "uart:/dev/ttyUSB1:115200" in held["MODEL_CARD.md"].decode()


def test_scripts_alone_are_no_bitstream(build: Path, tmp_path: Path) -> None:
    files = {"build.tcl": b"", "hls/tb_data/in0_image.bin": b"a frame of the testbench"}
    write_bitstream(build / "bitstream", build_digest(build), files, {"status": "scripts"})
    assert fpgacomp.package(build, tmp_path / "x.fpga").contents == "sources"


@pytest.mark.slow
def test_a_bitstream_that_does_not_go_with_the_build(build: Path, tmp_path: Path) -> None:
    place = build / "bitstream"

    def refused() -> str:
        with pytest.raises(PackageError) as caught:
            fpgacomp.package(build, tmp_path / "x.fpga")
        return caught.value.why

    write_bitstream(place, "0" * 64, {"design.bit": b"bits"}, {})
    assert refused() == "was made from another build than this one."
    write_bitstream(place, build_digest(build), {"design.bit": b"bits"}, {})
    (place / "design.bit").write_bytes(b"other")
    assert refused() == "was changed since it was built."
    (place / "design.bit").unlink()
    assert refused() == "was removed since it was compiled."
    shutil.rmtree(place)
    place.mkdir()
    assert refused() == "holds no bitstream that `fpgacomp build` made."
    place.rmdir()
    place.symlink_to(tmp_path)
    assert refused() == "holds no bitstream that `fpgacomp build` made."


@pytest.mark.slow
def test_install_and_go_back(made: Path, tmp_path: Path) -> None:
    for version in (1, 2):
        fpgacomp.package(made, tmp_path / f"{version}.fpga", version=version)
        found = fpgacomp.install(tmp_path / f"{version}.fpga", tmp_path / "root")
        assert found.active == f"net/{version}" and found.changed
    assert fpgacomp.install(None, tmp_path / "root", rollback=True).active == "net/1"
    with pytest.raises(UsageError, match="--rollback: takes no package"):
        fpgacomp.install(tmp_path / "2.fpga", tmp_path / "root", rollback=True)
    with pytest.raises(UsageError, match="PACKAGE: is missing"):
        fpgacomp.install(None, tmp_path / "root")
    with pytest.raises(UsageError, match="are two tests"):
        fpgacomp.install(tmp_path / "2.fpga", tmp_path / "root", transport="x", self_test=["y"])


@pytest.mark.slow
def test_errors_of_the_device_have_the_exit_codes_of_verbs(made: Path, tmp_path: Path) -> None:
    fpgacomp.package(made, tmp_path / "1.fpga")
    fpgacomp.package(made, tmp_path / "2.fpga", version=2)
    fpgacomp.install(tmp_path / "2.fpga", tmp_path / "root")

    def told(call: Any) -> FpgacompError:
        with pytest.raises(FpgacompError) as caught:
            call()
        return caught.value

    old = told(lambda: fpgacomp.install(tmp_path / "1.fpga", tmp_path / "root"))
    none = told(lambda: fpgacomp.verify(tmp_path / "none.fpga"))
    key = told(lambda: fpgacomp.verify(tmp_path / "1.fpga", key=tmp_path / "none.pub"))
    way = told(lambda: fpgacomp.install(tmp_path / "2.fpga", tmp_path / "new", transport="none"))
    assert [error.exit_code for error in (old, none, key, way)] == [1, 2, 2, 1]
    assert "none: is no transport." in way.why
    assert not (tmp_path / "new" / "current").exists()


@pytest.fixture
def signing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    pytest.importorskip("cryptography", reason="signatures need the extra `deploy`")
    monkeypatch.delenv("FPGACOMP_PACKAGE_KEY", raising=False)
    fpgacomp.new_key(tmp_path / "maker.pem")
    yield tmp_path / "maker.pem"


@pytest.mark.slow
def test_a_signed_package_is_checked_by_every_verb(
    made: Path, tmp_path: Path, signing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, public = tmp_path / "x.fpga", tmp_path / "maker.pem.pub"
    assert fpgacomp.package(made, place, key=signing).signed
    with pytest.raises(UsageError, match="is the public key, which only checks") as told:
        fpgacomp.package(made, tmp_path / "y.fpga", key=public)
    assert "chmod" not in str(told.value) and not (tmp_path / "y.fpga").exists()
    line = ["package", str(made), "--out", str(place), "--key", str(signing)]
    said = CliRunner().invoke(app, line, env={"COLUMNS": "300"}).stdout
    assert f"signed with this key: {signing}" in said and "configured" not in said
    assert fpgacomp.verify(place, key=public).checked
    fpgacomp.package(made, tmp_path / "plain.fpga")
    assert contents(tmp_path / "plain.fpga") == contents(place)
    monkeypatch.setenv("FPGACOMP_PACKAGE_KEY", str(public))
    assert fpgacomp.verify(place).checked
    assert fpgacomp.install(place, tmp_path / "root").changed
    for call in (fpgacomp.verify, lambda p: fpgacomp.install(p, tmp_path / "root")):
        with pytest.raises(PackageError, match="is not signed, and a key is configured"):
            call(tmp_path / "plain.fpga")
