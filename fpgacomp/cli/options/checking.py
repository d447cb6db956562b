"""Options that say which samples a design or a network is checked with."""

from __future__ import annotations

from typing import Annotated

import typer

from fpgacomp.cli.values import Level

CHECKING = "Checking"  # panel of the help

InputsOption = Annotated[
    str | None,
    typer.Option(
        "--inputs",
        metavar="FILE",
        rich_help_panel=CHECKING,
        help="Samples to check the design with: a .npy file, a .npz file with one array per "
        "input, or labelled data (a .npz file with x and y, a folder with one folder of images "
        "per class, module:function), of which the test split is used. Without it, seeded "
        "vectors are used that drive the layers to their extremes.",
    ),
]
SimulateInputsOption = Annotated[
    str,
    typer.Option(
        "--inputs",
        metavar="FILE",
        rich_help_panel=CHECKING,
        help="Samples to run: a .npy file, a .npz file with one array per input, or labelled "
        "data (a .npz file with x and y, a folder with one folder of images per class, "
        "module:function), of which the test split is used.",
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        rich_help_panel=CHECKING,
        help="Class numbers (or one-hot rows) of the samples in --inputs (.npy), from which the "
        "accuracy is computed. Without it, the accuracy is known only where --inputs holds labels.",
    ),
]
VectorsOption = Annotated[
    int,
    typer.Option(
        "--vectors",
        metavar="COUNT",
        min=1,
        rich_help_panel=CHECKING,
        help="Number of samples on which every integer of every layer is compared.",
    ),
]
MemoryOption = Annotated[
    float,
    typer.Option(
        "--memory-gb",
        metavar="GB",
        min=0.1,
        rich_help_panel=CHECKING,
        help="Gigabytes that the integers of the samples may take at once (default 4). Samples "
        "that do not fit together are run in batches, with the same result.",
    ),
]
CsimOption = Annotated[
    bool,
    typer.Option(
        "--csim/--no-csim",
        rich_help_panel=CHECKING,
        help="Compile the emitted C++ with the C++ compiler of this machine, run it, and compare "
        "its integers with those of the network.",
    ),
]
LevelOption = Annotated[
    Level,
    typer.Option(
        "--level",
        metavar="LEVEL",
        rich_help_panel=CHECKING,
        help="What runs: graph (the integer graph, interpreted) or c (the emitted C++, compared "
        "with the graph).",
    ),
]

TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust",
        rich_help_panel=CHECKING,
        help="Run the code of a build that somebody else made. Without this option only builds "
        "of yours on this machine are run, because their code has your rights.",
    ),
]

NoiseOption = Annotated[
    str,
    typer.Option(
        "--noise",
        metavar="NUMBER,...",
        rich_help_panel=CHECKING,
        help="Standard deviations of the Gaussian noise that is added to the test samples, one "
        "accuracy each, as shares of the range of the samples.",
    ),
]
BrightnessOption = Annotated[
    str,
    typer.Option(
        "--brightness",
        metavar="NUMBER,...",
        rich_help_panel=CHECKING,
        help="Numbers that are added to every value of the test samples, one accuracy each, as "
        "shares of the range of the samples (-1 to 1).",
    ),
]
EpsilonsOption = Annotated[
    str,
    typer.Option(
        "--epsilons",
        metavar="NUMBER,...",
        rich_help_panel=CHECKING,
        help="Largest change that the one-step gradient attack (FGSM) makes to a value, one "
        "accuracy each, as shares of the range of the samples. An empty text leaves the attack "
        "out.",
    ),
]
TransferOption = Annotated[
    str,
    typer.Option(
        "--transfer-from",
        metavar="NAME",
        rich_help_panel=CHECKING,
        help="Name of the network whose attacked samples all networks are tested with. auto "
        "takes the most accurate float network; none leaves this test out.",
    ),
]
