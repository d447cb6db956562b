"""How a verb ends: its result on standard output, its errors as sentences with an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from fpgacomp.cli.stop import SAID, exit_code, noticing_signals, was_stopped
from fpgacomp.errors import FileSystemError, FpgacompError, Problems
from fpgacomp.host.toolchain import wanted_columns

FAULT_OF_OURS = 70  # EX_SOFTWARE of sysexits.h

# Columns of a result that goes to a file or a pipe: a name that is cut there is found by no search.
_PIPE_COLUMNS = 160

# What the file system answers where nobody programmed a mistake.
_FILE_SYSTEM = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO,
    errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EMFILE,
}  # fmt: skip


@contextmanager
def errors(as_json: bool) -> Iterator[None]:
    """Tell every error that is raised on purpose on standard error, and exit with its code.

    Args:
        as_json: whether the error is also told as a JSON document on standard output.
    """
    with noticing_signals():
        try:
            yield
        except typer.Exit:
            raise
        except (KeyboardInterrupt, Exception) as error:
            if was_stopped(error):
                raise typer.Exit(_stopped()) from None
            if isinstance(error, FpgacompError):
                _tell(error, as_json)
                raise typer.Exit(error.exit_code) from None
            if isinstance(error, OSError) and error.errno in _FILE_SYSTEM:
                _tell(_refused_by_the_system(error), as_json)
                raise typer.Exit(FileSystemError.exit_code) from None
            raise


def result_console() -> Console:
    """Standard output for the tables of a result, as wide as its terminal or as COLUMNS says."""
    wide = not sys.stdout.isatty() and not wanted_columns()
    return Console(width=_PIPE_COLUMNS if wide else None)


def write_json(document: Any) -> None:
    """Write plain values as one JSON document to standard output; what is not finite is null."""
    from fpgacomp.report.plain_json import json_text  # numpy, which most verbs start without

    sys.stdout.write(json_text(document))
    sys.stdout.flush()  # a full disk is told here, where the verb can still tell of it


def tell_stopped() -> NoReturn:
    """Tell that the run was stopped by a signal, and exit with the signal's code."""
    leave(_stopped())


def tell_unwritable(error: OSError) -> NoReturn:
    """Tell that the output itself cannot be written, and exit.

    Raises:
        OSError: again, where it is not the file system's.
    """
    if error.errno not in _FILE_SYSTEM:
        raise error
    _tell(_refused_by_the_system(error), as_json=False)
    # What is left in the buffer of standard output would fail once more at the end.
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  open to the end
    leave(FileSystemError.exit_code)


def leave(code: int) -> NoReturn:
    """Exit with a code, also where a signal stopped the run while a library was imported.

    Python ends by SIGINT, whatever the code, once an interrupt has passed through `exec`, which
    dataclasses are made with. Everything is cleaned up by then, so nothing is lost by leaving.
    """
    if was_stopped():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _stopped() -> int:
    Console(stderr=True).print(SAID)
    return exit_code()


def _tell(error: FpgacompError, as_json: bool) -> None:
    if as_json:
        problems = error.problems if isinstance(error, Problems) else (error,)
        write_json({"errors": [{"where": p.where, "why": p.why, "fix": p.fix} for p in problems]})
    Console(stderr=True, soft_wrap=True, emoji=False).print(
        f"[bold red]error[/]: {escape(str(error))}"
    )


def _refused_by_the_system(error: OSError) -> FileSystemError:
    where = error.filename if isinstance(error.filename, str) else "a file or the output"
    return FileSystemError(
        where, f"the operating system refused it: {error.strerror}.",
        "check that the path, its permissions and the space left allow it.",
    )  # fmt: skip
