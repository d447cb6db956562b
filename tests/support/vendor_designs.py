"""Designs for the tests of vendor builds, and runs of their scripts in the model of Vivado."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from fpgacomp.bitstream.vendor.design import Source, VendorDesign
from fpgacomp.bitstream.vendor.project import vendor_project
from fpgacomp.devices.read import load_board
from fpgacomp.engines.hls4ml.design import IoType
from fpgacomp.engines.hls4ml.emit.project import emit as emit_hls4ml
from fpgacomp.engines.stream.engine import STREAM
from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.results.project import Project
from tests.support import builders
from tests.support import stream_designs as sd
from tests.support.vivado.hls import VitisHls, hls_ip
from tests.support.vivado.tool import Vivado


@cache
def streaming(name: str = "one", board: str = "pynq-z2") -> Project:
    """A streaming build; see `graph_of`."""
    graph = graph_of(name)
    made = replace(sd.design(graph, 0, most=8), board=load_board(board))
    emitted = STREAM.emit(made, interpreter.run(graph, builders.inputs(graph, 2))).project
    return emitted.merged(with_graph(graph))


def with_graph(graph: Graph) -> Project:
    """The file of a build that is not the engine's."""
    return Project({"graph.json": codec.to_json(graph).encode()})


def graph_of(name: str) -> Graph:
    """One port a side; two each, unlike; one input and two outputs; or a number of both."""
    if name == "one":
        return builders.mlp()
    if name == "two":
        return sd.merged(builders.mlp(), builders.cnn())
    if name == "fork":
        graph = builders.mlp()
        inner = next(layer.output for layer in graph.layers if layer.name == "fc2")
        return replace(graph, outputs=(*graph.outputs, inner))
    return sd.merged(*(builders.mlp() for _ in range(int(name))))


@cache
def unrolled(io_type: IoType = "io_parallel", board: str = "pynq-z2") -> Project:
    """A build of hls4ml."""
    design = replace(builders.design(builders.mlp(), io_type), board=load_board(board))
    values = interpreter.run(design.graph, builders.inputs(design.graph, 3))
    return emit_hls4ml(design, values).merged(with_graph(design.graph))


def design_of(
    build: Project,
    board: str = "pynq-z2",
    *,
    clock_mhz: float = 100.0,
    source: Source | None = None,
) -> VendorDesign:
    """The vendor's design of a build."""
    return VendorDesign.of(build, load_board(board), clock_mhz=clock_mhz, source=source)


def written(design: VendorDesign, build: Project, folder: Path) -> Path:
    """The folder of a vendor project, written."""
    project, _ = vendor_project(design, build)
    folder.mkdir(parents=True, exist_ok=True)
    project.write(folder)
    return folder


def vivado_run(folder: Path, *argv: str, tool: Vivado | None = None) -> Vivado:
    """Run build.tcl in the model of Vivado; the IP of C++ is made in that of Vitis HLS before."""
    tool = tool or Vivado()
    if (folder / "hls.tcl").is_file():
        hls = VitisHls()
        hls.run(folder / "hls.tcl")
        assert hls.ended and hls.exported is not None
        tool.packaged[hls.exported] = hls_ip(folder, hls.top)
    tool.run(folder / "build.tcl", *argv)
    return tool
