"""Reads a package file: every byte of it is checked before anything in it is used."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Iterator, Mapping

from . import form
from .errors import MissingPackage, PackageRefused
from .form import BLOCK, DIGEST_BYTES, HEADER, HEADER_BYTES, MANIFEST
from .manifest import PackageManifest, parse_manifest
from .signature import SIGNATURE_BYTES, is_signed_by

_CHUNK = 1 << 20
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device",
    b"5": "a folder", b"6": "a pipe", b"x": "an extended header", b"g": "an extended header",
    b"L": "a long name of GNU tar", b"K": "a long link of GNU tar", b"S": "a sparse file",
}  # fmt: skip
_AGAIN = "get the package again from where it was made."
_MAKER = "make it with `fpgacomp package`."


@dataclass(frozen=True)
class Member:
    """A file of a package.

    Args:
        offset: of its first byte in the archive.
        size: in bytes.
        sha256: of its content.
    """

    offset: int
    size: int
    sha256: str


class Package:
    """A package whose bytes were checked, open for reading; close it, or use it in a `with`.

    Args:
        path: of the archive.
        file: the archive, open.
        manifest: what it says of itself.
        members: path -> where its content lies, without the manifest.
        sha256: of the whole archive in front of its digest, which is the digest.
        signature: the 64 bytes that it carries; b"" where it is not signed.
        checked: whether that signature was checked with a key.
    """

    def __init__(
        self,
        path: Path,
        file: IO[bytes],
        manifest: PackageManifest,
        members: Mapping[str, Member],
        sha256: str,
        signature: bytes,
        checked: bool,
    ) -> None:
        self.path, self._file = path, file
        self.manifest, self.members = manifest, members
        self.sha256, self.signature, self.checked = sha256, signature, checked

    @property
    def signed(self) -> bool:
        """Whether it carries a signature."""
        return bool(self.signature)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece.

        Raises:
            PackageRefused: after the last piece, where the archive was changed since it was opened.
        """
        member = self.members[name]
        self._file.seek(member.offset)
        digest, left = hashlib.sha256(), member.size
        while left:
            chunk = self._file.read(min(left, _CHUNK))
            if not chunk:
                break
            digest.update(chunk)
            left -= len(chunk)
            yield chunk
        if left or digest.hexdigest() != member.sha256:
            raise PackageRefused(str(self.path), "was changed while it was read.", _AGAIN)

    def close(self) -> None:
        """Close the archive."""
        self._file.close()

    def __enter__(self) -> Package:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_package(path: str | Path, key: bytes | None = None) -> Package:
    """Check a package, first its bytes as a whole, then what they hold, and open it.

    Args:
        path: of the archive.
        key: public Ed25519 key, 32 bytes; a package that it did not sign is refused.

    Raises:
        MissingPackage: there is no such file.
        PackageRefused: a byte was changed, the signature is missing or wrong, or what it holds is
            not what a package may hold.
        NotInstalled: a signature is to be checked, and `cryptography` is not installed.
        OSError: the file cannot be read.
    """
    place = Path(path)
    try:
        kind = place.stat().st_mode
    except FileNotFoundError:
        raise MissingPackage(str(place), "does not exist.", "check the path.") from None
    if not stat.S_ISREG(kind):
        raise PackageRefused(str(place), "is no plain file.", "name a package.")
    file = place.open("rb")
    try:
        return _checked(place, file, key)
    except BaseException:
        file.close()
        raise


def _checked(path: Path, file: IO[bytes], key: bytes | None) -> Package:
    size = os.fstat(file.fileno()).st_size
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(form.MAGIC):
        raise PackageRefused(str(path), "is no package of fpgacomp.", _MAKER)
    if size > form.MAX_BYTES:
        raise PackageRefused(str(path), f"has over {form.MAX_BYTES:,} bytes.", _MAKER)
    _, version, kind, zero, length = HEADER.unpack(header)
    digest, signed_digest = _digests(path, file, size, HEADER_BYTES + length)
    if version != form.FORMAT:
        why = f"has format {version}; this reads format {form.FORMAT}."
        raise PackageRefused(str(path), why, "update what reads it, or make the package again.")
    trailer = SIGNATURE_BYTES if kind == form.ED25519 else 0
    if kind not in (form.UNSIGNED, form.ED25519) or zero or header != HEADER.pack(
        form.MAGIC, version, kind, 0, length
    ):  # fmt: skip
        raise PackageRefused(str(path), "has a header that no package has.", _MAKER)
    if size != HEADER_BYTES + length + trailer + DIGEST_BYTES:
        raise PackageRefused(str(path), "is longer or shorter than its header says.", _AGAIN)
    if key is not None:
        _require_signature(path, file, key, kind, signed_digest, HEADER_BYTES + length)
    members, content, signature = _contents(path, file, length, digest)
    manifest = parse_manifest(content, str(path))
    _agree(path, manifest, members)
    return Package(path, file, manifest, members, digest.hex(), signature, key is not None)


def _digests(path: Path, file: IO[bytes], size: int, signed: int) -> tuple[bytes, bytes]:
    """SHA-256 of everything but the digest, and SHA-512 of what a signature is for.

    Raises:
        PackageRefused: the first is not the one that the archive ends with.
    """
    whole, part = hashlib.sha256(), hashlib.sha512()
    file.seek(0)
    left = size - DIGEST_BYTES
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            break
        whole.update(chunk)
        part.update(chunk[: max(0, signed)])
        signed -= len(chunk)
        left -= len(chunk)
    if left or file.read(DIGEST_BYTES + 1) != whole.digest():
        why = "was changed or cut off: its bytes do not have the SHA-256 that it ends with."
        raise PackageRefused(str(path), why, _AGAIN)
    return whole.digest(), part.digest()


