"""The verbs of packages on the command line: what they print, and with which code they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from fpgacomp.cli.app import app
from tests.support import packages


def run(*line: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in line], env={"COLUMNS": "300"})


def test_verify_says_what_a_package_is(tmp_path: Path) -> None:
    place = packages.small(tmp_path / "x.fpga", 3)
    told = run("verify", place).stdout
    assert told.startswith(f"{place}: digits 3 for pynq-z2\n")
    assert "signature  none" in told
    found = json.loads(run("verify", place, "--json").stdout)
    assert found["version"] == 3 and found["size"] == place.stat().st_size
    assert (found["signed"], found["checked"]) == (False, False)


@pytest.mark.slow
def test_a_damaged_package_ends_with_a_sentence(tmp_path: Path) -> None:
    place = packages.small(tmp_path / "x.fpga")
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    result = run("verify", place)
    assert result.exit_code == 1
    assert (
        "was changed or cut off" in result.stderr and "Fix: get the package again" in result.stderr
    )
    found = json.loads(run("verify", place, "--json").stdout)
    assert found["errors"][0]["where"] == str(place)
    assert run("verify", tmp_path / "none.fpga").exit_code == 2


@pytest.mark.slow
def test_install_and_go_back(tmp_path: Path) -> None:
    for version in (1, 2):
        place = packages.small(tmp_path / f"{version}.fpga", version)
        result = run("install", place, "--root", tmp_path / "root")
        assert result.exit_code == 0, result.output
    assert "digits/2 is active instead of digits/1" in result.stdout
    found = json.loads(run("install", "--rollback", "--root", tmp_path / "root", "--json").stdout)
    assert (found["active"], found["before"], found["changed"]) == ("digits/1", "digits/2", True)
    assert (
        "is active already"
        in run("install", tmp_path / "1.fpga", "--root", tmp_path / "root").stdout
    )
    again = run("install", "--rollback", "--root", tmp_path / "root")
    assert again.exit_code == 1 and "there is none to go back to" in again.stderr
    assert run("install", "--root", tmp_path / "root").exit_code == 2


def test_a_self_test_decides(tmp_path: Path) -> None:
    place = packages.small(tmp_path / "x.fpga")
    bad = run("install", place, "--root", tmp_path / "r", "--self-test", "test -e none.txt")
    assert bad.exit_code == 1 and "test -e none.txt: ended with exit code 1" in bad.stderr
    good = run("install", place, "--root", tmp_path / "r", "--self-test", "test -e MODEL_CARD.md")
    assert good.exit_code == 0, good.output


@pytest.mark.slow
def test_another_board_needs_replace(tmp_path: Path) -> None:
    one = packages.small(tmp_path / "1.fpga")
    other = packages.small(tmp_path / "2.fpga", 2, board="ulx3s-85f")
    root = ("--root", tmp_path / "r")
    assert run("install", one, *root).exit_code == 0
    refused = run("install", other, *root)
    assert refused.exit_code == 1 and "digits for ulx3s-85f" in refused.stderr
    assert "digits for pynq-z2" in refused.stderr and "--replace" in refused.stderr
    assert run("install", other, *root, "--replace").exit_code == 0
    assert run("install", "--rollback", "--replace", *root).exit_code == 2


@pytest.mark.slow
def test_new_key_never_replaces(tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="keys need the extra `deploy`")
    made = run("new-key", tmp_path / "maker.pem")
    assert made.exit_code == 0 and f"{tmp_path / 'maker.pem.pub'}" in made.stdout
    before = (tmp_path / "maker.pem").read_bytes()
    again = run("new-key", tmp_path / "maker.pem")
    assert again.exit_code == 2 and "a key is never replaced" in again.stderr
    assert (tmp_path / "maker.pem").read_bytes() == before
    signed = run("package", tmp_path, "--out", tmp_path / "x.fpga", "--key", tmp_path / "maker.pem")
    assert signed.exit_code == 2 and "is no build directory" in signed.stderr
