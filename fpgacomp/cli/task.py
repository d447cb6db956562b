"""Reads what the command line says of the task into a value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpgacomp.cli.values import by_layer
from fpgacomp.errors import UsageError

if TYPE_CHECKING:
    from fpgacomp.data.tasks import TaskRequest


def task_request(task: str | None, class_weights: str | None = None) -> TaskRequest:
    """Read --task and --class-weights.

    Raises:
        UsageError: there is no such kind of task, or the weights are neither "balanced" nor a
            file.
        InputDataError: the file of weights cannot be read.
    """
    from fpgacomp.data.numpy_files import read_arrays
    from fpgacomp.data.tasks import TaskRequest

    kind = None if task is None else by_layer(task, "--task", lambda text, _: text.strip())
    if class_weights is None or class_weights == "balanced":
        return TaskRequest(kind=kind, class_weights=class_weights)
    if Path(class_weights).suffix not in (".npy", ".npz"):
        raise UsageError(
            f"--class-weights {class_weights}", "is neither balanced nor a .npy or .npz file.",
            "write balanced, or name a file with one weight for each class.",
        )  # fmt: skip
    weights = read_arrays(Path(class_weights), wanted="a .npy or .npz file of weights")
    return TaskRequest(kind=kind, class_weights=weights)


def function_of(text: str | None) -> Callable[..., Any] | None:
    """Import the function that an option names; None where it names none.

    Raises:
        InputDataError: the module cannot be imported, raises an exception, or has no such
            function.
    """
    from fpgacomp.data.user_code import user_function

    return None if text is None else user_function(text)
