"""Options that say what a verb writes and what it tells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.files import Role

OUTPUT = "Output"  # panel of the help

OutFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        rich_help_panel=OUTPUT,
        help="Build folder to write. A build that fpgacomp wrote there before is replaced; a "
        "folder with other files and no build is refused. Without it, the folder is called "
        "MODEL-BOARD and stands in the current folder.",
    ),
    Role.BUILD,
]
OutFileOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Network file to write (.onnx). Without it, the file is called after the network "
        "and what became of it, for instance cnn-pruned.onnx, and stands in the current folder. A "
        "file that exists is replaced.",
    ),
    Role.NETWORK,
]
ExportFileOption = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Network file to write; its ending chooses the format: .onnx or .tflite. A file that "
        "exists is replaced.",
    ),
    Role.EXPORT,
]
AnswersOption = Annotated[
    Path | None,
    typer.Option(
        "--outputs",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="File that the answers of the network are written to: .npy, samples along the first "
        "axis, or .npz where the network has several outputs. They are what the network itself "
        "would answer, the last scale and a Softmax included. Without it, they are not written.",
    ),
    Role.ARRAYS,
]
TraceOption = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="File that --level rtl writes the value of every signal to, cycle by cycle, for a "
        "waveform viewer: .fst (compressed; building it needs liblz4-dev and zlib1g-dev) or .vcd "
        "(text, far larger). A nanosecond of it is a clock cycle. It holds the samples that fit "
        "together (--memory-gb), so give few. An earlier one is replaced. Without it, no "
        "waveforms are written.",
    ),
    Role.TRACE,
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="Web page with tables and plots to write. An earlier page is replaced. Without it, "
        "none is written.",
    ),
    Role.PAGE,
]
ArraysOption = Annotated[
    Path | None,
    typer.Option(
        "--arrays",
        metavar="FILE.npz",
        rich_help_panel=OUTPUT,
        help="File (.npz) that receives the large arrays, weights and thresholds, of which the "
        "text shows only a digest (such as #b4c7f63a). Without it, they are not written.",
    ),
    Role.ARRAYS,
]
DumpStagesOption = Annotated[
    Path | None,
    typer.Option(
        "--dump-stages",
        metavar="DIR",
        rich_help_panel=OUTPUT,
        help="Folder that receives what each stage produced (networks, integer graph, folding, "
        "project), also when a later stage fails. Without it, nothing of that is written.",
    ),
    Role.STAGES,
]
TimeStagesOption = Annotated[
    bool,
    typer.Option(
        "--time-stages",
        rich_help_panel=OUTPUT,
        help="Print a table on standard error of how many seconds each stage took.",
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        rich_help_panel=OUTPUT,
        help="Print one JSON document on standard output and nothing else there.",
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        rich_help_panel=OUTPUT,
        help="Print every step and every note as a line on standard error. Not with --quiet.",
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        rich_help_panel=OUTPUT,
        help="Print only errors on standard error: no progress, no warnings. The result still goes "
        "to standard output.",
    ),
]
NoModelOption = Annotated[
    bool,
    typer.Option(
        "--no-model",
        rich_help_panel=OUTPUT,
        help="Leave the network out of the archive that fpgacomp writes where it fails itself "
        "(exit code 70). Without this option, the archive holds the network's file.",
    ),
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        help="File that everything is logged to, with times and in full detail. An earlier log is "
        "replaced, a file that holds something else refused. Without it, nothing is logged.",
    ),
    Role.LOG,
]
SplitFolderOption = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        rich_help_panel=OUTPUT,
        help="Folder for the two files, NAME-train.npz and NAME-test.npz; files that exist are "
        "replaced. Without it, they stand in the current folder.",
    ),
    Role.SPLIT,
]
