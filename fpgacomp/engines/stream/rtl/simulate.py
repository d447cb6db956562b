"""RTL simulation: the emitted SystemVerilog, cycle by cycle, with every tensor written down."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.shared.csim import check_inputs
from fpgacomp.engines.stream.dataflow import Dataflow
from fpgacomp.engines.stream.interface import AxiPort, StreamInterface
from fpgacomp.engines.stream.rtl.build import build
from fpgacomp.engines.stream.rtl.project import stream_names
from fpgacomp.engines.stream.streams import Stream, element_bits
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import Compiler, Verilator
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import IntArray
from fpgacomp.results.project import Project

_TIMEOUT_S = 3600.0
_REPORT = "this is a bug in fpgacomp: please report it with the network."


@dataclass(frozen=True)
class FifoUse:
    """What happened to a FIFO over a whole run.

    Args:
        words: that passed.
        highest: words that it held at most.
        stalled: cycles in which its writer waited for room.
        starved: cycles in which its reader waited for a word.
    """

    words: int
    highest: int
    stalled: int
    starved: int


@dataclass(frozen=True)
class RtlRun:
    """What an RTL simulation gave.

    Args:
        values: tensor name -> int64 [N, *shape], every tensor of the graph.
        latency_cycles: from the first beat in to the last beat of the first frame out.
        ends: the cycle in which each frame's last beat left, of the output that is latest.
        fifos: stream name -> its use.
        build_s, run_s: seconds that building and running took.
    """

    values: Mapping[str, IntArray]
    latency_cycles: int
    ends: tuple[int, ...]
    fifos: Mapping[str, FifoUse]
    build_s: float
    run_s: float

    @property
    def interval_cycles(self) -> int | None:
        """Cycles between the last two frames; None of a single frame."""
        return self.ends[-1] - self.ends[-2] if len(self.ends) > 1 else None


def simulate_rtl(
    project: Project,
    interface: StreamInterface,
    dataflow: Dataflow,
    graph: Graph,
    inputs: Mapping[str, IntArray],
    *,
    verilator: Verilator,
    compiler: Compiler,
    workdir: Path,
    pattern: int = 0,
    seed: int = 1,
    patience: int = 100_000,
) -> RtlRun:
    """Run frames through the top module, with pauses at its ports.

    Args:
        project: what `emit_rtl` returned for the dataflow of this graph.
        interface: of the design's ports.
        inputs: input tensor name -> integers [N, *shape].
        workdir: an existing folder for sources, binary and results.
        pattern: 0 no pauses; 1 the inputs pause at random; 2 the outputs do; 3 both do; 4 both
            pause for long.
        seed: of the pauses.
        patience: cycles without a transfer at any port after which the design is stuck.

    Raises:
        InputDataError: an input is missing, of the wrong shape, or out of range.
        ToolError: a tool failed, or the design got stuck.
    """
    frames = check_inputs(graph, inputs)
    project.write(workdir)
    folder = workdir / "rtl"
    binary, build_s = build(folder, interface.top, verilator, compiler)
    for port in interface.inputs:
        inputs[port.tensor].astype(container_type(port)).tofile(folder / port.file)
    results = workdir / "results"
    results.mkdir(exist_ok=True)
    started = time.monotonic()
    command = [binary, folder, results, frames, pattern, seed, patience]
    said = _run([str(word) for word in command], folder)
    run_s = time.monotonic() - started
    return _read(said, interface, dataflow, graph, frames, folder, results, build_s, run_s)


def container_type(port: AxiPort) -> str:
    """numpy's name of the type that a port's elements have in files."""
    return f"<{'i' if port.signed else 'u'}{port.container_bits // 8}"


def _run(command: list[str], folder: Path) -> list[list[str]]:
    """The words of each line that the simulation printed."""
    try:
        ran = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise ToolError("RTL simulation", f"it took over {_TIMEOUT_S:.0f} s.",
                        "simulate fewer samples.") from None  # fmt: skip
    if ran.returncode != 0:
        last = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise ToolError("RTL simulation", f"it ended with code {ran.returncode}: "
                        f"{last[-1] if last else 'no message'}.", _REPORT)  # fmt: skip
    return [line.split() for line in ran.stdout.splitlines()]


def _read(
    said: list[list[str]],
    interface: StreamInterface,
    dataflow: Dataflow,
    graph: Graph,
    frames: int,
    folder: Path,
    results: Path,
    build_s: float,
    run_s: float,
) -> RtlRun:
    cycles = next((line for line in said if line[:1] == ["cycles"]), ["cycles", "0", "stuck"])
    if cycles[2] != "done":
        raise ToolError("RTL simulation", f"the design got stuck after {cycles[1]} cycles: no word "
                        "moved at any port.", _REPORT)  # fmt: skip
    if any(line[:1] == ["tlast"] for line in said):
        raise ToolError("RTL simulation", "TLAST is not at the end of a frame.", _REPORT)
    first = next(int(line[1]) for line in said if line[:1] == ["first"])
    ends = {
        port.port: [int(line[2]) for line in said if line[:2] == ["end", port.port]]
        for port in interface.outputs
    }
    last = tuple(max(column) for column in zip(*ends.values()))
    names = stream_names(dataflow)
    fifos = {
        names[line[1]].name: FifoUse(*map(int, line[2:])) for line in said if line[:1] == ["fifo"]
    }
    values = _values(interface, names, graph, frames, folder, results)
    return RtlRun(values, last[0] - first + 1, last, fifos, build_s, run_s)


def _values(
    interface: StreamInterface,
    names: Mapping[str, Stream],
    graph: Graph,
    frames: int,
    folder: Path,
    results: Path,
) -> dict[str, IntArray]:
    """Tensor name -> integers: of outputs those that left the port, of others those tapped."""
    shapes = {layer.output.name: layer.output.shape for layer in graph.layers}
    found: dict[str, IntArray] = {}
    taps = {stream.tensor: (name, stream) for name, stream in names.items() if stream.tensor}
    ports = {port.tensor: port for port in interface.outputs}
    for name, shape in shapes.items():
        if name in ports:
            port = ports[name]
            flat = np.fromfile(results / port.file, dtype=container_type(port)).astype(np.int64)
        elif name in taps:
            wire, stream = taps[name]
            flat = _tapped(folder / f"tap_{wire}.txt", stream, frames)
        else:
            flat = found[interface.aliases[name]]
        found[name] = flat.reshape(frames, *shape)
    return found


def _tapped(path: Path, stream: Stream, frames: int) -> IntArray:
    """The integers of a stream's words, from one hexadecimal word a line."""
    digits = -(-stream.bits // 4)
    text = path.read_bytes()
    lines = np.frombuffer(text, dtype=np.uint8).reshape(-1, digits + 1)
    wanted = frames * stream.words
    if len(lines) < wanted:
        why = f"stream {stream.name} carried {len(lines)} words instead of {wanted}."
        raise ToolError("RTL simulation", why, _REPORT)
    nibbles = _nibbles(lines[:wanted, :digits][:, ::-1])
    shifts = np.arange(4, dtype=np.uint8)
    bits = ((nibbles[:, :, None] >> shifts) & 1).reshape(wanted, -1)[:, : stream.bits]
    width = element_bits(stream.type)
    elements = bits.reshape(wanted * stream.lanes, width).astype(np.int64)
    values: IntArray = elements @ (np.int64(1) << np.arange(width, dtype=np.int64))
    if stream.type.bipolar:
        return 2 * values - 1
    if stream.type.signed:
        values = np.where(elements[:, -1] == 1, values - (np.int64(1) << width), values)
    return values


def _nibbles(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The numbers of hexadecimal digits in ASCII."""
    letters = text >= ord("a")
    return np.where(letters, text - (ord("a") - 10), text - ord("0")).astype(np.uint8)
