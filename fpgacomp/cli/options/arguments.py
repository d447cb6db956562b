"""The arguments of the verbs: what stands without a name on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.completion import complete_board
from fpgacomp.cli.files import Role

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Network file: ONNX, QONNX or QDQ (.onnx), or Keras or QKeras (.h5, .keras).",
    ),
    Role.READ,
]
FloatModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="File of a network that is not quantized yet: ONNX (.onnx) or Keras (.h5, .keras).",
    ),
    Role.READ,
]
ModelsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="DIR|MODEL",
        help="What to compare. With --data, network files, float or quantized: ONNX (.onnx) or "
        "Keras (.h5, .keras). With --engines, build folders that `fpgacomp compile` wrote, too.",
    ),
    Role.READ,
]
TeacherArgument = Annotated[
    str,
    typer.Argument(
        metavar="TEACHER",
        help="File of the float network whose answers the student learns: ONNX or Keras.",
    ),
    Role.READ,
]
BuildArgument = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Build folder that `fpgacomp compile` wrote."),
    Role.READ,
]
OtherBuildArgument = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Build folder to compare the first one with."),
    Role.READ,
]
SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="DIR|MODEL",
        help="Build folder that `fpgacomp compile` wrote, or a network file: ONNX, QONNX or QDQ "
        "(.onnx), or Keras or QKeras (.h5, .keras).",
    ),
    Role.READ,
]
BoardArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="BOARD",
        autocompletion=complete_board,
        help="Board to show in full: its name, or the path of a board file (.yaml). "
        "Without it, all boards are listed.",
    ),
    Role.READ,
]
DataArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Labelled samples: a .npz file with arrays x and y (y_NAME for each of several "
        "outputs), a folder with one folder of images per class, or a Python function that returns "
        "them (module:function or file.py:function).",
    ),
    Role.READ,
]
