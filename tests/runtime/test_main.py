"""`python -m fpgacomp_runtime`: what it prints, and with which code it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import fpgacomp
from fpgacomp.deploy.oracle import OracleTransport
from fpgacomp.deploy.package.keys import signer, write_new_key
from fpgacomp.ir import codec
from fpgacomp.runtime import transports
from fpgacomp.runtime.__main__ import main
from fpgacomp.runtime.deployment import Deployment
from tests.support import packages
from tests.support.hostile_onnx import plain, weight


def run(capsys: pytest.CaptureFixture[str], *line: object) -> tuple[int, str]:
    """(exit code, everything that is printed)."""
    code = main([str(word) for word in line])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_verify_install_and_go_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (packages.small(tmp_path / f"{n}.fpga", n) for n in (1, 2))
    root = tmp_path / "root"
    code, told = run(capsys, "verify", one)
    assert code == 0 and told.startswith("digits 1: 4 files, sources\nsha256 ")
    assert "signature: none, and no key is configured" in told
    warned = "digits 1 holds the sources of its design and no bitstream: no hardware computes it"
    assert f"warning: {warned}" in told
    code, told = run(capsys, "install", one, "--root", root)
    assert code == 0 and f"note: {warned}" in told
    code, told = run(capsys, "install", two, "--root", root)
    assert code == 0 and "digits/2 is active instead of digits/1: " in told
    assert "is active already" in run(capsys, "install", two, "--root", root)[1]
    code, told = run(capsys, "install", one, "--root", root)
    assert code == 1 and told.startswith("error: ") and "version 2 was installed" in told
    assert "digits/1 is active instead of digits/2" in run(capsys, "rollback", "--root", root)[1]
    other = packages.small(tmp_path / "other.fpga", 1, name="faces")
    code, told = run(capsys, "install", other, "--root", root)
    assert code == 1 and "is faces for pynq-z2" in told and "--replace" in told
    assert run(capsys, "install", other, "--root", root, "--replace")[0] == 0


def test_codes_of_what_goes_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = packages.small(tmp_path / "x.fpga")
    assert run(capsys, "verify", tmp_path / "none.fpga")[0] == 2
    assert run(capsys, "verify", package, "--key", tmp_path / "none.pub")[0] == 2
    assert run(capsys, "install", package, "--root", tmp_path / "a" / "b")[0] == 2
    failing = ("--self-test", "python3 -c 'raise SystemExit(5)'")
    code, told = run(capsys, "install", package, "--root", tmp_path / "root", *failing)
    assert code == 1 and "ended with exit code 5; it said: nothing" in told
    assert run(capsys, "install", package, "--root", tmp_path / "root")[0] == 0
    code, told = run(capsys, "install", package, "--root", tmp_path / "root", *failing)
    assert code == 1 and "digits/1: is active, and failed its test: " in told
    with pytest.MonkeyPatch.context() as patch:

        def refuse(self: Path, *_: object) -> None:
            raise PermissionError(13, "Permission denied", str(self))

        patch.setattr(Path, "open", refuse)
        code, told = run(capsys, "verify", package)
        assert code == 3 and f"error: {package}: Permission denied. Fix: " in told
    (tmp_path / "file").write_bytes(b"")
    assert run(capsys, "selftest", tmp_path / "file", "--transport", "emulated")[0] == 1
    with pytest.raises(SystemExit) as ended:
        main(["install", str(package)])
    assert ended.value.code == 2


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build, whose software/ is laid out as in an installed version."""
    folder = tmp_path_factory.mktemp("version")
    product = helper.make_node("MatMul", ["xq", "w"], ["y"])
    onnx.save(plain((1, 4), nodes=[product], constants=[weight()], output="y"), folder / "n.onnx")
    options = fpgacomp.Options(backend="stream", csim=False, vectors=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        fpgacomp.compile(folder / "n.onnx", "ulx3s-85f", out=folder / "build", options=options)
    return folder / "build"


class Wrong(OracleTransport):
    """A device one of whose integers is wrong."""

    def finish(self, token: int, timeout_s: float) -> list[np.ndarray[Any, Any]]:
        found = super().finish(token, timeout_s)
        found[0][0, 0] += 1
        return found


@pytest.mark.parametrize(("device", "code"), [(OracleTransport, 0), (Wrong, 1)])
def test_the_self_test_counts_integers(
    version: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    device: type[OracleTransport],
    code: int,
) -> None:
    asked = []

    def connect(name: str, deployment: Deployment, folder: Path) -> OracleTransport:
        asked.append((name, folder))
        return device(deployment, codec.from_json((version / "graph.json").read_text()))

    monkeypatch.setattr(transports, "connect", connect)
    found, told = run(capsys, "selftest", version, "--transport", "mine")
    assert found == code and asked == [("mine", version)]
    assert ("all right" in told) == (not code)
    assert ("1 of " in told and "integers are wrong" in told) == bool(code)


_ORACLE = """
from pathlib import Path
from fpgacomp.ir import codec
from fpgacomp.deploy.oracle import OracleTransport

def connect(deployment):
    Path({asked!r}).write_text(__file__)
    return OracleTransport(deployment, codec.from_json(Path({graph!r}).read_text()))
"""
_RUNS = "import pathlib; pathlib.Path({marker!r}).write_text(__file__)\n"


@pytest.fixture
def strange(version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes packages of a good design, with code of their own wherever Python would look."""
    graph, asked = str(version / "graph.json"), str(tmp_path / "asked")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "way.py").write_text(_ORACLE.format(asked=asked, graph=graph))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    software = (place for place in (version / "software").rglob("*") if place.is_file())
    files = {str(place.relative_to(version)): place.read_bytes() for place in software}
    code = _RUNS.format(marker=str(tmp_path / "ran")).encode()
    for name in ("fpgacomp_runtime/__init__", "fpgacomp_runtime/__main__", "numpy", "json", "way",
                 "sitecustomize", "runpy", "software/numpy", "fpgacomp/__init__"):  # fmt: skip
        files[f"{name}.py"] = code

    def write(number: int, *, wrong: bool = False, **more: Any) -> Path:
        if wrong:
            (answers,) = (path for path in files if "/selftest/" in path and "out" in path)
            files[answers] = bytes([files[answers][0] ^ 1]) + files[answers][1:]
        return packages.small(tmp_path / f"{number}.fpga", number, files=files, **more)

    return write


@pytest.mark.slow
def test_trying_a_package_that_nobody_signed_runs_none_of_its_code(
    strange: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, way = ("--root", str(tmp_path / "root")), ("--transport", "way:connect")
    for number in (1, 2, 2):  # the last is active already
        assert main(["install", str(strange(number)), *root, *way]) == 0, capfd.readouterr().err
        assert (tmp_path / "asked").read_text() == str(tmp_path / "modules" / "way.py")
        (tmp_path / "asked").unlink()
    assert main(["rollback", *root, *way]) == 0, capfd.readouterr().err
    assert (tmp_path / "asked").is_file() and not (tmp_path / "ran").exists()
    # Nor does it get to say itself that it passed.
    assert main(["install", str(strange(3, wrong=True)), *root, *way]) == 1
    told = capfd.readouterr().err
    assert "error: the self-test through way:connect: ended with exit code 1" in told
    assert "integers are wrong" in told and not (tmp_path / "ran").exists()
    # The remedy of the test and that of the installation are one.
    assert told.count("Fix:") == 1 and "out of service. The version that was active" in told
    assert str((tmp_path / "root" / "current").readlink()) == "versions/digits/1"


@pytest.mark.slow
def test_trying_a_package_whose_signature_was_checked_runs_its_own_runtime(
    strange: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("cryptography", reason="signatures need the extra `deploy`")
    monkeypatch.delenv("FPGACOMP_PACKAGE_KEY", raising=False)
    public = write_new_key(tmp_path / "maker.pem")
    place = strange(1, sign=signer(tmp_path / "maker.pem"))
    line = ["--transport", "way:connect", "--root"]
    # A signature that no key checked says nothing.
    assert main(["install", str(place), *line, str(tmp_path / "a")]) == 0
    assert not (tmp_path / "ran").exists()
    assert main(["install", str(place), *line, str(tmp_path / "b"), "--key", str(public)]) == 0
    assert (tmp_path / "ran").read_text().endswith("fpgacomp_runtime/__main__.py")


@pytest.mark.slow
def test_a_version_that_was_signed_is_tried_by_its_own_runtime_when_it_comes_back(
    strange: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("cryptography", reason="signatures need the extra `deploy`")
    monkeypatch.delenv("FPGACOMP_PACKAGE_KEY", raising=False)
    keys = {name: write_new_key(tmp_path / f"{name}.pem") for name in ("maker", "other")}
    ran = tmp_path / "ran"

    def back(*more: object, root: str = "root") -> tuple[bool, str]:
        """Whether code of the version ran when it came back, and what was told."""
        where = ("--root", tmp_path / root)
        assert run(capsys, "install", tmp_path / "2.fpga", *where)[0] == 0
        ran.unlink(missing_ok=True)
        code, told = run(capsys, "rollback", *where, "--transport", "way:connect", *more)
        assert code == 0, told
        return ran.exists(), told

    sign = signer(tmp_path / "maker.pem")
    for number in (1, 2):
        strange(number, sign=sign)
        where = ("--root", tmp_path / "root")
        assert run(capsys, "install", tmp_path / f"{number}.fpga", *where)[0] == 0
    assert back("--key", keys["maker"])[0]
    assert ran.read_text() == str(tmp_path / "root/versions/digits/1/fpgacomp_runtime/__main__.py")
    assert not back()[0]
    for why in ("another key", "another signature", "a copy of one", "no signature"):
        place = tmp_path / "root/versions/digits/1/.signature"
        if why == "another signature":
            place.write_bytes(bytes(64))
        elif why == "a copy of one":
            place.write_bytes((tmp_path / "root/versions/digits/2/.signature").read_bytes())
        elif why == "no signature":
            place.unlink()
        code_ran, told = back("--key", keys["other" if why == "another key" else "maker"])
        assert not code_ran and "digits/1 is not signed by the key that is configured" in told
    # Installed again, it has the signature of its package again.
    assert run(capsys, "rollback", "--root", tmp_path / "root")[0] == 1
    assert run(capsys, "install", tmp_path / "2.fpga", "--root", tmp_path / "root")[0] == 0
    (tmp_path / "root/versions/digits/2/.signature").unlink()
    assert run(capsys, "install", tmp_path / "2.fpga", "--root", tmp_path / "root")[0] == 0
    assert (tmp_path / "root/versions/digits/2/.signature").is_file()


@pytest.mark.slow
def test_a_version_that_nobody_signed_comes_back_without_its_code_being_run(
    strange: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cryptography", reason="signatures need the extra `deploy`")
    public, root = write_new_key(tmp_path / "maker.pem"), ("--root", tmp_path / "root")
    for number in (1, 2):
        assert run(capsys, "install", strange(number), *root)[0] == 0
    line = ("rollback", *root, "--transport", "way:connect", "--key", public)
    code, told = run(capsys, *line)
    assert code == 0 and "is not signed by the key that is configured" in told
    assert (tmp_path / "asked").is_file() and not (tmp_path / "ran").exists()


def test_a_self_test_in_emulation_says_that_no_hardware_was_tried(
    version: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = codec.from_json((version / "graph.json").read_text())
    monkeypatch.setattr(transports, "connect", lambda name, d, f: OracleTransport(d, graph))
    for name, emulated in (("emulated", True), ("emulated:x.so", True), ("pynq", False)):
        code, told = run(capsys, "selftest", version, "--transport", name)
        assert code == 0 and ("in emulation: no hardware was tried" in told) == emulated


def test_a_transport_is_known_by_its_name(version: Path, tmp_path: Path) -> None:
    deployment = Deployment.read(version / "software")
    with pytest.raises(transports.UnknownTransport, match="give one of emulated, "):
        transports.connect("carrier pigeon", deployment, version)
    with pytest.raises(fpgacomp.runtime.DeviceError, match=r"holds 0 \.bit files instead of one"):
        transports.connect("pynq", deployment, tmp_path)
    with pytest.raises(fpgacomp.runtime.DeviceError, match="emulat"):
        transports.connect(f"emulated:{tmp_path / 'none.so'}", deployment, version)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("os:getcwd", r"os:getcwd: failed: TypeError: .*takes no arguments"),
        ("builtins:print", "builtins:print: gave NoneType, which is no Transport"),
        ("builtins:id", "gave int, which is no Transport"),
        ("no_such_module:a", "cannot be imported"),
        ("wrong_syntax:a", "cannot be imported"),
    ],
)
def test_a_function_that_gives_no_transport_is_told_of(
    function: str, why: str, version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong_syntax.py").write_text("a = (\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    deployment = Deployment.read(version / "software")
    with pytest.raises(transports.UnknownTransport, match=why):
        transports.connect(function, deployment, version)
