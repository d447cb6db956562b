"""What each option and argument does with the file that it names, declared beside the option.

Every option of fpgacomp.cli.options that names a file or folder carries a `Role`. Before a verb
does anything, `check_verb` gathers its files by these roles and has them compared: no run writes
over what it reads, over another file that it writes, or over a file of a build.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from fpgacomp.flows.files import Place

# What the techniques make of NAME.onnx where --out is not given: NAME-quantized.onnx.
BECOMES = {
    "quantize": "quantized",
    "prune": "pruned",
    "distill": "student",
    "share": "shared",
    "factorize": "factorized",
}


class Role(Enum):
    """What a verb does with the file that an option or argument names."""

    READ = "reads it: a file, a folder, a build, or the file of a Python function"
    PAGE = "writes a web page"
    ARRAYS = "writes a .npy or .npz file"
    LOG = "writes a log"
    TRACE = "writes a .fst or .vcd file"
    CALIBRATION = "writes a calibration"
    NETWORK = "writes a network, by default one that is called after the verb"
    EXPORT = "writes a network, always to a file that is named"
    CHECKPOINT = "goes on from a checkpoint, and writes it"
    SPLIT = "writes a training file and a test file into this folder"
    BUILD = "replaces a build folder, by default one that is called after network and board"
    PACKAGE = "writes a package"
    NEW_KEY = "writes a new key, and another file beside it; never replaces one"
    ROOT = "installs versions into a folder"
    STATE = "keeps this folder of its own, where nothing of anybody else is changed"
    STAGES = "empties a folder of stages, and fills it again"


def roles_of(callback: Callable[..., Any] | None) -> dict[str, Role]:
    """The role of each parameter of a verb that names a file or folder."""
    if callback is None:
        return {}
    hints = get_type_hints(inspect.unwrap(callback), include_extras=True)
    found = {}
    for name, hint in hints.items():
        for mark in getattr(hint, "__metadata__", ()):
            if isinstance(mark, Role):
                found[name] = mark
    return found


def build_folder(model: str, board: str, out: Path | None) -> Path:
    """The build folder of a run of compile."""
    return out or Path(f"{Path(model).stem}-{Path(board).stem}")


def network_file(verb: str, source: str, out: Path | None) -> Path:
    """The file that a technique writes its network to."""
    return out or Path(f"{Path(source).stem}-{BECOMES[verb]}.onnx")


def check_verb(context: Any, log_file: Path | None) -> None:
    """Refuse a run that would write over what it reads, or over what is not its own.

    Args:
        context: of the verb, with the values of its parameters. Typer does not export its type.
        log_file: file of --log-file, which all verbs have.

    Raises:
        UsageError, FileSystemError: as `fpgacomp.flows.files.check_files`.
    """
    from fpgacomp.flows.files import check_files

    command = context.command
    roles = roles_of(command.callback)
    shown = {parameter.name: _shown(parameter) for parameter in command.params}
    places = [
        place
        for name, role in roles.items()
        for place in _places(command.name, role, shown[name], context.params[name], context.params)
    ]
    if log_file is not None:
        places += _places(command.name, Role.LOG, "--log-file", log_file, {})
    check_files(places)


def _shown(parameter: Any) -> str:
    """What messages call a parameter: the name of an option, what stands for an argument."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)
    return str(parameter.opts[0])


def _places(
    verb: str, role: Role, shown: str, value: Any, values: Mapping[str, Any]
) -> Iterator[Place]:
    """The files and folders that a parameter names, or that are used where it is not given."""
    from fpgacomp.flows.files import Content, FileUse, Place, reads, split_files

    match role:
        case Role.READ:
            for one in value if isinstance(value, list) else [value]:
                yield from reads(shown, one)
        case Role.BUILD:
            folder = build_folder(values["model"], values["board"], value)
            yield Place(shown, folder, FileUse.BUILD)
        case Role.SPLIT:
            for path in split_files(values["data"], value):
                yield Place(shown, path, FileUse.WRITE, Content.ARRAYS)
        case Role.NETWORK:
            source = values["teacher" if verb == "distill" else "model"]
            path = network_file(verb, source, value)
            yield Place(shown, path, FileUse.WRITE, Content.NETWORK)
        case Role.EXPORT:
            lite = value.suffix == ".tflite"
            yield Place(shown, value, FileUse.WRITE, Content.LITE if lite else Content.NETWORK)
        case Role.NEW_KEY:
            yield Place(shown, value, FileUse.WRITE)
        case Role.ROOT:
            return  # only `install` itself knows which of its files are its own
        case Role.STAGES:
            if value is not None:
                yield Place(shown, value, FileUse.STAGES)
        case Role.STATE:
            pass
        case (
            Role.PAGE
            | Role.ARRAYS
            | Role.LOG
            | Role.CHECKPOINT
            | Role.TRACE
            | Role.PACKAGE
            | Role.CALIBRATION
        ):
            if value is not None:
                yield Place(shown, value, FileUse.WRITE, Content[role.name])
