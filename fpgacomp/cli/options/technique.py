"""Options that only one or two of the techniques that make networks smaller have."""

from __future__ import annotations

from typing import Annotated

import typer

from fpgacomp.cli.files import Role
from fpgacomp.cli.values import FactorizeKind, PruneMethod, QuantizeMethod, Resource, Scope

TECHNIQUE = "Technique"  # panel of the help

QuantizeMethodOption = Annotated[
    QuantizeMethod,
    typer.Option(
        "--method",
        metavar="METHOD",
        rich_help_panel=TECHNIQUE,
        help="How the network is quantized: ptq (after training, without PyTorch), brevitas-ptq "
        "(after training, with Brevitas' equalization, GPTQ and bias correction) or qat (the "
        "network is trained with its quantizers). Only qat trains, and only qat searches under "
        "--budget.",
    ),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        "--budget",
        metavar="COST",
        rich_help_panel=TECHNIQUE,
        help="Most that the network may cost, in the unit that --measure names (20000 with "
        "--measure bits), once it is trained. The bits of each layer are then searched, in place "
        "of --weight-bits, --activation-bits and --first-last-bits, and those of the input up to "
        "--input-bits; only for the method qat. Without it, nothing is searched.",
    ),
]
MeasureOption = Annotated[
    str,
    typer.Option(
        "--measure",
        metavar="UNIT",
        rich_help_panel=TECHNIQUE,
        help="Unit of --budget: bits (of all weights), bops (bit operations per sample), or lut, "
        "dsp, ff or bram18 of the design for --board, which these four need.",
    ),
]
TrialEpochsOption = Annotated[
    int,
    typer.Option(
        "--trial-epochs",
        metavar="COUNT",
        rich_help_panel=TECHNIQUE,
        help="Passes over the training samples each time that the search under --budget tries "
        "bits, before it measures their loss. 0 measures without training.",
    ),
]
StepsOption = Annotated[
    str | None,
    typer.Option(
        "--steps",
        metavar="STEP,...",
        rich_help_panel=TECHNIQUE,
        help="Steps of the method brevitas-ptq, separated by commas: merge (BatchNormalization "
        "becomes part of the layer before it), equalize (the channels of a layer are scaled "
        "to similar ranges), gptq (the weights after a weight make up for its rounding error), "
        "bias (the mean error of each channel is taken off its bias). Without it, all four are "
        "done.",
    ),
]
PruneMethodOption = Annotated[
    PruneMethod,
    typer.Option(
        "--method",
        metavar="METHOD",
        rich_help_panel=TECHNIQUE,
        help="What is removed: magnitude (the smallest weights), n:m (all but N of every M "
        "weights), channels (whole channels and neurons) or hardware (what saves most of "
        "--resource on --board).",
    ),
]
ShareOption = Annotated[
    str,
    typer.Option(
        "--share",
        "--sparsity",
        metavar="SHARE",
        rich_help_panel=TECHNIQUE,
        help="Share that is removed, from 0 (nothing) to below 1: of the weights (method "
        "magnitude), of the channels (channels) or of the resource (hardware). For magnitude and "
        "channels it may differ by layer, as LAYER=SHARE,...",
    ),
]
NOfMOption = Annotated[
    str,
    typer.Option(
        "--n-of-m",
        metavar="N:M",
        rich_help_panel=TECHNIQUE,
        help="Number of weights (N) that stay of every M in a row, for the method n:m only.",
    ),
]
ScopeOption = Annotated[
    Scope | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        rich_help_panel=TECHNIQUE,
        help="Which weights or channels are compared to find the least important ones: layer "
        "(those of one layer; each layer loses the same share), global (those of all layers) or "
        "board (channels of all layers, by what they save on --board). Without it, the method "
        "magnitude compares globally and the method channels by layer. The methods n:m and "
        "hardware have no scope.",
    ),
]
ResourceOption = Annotated[
    Resource,
    typer.Option(
        "--resource",
        metavar="RESOURCE",
        rich_help_panel=TECHNIQUE,
        help="Resource of the board that the method hardware saves: lut, dsp, ff or bram18.",
    ),
]
LeaveOption = Annotated[
    str | None,
    typer.Option(
        "--leave",
        metavar="LAYER,...",
        rich_help_panel=TECHNIQUE,
        help="Names of layers that stay as they are, separated by commas. Without it, every layer "
        "may change.",
    ),
]
StudentOption = Annotated[
    str,
    typer.Option(
        "--student",
        metavar="FILE|SHARE",
        rich_help_panel=TECHNIQUE,
        help="Network that learns: a network file, or the share of the teacher's width that a "
        "fresh student has (0.25: a quarter of the channels in each layer).",
    ),
    Role.READ,
]
TemperatureOption = Annotated[
    float,
    typer.Option(
        "--temperature",
        metavar="NUMBER",
        rich_help_panel=TECHNIQUE,
        help="Number above 0 that the scores of teacher and student are divided by before they "
        "are compared: above 1, the less likely classes count more.",
    ),
]
SoftShareOption = Annotated[
    float,
    typer.Option(
        "--soft-share",
        metavar="SHARE",
        rich_help_panel=TECHNIQUE,
        help="Share of the training loss, 0 to 1, that compares the student with the teacher's "
        "answers. The rest compares it with the labels.",
    ),
]
HiddenOption = Annotated[
    str | None,
    typer.Option(
        "--hidden",
        metavar="PAIRS",
        rich_help_panel=TECHNIQUE,
        help="Pairs of layers whose outputs are to become alike, each as the layer's name in the "
        "teacher, a colon and the layer's name in the student: fc1:fc1,fc2:fc3. Without it, only "
        "the final answers are compared.",
    ),
]
ValuesOption = Annotated[
    str,
    typer.Option(
        "--values",
        metavar="COUNT",
        rich_help_panel=TECHNIQUE,
        help="Number of distinct weights that each layer keeps, 2 to 256; by layer as "
        "LAYER=COUNT,..., where layers that are not named stay as they are.",
    ),
]
KindOption = Annotated[
    FactorizeKind,
    typer.Option(
        "--kind",
        metavar="KIND",
        rich_help_panel=TECHNIQUE,
        help="How layers are split: svd (two layers of a lower rank), spatial (k x k "
        "convolutions into k x 1 and 1 x k), tucker (into 1 x 1, k x k and 1 x 1), separable "
        "(into depthwise and pointwise) or grouped (into groups of channels).",
    ),
]
RankOption = Annotated[
    str | None,
    typer.Option(
        "--rank",
        metavar="SHARE",
        rich_help_panel=TECHNIQUE,
        help="Share of the full rank that svd, spatial and tucker keep, above 0 and up to 1; by "
        "layer as LAYER=SHARE,... Without --rank, --energy and --within, it is 0.5. The last layer "
        "keeps its rank, which tells the classes apart, unless it is named.",
    ),
]
EnergyOption = Annotated[
    float | None,
    typer.Option(
        "--energy",
        metavar="SHARE",
        rich_help_panel=TECHNIQUE,
        help="Share of the sum of squared singular values that svd, spatial and tucker keep, "
        "above 0 and up to 1, in the place of --rank. Without it, --rank says what is kept.",
    ),
]
WithinOption = Annotated[
    float | None,
    typer.Option(
        "--within",
        metavar="POINTS",
        rich_help_panel=TECHNIQUE,
        help="Percentage points of accuracy that splitting may cost before the network is "
        "trained again: the lowest --energy that keeps to it is searched. Without it, nothing is "
        "searched.",
    ),
]
GroupsOption = Annotated[
    int,
    typer.Option(
        "--groups",
        metavar="COUNT",
        rich_help_panel=TECHNIQUE,
        help="Number of groups that each convolution is split into, for the kind grouped.",
    ),
]
