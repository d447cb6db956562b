"""Simulates the emitted SystemVerilog, or its netlist, cycle by cycle.

Of the SystemVerilog every tensor is written down. A netlist has outputs alone: synthesis leaves
no stream between operators as it was.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from fpgacomp.engines.shared.csim import CsimResult, Progress, check_inputs
from fpgacomp.engines.shared.netlist import netlist_of
from fpgacomp.engines.stream.interface import AxiPort
from fpgacomp.engines.stream.rtl.build import build, build_netlist
from fpgacomp.engines.stream.rtl.interface import RtlInterface, RtlStream
from fpgacomp.engines.stream.rtl.registers import LONG, SHORT
from fpgacomp.engines.stream.rtl.trace import check_whole, format_of
from fpgacomp.errors import ToolError
from fpgacomp.host.toolchain import Compiler, Verilator, Yosys
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import IntArray
from fpgacomp.results.measured import FifoUse, Measured
from fpgacomp.results.project import Project

_TIMEOUT_S = 3600.0
_REPORT = "this is a bug in fpgacomp: please report it with the network."


Pauses = Literal["none", "inputs", "outputs", "both", "long"]
Fault = Literal["none", "short", "long", "reset", "soft_reset"]


@dataclass(frozen=True)
class Stimulus:
    """How the ports of a design are driven while it is simulated.

    Args:
        pauses: which ports pause at random; "long" is both, for many cycles at a time.
        seed: of the pauses.
        fault: what is wrong with one frame on every input: it ends early, or late, or the design
            is reset in its middle, by aresetn or by its registers, and the frame is sent again.
        frame: number of that frame.
        depths: design's name of a stream -> the words that its FIFO takes in this run, from 2 to
            its depth; all that it can where absent.
        patience: cycles without a transfer at any port after which a design is taken to be stuck.
    """

    pauses: Pauses = "none"
    seed: int = 1
    fault: Fault = "none"
    frame: int = 0
    depths: Mapping[str, int] = field(default_factory=dict)
    patience: int = 1_000_000

    def arguments(self, interface: RtlInterface) -> tuple[str, ...]:
        """What the simulation program takes behind the number of frames."""
        names = {stream.stream: stream.name for stream in interface.streams}
        numbers = (
            get_args(Pauses).index(self.pauses), self.seed, self.patience,
            get_args(Fault).index(self.fault), self.frame,
        )  # fmt: skip
        tried = (f"+{names[stream]}={words}" for stream, words in self.depths.items())
        return *map(str, numbers), *tried


def simulate_batches(
    project: Project,
    graph: Graph,
    batches: Iterable[Mapping[str, IntArray]],
    *,
    verilator: Verilator,
    compiler: Compiler,
    workdir: Path,
    stimulus: Stimulus = Stimulus(),
    progress: Progress | None = None,
    trace: Path | None = None,
    yosys: Yosys | None = None,
) -> Iterator[CsimResult]:
    """Build the emitted SystemVerilog once and run frames through its top module.

    Args:
        project: what `emit_stream` returned for this graph.
        batches: input tensor name -> integers [N, *shape], each within the tensor's range; a
            batch is taken when the one before has been read.
        workdir: an existing folder for sources, binary and results.
        stimulus: pauses and faults at the ports.
        progress: called as building and the frames advance.
        trace: file (.fst or .vcd) that the values of every signal are written to while the first
            batch runs, a nanosecond a clock cycle; of no netlist.
        yosys: makes the netlist that is run instead of the SystemVerilog; None runs the latter.

    Yields:
        The integers of a batch, of a netlist those of the outputs alone, with the cycles and,
        except of a netlist, the use of each FIFO; the seconds of the build come with the first.

    Raises:
        InputDataError: an input is missing, of the wrong shape, or out of range.
        ToolError: a tool failed, or the design got stuck.
        UsageError: the project is of a version that writes no traces.
        FileSystemError: the trace could not be written whole.
    """
    interface = RtlInterface.of(project)
    wanted = None if trace is None else format_of(trace, project)
    project.write(workdir)
    folder, results = workdir / "rtl", workdir / "results"
    results.mkdir(exist_ok=True)
    report = progress or (lambda *_: None)
    binary: Path | None = None
    for inputs in batches:
        frames = check_inputs(graph, inputs)
        build_s = 0.0
        if binary is None:
            report("building", 0, frames)
            if yosys is None:
                binary, build_s = build(folder, interface.top, verilator, compiler, wanted)
            else:
                started = time.monotonic()
                binary = _netlist_program(folder, interface, yosys, verilator, compiler)
                build_s = time.monotonic() - started
        for port in interface.inputs:
            inputs[port.tensor].astype(container_type(port)).tofile(folder / port.file)
        started = time.monotonic()
        command = [binary, folder, results, frames, *stimulus.arguments(interface)]
        waves = [] if trace is None else ["--trace", trace.absolute()]
        said = _run([str(word) for word in (*command, *waves)], folder)
        if trace is not None:
            check_whole(trace)
            trace = None
        measured = _measured(said, interface, frames, stimulus.fault)
        check_registers(said, interface, frames, stimulus)
        run_s = time.monotonic() - started
        every = [layer.output for layer in graph.layers]
        tensors = every if yosys is None else graph.outputs
        values = _values(interface, tensors, frames, folder, results)
        yield CsimResult(values, build_s, run_s, measured)
        report("simulating", frames, frames)


def _netlist_program(
    folder: Path, interface: RtlInterface, yosys: Yosys, verilator: Verilator, compiler: Compiler
) -> Path:
    """The simulation program of the netlist that Yosys makes of the files in `folder`."""
    netlist = netlist_of(folder, interface.top, yosys)
    gates = folder.with_name("gates")
    gates.mkdir()
    (gates / "sim_main.cpp").write_bytes((folder / "sim_main.cpp").read_bytes())
    return build_netlist(gates, netlist, interface.top, verilator, compiler)


def container_type(port: AxiPort) -> str:
    """numpy's name of the type that a port's elements have in files."""
    return f"<{'i' if port.signed else 'u'}{port.container_bits // 8}"


def _run(command: list[str], folder: Path) -> list[list[str]]:
    """The words of each line that the simulation printed."""
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise ToolError("RTL simulation", f"it took over {_TIMEOUT_S:.0f} s.",
                        "simulate fewer samples.") from None  # fmt: skip
    if ran.returncode != 0:
        last = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise ToolError("RTL simulation", f"it ended with code {ran.returncode}: "
                        f"{last[-1] if last else 'no message'}.", _REPORT)  # fmt: skip
    return [line.split() for line in ran.stdout.splitlines()]


def _measured(
    said: list[list[str]], interface: RtlInterface, frames: int, fault: Fault
) -> Measured:
    """The cycles and FIFOs of a run that came to its end."""
    cycles = next((line for line in said if line[:1] == ["cycles"]), ["cycles", "0", "stuck"])
    if cycles[2] != "done":
        raise ToolError("RTL simulation", f"the design got stuck after {cycles[1]} cycles: no word "
                        "moved at any port.", _REPORT)  # fmt: skip
    if any(line[:1] == ["tlast"] for line in said):
        raise ToolError("RTL simulation", "TLAST is not at the end of a frame.", _REPORT)
    if any(line[:1] == ["tkeep"] for line in said):
        raise ToolError("RTL simulation", "TKEEP is not that of a frame's bytes.", _REPORT)
    flags = next(line[1:] for line in said if line[:1] == ["faults"])
    wanted = [str(int(fault == kind)) for kind in ("short", "long")]
    if flags != wanted:
        raise ToolError("RTL simulation", f"{flags[0]} short and {flags[1]} long frames were "
                        f"flagged instead of {wanted[0]} and {wanted[1]}.", _REPORT)  # fmt: skip
    first = next(int(line[1]) for line in said if line[:1] == ["first"])
    columns = [
        [int(line[2]) for line in said if line[:2] == ["end", port.port]]
        for port in interface.outputs
    ]
    ends = [max(column) for column in zip(*columns)]
    latency = ends[0] - first + 1
    gaps = [after - before for before, after in pairwise(ends)]
    streams = {stream.name: stream for stream in interface.streams}
    return Measured(
        frames=frames,
        latency_cycles=latency,
        interval_cycles=gaps[-1] if gaps else None,
        steady=_is_steady(gaps, latency),
        fifos={
            streams[name].stream: FifoUse(streams[name].depth, *map(int, counts))
            for kind, name, *counts in (line for line in said if line[:1] == ["fifo"])
        },
    )


def _is_steady(gaps: Sequence[int], latency: int) -> bool:
    """Whether the cycles between the ends of frames have come to stay.

    The design fills while the frames that follow the first one come in, about latency / interval
    of them; only what follows these can tell, and it must not change any more.
    """
    filling = latency // gaps[-1] + 1 if gaps and gaps[-1] else 0
    later = gaps[filling:]
    return len(later) > 1 and len(set(later)) == 1


def check_registers(
    said: list[list[str]], interface: RtlInterface, frames: int, stimulus: Stimulus
) -> None:
    """Hold the registers that were read at the end of a run against what the run did.

    Raises:
        ToolError: one of them holds something else.
    """
    read = {line[1]: line[2:] for line in said if line[0] == "register"}
    waited = {line[1]: int(line[2]) for line in said if line[0] == "stalls"}
    # aresetn resets the counters, too; a frame that a reset interrupts is not counted.
    counted = frames - (stimulus.frame if stimulus.fault == "reset" else 0)
    expected = {f"IDENTITY_{n}": int(interface.identity[8 * n : 8 * n + 8], 16) for n in range(4)}
    for side, ports in (("IN", interface.inputs), ("OUT", interface.outputs)):
        for number, port in enumerate(ports):
            expected[f"{side}{number}_FRAMES"] = counted
            if stimulus.fault != "reset":
                expected[f"{side}{number}_STALLS"] = waited[port.port]
            if side == "IN":
                flags = {"short": 1 << SHORT.bit, "long": 1 << LONG.bit}
                expected[f"{side}{number}_ERRORS"] = flags.get(stimulus.fault, 0)
    for name, value in expected.items():
        if read.get(name) != [str(value), "0"]:
            found = " ".join(read.get(name, ["nothing"]))
            raise ToolError("RTL simulation", f"register {name} reads {found} instead of {value}.",
                            _REPORT)  # fmt: skip


def _values(
    interface: RtlInterface, tensors: Iterable[Tensor], frames: int, folder: Path, results: Path
) -> dict[str, IntArray]:
    """Tensor name -> integers: of outputs those that left the port, of others those tapped."""
    found: dict[str, IntArray] = {}
    tapped = (*interface.streams, *interface.taps_within)
    taps = {stream.tensor: stream for stream in tapped if stream.tensor}
    ports = {port.tensor: port for port in interface.outputs}
    for tensor in tensors:
        name, shape = tensor.name, tensor.shape
        if name in ports:
            port = ports[name]
            flat = np.fromfile(results / port.file, dtype=container_type(port)).astype(np.int64)
            # While other ports are still busy, padding begins a frame that nobody sends. One that
            # is whole is found by the port's register, which counts them.
            flat = flat[: frames * port.size]
        elif name in taps:
            stream = taps[name]
            flat = _tapped(folder / f"tap_{stream.name}.txt", stream, frames)
        else:
            flat = found[interface.aliases[name]]
        # A stream beside a port fills up the last word of a frame.
        found[name] = flat.reshape(frames, -1)[:, : prod(shape)].reshape(frames, *shape)
    return found


def _tapped(path: Path, stream: RtlStream, frames: int) -> IntArray:
    """The integers of a stream's words, from one hexadecimal word a line."""
    digits = -(-stream.word_bits // 4)
    text = path.read_bytes()
    lines = np.frombuffer(text, dtype=np.uint8).reshape(-1, digits + 1)
    wanted = frames * stream.words
    if len(lines) < wanted:
        why = f"stream {stream.stream} carried {len(lines)} words instead of {wanted}."
        raise ToolError("RTL simulation", why, _REPORT)
    nibbles = _nibbles(lines[:wanted, :digits][:, ::-1])
    shifts = np.arange(4, dtype=np.uint8)
    bits = ((nibbles[:, :, None] >> shifts) & 1).reshape(wanted, -1)[:, : stream.word_bits]
    width = stream.bits
    elements = bits.reshape(wanted * stream.lanes, width).astype(np.int64)
    values: IntArray = elements @ (np.int64(1) << np.arange(width, dtype=np.int64))
    if stream.bipolar:
        return 2 * values - 1
    if stream.signed:
        values = np.where(elements[:, -1] == 1, values - (np.int64(1) << width), values)
    return values


def _nibbles(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The numbers of hexadecimal digits in ASCII."""
    letters = text >= ord("a")
    return np.where(letters, text - (ord("a") - 10), text - ord("0")).astype(np.uint8)
