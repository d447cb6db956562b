"""Writes what software needs of a design: its description, and frames for its self-test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import fpgacomp
from fpgacomp.deploy.program import program_of
from fpgacomp.devices.board import Board
from fpgacomp.ir import codec
from fpgacomp.ir.types import IntArray
from fpgacomp.network.lowered import Lowered
from fpgacomp.results.project import Project
from fpgacomp.runtime.accelerator import SELF_TEST, to_containers
from fpgacomp.runtime.deployment import FILE, FORMAT, FramePort

# Frames of the self-test: enough to find a design that answers wrongly, and few enough that the
# test of a network on large images takes little time and room.
SELF_TEST_FRAMES = 4


def software_side(
    name: str,
    lowered: Lowered,
    ports: tuple[Sequence[FramePort], Sequence[FramePort]],
    values: Mapping[str, IntArray],
    *,
    engine: str,
    board: Board,
    clock_mhz: float,
) -> Project:
    """The files below software/ that the device runtime reads.

    Args:
        name: of the network.
        lowered: the network as integers, with its software sides.
        ports: the accelerator's inputs and outputs.
        values: tensor name -> the oracle's integers [N, *shape], of the ports' tensors at least.
        engine: name of the engine that made the design.
    """
    inputs, outputs = ports
    content = {
        "format": FORMAT,
        "name": name,
        "identity": codec.identity(lowered.graph),
        "fpgacomp": fpgacomp.__version__,
        "engine": engine,
        "board": board.name,
        "clock_mhz": float(clock_mhz),
        "inputs": [asdict(port) for port in inputs],
        "outputs": [asdict(port) for port in outputs],
        "software": {
            "before": program_of(lowered.before),
            "after": program_of(lowered.after),
        },
    }
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
    files = {f"software/{FILE}": text.encode()}
    for port in (*inputs, *outputs):
        frames = to_containers(port, values[port.tensor][:SELF_TEST_FRAMES])
        files[f"software/{SELF_TEST}/{port.port}.bin"] = frames.tobytes()
    return Project(files)
