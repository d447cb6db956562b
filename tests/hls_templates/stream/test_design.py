"""Whole designs through the templates: emitted, compiled, run, every tensor equal to the oracle."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.ir.interpreter import run
from fpgacomp.ir.types import IntArray
from fpgacomp.ir.verify import verify
from tests.support import stream_context as sc
from tests.support import stream_harness as sh
from tests.support import stream_networks as nets
from tests.support import stream_template_design as sd
from tests.support.depth import draws
from tests.support.stream_networks import FRAMES, Network

pytestmark = pytest.mark.slow

FOLDS = {
    "residual": {f"conv{i}": (4, 4) for i in range(30)} | {"add7": (2, 1), "dense17": (12, 5)},
    "unet": {f"conv{i}": (2, 3) for i in range(30)} | {"act2": (4, 1), "up7": (3, 1)},
    "binary": {f"conv{i}": (4, 2) for i in range(30)} | {"dense6": (8, 3), "act2": (8, 1)},
    "sequence": {"conv1": (3, 2), "conv3": (6, 1), "dense7": (2, 2), "act4": (3, 1)},
    "cnv": {f"conv{i}": (32, 16) for i in range(30)} | {f"dense{i}": (8, 4) for i in range(30)},
}
MAKERS = (nets.residual, nets.unet, nets.binary, nets.sequence)


def _emit(network: Network, folder: Path) -> sc.StreamDesign:
    outputs = getattr(network, "graph_outputs", ())
    graph = verify(network.graph(*outputs))
    design = sd.Emitter(graph, FOLDS[network.name]).run()
    for path, content in sc.render(design).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return design


def _containers(port: sc.Port, values: IntArray) -> bytes:
    signed = "i" if port.tensor.type.signed else "u"
    return values.astype(f"<{signed}{port.container // 8}").tobytes()


def _compile(design: sc.StreamDesign, main: str, variant: str, folder: Path) -> Path:
    options = [flag for flag in sh.flags(variant) if flag != "-Werror"]
    # One file of both, as the product compiles it: g++ reads the headers once.
    whole = folder / f"whole_{main}"
    whole.write_text(f'#include "{design.name}.cpp"\n#include "{main}"\n')
    sh.compile_program(whole, folder / f"{main}.{variant}", [*options, f"-I{folder}"])
    return folder / f"{main}.{variant}"


def _simulate(binary: Path, design: sc.StreamDesign, values: dict[str, IntArray]) -> Path:
    folder = binary.parent / f"{binary.name}_out"
    folder.mkdir()
    (binary.parent / "in").mkdir(exist_ok=True)
    for port in design.inputs:
        data = _containers(port, values[port.tensor.name])
        (binary.parent / "in" / f"{port.name}.bin").write_bytes(data)
    arguments = [str(binary), str(binary.parent / "in"), str(folder), "0", str(FRAMES), "1"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr[:2000]
    assert re.fullmatch(rf"frames {FRAMES} seconds [0-9.]+\n", done.stdout)
    return folder


def _check_taps(folder: Path, values: dict[str, IntArray], layers: int) -> None:
    """Every layer's tensor is tapped, but those that are another's under a new shape."""
    lines = (folder / "taps.txt").read_text().splitlines()
    assert len(lines) == layers
    for line in lines:
        name, size, signed, elements = line.split()
        dtype = f"<{'i' if signed == '1' else 'u'}{size}"
        got = np.fromfile(folder / f"{name}.bin", dtype=dtype).reshape(FRAMES, int(elements))
        np.testing.assert_array_equal(got, values[name].reshape(FRAMES, -1), err_msg=name)


@pytest.mark.parametrize(
    ("make", "variant"),
    [(make, sh.LIGHT) for make in MAKERS]
    + list(zip(MAKERS, (sh.LOOPS, sh.VENDOR, sh.SYNTHESIS, sh.LOOPS)))
    # g++ takes ten seconds for each on the open vendor types, which two others of them try.
    + draws([], [(nets.residual, sh.SYNTHESIS), (nets.sequence, sh.VENDOR)]),
)
def test_every_integer_of_every_layer(make, variant: str, tmp_path: Path) -> None:
    network = make()
    design = _emit(network, tmp_path)
    binary = _compile(design, "csim_main.cpp", variant, tmp_path)
    folder = _simulate(binary, design, network.values)
    reshapes = sum(layer.name.startswith("flat") for layer in network.layers)
    _check_taps(folder, network.values, len(network.layers) - reshapes)
    for port in design.outputs:
        got = (folder / f"{port.name}.bin").read_bytes()
        assert got == _containers(port, network.values[port.tensor.name])


def test_cnv_with_a_million_weights(tmp_path: Path) -> None:
    network = nets.cnv()
    design = _emit(network, tmp_path)
    binary = _compile(design, "csim_main.cpp", sh.LIGHT, tmp_path)
    folder = _simulate(binary, design, network.values)
    _check_taps(folder, network.values, len(network.layers) - 1)


def test_simulation_of_a_range_of_frames(tmp_path: Path) -> None:
    network = nets.sequence()
    design = _emit(network, tmp_path)
    binary = _compile(design, "csim_main.cpp", sh.LIGHT, tmp_path)
    whole = _simulate(binary, design, network.values)
    part = tmp_path / "part"
    part.mkdir()
    subprocess.run([str(binary), str(tmp_path / "in"), str(part), "1", "2", "0"], check=True)
    (port,) = design.outputs
    expected = (whole / f"{port.name}.bin").read_bytes()
    assert (part / f"{port.name}.bin").read_bytes() == expected[len(expected) // FRAMES :]
    assert not (part / "taps.txt").exists()
    too_many = [str(binary), str(tmp_path / "in"), str(part), "2", "2", "0"]
    done = subprocess.run(too_many, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == "x has only 3 frames\n"


def test_testbench_finds_the_first_wrong_integer(tmp_path: Path) -> None:
    network = nets.unet()
    design = _emit(network, tmp_path)
    binary = _compile(design, "testbench.cpp", sh.LIGHT, tmp_path)
    data = tmp_path / "tb_data"
    data.mkdir()
    for port in design.inputs + design.outputs:
        (data / f"{port.name}.bin").write_bytes(_containers(port, network.values[port.tensor.name]))
    good = subprocess.run([str(binary)], cwd=tmp_path, capture_output=True, text=True)
    assert good.returncode == 0, good.stdout
    port = design.outputs[0]
    wrong = bytearray((data / f"{port.name}.bin").read_bytes())
    wrong[(port.elements + 7) * port.container // 8] ^= 1
    (data / f"{port.name}.bin").write_bytes(wrong)
    bad = subprocess.run([str(binary)], cwd=tmp_path, capture_output=True, text=True)
    assert bad.returncode == 1
    assert f"{port.name}: first mismatch in frame 1, element 7" in bad.stdout


def test_the_top_is_one_dataflow_region(tmp_path: Path) -> None:
    design = _emit(nets.residual(), tmp_path)
    top = (tmp_path / "residual.cpp").read_text()
    assert top.count("#pragma HLS DATAFLOW") == 1
    for port in design.inputs + design.outputs:
        assert f"#pragma HLS INTERFACE axis port={port.name}\n" in top
    for stream in design.streams:
        assert f"#pragma HLS STREAM variable={stream.name} depth={stream.depth}\n" in top
        # One producer and one consumer: declared, and named in two calls.
        assert len(re.findall(rf"  run_\w+\(.*\b{stream.name}\b.*\);", top)) == 2
    for table in design.roms:
        assert re.search(rf"variable={table.name}\.(packed|data) complete", top)
    tcl = (tmp_path / "build_prj.tcl").read_text()
    assert "set_part xc7z020clg400-1\n" in tcl and "create_clock -period 10.0 " in tcl


def test_the_oracle_and_the_network_agree() -> None:
    network = nets.residual()
    values = run(network.graph(), {"x": network.values["x"]})
    for name, expected in network.values.items():
        np.testing.assert_array_equal(values[name], expected)
