"""The package file: one archive, of which every byte is checked before anything in it is used.

    header     32 bytes: magic, version of the format, kind of signature, length of the tar
    tar        POSIX ustar: plain files alone, manifest.json first, then the others by name
    signature  64 bytes of Ed25519, where the header says so
    digest     32 bytes: SHA-256 of everything in front of it

The tar is not compressed: zlib and xz give other bytes in other versions (zlib-ng), and one content
must have one archive. For the same reason each header of the tar is the only one that its name and
size can have: no times, no owners, no links, no devices. `tail -c +33 X.fpga | tar -x` unpacks it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Iterator, Mapping

from .errors import DeviceError
from .signature import SIGNATURE_BYTES, is_signed_by

MAGIC = b"\x89FPGA\r\n\x1a"
FORMAT = 1
UNSIGNED, ED25519 = 0, 1
MANIFEST = "manifest.json"
# What a package may hold at most. A bitstream of the largest device has some 100 MiB.
MAX_FILES = 10_000
MAX_FILE_BYTES = 256 << 20
MAX_BYTES = 1 << 30
MAX_MANIFEST_BYTES = 8 << 20
MAX_PATH = 150  # so that every path fits into the two fields that ustar has for it
_MAX_DEPTH = 16

_HEADER = struct.Struct("<8sHHIQ8x")
HEADER_BYTES = _HEADER.size
_DIGEST_BYTES = 32
_BLOCK = 512
_END = bytes(2 * _BLOCK)
_CHUNK = 1 << 20
# Keeps a signature of a package from being one of anything else that the same key may sign.
_PURPOSE = b"fpgacomp package 1\n"
# No hidden files, no `..`, nothing that a shell, a terminal or another file system reads otherwise.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,99}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_HIGHEST_VERSION = (1 << 53) - 1  # what every reader of JSON keeps exactly
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device",
    b"5": "a folder", b"6": "a pipe", b"x": "an extended header", b"g": "an extended header",
    b"L": "a long name of GNU tar", b"K": "a long link of GNU tar", b"S": "a sparse file",
}  # fmt: skip
_AGAIN = "get the package again from where it was made."
_MAKER = "make it with `fpgacomp package`."


class PackageRefused(DeviceError):
    """A package that is damaged, not made as a package must be, or not signed as it must be."""

    exit_code = 1


class MissingPackage(DeviceError):
    """A file or folder that was named and is not there."""

    exit_code = 2


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


@dataclass(frozen=True)
class PackageManifest:
    """What a package says of itself, checked.

    Args:
        name: of the design; versions are counted by name.
        version: a whole number that grows from package to package of this name.
        identity: 32 hexadecimal digits that the design's registers hold.
        board: name of the board.
        clock_mhz: of the design.
        fpgacomp: version of the compiler.
        contents: `bitstream`, or `sources` where the design is still to be built.
        files: path -> (SHA-256, size) of every file but manifest.json.
        content: the bytes of manifest.json.
    """

    name: str
    version: int
    identity: str
    board: str
    clock_mhz: float
    fpgacomp: str
    contents: str
    files: Mapping[str, tuple[str, int]]
    content: bytes


class Package:
    """A package whose bytes were checked, open for reading; close it, or use it in a `with`.

    Args:
        path: of the archive.
        file: the archive, open.
        manifest: what it says of itself.
        members: path -> where its content lies, without the manifest.
        sha256: of the whole archive in front of its digest, which is the digest.
        signed: whether it carries a signature.
        checked: whether that signature was checked with a key.
    """

    def __init__(
        self,
        path: Path,
        file: IO[bytes],
        manifest: PackageManifest,
        members: Mapping[str, Member],
        sha256: str,
        signed: bool,
        checked: bool,
    ) -> None:
        self.path, self._file = path, file
        self.manifest, self.members = manifest, members
        self.sha256, self.signed, self.checked = sha256, signed, checked

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
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise PackageRefused(str(path), "is no package of fpgacomp.", _MAKER)
    if size > MAX_BYTES:
        raise PackageRefused(str(path), f"has over {MAX_BYTES:,} bytes.", _MAKER)
    _, version, kind, zero, length = _HEADER.unpack(header)
    digest, signed_digest = _digests(path, file, size, HEADER_BYTES + length)
    if version != FORMAT:
        why = f"has format {version}; this reads format {FORMAT}."
        raise PackageRefused(str(path), why, "update what reads it, or make the package again.")
    trailer = SIGNATURE_BYTES if kind == ED25519 else 0
    if kind not in (UNSIGNED, ED25519) or zero or header != _HEADER.pack(
        MAGIC, version, kind, 0, length
    ):  # fmt: skip
        raise PackageRefused(str(path), "has a header that no package has.", _MAKER)
    if size != HEADER_BYTES + length + trailer + _DIGEST_BYTES:
        raise PackageRefused(str(path), "is longer or shorter than its header says.", _AGAIN)
    if key is not None:
        _require_signature(path, file, key, kind, signed_digest, HEADER_BYTES + length)
    members, content = _contents(path, file, length, digest)
    manifest = parse_manifest(content, str(path))
    _agree(path, manifest, members)
    return Package(path, file, manifest, members, digest.hex(), kind == ED25519, key is not None)


def _digests(path: Path, file: IO[bytes], size: int, signed: int) -> tuple[bytes, bytes]:
    """SHA-256 of everything but the digest, and SHA-512 of what a signature is for.

    Raises:
        PackageRefused: the first is not the one that the archive ends with.
    """
    whole, part = hashlib.sha256(), hashlib.sha512()
    file.seek(0)
    left = size - _DIGEST_BYTES
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            break
        whole.update(chunk)
        part.update(chunk[: max(0, signed)])
        signed -= len(chunk)
        left -= len(chunk)
    if left or file.read(_DIGEST_BYTES + 1) != whole.digest():
        why = "was changed or cut off: its bytes do not have the SHA-256 that it ends with."
        raise PackageRefused(str(path), why, _AGAIN)
    return whole.digest(), part.digest()


def _require_signature(
    path: Path, file: IO[bytes], key: bytes, kind: int, digest: bytes, place: int
) -> None:
    if kind == UNSIGNED:
        why = "is not signed, and a key is configured."
        fix = "have it signed: fpgacomp package DIR --key KEYFILE."
        raise PackageRefused(str(path), why, fix)
    file.seek(place)
    if not is_signed_by(key, file.read(SIGNATURE_BYTES), signed_bytes(digest)):
        raise PackageRefused(
            str(path), "is not signed by the key that is configured.",
            "get the package from whoever holds that key, or configure the key of its maker.",
        )  # fmt: skip


def signed_bytes(sha512: bytes) -> bytes:
    """What the signature of a package is made over.

    Args:
        sha512: of the header and the tar, so that neither side keeps the archive in memory.
    """
    return _PURPOSE + sha512


def header_bytes(kind: int, length: int) -> bytes:
    """The header of a package whose tar has `length` bytes."""
    return _HEADER.pack(MAGIC, FORMAT, kind, 0, length)


def tar_header(name: str, size: int) -> bytes:
    """The one header that a file may have in the tar of a package."""
    at = name.index("/", len(name) - 101) if len(name) > 100 else -1
    prefix, rest = name[: max(at, 0)], name[at + 1 :]
    block = b"".join((
        rest.encode("ascii").ljust(100, b"\0"),
        b"0000644\0" b"0000000\0" b"0000000\0",  # mode, owner, group
        b"%011o\0" % size,
        b"00000000000\0",  # time
        b" " * 8,  # checksum, which counts itself as blanks
        b"0".ljust(101, b"\0"),  # a plain file, linked to nothing
        b"ustar\0" b"00".ljust(72, b"\0"),  # no names of owner and group
        b"0000000\0" b"0000000\0",  # no device
        prefix.encode("ascii").ljust(155, b"\0"),
        bytes(12),
    ))  # fmt: skip
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def padding(size: int) -> bytes:
    """The zeros behind a file of the tar."""
    return bytes(-size % _BLOCK)


def tar_end() -> bytes:
    """The two empty blocks that end the tar."""
    return _END


def check_path(name: str) -> str:
    """What is wrong with the path of a file in a package; "" where nothing is."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\\" in name:
        return "leads out of the package"
    if len(name) > MAX_PATH or len(parts) > _MAX_DEPTH:
        return "is longer or deeper than a path of a package may be"
    if not all(_PART.match(part) for part in parts):
        return "has a part that no file of a package may be called"
    return ""


