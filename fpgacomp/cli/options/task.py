"""Options that say what a network is asked to tell, and by which loss it is trained for that."""

from __future__ import annotations

from typing import Annotated

import typer

from fpgacomp.cli.files import Role
from fpgacomp.cli.options.training import SAMPLES, TRAINING

TaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="KIND",
        rich_help_panel=SAMPLES,
        help="What the network is asked to tell: classes (one of several), binary (yes or no from "
        "one value), multi-label (several yes or no), regression (numbers) or reconstruction (the "
        "input again). For several outputs write OUTPUT=KIND,OUTPUT=KIND. Without it, the kind is "
        "found from the shapes and types of outputs and labels, and told with the result.",
    ),
]
ClassWeightsOption = Annotated[
    str | None,
    typer.Option(
        "--class-weights",
        metavar="balanced|FILE",
        rich_help_panel=TRAINING,
        help="How much each class counts in the loss: balanced weights a class by the inverse of "
        "how often it occurs in the training samples; a .npy file holds one weight for each class "
        "(.npz with one array for each output where there are several). Without it, every sample "
        "counts the same.",
    ),
    Role.READ,
]
LossOption = Annotated[
    str | None,
    typer.Option(
        "--loss",
        metavar="FUNCTION",
        rich_help_panel=TRAINING,
        help="Loss of your own instead of the task's, as module:function or file.py:function. It "
        "is called with the outputs and the labels of a batch (tensors of PyTorch; of TensorFlow "
        "where a Keras model is trained) and returns one number that has a gradient. The file is "
        "Python code that runs with your permissions. Without it, the task's own loss is used.",
    ),
    Role.READ,
]
TrainingStepOption = Annotated[
    str | None,
    typer.Option(
        "--training-step",
        metavar="FUNCTION",
        rich_help_panel=TRAINING,
        help="Training step of your own, as module:function or file.py:function, for networks that "
        "PyTorch trains. It is called with network, optimizer, inputs and labels of a batch, calls "
        "backward() and optimizer.step() itself, and returns the loss as a number. The file is "
        "Python code that runs with your permissions. Without it, a step follows the loss.",
    ),
    Role.READ,
]
