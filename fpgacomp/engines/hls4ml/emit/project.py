"""Integer graph to hls4ml ModelGraph to project.

    plan      integer graph -> the exact hls4ml layers (nodes.Node), every type stated
    model     nodes -> hls4ml's ModelGraph, and the proof that nothing was changed
    firmware  ModelGraph -> C++ files
    emit      all of it, with testbench, vectors and build script, as a Project

hls4ml is imported when `emit` is called, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment

from fpgacomp.engines.hls4ml.check import problems, too_wide
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.emit.plan import plan
from fpgacomp.engines.hls4ml.emit.planner import Plan
from fpgacomp.engines.hls4ml.interface import Hls4mlInterface, Trace, VariablePort
from fpgacomp.engines.hls4ml.limits import UNROLL_LIMIT
from fpgacomp.engines.shared.interface import FILE
from fpgacomp.engines.shared.names import top_name
from fpgacomp.engines.shared.remarks import built_by_hls
from fpgacomp.engines.shared.vectors import vector_problems
from fpgacomp.errors import raise_all
from fpgacomp.host.resources import data_folder
from fpgacomp.ir.types import IntArray
from fpgacomp.results.project import Project

# Share of the clock period kept for routing, as hls4ml recommends for Vitis HLS.
CLOCK_UNCERTAINTY = "27%"


def emit(design: Hls4mlDesign, vectors: Mapping[str, IntArray]) -> Project:
    """The HLS project of a design, below `hls/`.

    Args:
        design: a folding for every layer of a verified graph.
        vectors: tensor name -> integers [N, *shape] of at least the graph's inputs and
            outputs (what `fpgacomp.ir.interpreter.run` returns): the testbench's data.

    Returns:
        hls/firmware/ (C++), hls/<name>_test.cpp, hls/tb_data/, hls/interface.json (an
        `Hls4mlInterface`: ports and traced layers), hls/README.md (what the ports are) and,
        where Vitis HLS builds for the board, hls/build_prj.tcl. The same design and vectors give
        the same bytes.

    Raises:
        UnsupportedLayer: a layer that hls4ml or Vitis HLS would refuse or change.
        InputDataError: vectors that do not go with the graph.
        InvalidGraph: hls4ml did not build what it was asked for.
    """
    raise_all([*problems(design), *too_wide(design.graph)])
    raise_all([*vector_problems(design.graph, vectors)])

    from fpgacomp.engines.hls4ml.emit import extension, firmware, model, sums

    top = top_name(design.graph.name)
    planned = plan(design, model.reserved_names())
    built = model.build(design, planned, top)
    interface = _interface(design, planned, built, top)
    templates = extension.templates()
    files = firmware.firmware(built, top)
    files |= {f"firmware/{name}": code for name, code in sums.sums_files(planned).items()}
    files[f"{top}_test.cpp"] = _testbench(templates, interface)
    files["tb_vectors.h"] = (data_folder("hls_templates") / "hls4ml" / "tb_vectors.h").read_bytes()
    if built_by_hls(design.board):
        files["build_prj.tcl"] = _build_script(templates, design, top)
    for port in (*interface.inputs, *interface.outputs):
        files[f"tb_data/{port.file}"] = _vector_file(vectors[port.tensor])
    files[FILE] = interface.to_json()
    readme = templates.get_template("project.md.j2").render(interface=interface)
    files["README.md"] = readme.encode()
    return Project(files).under("hls")


def _testbench(templates: Environment, interface: Hls4mlInterface) -> bytes:
    """The C++ that feeds the vectors to the top function and compares its outputs."""
    text = templates.get_template("testbench.cpp.j2").render(
        stream=interface.io_type == "io_stream", top=interface.top, inputs=interface.inputs,
        outputs=interface.outputs,
    )  # fmt: skip
    return text.encode()


def _build_script(templates: Environment, design: Hls4mlDesign, top: str) -> bytes:
    """The Tcl script that Vitis HLS builds the project with."""
    text = templates.get_template("build_prj.tcl.j2").render(
        top=top, part=design.board.part, clock_mhz=f"{design.clock_mhz:g}",
        clock_ns=f"{design.clock_ns:.3f}", clock_uncertainty=CLOCK_UNCERTAINTY,
        partition_limit=UNROLL_LIMIT, io_type=design.io_type,
    )  # fmt: skip
    return text.encode()


def _interface(design: Hls4mlDesign, plan: Plan, built: Any, top: str) -> Hls4mlInterface:
    """The ports in the order of the top function's arguments, and the layers that are traced."""
    tensors = {layer.output.name: layer.output for layer in design.graph.layers}

    def port(direction: str, name: str, variable: Any) -> VariablePort:
        tensor = tensors[name]
        return VariablePort(
            tensor=name, shape=tensor.shape, size=tensor.size, bits=tensor.type.bits,
            signed=tensor.type.signed, file=f"tb_{direction}_{name}.dat",
            variable=variable.name, type=variable.type.name,
        )  # fmt: skip

    return Hls4mlInterface(
        top=top,
        io_type=design.io_type,
        inputs=tuple(
            port("input", name, variable)
            for name, variable in zip(plan.inputs, built.get_input_variables())
        ),
        outputs=tuple(
            port("output", name, variable)
            for name, variable in zip(plan.outputs, built.get_output_variables())
        ),
        traces=tuple(
            Trace(node=node.name, tensor=node.traces, size=node.output.size)
            for node in plan.nodes
            if node.traces is not None and node.class_name != "Input"
        ),
        aliases=plan.aliases,
    )


def _vector_file(values: IntArray) -> bytes:
    """One sample per line, plain decimal integers."""
    rows = values.reshape(len(values), -1)
    return "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist()).encode()
