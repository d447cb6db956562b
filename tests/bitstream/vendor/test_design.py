"""What surrounds a design, by its board; and the kernels that a card gets beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fpgacomp.bitstream.vendor.ports import StreamPort
from fpgacomp.bitstream.vendor.project import movers_of, vendor_project
from fpgacomp.bitstream.vendor.versions import ToolRelease, checked_release
from fpgacomp.devices.read import list_boards, load_board
from fpgacomp.engines.hls4ml.interface import Hls4mlInterface, VariablePort
from fpgacomp.engines.shared.csim_process import SILENT
from fpgacomp.errors import ToolError, UnsupportedLayer, UsageError
from fpgacomp.host.resources import data_folder
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.ir import codec
from tests.support import builders
from tests.support.vendor_designs import design_of, streaming, unrolled
from tests.support.vivado.hls import VitisHls

XILINX = [board.name for board in list_boards() if board.device.toolchain == "vivado"]


@pytest.mark.slow
def test_every_board_of_amd_is_built_or_refused_with_a_sentence() -> None:
    refused = []
    for name in XILINX:
        try:
            _, steps = vendor_project(design_of(streaming(), name), streaming())
        except UsageError as error:
            refused.append(name)
            assert error.fix
        else:
            assert steps[-1].made in ("mlp.bit", "mlp.xclbin")
    assert refused == ["vcu118"]


def test_boards_with_a_processor_name_their_files() -> None:
    for name in XILINX:
        board = load_board(name)
        assert bool(board.vivado_board) == (board.host == "zynq-ps"), name
        assert bool(board.platform) == (board.host == "pcie" and name != "vcu118"), name


@pytest.mark.parametrize(
    ("bits", "container"), [(1, 8), (8, 8), (9, 16), (17, 32), (33, 64), (64, 64)]
)
def test_an_element_of_hls4ml_takes_the_next_container(bits: int, container: int) -> None:
    port = StreamPort.of_hls4ml(variable(bits), 2, input=True)
    assert (port.name, port.container_bits, port.lanes) == ("in2", container, 1)
    assert (port.beats, port.frame_bytes) == (12, 12 * container // 8)


def variable(bits: int) -> VariablePort:
    """A port of hls4ml."""
    return VariablePort(tensor="x", shape=(3, 4), size=12, bits=bits, signed=True, file="x.dat",
                        variable="x", type="input_t")  # fmt: skip


def test_an_element_that_no_container_holds_is_refused() -> None:
    with pytest.raises(UnsupportedLayer, match=r"x: has 65 bits, and a DMA carries up to 64"):
        StreamPort.of_hls4ml(variable(65), 0, input=True)


def test_the_ports_are_those_that_software_is_told() -> None:
    ports = design_of(streaming("two")).accelerator.ports
    hls = design_of(streaming("two"), source="hls").accelerator
    assert hls.ports == ports
    assert hls.identity == design_of(streaming("two")).accelerator.identity
    build = unrolled()
    graph = builders.mlp()
    assert design_of(build).accelerator.identity == codec.identity(graph)
    for side, seen in zip(
        (design_of(build).accelerator.inputs, design_of(build).accelerator.outputs),
        Hls4mlInterface.of(build).for_software(graph),
        strict=True,
    ):
        assert [(p.name, p.tensor, p.size, p.container_bits, p.lanes, p.beats) for p in side] == [
            (p.port, p.tensor, p.size, p.container_bits, p.lanes, p.beats) for p in seen
        ]
    assert any(port.lanes > 1 for port in ports)


@pytest.mark.parametrize("said", ["Vivado v2022.2 (64-bit)", "vivado v2024.1.1", "x\nv++ v2025.2"])
def test_releases_are_read(said: str) -> None:
    assert checked_release("Vivado", said) == ToolRelease.of(said)


def test_a_release_that_is_not_told_is_an_error() -> None:
    with pytest.raises(ToolError, match="its version is not told by 'no licence'"):
        checked_release("Vivado", "no licence")


def test_the_hls_script_takes_what_the_engine_decided(tmp_path: Path) -> None:
    for build, style in ((unrolled(), "stp"), (unrolled("io_stream"), "frp")):
        project, _ = vendor_project(design_of(build), build)
        folder = tmp_path / style
        folder.mkdir()
        project.write(folder)
        tool = VitisHls()
        tool.run(folder / "hls.tcl")
        calls = {call.name: call for call in tool.calls}
        styles = [
            c.options.get("-pipeline_style") for c in tool.calls if c.name == "config_compile"
        ]
        assert style in styles and tool.top == "mlp_axis"
        assert calls["set_clock_uncertainty"].operands == ("27%", "default")
        own = build.files["hls/build_prj.tcl"].decode()
        assert f"config_compile -pipeline_style {style}" in own
        assert "set_clock_uncertainty 27% default" in own


@pytest.mark.slow
def test_the_movers_of_a_card_carry_every_beat(tmp_path: Path) -> None:
    build = streaming("two", "alveo-u50")
    design = design_of(build, "alveo-u50")
    project, _ = vendor_project(design, build)
    (tmp_path / "movers.cpp").write_bytes(project.files["movers.cpp"])
    calls = []
    for mover in movers_of(design):
        bits, kernel = mover.port.tdata_bits, mover.kernel
        calls.append(f"""
    {{
        ap_uint<{bits}> memory[12];
        hls::stream<ap_axiu<{bits}, 0, 0, 0> > line;
        for (int i = 0; i < 12; ++i) memory[i] = 3 * i + 1;
        {"" if mover.port.input else "for (int i = 0; i < 12; ++i)"}
        {
            f"{kernel}(memory, line, 4, 3);"
            if mover.port.input
            else f"{{ ap_axiu<{bits}, 0, 0, 0> beat; beat.data = 7 * i; line.write(beat); }}"
        }
        {"" if mover.port.input else f"{kernel}(line, memory, 4, 3);"}
        for (int i = 0; i < 12; ++i) {{
            {
            f"const ap_axiu<{bits}, 0, 0, 0> beat = line.read();"
            f"if (!(beat.data == 3 * i + 1) || beat.last != (i % 4 == 3)) return 1;"
            if mover.port.input
            else "if (!(memory[i] == 7 * i)) return 2;"
        }
        }}
        if (!line.empty()) return 3;
    }}""")
    source = '#include "movers.cpp"\nint main() {' + "".join(calls) + "\n    return 0;\n}\n"
    (tmp_path / "main.cpp").write_text(source)
    headers = f"-I{data_folder('hls_templates') / 'stream/csim_include'}"
    compiler = str(find_compiler().path)
    command = [compiler, "-std=c++14", *SILENT, headers, "main.cpp", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0
