"""The images of docker/: what they run is there; one script installs fpgacomp on bare Debian."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from fpgacomp.cli.app import app
from tests.support.paths import EXAMPLES, REPOSITORY

DOCKER = REPOSITORY / "docker"
SCRIPTS = ("install.sh", "with-vendor.sh")
EXTRAS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
# The test takes minutes, root, and packages from the network: `make test-install` asks for it.
ASKED = os.environ.get("FPGACOMP_TEST_INSTALL") == "1"


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_programs(name: str) -> None:
    script = DOCKER / name
    assert os.access(script, os.X_OK)
    shell = script.read_text().splitlines()[0].removeprefix("#!")
    subprocess.run([shell, "-n", script], check=True)


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.vendor"])
def test_images_install_extras_that_there_are(name: str) -> None:
    text = (DOCKER / name).read_text()
    (extras,) = re.findall(r'--extras "([\w,]+)"', text)
    assert set(extras.split(",")) <= set(EXTRAS)
    for path in re.findall(r"/src/(docker/[\w.-]+)", text):
        assert (REPOSITORY / path).is_file()


def test_install_refuses_what_is_no_option() -> None:
    ran = subprocess.run(
        [DOCKER / "install.sh", "--prefx", "x"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "--prefx is no option; those are --prefix, --extras and --packages" in ran.stderr


def test_the_service_is_started_with_options_that_it_has() -> None:
    composed = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    service = composed["services"]["service"]
    verb, _folder, *options = service["command"]
    known = {name for p in get_command(app).commands[verb].params for name in p.opts}  # type: ignore[attr-defined]
    assert {option.split("=")[0] for option in options} <= known
    assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert set(service["depends_on"]) <= set(composed["services"])


def vendor(folder: Path, *versions: str) -> Path:
    """A tree like that of AMD's tools, whose settings say that they were read."""
    for version in versions:
        for tool in ("Vivado", "Vitis_HLS"):
            place = folder / tool / version
            place.mkdir(parents=True)
            (place / "settings64.sh").write_text(f'export SEEN="$SEEN {tool}-{version}"\n')
    program = folder / "bin" / "fpgacomp"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$SEEN: $*"\n')
    program.chmod(0o755)
    return folder


def with_vendor(root: Path, version: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{root / 'bin'}:{os.environ['PATH']}", "XILINX": str(root)}
    if version:
        environment["XILINX_VERSION"] = version
    return subprocess.run(
        [DOCKER / "with-vendor.sh", "build", "a folder"], env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_the_vendors_tools_are_found_where_they_are_mounted(tmp_path: Path) -> None:
    found = with_vendor(vendor(tmp_path, "2024.2"))
    assert found.stdout == " Vivado-2024.2 Vitis_HLS-2024.2: build a folder\n"


def test_one_of_several_versions_has_to_be_named(tmp_path: Path) -> None:
    root = vendor(tmp_path, "2023.2", "2024.2")
    refused = with_vendor(root)
    assert refused.returncode == 2
    assert "2 installations of Vivado" in refused.stderr
    assert with_vendor(root, "2023.2").stdout.startswith(" Vivado-2023.2 Vitis_HLS-2023.2:")
    assert "0 installations" in with_vendor(root, "2019.1").stderr


@pytest.mark.slow
@pytest.mark.skipif(
    not ASKED, reason="installs a whole system, which takes minutes: make test-install"
)
@pytest.mark.skipif(os.geteuid() != 0, reason="a root of its own needs root")
@pytest.mark.skipif(shutil.which("debootstrap") is None, reason="debootstrap is not installed")
def test_one_script_installs_fpgacomp_on_bare_debian(tmp_path: Path) -> None:
    root = tmp_path / "debian"
    bootstrap = ["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root]
    subprocess.run(bootstrap, check=True)
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        place = root / "src" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, place)
    # How this machine reaches the network is not the system's own.
    for path in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"):
        shutil.copyfile(path, f"{root}{path}")
    environment = {
        "PATH": "/opt/fpgacomp/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
        "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt",
    }  # fmt: skip

    def inside(*words: str) -> str:
        ran = subprocess.run(
            ["chroot", root, *words], env=environment, check=True, capture_output=True, text=True
        )
        return ran.stdout

    assert "fpgacomp is in /opt/fpgacomp/bin" in inside("/src/docker/install.sh", "--extras", "rtl")
    model = f"/src/{(EXAMPLES / 'digits_cnn' / 'model.onnx').relative_to(REPOSITORY)}"
    aim = ("--target", "area", "--fps", "200000")
    said = inside("fpgacomp", "compile", model, "--board", "pynq-z2", *aim, "--out", "/tmp/build")
    assert "FITS TUL PYNQ-Z2" in said and "0 mismatches" in said
