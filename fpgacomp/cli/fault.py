"""A fault of fpgacomp itself: one sentence, and an archive from which it can be repeated."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import traceback
from pathlib import Path

MOST_MODEL_BYTES = 256 << 20


def tell_fault(error: Exception, command: str, model: Path | None) -> None:
    """Write the archive and tell where it is; the traceback is in the archive alone.

    Args:
        error: what was raised, and nobody foresaw.
        command: the command line with the versions of fpgacomp and Python.
        model: the network's file, which goes into the archive; None leaves it out.
    """
    what = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    archive = _archive(error, command, model)
    sys.stderr.write(
        f"fault of fpgacomp: {what}\n"
        "This is a fault of fpgacomp, not of your network or your command line. Please report it.\n"
    )
    if archive is None:
        traceback.print_exception(error)
        sys.stderr.write(f"No archive could be written. The command was:\n  {command}\n")
        return
    network = ""
    if model is not None:
        network = " It holds your network, too: with --no-model it does not."
    sys.stderr.write(f"What a report of it needs is in {archive}.{network}\n")


def _archive(error: Exception, command: str, model: Path | None) -> Path | None:
    """The archive in the current folder or, where that cannot be written, in a temporary one."""
    text = "".join(traceback.format_exception(error))
    name = f"fpgacomp-fault-{hashlib.sha256(text.encode()).hexdigest()[:8]}.zip"
    for folder in (Path(), Path(tempfile.gettempdir())):
        try:
            return _written(folder / name, command, text, model)
        except OSError:
            continue
    return None


def _written(path: Path, command: str, text: str, model: Path | None) -> Path:
    import zipfile  # late, as the next: most runs end without a fault
    from importlib.metadata import distributions

    versions = sorted(f"{d.name}=={d.version}" for d in distributions() if d.name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("command.txt", f"{command}\n"), ("traceback.txt", text)):
            archive.writestr(name, content.encode("utf-8", "backslashreplace"))
        archive.writestr("versions.txt", "\n".join(dict.fromkeys(versions)) + "\n")
        if model is not None and model.is_file() and model.stat().st_size <= MOST_MODEL_BYTES:
            archive.write(model, f"model/{model.name}")
    return path
