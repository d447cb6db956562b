"""A package is signed as a whole, and where a key is configured no other one is taken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fpgacomp.deploy.package.keys import signer, write_new_key
from fpgacomp.errors import UsageError
from fpgacomp.runtime import form, signature
from fpgacomp.runtime.archive import open_package
from fpgacomp.runtime.errors import NotInstalled, PackageRefused
from fpgacomp.runtime.signature import KeyRefused, configured_key, read_public_key
from tests.support import packages

pytest.importorskip("cryptography", reason="keys and signatures need the extra `deploy`")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    write_new_key(tmp_path / "maker.pem")
    return tmp_path / "maker.pem"


def test_a_signed_package_is_taken_with_its_key_and_without(tmp_path: Path, key: Path) -> None:
    place = packages.small(tmp_path / "x.fpga", sign=signer(key))
    with open_package(place, read_public_key(f"{key}.pub")) as package:
        assert package.signed and package.checked
    with open_package(place) as package:
        assert package.signed and not package.checked


def test_one_content_and_one_key_have_one_archive(tmp_path: Path, key: Path) -> None:
    one, two = (packages.small(tmp_path / name, sign=signer(key)) for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_unsigned_and_wrongly_signed_packages_are_refused(tmp_path: Path, key: Path) -> None:
    public = read_public_key(f"{key}.pub")
    plain = packages.small(tmp_path / "plain.fpga")
    with pytest.raises(PackageRefused, match="is not signed, and a key is configured"):
        open_package(plain, public)
    write_new_key(tmp_path / "other.pem")
    other = packages.small(tmp_path / "other.fpga", sign=signer(tmp_path / "other.pem"))
    with pytest.raises(PackageRefused, match="is not signed by the key that is configured"):
        open_package(other, public)
    tar = plain.read_bytes()[form.HEADER_BYTES : -32]
    for forged in (bytes(64), b"\xff" * 64):
        plain.write_bytes(packages.wrapped(tar, form.ED25519, forged))
        with pytest.raises(PackageRefused, match="is not signed by the key"):
            open_package(plain, public)


def test_a_signature_of_another_package_does_not_fit(tmp_path: Path, key: Path) -> None:
    one = packages.small(tmp_path / "a.fpga", 1, sign=signer(key)).read_bytes()
    two = packages.small(tmp_path / "b.fpga", 2).read_bytes()
    forged = packages.wrapped(two[form.HEADER_BYTES : -32], form.ED25519, one[-96:-32])
    (tmp_path / "b.fpga").write_bytes(forged)
    with pytest.raises(PackageRefused, match="is not signed by the key"):
        open_package(tmp_path / "b.fpga", read_public_key(f"{key}.pub"))


def test_another_byte_of_a_signed_package_is_noticed_without_any_key(
    tmp_path: Path, key: Path
) -> None:
    content = packages.small(tmp_path / "x.fpga", sign=signer(key)).read_bytes()
    for at in range(len(content) - 97, len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        (tmp_path / "y.fpga").write_bytes(changed)
        with pytest.raises(PackageRefused):
            open_package(tmp_path / "y.fpga")


def test_the_configured_key(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FPGACOMP_PACKAGE_KEY", raising=False)
    monkeypatch.setattr(signature, "DEVICE_KEY", tmp_path / "device.pub")
    assert configured_key() is None
    public = read_public_key(f"{key}.pub")
    (tmp_path / "device.pub").write_bytes(Path(f"{key}.pub").read_bytes())
    assert configured_key() == public
    other = write_new_key(tmp_path / "other.pem")
    monkeypatch.setenv("FPGACOMP_PACKAGE_KEY", str(other))
    assert configured_key() == read_public_key(other) != public
    assert configured_key(f"{key}.pub") == public


def test_a_configured_key_that_cannot_be_read_is_never_passed_over(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FPGACOMP_PACKAGE_KEY", str(tmp_path / "none.pub"))
    with pytest.raises(KeyRefused, match="cannot be read"):
        configured_key()
    monkeypatch.delenv("FPGACOMP_PACKAGE_KEY")
    monkeypatch.setattr(signature, "DEVICE_KEY", tmp_path / "device.pub")
    (tmp_path / "device.pub").symlink_to(tmp_path / "gone.pub")
    with pytest.raises(KeyRefused, match="cannot be read"):
        configured_key()
    for content in (b"", key.read_bytes(), b"ssh-ed25519 AAAA", bytes(5000), b"\xff\xfe"):
        (tmp_path / "bad.pub").write_bytes(content)
        with pytest.raises(KeyRefused, match="holds no Ed25519 public key in PEM form"):
            configured_key(tmp_path / "bad.pub")


def test_a_private_key_is_its_owners_alone(tmp_path: Path, key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    with pytest.raises(UsageError, match="exists, and a key is never replaced"):
        write_new_key(key)
    key.chmod(0o640)
    with pytest.raises(UsageError, match=r"may be read or written by others \(mode 640\)"):
        signer(key)


def test_a_file_that_is_no_private_key(tmp_path: Path, key: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    other = ec.generate_private_key(ec.SECP256R1())
    locked = serialization.BestAvailableEncryption(b"secret")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    cases = {
        other.private_bytes(*form, serialization.NoEncryption()): "of another kind than Ed25519",
        ed25519.Ed25519PrivateKey.generate().private_bytes(*form, locked): "without a password",
        Path(f"{key}.pub").read_bytes(): "is the public key, which only checks signatures",
        b"-----BEGIN X-----": "holds no private key",
    }
    bad = tmp_path / "bad.pem"
    for content, why in cases.items():
        bad.write_bytes(content)
        bad.chmod(0o600)
        with pytest.raises(UsageError, match=why):
            signer(bad)
    with pytest.raises(UsageError, match="cannot be read"):
        signer(tmp_path / "none.pem")


def test_a_device_without_cryptography_says_what_to_install(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = packages.small(tmp_path / "x.fpga", sign=signer(key))
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(NotInstalled, match="pip install cryptography"):
        open_package(place, read_public_key(f"{key}.pub"))


def test_openssl_agrees_on_the_form_of_keys(key: Path) -> None:
    from shutil import which

    if which("openssl") is None:
        pytest.skip("the system has no openssl")
    done = subprocess.run(["openssl", "pkey", "-in", str(key), "-pubout"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout == Path(f"{key}.pub").read_text()