def collision(name: str, spelled: dict[str, tuple[str, bool]]) -> str:
    """What else goes to the place of a file, where case is ignored or anywhere; "" where nothing.

    Args:
        name: path of the file.
        spelled: path in lower case -> (path, whether it is a file) of the files before it and
            their folders; those of this one are added.
    """
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        path, is_file = "/".join(parts[:depth]), depth == len(parts)
        known = spelled.get(path.lower())
        if known == (path, True) and is_file:
            return f"holds {path!r} twice"
        if known is not None and (known != (path, False) or is_file):
            return f"holds both {known[0]!r} and {path!r}"
        spelled[path.lower()] = path, is_file
    return ""


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
) -> tuple[dict[str, Member], bytes]:
    """The files of the tar without the manifest, and the manifest.

    Raises:
        PackageRefused: it holds what no package may hold, or was changed meanwhile.
    """
    tar = _Tar(path, file, length)
    found: dict[str, Member] = {}
    spelled = {MANIFEST: (MANIFEST, True)}
    manifest, last = b"", ""
    while True:
        block = tar.take(_BLOCK)
        if block == bytes(_BLOCK):
            break
        name, size = _read_header(tar, block)
        if not manifest:
            if name != MANIFEST or not 0 < size <= MAX_MANIFEST_BYTES:
                raise tar.refused("does not begin with its manifest")
            manifest = tar.take(size)
        else:
            twice = collision(name, spelled)
            if twice:
                raise tar.refused(twice)
            if name < last:
                raise tar.refused(f"holds {name!r} out of order")
            offset, last = tar.at, name
            found[name] = Member(offset, size, tar.sha256(size))
        if tar.take(-size % _BLOCK).strip(b"\0"):
            raise tar.refused(f"has something behind {name!r}")
        if len(found) > MAX_FILES:
            raise tar.refused(f"holds over {MAX_FILES:,} files")
    if tar.take(_BLOCK) != bytes(_BLOCK) or tar.left or not manifest:
        raise tar.refused("does not end as a package ends")
    rest = file.read(SIGNATURE_BYTES + _DIGEST_BYTES)[:-_DIGEST_BYTES]
    tar.digest.update(rest)
    if tar.digest.digest() != digest:
        raise PackageRefused(str(path), "was changed while it was read.", _AGAIN)
    return found, manifest


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
    wrong = check_path(name)
    if wrong:
        raise tar.refused(f"holds {name!r}, which {wrong}")
    if block != tar_header(name, size):
        raise tar.refused(f"states more of {name!r} than its name and size")
    if size > MAX_FILE_BYTES:
        raise tar.refused(f"holds {name!r} of over {MAX_FILE_BYTES:,} bytes")
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


