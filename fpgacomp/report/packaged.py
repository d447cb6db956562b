"""What the verbs of packages say, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def package_lines(found: Mapping[str, Any], key: str = "") -> Iterator[str]:
    """A package that was written or checked.

    Args:
        found: of `fpgacomp.flows.package.PackageSummary`.
        key: file of the private key that it was just signed with; "" where it was not.
    """
    yield f"{found['file']}: {found['name']} {found['version']} for {found['board']}"
    yield f"  holds      {found['contents']}, {found['files']:,} files, {found['size']:,} bytes"
    yield f"  design     {found['identity']}"
    yield f"  sha256     {found['sha256']}"
    words = f"signed with this key: {key}" if key else None
    yield f"  signature  {words or _signature(found['signed'], found['checked'])}"
    yield from (f"warning: {warning}" for warning in found["warnings"])


def _signature(signed: bool, checked: bool) -> str:
    if checked:
        return "by the configured key"
    return "there, but no key is configured to check it with" if signed else "none"


def install_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """An installation.

    Args:
        found: of `fpgacomp.flows.package.InstallSummary`.
    """
    if not found["changed"]:
        yield f"{found['active']} is active already: {found['folder']}"
    else:
        before = f" instead of {found['before']}" if found["before"] else ""
        yield f"{found['active']} is active{before}: {found['folder']}"
    yield from (f"repaired {path}" for path in found["repaired"])
    yield from (f"note: {note}" for note in found["notes"])
