"""Samples through a build directory: its integer graph, or its emitted code beside the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import numpy.typing as npt
import onnx

from fpgacomp.engines.engine import TRACE_ENDINGS
from fpgacomp.engines.engine import Level as EngineLevel
from fpgacomp.engines.registry import engine_named
from fpgacomp.errors import UsageError
from fpgacomp.evidence.software import to_network_outputs
from fpgacomp.flows import checks
from fpgacomp.flows.batches import Kept, Oracle
from fpgacomp.flows.files import Content, FileUse, Place, check_files, reads
from fpgacomp.flows.options import SampleSource, checked_path
from fpgacomp.flows.samples import load_samples, scores, with_clipping
from fpgacomp.flows.stages import Stages
from fpgacomp.frontend import forms_of
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.toolchain import find_compiler
from fpgacomp.network.canonical import input_shapes, unread_inputs
from fpgacomp.report import folder
from fpgacomp.results.agreement import Mismatch
from fpgacomp.results.measured import Measured

# graph is the integer graph itself, the oracle; the others are levels of an engine.
Level = Literal["graph", "c", "hls", "rtl", "gate"]


@dataclass(frozen=True)
class SimulationResult:
    """What a simulation answered.

    Args:
        samples: how many there were.
        level: what was run.
        outputs: the network's outputs by name, in its own units [samples, *shape].
        mismatches: integers that differ from the graph's; None at level graph.
        first_mismatch: the first that differs, or None.
        accuracy: figures of how well the answers agree with the labels, or None without labels.
        task: what the network was asked to tell, as text; see `Report.task`.
        warnings: what the user should know of the samples, in sentences.
        written: the file that holds the outputs, or None.
        traced: the file that holds the waveforms, or None.
        measured: cycles at levels rtl and gate, and FIFOs at level rtl; or None.
    """

    samples: int
    level: Level
    outputs: Mapping[str, npt.NDArray[Any]]
    mismatches: int | None = None
    first_mismatch: Mismatch | None = None
    accuracy: Mapping[str, float] | None = None
    written: str | None = None
    measured: Measured | None = None
    task: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    traced: str | None = None

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON: everything but the outputs themselves."""
        return {
            "samples": self.samples,
            "level": self.level,
            "mismatches": self.mismatches,
            "first_mismatch": str(self.first_mismatch) if self.first_mismatch else None,
            "accuracy": None if self.accuracy is None else {**self.accuracy, **self.task},
            "outputs": self.written,
            "trace": self.traced,
            "warnings": list(self.warnings),
            "measured": None if self.measured is None else {self.level: asdict(self.measured)},
        }


