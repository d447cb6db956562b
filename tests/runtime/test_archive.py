"""A package is taken only where every byte of it is as it was made, and nothing in it does harm."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from fpgacomp.deploy.package.archive import archive_bytes, manifest_bytes
from fpgacomp.errors import PackageError
from fpgacomp.runtime import form
from fpgacomp.runtime.archive import open_package
from fpgacomp.runtime.errors import MissingPackage, PackageRefused
from tests.support import packages
from tests.support.packages import FACTS, FILES, entry, hostile, wrapped


def refused(path: Path, content: bytes) -> str:
    """What is said of an archive that must be refused."""
    path.write_bytes(content)
    with pytest.raises(PackageRefused) as caught:
        open_package(path).close()
    assert caught.value.where and caught.value.remedy and "\n" not in str(caught.value)
    return caught.value.why


def test_a_package_is_read_as_it_was_written(tmp_path: Path) -> None:
    with open_package(packages.small(tmp_path / "x.fpga", 3)) as package:
        assert (package.manifest.name, package.manifest.version) == ("digits", 3)
        assert {name: b"".join(package.chunks(name)) for name in package.members} == FILES
        assert not package.signed and not package.checked


def test_one_content_has_one_archive() -> None:
    turned = dict(reversed(FILES.items()))
    one = archive_bytes(manifest_bytes(FACTS, FILES), FILES)
    assert archive_bytes(manifest_bytes(FACTS, turned), turned) == one


@pytest.mark.slow
def test_another_byte_at_any_place_is_noticed(tmp_path: Path) -> None:
    place = packages.small(tmp_path / "x.fpga", files={"a.txt": b"a", "b/c.bin": b"\xff"})
    content = place.read_bytes()
    handle = os.open(place, os.O_WRONLY)
    for at, byte in enumerate(content):
        os.pwrite(handle, bytes([byte ^ 1 << at % 8]), at)
        with pytest.raises(PackageRefused):
            open_package(place)
        os.pwrite(handle, content[at : at + 1], at)
    os.close(handle)
    open_package(place).close()


@pytest.mark.slow
def test_whatever_a_forger_changes_it_is_refused_or_harmless(tmp_path: Path) -> None:
    """Every byte of the tar, with the digest made right again: no error but a refusal."""
    files = {"a.txt": b"a", "b/c.bin": b"\xff" * 60}
    place = packages.small(tmp_path / "x.fpga", files=files)
    tar = place.read_bytes()[form.HEADER_BYTES : -32]
    opened, handle = 0, os.open(place, os.O_WRONLY)
    for at, byte in enumerate(tar):
        other = bytes([byte ^ 1 << at % 8])
        forged = packages.wrapped(tar[:at] + other + tar[at + 1 :])
        os.pwrite(handle, other, form.HEADER_BYTES + at)
        os.pwrite(handle, forged[-32:], len(forged) - 32)
        try:
            with open_package(place) as package:
                found = {name: b"".join(package.chunks(name)) for name in package.members}
        except PackageRefused as error:
            assert "was changed or cut off" not in error.why
        else:
            opened += 1
            assert found == files and 512 <= at < 512 + len(package.manifest.content)
        os.pwrite(handle, bytes([byte]), form.HEADER_BYTES + at)
    os.close(handle)
    assert opened  # a letter of the name, for instance


def test_a_package_that_was_cut_or_made_longer_is_noticed(tmp_path: Path) -> None:
    content = packages.small(tmp_path / "x.fpga").read_bytes()
    for length in (0, 5, 31, 32, 33, 63, 64, 500, len(content) - 33, len(content) - 1):
        refused(tmp_path / "y.fpga", content[:length])
    for more in (b"\0", b"x" * 600, content):
        refused(tmp_path / "y.fpga", content + more)


def test_tar_reads_the_part_behind_the_header(tmp_path: Path) -> None:
    long = f"{'d' * 90}/{'e' * 40}.txt"
    files = {**FILES, long: b"behind two fields"}
    content = packages.small(tmp_path / "x.fpga", files=files).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content[form.HEADER_BYTES :])) as tar:
        found = {member.name: member for member in tar}
        assert set(found) == {form.MANIFEST, *files}
        for name, text in files.items():
            member, file = found[name], tar.extractfile(name)
            assert file is not None and file.read() == text
            assert member.isfile() and (member.mtime, member.uid, member.mode) == (0, 0, 0o644)
    with open_package(tmp_path / "x.fpga") as package:
        assert b"".join(package.chunks(long)) == files[long]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../evil", "leads out of the package"),
        ("a/../../evil", "leads out of the package"),
        ("/etc/passwd", "leads out of the package"),
        ("a\\b", "leads out of the package"),
        ("C:evil", "has a part that no file of a package may be called"),
        ("a//b", "has a part"),
        ("a/", "has a part"),
        ("./a", "has a part"),
        (".hidden", "has a part"),
        ("-rf", "has a part"),
        ("a b", "has a part"),
        ("a\nb", "has a part"),
        ("", "has a part"),
        ("a/" * 20 + "b", "longer or deeper"),
        ("a" * 50 + "/" + "b" * 50 + "/" + "c" * 60, "longer or deeper"),
    ],
)
def test_a_path_that_no_file_may_have(tmp_path: Path, path: str, why: str) -> None:
    assert why in form.check_path(path)
    with pytest.raises(PackageError, match=why):
        archive_bytes(b"{}", {path: b""})
    assert why in refused(tmp_path / "x.fpga", hostile([entry(path, b"")]))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (b"1", "a hard link"), (b"2", "a symbolic link"), (b"3", "a device"), (b"4", "a device"),
        (b"5", "a folder"), (b"6", "a pipe"), (b"x", "an extended header"), (b"L", "a long name"),
        (b"7", "states more"), (b"\0", "states more"),
    ],
)  # fmt: skip
def test_what_is_no_plain_file(tmp_path: Path, kind: bytes, why: str) -> None:
    link = entry("a.txt", b"", kind=kind, at=((157, b"../../etc/passwd"),))
    assert why in refused(tmp_path / "x.fpga", hostile([link]))


@pytest.mark.parametrize(
    "at",
    [(100, b"0004755"), (108, b"0000001"), (136, b"00000000001"), (265, b"root"), (500, b"x"),
     (136, b"\x80"), (263, b"  ")],
)  # fmt: skip
def test_a_header_that_states_more_than_name_and_size(
    tmp_path: Path, at: tuple[int, bytes]
) -> None:
    assert "states more of 'a.txt'" in refused(
        tmp_path / "x.fpga", hostile([entry("a.txt", b"a", at=(at,))])
    )


@pytest.mark.parametrize("size", [b"-0000000001", b"zzzzzzzzzzz", b"\x80\0\0\0\0\0\0\0\0\0\1"])
def test_a_size_that_is_none(tmp_path: Path, size: bytes) -> None:
    why = refused(tmp_path / "x.fpga", hostile([entry("a.txt", b"a", at=((124, size),))]))
    assert "has a header" in why or "states more" in why


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (("a.txt", "a.txt"), "holds 'a.txt' twice"),
        (("A.txt", "a.txt"), "holds both 'A.txt' and 'a.txt'"),
        (("D/x", "d/y"), "holds both 'D' and 'd'"),
        (("a", "a/b"), "holds both 'a' and 'a'"),
        (("a/b", "A"), "holds both 'a' and 'A'"),
        (("Manifest.json",), "holds both 'manifest.json' and 'Manifest.json'"),
        (("manifest.json",), "holds 'manifest.json' twice"),
        (("manifest.json/x",), "holds both 'manifest.json' and 'manifest.json'"),
        (("b", "a"), "holds 'a' out of order"),
    ],
)
def test_two_files_for_one_place(tmp_path: Path, paths: tuple[str, ...], why: str) -> None:
    assert why in refused(tmp_path / "x.fpga", hostile([entry(path, b"") for path in paths]))
    if sorted(set(paths)) == list(paths):  # what a build could hold
        with pytest.raises(PackageError, match=why):
            archive_bytes(b"{}", dict.fromkeys(paths, b""))


def test_what_the_manifest_does_not_say(tmp_path: Path) -> None:
    place = tmp_path / "x.fpga"
    one, two = entry("a.txt", b"a"), entry("b.txt", b"b")
    assert "does not list" in refused(place, hostile([one, two]))
    assert "lacks 'b.txt'" in refused(place, hostile([one], {"a.txt": b"a", "b.txt": b"b"}))
    assert "with another size or SHA-256" in refused(place, hostile([entry("a.txt", b"aa")]))
    assert "does not begin with its manifest" in refused(place, wrapped(one + form.tar_end()))
    assert "something behind" in refused(place, hostile([one[:-1] + b"x"]))
    assert "does not end" in refused(place, hostile([one, form.tar_end()]))
    assert "ends within a file" in refused(place, wrapped(entry(form.MANIFEST, b"{}")))
    assert "ends within a file" in refused(place, hostile([one[:512]]))
    assert "longer or shorter" in refused(place, wrapped(form.tar_end(), signature=b"x"))
    assert "a header that no package has" in refused(place, wrapped(form.tar_end(), kind=7))


def test_a_file_that_is_not_as_its_manifest_lists_it(tmp_path: Path) -> None:
    (tmp_path / "x.fpga").write_bytes(hostile([entry("a.txt", b"b")]))
    with pytest.raises(PackageRefused, match="with another size or SHA-256"):
        open_package(tmp_path / "x.fpga")


def test_a_package_that_is_replaced_while_it_is_read(tmp_path: Path) -> None:
    place = packages.small(tmp_path / "x.fpga")
    with open_package(place) as package:
        at = package.members["MODEL_CARD.md"].offset
        with place.open("r+b") as file:
            file.seek(at)
            file.write(b"!")
        with pytest.raises(PackageRefused, match="was changed while it was read"):
            b"".join(package.chunks("MODEL_CARD.md"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 2}, "its format is 2 instead of 1"),
        ({"name": "../x"}, "its name is '../x'"),
        ({"name": ".x"}, "its name is"),
        ({"name": None}, "its name is None"),
        ({"version": 0}, "its version is 0"),
        ({"version": True}, "its version is True"),
        ({"version": 1.5}, "its version is 1.5"),
        ({"version": 1 << 60}, "its version is"),
        ({"version": 1 << 90}, "a number in it has over 20 digits"),
        ({"contents": "all"}, "its contents are 'all'"),
        ({"board": "a\x1b[2J"}, "its board is"),
        ({"clock_mhz": 0}, "its clock_mhz is 0"),
        ({"clock_mhz": float("nan")}, "its clock_mhz is nan"),
        ({"files": []}, "lists no files"),
        ({"files": {"../x": {"size": 1, "sha256": "0" * 64}}}, "leads out of the package"),
        ({"files": {"a.txt": {"size": -1, "sha256": "0" * 64}}}, "the size of 'a.txt' is -1"),
        ({"files": {"a.txt": {"size": 1, "sha256": "0" * 63}}}, "the SHA-256 of 'a.txt' is"),
        ({"files": {"a.txt": 7}}, "the size of 'a.txt' is None"),
    ],
)
def test_a_manifest_that_cannot_be_used(
    tmp_path: Path, change: dict[str, object], why: str
) -> None:
    text = packages.manifest_text(**change)
    assert why in refused(tmp_path / "x.fpga", packages.with_manifest_text(text))


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"format": 1, "format": 1}', "\x00"])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    why = refused(tmp_path / "x.fpga", packages.with_manifest_text(text))
    assert "has a manifest that cannot be used" in why


def test_what_is_no_package(tmp_path: Path) -> None:
    assert refused(tmp_path / "x.fpga", b"PK\3\4" + bytes(500)) == "is no package of fpgacomp."
    with pytest.raises(PackageRefused, match="is no plain file"):
        open_package(tmp_path)
    with pytest.raises(MissingPackage, match="does not exist"):
        open_package(tmp_path / "none.fpga")


def test_limits_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = packages.small(tmp_path / "x.fpga")
    content = place.read_bytes()
    for limit, value, why in (
        ("MAX_BYTES", 1000, "has over 1,000 bytes"),
        ("MAX_FILES", 2, "holds over 2 files"),
        ("MAX_FILE_BYTES", 10, "of over 10 bytes"),
        ("MAX_MANIFEST_BYTES", 10, "does not begin with its manifest"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(form, limit, value)
            assert why in refused(tmp_path / "y.fpga", content)
            if limit in ("MAX_FILES", "MAX_FILE_BYTES"):
                with pytest.raises(PackageError, match="the most that a package may hold"):
                    archive_bytes(b"{}", FILES)