def _require_signature(
    path: Path, file: IO[bytes], key: bytes, kind: int, digest: bytes, place: int
) -> None:
    if kind == form.UNSIGNED:
        why = "is not signed, and a key is configured."
        fix = "have it signed: fpgacomp package DIR --key KEYFILE."
        raise PackageRefused(str(path), why, fix)
    file.seek(place)
    if not is_signed_by(key, file.read(SIGNATURE_BYTES), form.signed_bytes(digest)):
        raise PackageRefused(
            str(path), "is not signed by the key that is configured.",
            "get the package from whoever holds that key, or configure the key of its maker.",
        )  # fmt: skip


class _Tar:
    """The tar of a package, read once from its beginning to its end."""

    def __init__(self, path: Path, file: IO[bytes], length: int) -> None:
        self._path, self._file, self.left = path, file, length
        self.at = HEADER_BYTES
        file.seek(0)
        self.digest = hashlib.sha256(file.read(HEADER_BYTES))

    def take(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            PackageRefused: there are not so many.
        """
        content = self._file.read(count) if count <= self.left else b""
        if len(content) != count:
            raise self.refused("ends within a file")
        self.left -= count
        self.at += count
        self.digest.update(content)
        return content

    def sha256(self, count: int) -> str:
        """SHA-256 of the next bytes."""
        digest = hashlib.sha256()
        while count:
            chunk = self.take(min(count, _CHUNK))
            digest.update(chunk)
            count -= len(chunk)
        return digest.hexdigest()

    def refused(self, why: str) -> PackageRefused:
        """The refusal of what the tar holds."""
        return PackageRefused(str(self._path), f"{why}.", _MAKER)


def _contents(
    path: Path, file: IO[bytes], length: int, digest: bytes
) -> tuple[dict[str, Member], bytes, bytes]:
    """The files of the tar without the manifest, the manifest, and the signature behind the tar.

    Raises:
        PackageRefused: it holds what no package may hold, or was changed meanwhile.
    """
    tar = _Tar(path, file, length)
    found: dict[str, Member] = {}
    spelled = {MANIFEST: (MANIFEST, True)}
    manifest, last = b"", ""
    while True:
        block = tar.take(BLOCK)
        if block == bytes(BLOCK):
            break
        name, size = _read_header(tar, block)
        if not manifest:
            if name != MANIFEST or not 0 < size <= form.MAX_MANIFEST_BYTES:
                raise tar.refused("does not begin with its manifest")
            manifest = tar.take(size)
        else:
            twice = form.collision(name, spelled)
            if twice:
                raise tar.refused(twice)
            if name < last:
                raise tar.refused(f"holds {name!r} out of order")
            offset, last = tar.at, name
            found[name] = Member(offset, size, tar.sha256(size))
        if tar.take(-size % BLOCK).strip(b"\0"):
            raise tar.refused(f"has something behind {name!r}")
        if len(found) > form.MAX_FILES:
            raise tar.refused(f"holds over {form.MAX_FILES:,} files")
    if tar.take(BLOCK) != bytes(BLOCK) or tar.left or not manifest:
        raise tar.refused("does not end as a package ends")
    rest = file.read(SIGNATURE_BYTES + DIGEST_BYTES)[:-DIGEST_BYTES]
    tar.digest.update(rest)
    if tar.digest.digest() != digest:
        raise PackageRefused(str(path), "was changed while it was read.", _AGAIN)
    return found, manifest, rest


def _read_header(tar: _Tar, block: bytes) -> tuple[str, int]:
    kind = _KINDS.get(block[156:157])
    try:
        name = block[:100].rstrip(b"\0").decode("ascii")
        prefix = block[345:500].rstrip(b"\0").decode("ascii")
        size = int(block[124:135].decode("ascii"), 8)
        if size < 0:
            raise ValueError
    except ValueError:
        raise tar.refused("has a header that no package has") from None
    name = f"{prefix}/{name}" if prefix else name
    if kind is not None:
        raise tar.refused(f"holds {name!r}, which is {kind}; a package holds plain files")
    wrong = form.check_path(name)
    if wrong:
        raise tar.refused(f"holds {name!r}, which {wrong}")
    if block != form.tar_header(name, size):
        raise tar.refused(f"states more of {name!r} than its name and size")
    if size > form.MAX_FILE_BYTES:
        raise tar.refused(f"holds {name!r} of over {form.MAX_FILE_BYTES:,} bytes")
    return name, size


def _agree(path: Path, manifest: PackageManifest, members: Mapping[str, Member]) -> None:
    """Refuse an archive that holds other files than its manifest lists."""
    for name in members:
        if name not in manifest.files:
            why = f"holds {name!r}, which its manifest does not list."
            raise PackageRefused(str(path), why, _MAKER)
    for name, (sha256, size) in manifest.files.items():
        if name not in members:
            why = f"lacks {name!r}, which its manifest lists."
            raise PackageRefused(str(path), why, _MAKER)
        if members[name].size != size or members[name].sha256 != sha256:
            why = f"holds {name!r} with another size or SHA-256 than its manifest lists."
            raise PackageRefused(str(path), why, _MAKER)
