"""Options that say how a float network becomes a network of integers."""

from __future__ import annotations

from typing import Annotated

import typer

from fpgacomp.cli.files import Role
from fpgacomp.cli.values import Granularity, Ranges, Scale

FLOAT = "Float networks"  # panel of the help

CalibrationOption = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        metavar="FILE",
        rich_help_panel=FLOAT,
        help="Samples that show which values a float network computes, so that it can be "
        "quantized: a .npy file, a .npz file with one array per network input, or labelled data "
        "(a .npz file with arrays x and y, a folder with one folder of images per class, or a "
        "Python function, module:function or file.py:function), of which the training split is "
        "used. A float network is refused without it; a network that is quantized already needs "
        "none.",
    ),
    Role.READ,
]
PtqWeightBitsOption = Annotated[
    int,
    typer.Option(
        "--weight-bits",
        metavar="BITS",
        rich_help_panel=FLOAT,
        help="Bits of each weight of all layers, the first and the last among them, 1 to 16, when "
        "--calibration quantizes a float network (`fpgacomp quantize` keeps 8 bits in the first "
        "and the last layer). A network that is quantized already keeps its own.",
    ),
]
PtqActivationBitsOption = Annotated[
    int,
    typer.Option(
        "--activation-bits",
        metavar="BITS",
        rich_help_panel=FLOAT,
        help="Bits of each activation, 2 to 16, when --calibration quantizes a float network. A "
        "network that is quantized already keeps its own.",
    ),
]
InputTypeOption = Annotated[
    str | None,
    typer.Option(
        "--input-bits",
        metavar="BITS[:INTEGER]",
        rich_help_panel=FLOAT,
        help="Fixed-point type of a network input that no quantizer follows: total bits, and "
        "after a colon how many of them stand before the binary point, the sign included (8, or "
        "16:6, as ap_fixed<16,6>). Without it, such an input gets 8 bits with the range that "
        "--calibration shows, and is refused where neither is given.",
    ),
]
ScaleOption = Annotated[
    Scale,
    typer.Option(
        "--scale",
        metavar="KIND",
        rich_help_panel=FLOAT,
        help="Scales that quantizers may have: power-of-two (the hardware shifts) or free (any "
        "number; the hardware multiplies).",
    ),
]
RangesOption = Annotated[
    Ranges,
    typer.Option(
        "--ranges",
        metavar="METHOD",
        rich_help_panel=FLOAT,
        help="How the range of each activation is found: min-max (every value fits), percentile "
        "(the rarest extremes are cut off) or mse (the least squared error).",
    ),
]
WeightBitsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--weight-bits",
        metavar="BITS",
        rich_help_panel=FLOAT,
        help="Bits of each weight: 1 to 8, or ternary (-1, 0 and 1); by layer as "
        "'*=8,conv1=4', where * stands for all other layers, or as several such options. The "
        "first and the last layer have --first-last-bits unless they are named. Where only "
        "--activation-bits is given, weights have 8 bits.",
    ),
]
ActivationBitsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--activation-bits",
        metavar="BITS",
        rich_help_panel=FLOAT,
        help="Bits of each activation: 1 to 8; by layer as '*=8,relu1=4', where * stands for "
        "all other layers, or as several such options. Where only --weight-bits is given, "
        "activations have 8 bits.",
    ),
]
FirstLastOption = Annotated[
    str,
    typer.Option(
        "--first-last-bits",
        metavar="BITS|same",
        rich_help_panel=FLOAT,
        help="Bits of each weight in the first and in the last layer, which suffer most from few "
        "bits: 1 to 8, ternary, or same as all other layers.",
    ),
]
InputBitsOption = Annotated[
    int,
    typer.Option(
        "--input-bits",
        metavar="BITS",
        rich_help_panel=FLOAT,
        help="Bits of each value that enters the network, 1 to 8.",
    ),
]
GranularityOption = Annotated[
    Granularity,
    typer.Option(
        "--granularity",
        metavar="KIND",
        rich_help_panel=FLOAT,
        help="How many weight scales a layer has: channel (one per output channel) or tensor "
        "(one for the whole layer).",
    ),
]
