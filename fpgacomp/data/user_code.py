"""Imports and calls functions that a user wrote, and says where in them an error arose."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import fpgacomp
from fpgacomp.errors import FpgacompError, InputDataError

_OURS = str(Path(fpgacomp.__file__).parent)
_NOT_THEIRS = (_OURS, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
_LONGEST = 300  # characters of an exception's text that are told


def user_function(text: str) -> Callable[..., Any]:
    """Return the function that `module:function` or `file.py:function` names.

    This imports the user's own code, and is called only for a text that the user gave to say so.

    Raises:
        InputDataError: the module cannot be imported, raises an exception (file, line and
            exception are named), or has no such function.
    """
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise InputDataError(
            text, "names no function.", "write module:function or file.py:function."
        )
    file = place if place.endswith(".py") else None
    with users_code(text, file, "mend the file, or name another one."):
        function = getattr(_module(text, place), name, None)
    if not callable(function):
        raise InputDataError(text, f"{place} has no function {name}.", "name one that is there.")
    return function  # type: ignore[no-any-return]


def _module(text: str, place: str) -> ModuleType:
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location("fpgacomp_user_data", place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except (ImportError, OSError, TypeError, ValueError) as error:
        if _user_frame(error, None) is not None:  # raised by a line of the user's
            raise
        raise InputDataError(
            text,
            f"cannot be imported ({error}).",
            "name an importable module, or file.py:function.",
        ) from error


@contextmanager
def users_code(where: str, file: str | None, fix: str) -> Iterator[None]:
    """Turn an exception of a user's code into an error that names its file, function and line.

    KeyboardInterrupt and SystemExit pass, and so do errors that fpgacomp raises on purpose.

    Args:
        where: what the message calls the code, such as "data.py:load".
        file: the file that the user wrote; None where that is not known.
        fix: what the user can do about it.

    Raises:
        InputDataError: the code raised an exception.
    """
    try:
        yield
    except FpgacompError:
        raise
    except Exception as error:
        raise InputDataError(where, f"raised {_told(error)}{_place(error, file)}.", fix) from error


def call_users(function: Callable[..., Any], *arguments: object, fix: str) -> Any:
    """Call a function that the user wrote.

    Args:
        function: the user's.
        arguments: what it is called with.
        fix: what the user can do where it raises an exception.

    Raises:
        InputDataError: the function raised an exception.
    """
    with users_code(function_name(function), _file_of(function), fix):
        return function(*arguments)


def function_name(function: Callable[..., Any]) -> str:
    """What messages call a user's function: its file and name, or its name alone."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    file = _file_of(function)
    return name if file is None else f"{_shown(file)}:{name}"


def _file_of(function: Callable[..., Any]) -> str | None:
    while isinstance(function, functools.partial):
        function = function.func
    own = getattr(function, "__code__", None)  # an object that is called has that of its class
    code = own or getattr(getattr(type(function), "__call__", None), "__code__", None)  # noqa: B004
    return None if code is None else str(code.co_filename)


def _told(error: Exception) -> str:
    """The exception's type and the first lines of its text, in one line."""
    text = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    kind = type(error).__name__
    return f"{kind}: {text[:_LONGEST].rstrip('.')}" if text else kind


def _place(error: Exception, file: str | None) -> str:
    """Where the user's code raised an exception, in brackets; nothing where that is not known."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        line = "" if error.lineno is None else f", line {error.lineno}"
        return f" ({_shown(error.filename)}{line})"
    frame = _user_frame(error, file)
    if frame is None:
        return ""
    within = "" if frame.name == "<module>" else f", in {frame.name}"
    return f" ({_shown(frame.filename)}, line {frame.lineno}{within})"


def _user_frame(error: Exception, file: str | None) -> traceback.FrameSummary | None:
    """The innermost line of the user's file or, where it has none, of code that is not ours."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if file is not None and Path(f.filename) == Path(file).absolute()]
    others = [f for f in frames if not f.filename.startswith((*_NOT_THEIRS, "<"))]
    installed = [f for f in frames if "site-packages" in f.filename and _OURS not in f.filename]
    chosen = own or others or installed
    return chosen[-1] if chosen else None


def _shown(file: str) -> str:
    """A file as the user would write it: relative to the current folder where it lies below."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file
