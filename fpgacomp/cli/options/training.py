"""Options of the labelled samples, the training and what makes it repeatable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fpgacomp.cli.files import Role

SAMPLES = "Data"  # panel of the help
TRAINING = "Training"  # panel of the help
REPEATING = "Repeatability"  # panel of the help

DataOption = Annotated[
    str,
    typer.Option(
        "--data",
        "-d",
        metavar="SOURCE",
        rich_help_panel=SAMPLES,
        help="Labelled samples: a .npz file with arrays x and y (y_NAME for each of several "
        "outputs; x alone for an autoencoder), a folder with one folder of images per class, or a "
        "Python function that returns them (module:function or file.py:function).",
    ),
    Role.READ,
]
EvaluationDataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        "-d",
        metavar="SOURCE",
        rich_help_panel=SAMPLES,
        help="Labelled samples: a .npz file with arrays x and y (y_NAME for each of several "
        "outputs; x alone for an autoencoder), a folder with one folder of images per class, or a "
        "Python function that returns them (module:function or file.py:function). A run with "
        "--engines needs none.",
    ),
    Role.READ,
]
TestDataOption = Annotated[
    str | None,
    typer.Option(
        "--test-data",
        metavar="SOURCE",
        rich_help_panel=SAMPLES,
        help="Labelled samples that accuracy is measured on, in the same forms as --data. "
        "Without it, a quarter of --data is held out for that, the same samples in every run; a "
        "network that was trained on --data before has seen them, and its score is too good "
        "(`fpgacomp split` makes a file to train on and one for this option).",
    ),
    Role.READ,
]

EpochsOption = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        metavar="COUNT",
        rich_help_panel=TRAINING,
        help="Number of passes over the training samples (default: 30; 40 for distill).",
    ),
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        "--batch",
        metavar="COUNT",
        rich_help_panel=TRAINING,
        help="Samples per training step (default: 64).",
    ),
]
LearningRateOption = Annotated[
    float | None,
    typer.Option(
        "--learning-rate",
        metavar="RATE",
        rich_help_panel=TRAINING,
        help="Peak learning rate of the one-cycle schedule (default: 0.003; 0.01 for distill).",
    ),
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        rich_help_panel=TRAINING,
        help="File that the state of the training is saved to after every pass. Where it exists, "
        "the same command goes on from it, and a run of another network, data or options is "
        "refused. Without it, nothing is saved, and an interrupted run "
        "begins anew.",
    ),
    Role.CHECKPOINT,
]

SeedOption = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="NUMBER",
        rich_help_panel=REPEATING,
        help="Seed of everything that is drawn at random: test vectors, noise, order of the "
        "training samples. The same seed gives the same result.",
    ),
]
ThreadsOption = Annotated[
    int,
    typer.Option(
        "--threads",
        metavar="COUNT",
        rich_help_panel=REPEATING,
        help="Number of CPU threads that PyTorch may use. Results repeat exactly only with 1.",
    ),
]
TestShareOption = Annotated[
    float,
    typer.Option(
        "--test-share",
        metavar="SHARE",
        rich_help_panel=SAMPLES,
        help="Part of the samples that goes into the test file, over 0 and under 1.",
    ),
]
