"""What an installed version holds: whether its files are whole, and who signed it.

An installed version has no archive any more. As one content has one archive (see `form`), what a
signature was made over is computed from the files anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable, Iterator

from . import form
from .errors import PackageRefused
from .form import MANIFEST, MAX_MANIFEST_BYTES
from .manifest import PackageManifest, parse_manifest
from .signature import SIGNATURE_BYTES, is_signed_by

# In the folder of a version: the 64 bytes that its package was signed with.
SIGNATURE = ".signature"
_CHUNK = 1 << 20


def installed_manifest(folder: Path) -> PackageManifest:
    """The manifest of an installed version.

    Raises:
        PackageRefused: it is missing or damaged.
    """
    place = folder / MANIFEST
    try:
        with place.open("rb") as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as problem:
        why = f"cannot be read: {problem.strerror}."
        raise PackageRefused(str(place), why, "install the package again.") from None
    return parse_manifest(content, str(folder))


def damaged_files(folder: Path, manifest: PackageManifest) -> list[str]:
    """Files of an installed version that are missing, or not as its manifest lists them."""
    return [
        path
        for path, (sha256, size) in manifest.files.items()
        if not _is_whole(folder, path, sha256, size)
    ]


def is_version_signed(folder: Path, key: bytes) -> bool:
    """Whether the owner of a key signed the package that a version is from, as it lies there.

    Raises:
        PackageRefused: its manifest is missing or damaged.
        NotInstalled: `cryptography` is not installed.
        OSError: a file cannot be read.
    """
    signature = small_content(folder / SIGNATURE)
    manifest = installed_manifest(folder)
    if signature is None or len(signature) != SIGNATURE_BYTES or damaged_files(folder, manifest):
        return False
    return is_signed_by(key, signature, form.signed_bytes(_archive_sha512(folder, manifest)))


def _archive_sha512(folder: Path, manifest: PackageManifest) -> bytes:
    """SHA-512 of the header and the tar of the signed package with these files."""
    sizes = {MANIFEST: len(manifest.content)}
    sizes.update((path, manifest.files[path][1]) for path in sorted(manifest.files))
    length = sum(form.BLOCK + size + -size % form.BLOCK for size in sizes.values())
    digest = hashlib.sha512(form.header_bytes(form.ED25519, length + len(form.tar_end())))
    for path, size in sizes.items():
        digest.update(form.tar_header(path, size))
        if path == MANIFEST:
            digest.update(manifest.content)
        else:
            _add(digest.update, folder / path)
        digest.update(form.padding(size))
    digest.update(form.tar_end())
    return digest.digest()


def _add(update: Callable[[bytes], None], path: Path) -> None:
    for chunk in _chunks(path):
        update(chunk)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_CHUNK), b"")


def _is_whole(folder: Path, path: str, sha256: str, size: int) -> bool:
    place = folder / path
    links = any(part.is_symlink() for part in (place, *folders_above(folder, place)))
    if links or not place.is_file() or place.stat().st_size != size:
        return False
    digest = hashlib.sha256()
    _add(digest.update, place)
    return digest.hexdigest() == sha256


def folders_above(folder: Path, place: Path) -> list[Path]:
    """The folders between a folder and a file below it, from the top."""
    parts = place.relative_to(folder).parts[:-1]
    return [folder.joinpath(*parts[: depth + 1]) for depth in range(len(parts))]


def small_content(path: Path) -> bytes | None:
    """What a small file holds; None where there is no such file."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(MAX_MANIFEST_BYTES + 1)