def parse_manifest(content: bytes, where: str) -> PackageManifest:
    """Read the manifest of a package.

    Args:
        content: of manifest.json.
        where: what messages call the package.

    Raises:
        PackageRefused: a field is missing, or has another type or value than it may have.
    """
    try:
        found = json.loads(
            content.decode("utf-8"), object_pairs_hook=_without_repeats, parse_int=_whole
        )
        if not isinstance(found, dict):
            raise ValueError("it is no object")
        return _manifest(found, content)
    except (ValueError, RecursionError) as problem:
        why = f"has a manifest that cannot be used: {str(problem)[:200]}."
        raise PackageRefused(where, why, _MAKER) from None


def _whole(text: str) -> int:
    """A number of the manifest; one of a million digits would take hours on a small device."""
    if len(text) > 20:
        raise ValueError("a number in it has over 20 digits")
    return int(text)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _manifest(found: Mapping[str, Any], content: bytes) -> PackageManifest:
    if found.get("format") != FORMAT:
        raise ValueError("its format is {!r} instead of {}".format(found.get("format"), FORMAT))
    name, contents = found.get("name"), found.get("contents")
    version: Any = found.get("version")
    if not isinstance(name, str) or check_name(name):
        raise ValueError(f"its name is {name!r}")
    if not is_version(version):
        raise ValueError(f"its version is {version!r} instead of a whole number above 0")
    if contents not in ("bitstream", "sources"):
        raise ValueError(f"its contents are {contents!r}")
    texts = {}
    for field in ("identity", "board", "fpgacomp"):
        text = found.get(field)
        if not isinstance(text, str) or len(text) > 100 or not text.isprintable():
            raise ValueError(f"its {field} is {text!r}")
        texts[field] = text
    clock = found.get("clock_mhz")
    if isinstance(clock, bool) or not isinstance(clock, (int, float)) or not 0 < clock < 1e6:
        raise ValueError(f"its clock_mhz is {clock!r}")
    files = found.get("files")
    if not isinstance(files, dict) or not files:
        raise ValueError("it lists no files")
    listed = {path: _listed(path, entry) for path, entry in files.items()}
    return PackageManifest(
        name, version, texts["identity"], texts["board"], float(clock), texts["fpgacomp"],
        contents, listed, content,
    )  # fmt: skip


def _listed(path: str, entry: Any) -> tuple[str, int]:
    wrong = check_path(path)
    if wrong:
        raise ValueError(f"it lists {path!r}, which {wrong}")
    size = entry.get("size") if isinstance(entry, dict) else None
    sha256 = entry.get("sha256") if isinstance(entry, dict) else None
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MAX_FILE_BYTES:
        raise ValueError(f"the size of {path!r} is {size!r}")
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise ValueError(f"the SHA-256 of {path!r} is {sha256!r}")
    return sha256, size


def check_name(name: str) -> str:
    """What is wrong with the name of a package; "" where nothing is."""
    if _NAME.match(name):
        return ""
    return "is not 1 to 64 letters, digits, - and _, beginning with a letter or digit"


def is_version(version: object) -> bool:
    """Whether this is a whole number that the version of a package may be."""
    is_whole = isinstance(version, int) and not isinstance(version, bool)
    return is_whole and 0 < version <= _HIGHEST_VERSION  # type: ignore[operator]
