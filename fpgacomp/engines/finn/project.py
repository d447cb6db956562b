"""FINN's own files of a design: models, folding, FIFO depths, generated code, build script."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from fpgacomp.devices.board import Board
from fpgacomp.engines.finn.graph import FinnModel, build_finn, specialize, specialized
from fpgacomp.engines.finn.runtime import FINN_VERSION, finn_session
from fpgacomp.engines.stream.design import StreamDesign
from fpgacomp.errors import UnsupportedLayer, raise_all
from fpgacomp.host.resources import data_folder
from fpgacomp.network.attributes import decode_attributes
from fpgacomp.results.project import Project

_FOLDING = (
    "PE", "SIMD", "parallel_window", "ram_style", "resType", "mem_mode",
    "runtime_writeable_weights", "depth_trigger_uram", "depth_trigger_bram",
)  # fmt: skip
# Our board -> the name that FINN's `part_map` has for the same board. Boards that are absent
# (zybo-z7-20, zcu106, arty-a7-35t, ...) are unknown to FINN.
_FINN_BOARDS = {
    "alveo-u200": "U200",
    "alveo-u250": "U250",
    "alveo-u280": "U280",
    "alveo-u50": "U50",
    "kv260": "KV260_SOM",
    "pynq-z1": "Pynq-Z1",
    "pynq-z2": "Pynq-Z2",
    "rfsoc2x2": "RFSoC2x2",
    "ultra96-v2": "Ultra96-V2",
    "zcu102": "ZCU102",
    "zcu104": "ZCU104",
}
_RANDOM_SUFFIX = re.compile(r"_[a-z0-9_]{8}$")


def emit_finn(design: StreamDesign) -> Project:
    """FINN's files below `finn/`.

    Args:
        design: a folding for every layer of a verified graph.

    Returns:
        finn/model.onnx (abstract), hardware.onnx (specialized), folding.json, fifos.json,
        tensors.json, code/ (PrepareIP's output), build.py and README.md. The same design gives
        the same bytes; no file names a folder of this machine.

    Raises:
        UnsupportedLayer, Problems: layers that FINN's operators cannot express.
        ToolError: FINN is missing, or chose another implementation than was asked for.
    """
    raise_all(list(_passed_through(design)))
    finn = build_finn(design)
    hardware = specialize(finn, design)
    files = {
        "model.onnx": _onnx(finn.model),
        "hardware.onnx": _onnx(hardware.model),
        "folding.json": _json(_folding(specialized(finn, design))),
        "fifos.json": _json(_fifos(hardware.model)),
        "tensors.json": _json(_tensors(finn)),
    }
    files |= {f"code/{path}": content for path, content in _code(hardware, design)}
    files |= _texts(design)
    return Project(files).under("finn")


def _passed_through(design: StreamDesign) -> Iterator[UnsupportedLayer]:
    """Yield a problem for every output of the design that is one of its inputs."""
    inputs = {layer.output.name for layer in design.graph.inputs}
    for tensor in design.graph.outputs:
        if tensor.name in inputs:
            why = "it is an input and an output, and FINN inserts no FIFO between the two."
            yield UnsupportedLayer(tensor.name, why, "use --backend stream, or drop this output.")


def _onnx(model: Any) -> bytes:
    content: bytes = model.model.SerializeToString(deterministic=True)
    return content


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _folding(model: Any) -> dict[str, Any]:
    """What FINN's step_apply_folding_config reads: node name -> attributes."""
    folding: dict[str, Any] = {"Defaults": {}}
    for node in model.graph.node:
        folding[node.name] = {
            name: value for name, value in decode_attributes(node).items() if name in _FOLDING
        }
    return folding


def _fifos(model: Any) -> dict[str, Any]:
    """What FINN's ApplyFIFODepthsFromFile reads."""
    from qonnx.custom_op.registry import getCustomOp

    fields = {"fifo_depths": "depth", "impl_style": "impl_style", "ram_style": "ram_style"}
    nodes = [getCustomOp(node) for node in model.get_nodes_by_op_type("StreamingFIFO_rtl")]
    return {
        key: {node.onnx_node.name: node.get_nodeattr(attribute) for node in nodes}
        for key, attribute in fields.items()
    }


def _tensors(finn: FinnModel) -> dict[str, Any]:
    return {
        name: {
            "finn": coding.tensor,
            "gain": coding.gain,
            "offset": coding.offset,
            "sign": None if coding.sign is None else coding.sign.tolist(),
        }
        for name, coding in finn.tensors.items()
    }


def _code(hardware: FinnModel, design: StreamDesign) -> Iterator[tuple[str, bytes]]:
    with finn_session() as folder:
        from finn.interface.settings import FINN_ROOT
        from finn.transformation.fpgadataflow.prepare_ip import PrepareIP

        model = copy.deepcopy(hardware.model)
        try:
            model.transform(PrepareIP(design.board.part, design.clock_ns), make_deepcopy=False)
        except Exception as error:  # FINN states its limits as AssertionError and worse
            raise UnsupportedLayer(
                _last_begun(model), f"FINN generates no code for it: {error}.",
                "choose another folding for the layer, or the streaming C++ design.",
            ) from error  # fmt: skip
        made = sorted(path for path in folder.rglob("*") if path.is_file())
        found = [(path.relative_to(folder), path.read_bytes()) for path in made]
    for path, content in found:
        if path.suffix == ".npy":  # weights again, for FINN's node-by-node simulation
            continue
        operator = _RANDOM_SUFFIX.sub("", path.parts[0]).removeprefix("code_gen_ipgen_")
        source = f"{folder / path.parts[0]}".encode()
        content = content.replace(source + b"/", b"./").replace(source, b".")
        content = content.replace(f"{FINN_ROOT}/finn_deps".encode(), b"$::env(FINN_DEPS)")
        content = content.replace(str(FINN_ROOT).encode(), b"$::env(FINN_ROOT)")
        yield f"{operator}/{Path(*path.parts[1:]).as_posix()}", content


def _last_begun(model: Any) -> str:
    """The operator that FINN was generating code for."""
    from qonnx.custom_op.registry import getCustomOp

    begun = [n.name for n in model.graph.node if getCustomOp(n).get_nodeattr("code_gen_dir_ipgen")]
    return begun[-1] if begun else "network"


def _texts(design: StreamDesign) -> dict[str, bytes]:
    board = finn_board(design.board) or ""
    values = {
        "title": f"{design.graph.name} on {design.board.title}",
        "part": design.board.part,
        "board_name": design.board.name,
        "board": board,
        "shell": "VITIS_ALVEO" if board.startswith("U") and board[1:2].isdigit() else "VIVADO_ZYNQ",
        "clock_ns": f"{design.clock_ns:.3f}",
        "finn_version": FINN_VERSION,
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(data_folder("hls_templates") / "finn"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return {
        name: environment.get_template(f"{name}.j2").render(values).encode()
        for name in ("build.py", "README.md")
    }


def finn_board(board: Board) -> str | None:
    """FINN's name for a board, or None where FINN has no shell for it.

    Boards with the same FPGA differ in memory, clocks and pins, so a board is found by its name;
    the part must be FINN's too, because a user's board file may give a known name to another part.
    """
    with finn_session():
        from finn.util.basic import part_map

        names_by_part: dict[str, set[str]] = {}
        for known, part in part_map.items():
            names_by_part.setdefault(str(part), set()).add(str(known))
    candidates = names_by_part.get(board.part, set())
    name = _FINN_BOARDS.get(board.name)
    return name if name in candidates else None
