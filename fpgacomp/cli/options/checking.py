"""Options that say which samples a design or a network is checked with."""

from __future__ import annotations

from typing import Annotated

import typer

from fpgacomp.cli.files import Role
from fpgacomp.cli.values import Checks, Level

CHECKING = "Checking"  # panel of the help

InputsOption = Annotated[
    str | None,
    typer.Option(
        "--inputs",
        metavar="FILE",
        rich_help_panel=CHECKING,
        help="Samples to check the design with, as the network takes them (numbers before any "
        "quantizer, samples along the first axis): a .npy file, a .npz file with one array per "
        "network input, or labelled data (a .npz file with arrays x and y, a folder with one "
        "folder of images per class, or a Python function, module:function or file.py:function). "
        "A file is used whole, or its x_test and y_test where it has them; of a folder or a "
        "function, which are a whole data set, the test split is used. Without it, "
        "seeded random samples are used that drive the layers to their extremes.",
    ),
    Role.READ,
]
SimulateInputsOption = Annotated[
    str,
    typer.Option(
        "--inputs",
        metavar="FILE",
        rich_help_panel=CHECKING,
        help="Samples to run, as the network takes them (numbers before any quantizer, samples "
        "along the first axis): a .npy file, a .npz file with one array per network input, or "
        "labelled data (a .npz file with arrays x and y, a folder with one folder of images per "
        "class, or a Python function, module:function or file.py:function). A file is used whole, "
        "or its x_test and y_test where it has them; of a folder or a function, which are a whole "
        "data set, the test split is used.",
    ),
    Role.READ,
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        rich_help_panel=CHECKING,
        help="File (.npy) with the label of each sample in --inputs, which it needs: a class "
        "number counted from 0 or a one-hot row, 0 or 1, or the right numbers; for several outputs "
        "a .npz file with one array under each output's name. The accuracy (or the error) is "
        "computed from them. Without it, that is known only where --inputs has labels of its own.",
    ),
    Role.READ,
]
VectorsOption = Annotated[
    int,
    typer.Option(
        "--vectors",
        metavar="COUNT",
        min=1,
        rich_help_panel=CHECKING,
        help="Largest number of samples whose integers are compared, each one of them: of --inputs "
        "the first ones (of labelled samples evenly spread ones), or as many generated ones.",
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
        "that do not fit together are run in batches, with the same result. Where none are given, "
        "no more are generated than fit.",
    ),
]
CsimOption = Annotated[
    bool,
    typer.Option(
        "--csim/--no-csim",
        rich_help_panel=CHECKING,
        help="Compile the emitted C++ with the C++ compiler of this machine, run it, and compare "
        "its integers with those of the integer graph. Without it, nothing is said about the "
        "C++.",
    ),
]
ChecksOption = Annotated[
    Checks,
    typer.Option(
        "--checks",
        metavar="EXTENT",
        envvar="FPGACOMP_CHECKS",
        rich_help_panel=CHECKING,
        help="How much of the emitted design is simulated: quick (its C++ on all samples) or full "
        "(default; also the C++ as a vendor's tool reads it, loop by loop on arbitrary-precision "
        "types, and where the engine emits SystemVerilog that, cycle by cycle, on 4 samples each "
        "and the SystemVerilog on as many more as take a second, where that is predicted to take "
        "under 60 seconds of processor time; the report gives the command otherwise).",
    ),
]
LevelOption = Annotated[
    Level,
    typer.Option(
        "--level",
        metavar="LEVEL",
        rich_help_panel=CHECKING,
        help="What runs: graph (the integer graph, interpreted), c (the emitted C++ on "
        "native integers), hls (the same C++ as a vendor's tool reads it, loop by loop on "
        "arbitrary-precision types), and where the engine emits SystemVerilog (stream, finn, "
        "adders) rtl (that, cycle by cycle; needs fpgacomp[rtl]) and gate (the netlist that Yosys "
        "makes of it for the board's family; needs pyosys, too; takes minutes). All but graph are "
        "compared with the graph, gate at the outputs, the others at every layer; the exit code is "
        "1 where they differ.",
    ),
]

TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust",
        rich_help_panel=CHECKING,
        help="Also use a build folder that somebody else made, or that was made on another "
        "machine: what lies in it runs or is read with your permissions, so read it first. Without "
        "this option, such a folder is refused (by simulate only with a --level but graph).",
    ),
]

ThroughputOption = Annotated[
    bool,
    typer.Option(
        "--throughput",
        rich_help_panel=CHECKING,
        help="Also send frames through the emulated board, compare every integer of the answers, "
        "and tell how many frames a second pass at the design's clock, the driver's accesses and "
        "the way to memory or over the line included.",
    ),
]

NoiseOption = Annotated[
    str,
    typer.Option(
        "--noise",
        metavar="NUMBER,...",
        rich_help_panel=CHECKING,
        help="Standard deviations of the Gaussian noise that is added to the test samples, "
        "separated by commas, as shares of the range of the samples: 0.1 is a tenth of it. The "
        "accuracy is measured once for each. An empty text leaves this test out.",
    ),
]
BrightnessOption = Annotated[
    str,
    typer.Option(
        "--brightness",
        metavar="NUMBER,...",
        rich_help_panel=CHECKING,
        help="Numbers that are added to every value of the test samples, separated by commas, as "
        "shares of the range of the samples (-1 to 1). The accuracy is measured once for each. An "
        "empty text leaves this test out.",
    ),
]
EpsilonsOption = Annotated[
    str,
    typer.Option(
        "--epsilons",
        metavar="NUMBER,...",
        rich_help_panel=CHECKING,
        help="Largest changes that the one-step gradient attack (FGSM) may make to a value of a "
        "sample, separated by commas, as shares of the range of the samples. The accuracy is "
        "measured once for each. An empty text leaves the attack out.",
    ),
]
TransferOption = Annotated[
    str,
    typer.Option(
        "--transfer-from",
        metavar="NAME",
        rich_help_panel=CHECKING,
        help="Network whose attacked samples all networks are tested with: the name of its file "
        "without the ending. auto takes the most accurate float network; none leaves this test "
        "out.",
    ),
]
AccuracyFloorOption = Annotated[
    float | None,
    typer.Option(
        "--accuracy-floor",
        metavar="PERCENT",
        rich_help_panel=CHECKING,
        help="Score in percent (the accuracy; for regression R2) that a network must reach to be "
        "named among the best by size or cost. Without it, --max-drop sets the floor.",
    ),
]
MaxDropOption = Annotated[
    float,
    typer.Option(
        "--max-drop",
        metavar="POINTS",
        rich_help_panel=CHECKING,
        help="How many percentage points below the best score a network may be to be named among "
        "the best by size or cost (default 5). It is not looked at with --accuracy-floor.",
    ),
]
