"""Log records to standard error, as chatty as was asked for, and all of them to a file."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from fpgacomp.cli.telling import Telling, Verbosity
from fpgacomp.errors import FileSystemError, FpgacompError
from fpgacomp.host.paths import check_parent

OURS = "fpgacomp"
LEVELS = {
    Verbosity.QUIET: logging.ERROR,
    Verbosity.NORMAL: logging.WARNING,
    Verbosity.VERBOSE: logging.INFO,
}
LINE = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"
TIME = "%Y-%m-%d %H:%M:%S"

logger = logging.getLogger(OURS)
# What the console tells in its own words: it goes to the file, not to standard error again.
_told = logging.getLogger(f"{OURS}.told")


@contextmanager
def logged(telling: Telling) -> Iterator[None]:
    """Send log records where `telling` says while the block runs, and undo that afterwards.

    An error that ends the block is logged before it goes on: one raised on purpose as a
    sentence, any other with its traceback.

    Raises:
        UsageError, FileSystemError: the log file cannot be written.
    """
    handlers: list[logging.Handler] = [_console_handler(telling.verbosity)]
    if telling.log_file is not None:
        handlers.append(_file_handler(telling.log_file))
    root = logging.getLogger()
    levels = root.level, logger.level
    logger.setLevel(min(handler.level for handler in handlers))
    if telling.log_file is not None:
        root.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        with _errors_logged():
            yield
    finally:
        logging.captureWarnings(False)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(levels[0])
        logger.setLevel(levels[1])


@contextmanager
def _errors_logged() -> Iterator[None]:
    try:
        yield
    except typer.Exit:
        raise
    except FpgacompError as error:
        _told.error("%s", error)
        raise
    except BaseException:
        _told.critical("The run ended with an error that was not foreseen.", exc_info=True)
        raise


class _StandardError(logging.Handler):
    """Writes to standard error as it is at the moment: above progress bars while these run."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one line."""
        sys.stderr.write(self.format(record).rstrip() + "\n")


def _console_handler(verbosity: Verbosity) -> logging.Handler:
    handler = _StandardError()
    handler.setLevel(LEVELS[verbosity])
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(_for_people)
    return handler


def _for_people(record: logging.LogRecord) -> bool:
    """Whether a record belongs on standard error: libraries have a say from warnings on."""
    if record.name == _told.name:
        return False
    ours = record.name.split(".")[0] == OURS
    return ours or record.levelno >= logging.WARNING


def _file_handler(path: Path) -> logging.Handler:
    check_parent(f"--log-file {path}", path)
    try:
        handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    except OSError as error:
        raise FileSystemError(
            f"--log-file {path}", f"cannot be written ({error.strerror}).", "name another file."
        ) from error
    handler.setLevel(logging.DEBUG)
    handler.setFormatter(logging.Formatter(LINE, TIME))
    return handler