def simulate(
    build: str | Path,
    inputs: SampleSource,
    *,
    level: Level = "graph",
    outputs: str | Path | None = None,
    trace: str | Path | None = None,
    labels: SampleSource | None = None,
    task: str | Mapping[str, str] | None = None,
    trust: bool = False,
    memory_gb: float = 4.0,
    observer: Observer = silent,
) -> SimulationResult:
    """Run samples through a build directory, software side included.

    Args:
        build: the folder that `compile` wrote.
        inputs: samples as the network takes them: arrays, a .npy or .npz file, or labelled data.
        level: graph runs the integer graph; c runs the emitted C++, hls the same loop by loop, as a
            vendor's tool reads it, and rtl the emitted SystemVerilog cycle by cycle; these compare
            every integer with the graph. gate runs the netlist that Yosys makes of the
            SystemVerilog for the board's family, cycle by cycle, and compares every integer of the
            outputs: synthesis leaves no other tensor as it was.
        outputs: file for the answers: .npy, or .npz, which takes several.
        trace: file for the waveforms of level rtl: .fst, or .vcd. It holds the first batch, which
            is all samples that fit `memory_gb`; a nanosecond of it is a clock cycle.
        labels: of the inputs, for the accuracy.
        task: kind of what the network is asked to tell, for all outputs or by output name; None
            finds it.
        trust: run the code of a build that this user did not make on this machine.
        memory_gb: gigabytes that the integers of the samples may take at once.
        observer: told each stage and the share of it that is done.

    Raises:
        UsageError: the folder is no build directory, a file of it was changed, the build has
            nothing of this level, or its code is to run and neither this user made it nor
            `trust` is given.
        InputDataError: the samples do not go with the network.
        ToolError: a simulator is missing or failed.
    """
    if level not in get_args(Level):
        raise UsageError(
            f"level {level!r}",
            "is nothing that can be run.",
            f"use {' or '.join(get_args(Level))}.",
        )
    if not (isfinite(memory_gb) and memory_gb > 0):
        raise UsageError(f"memory_gb {memory_gb}", "is no amount of memory.", "give more than 0.")
    stages = Stages(observer)
    built = folder.read_build(checked_path("build", build))
    waves = _trace_file(trace, level)
    writes = [] if waves is None else [Place("--trace", waves, FileUse.WRITE, Content.TRACE)]
    if outputs is not None:
        path = checked_path("outputs", outputs)
        writes.append(Place("--outputs", path, FileUse.WRITE, Content.ARRAYS))
    sources = (*reads("DIR", build), *reads("--inputs", inputs), *reads("--labels", labels))
    check_files((*sources, *writes))
    if outputs is not None:
        folder.check_arrays(Path(outputs), len(built.after.graph.output), option="--outputs")
    # The software side lacks the inputs that nothing reads, which may be given all the same.
    network = onnx.load_from_string(built.project.files["network.onnx"])
    samples = load_samples(inputs, labels, input_shapes(network), unread=unread_inputs(network))
    samples = with_clipping(samples, built.before)
    oracle = Oracle(built.graph, built.before, samples.raw, memory_gb, stages)
    kept, check = Kept(built.graph), checks.SimulationCheck()
    compiler = emitted = None
    engine = engine_named(built.backend)
    if level != "graph":
        if level not in engine.levels:
            raise UsageError(
                f"--level {level}",
                f"is not there for designs of the {engine.name} engine.",
                f"use --level {' or '.join(('graph', *engine.levels))}, or compile with "
                "--backend stream.",
            )
        if not (built.own or trust):
            raise UsageError(
                str(build),
                "was not made by you on this machine, and its code would run with your rights.",
                "read its code and add --trust, or compile the network yourself.",
            )
        compiler = find_compiler()
        emitted = engine.read_back(built.graph, built.project)
    run: EngineLevel = "c" if level == "graph" else level
    for batch in checks.simulated(engine, emitted, oracle, compiler, check, stages, run, waves):
        kept.add(batch)
    answers = to_network_outputs(built.after, kept.all_outputs())
    if outputs is not None:
        folder.save_arrays(answers, Path(outputs))
    forms = forms_of(onnx.load_from_string(built.project.files["network.onnx"]))
    scored = scores(answers, samples, forms, task)
    return SimulationResult(
        samples=oracle.frames,
        level=level,
        outputs=answers,
        mismatches=check.agreement.mismatches if check.agreement else None,
        first_mismatch=check.agreement.first if check.agreement else None,
        accuracy=scored.accuracy if scored else None,
        task=scored.task if scored else {},
        written=None if outputs is None else str(outputs),
        measured=check.measured,
        warnings=samples.notes,
        traced=None if trace is None else str(trace),
    )


def _trace_file(trace: str | Path | None, level: Level) -> Path | None:
    """The file of the waveforms.

    Raises:
        UsageError: its format is not known, or the level has no clock cycles.
    """
    if trace is None:
        return None
    path = checked_path("trace", trace)
    if path.suffix.lower() not in TRACE_ENDINGS:
        raise UsageError(
            f"--trace {path}",
            "has no ending of a format of waveforms.",
            f"let its name end in {' or '.join(TRACE_ENDINGS)}.",
        )
    if level != "rtl":
        raise UsageError(
            f"--trace {path}",
            f"shows clock cycles, which --level {level} does not have.",
            "use --level rtl, or leave --trace out.",
        )
    return path
