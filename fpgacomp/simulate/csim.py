"""C-simulation: g++ runs exactly the emitted firmware, and every layer's integers come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fpgacomp.errors import FpgacompError, InputDataError, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.project import Project
from fpgacomp.ir.report import Mismatch
from fpgacomp.ir.types import IntArray
from fpgacomp.resources import data_folder
from fpgacomp.simulate.csim_process import compile_harness, run_chunks
from fpgacomp.toolchain import Compiler

# Called as progress(what, done, total), with samples for done and total.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CsimResult:
    """What the emitted C++ computed.

    Args:
        values: tensor name -> int64 [N, *shape], every tensor of the graph.
        compile_s: seconds that g++ took.
        run_s: seconds that the samples took.
    """

    values: Mapping[str, IntArray]
    compile_s: float
    run_s: float


@dataclass(frozen=True)
class Comparison:
    """Two sets of integers, compared by equality.

    Args:
        vectors: samples compared.
        integers: integers compared per sample.
        mismatches: how many integers differ, over all samples.
        first: the first that differs, in the order of the layers; None where none does.
        by_tensor: tensor name -> mismatches, only tensors that have any.
    """

    vectors: int
    integers: int
    mismatches: int
    first: Mismatch | None
    by_tensor: Mapping[str, int]


def simulate(
    project: Project,
    graph: Graph,
    compiler: Compiler,
    inputs: Mapping[str, IntArray],
    *,
    workdir: Path,
    progress: Progress | None = None,
    timeout_s: float | None = None,
) -> CsimResult:
    """Compile the project's firmware once and run N samples through its top function.

    Outputs are read from the top function's ports, all other tensors from hls4ml's trace.

    Args:
        project: what `fpgacomp.backends.hls4ml.emit` returned for this graph.
        inputs: input tensor name -> integers [N, *shape], each within the tensor's range.
        workdir: an existing folder for sources, binary and results.
        progress: called as the compilation and the samples advance.
        timeout_s: limit for the samples; without it, they take what they take.

    Raises:
        InputDataError: an input is missing, of the wrong shape, or out of range (the
            hardware would wrap it silently).
        ToolError: the compiler failed, or the program did, or it took too long.
    """
    samples = check_inputs(graph, inputs)
    interface = json.loads(project.files["hls/interface.json"])
    hls = workdir / "hls"
    project.write(workdir)
    _write_inputs(workdir / "inputs", interface, inputs)
    harness = hls / "csim_harness.cpp"
    harness.write_text(_harness(interface), encoding="utf-8")
    report = progress or (lambda *_: None)
    report("compiling", 0, samples)
    binary, compile_s = compile_harness(compiler, hls, harness, interface["top"])
    chunks, run_s = run_chunks(
        binary, hls / "firmware", workdir, samples, workers=compiler.cores,
        on_samples=lambda done: report("simulating", done, samples), timeout_s=timeout_s,
    )  # fmt: skip
    values = _read_results(chunks, interface, graph)
    for layer in graph.inputs:
        values[layer.output.name] = inputs[layer.output.name].astype(np.int64)
    _resolve_aliases(values, interface, graph)
    ordered = {layer.output.name: values[layer.output.name] for layer in graph.layers}
    return CsimResult(ordered, compile_s, run_s)


def compare(
    expected: Mapping[str, IntArray], got: Mapping[str, IntArray], graph: Graph
) -> Comparison:
    """Every integer of every tensor of the graph, by equality.

    Args:
        expected, got: tensor name -> integers [N, *shape] of all tensors of the graph.

    Raises:
        InputDataError: a tensor is missing on one side, or its shapes differ.
    """
    first: Mismatch | None = None
    by_tensor: dict[str, int] = {}
    vectors = integers = 0
    for layer in graph.layers:
        name = layer.output.name
        if name not in expected or name not in got or expected[name].shape != got[name].shape:
            raise InputDataError(name, "the two results to compare do not both hold this tensor "
                                 "in one shape.", "run both on the same samples.")  # fmt: skip
        wrong = expected[name] != got[name]
        vectors, integers = len(wrong), integers + layer.output.size
        if not wrong.any():
            continue
        by_tensor[name] = int(wrong.sum())
        if first is None:
            sample, *index = (int(i) for i in np.argwhere(wrong)[0])
            at = (sample, *index)
            first = Mismatch(layer.name, sample, tuple(index), int(expected[name][at]),
                             int(got[name][at]))  # fmt: skip
    return Comparison(vectors, integers, sum(by_tensor.values()), first, by_tensor)


def check_inputs(graph: Graph, inputs: Mapping[str, IntArray]) -> int:
    """How many samples there are."""
    tensors = [layer.output for layer in graph.inputs]
    problems = [problem for t in tensors if (problem := _input_problem(t, inputs.get(t.name)))]
    raise_all(problems)
    counts = {len(inputs[tensor.name]) for tensor in tensors}
    if len(counts) != 1 or 0 in counts:
        raise InputDataError(graph.name, f"its inputs have {sorted(counts)} samples.",
                             "give the same number, at least one, for each.")  # fmt: skip
    return counts.pop()


def _input_problem(tensor: Tensor, values: IntArray | None) -> FpgacompError | None:
    if values is None:
        return InputDataError(tensor.name, "no integers were given for this input.",
                              "give integers [N, *shape] for every input.")  # fmt: skip
    if values.dtype.kind not in "iu" or values.shape[1:] != tensor.shape:
        return InputDataError(
            tensor.name,
            f"got {values.dtype} {values.shape}, expected integers [N, {tensor.shape}].",
            "convert the input with the software side first.",
        )  # fmt: skip
    low, high = (int(values.min()), int(values.max())) if values.size else (tensor.type.lo,) * 2
    if low < tensor.type.lo or high > tensor.type.hi:
        return InputDataError(tensor.name, f"values {low}..{high} leave {tensor.type}, and the "
                              "hardware would wrap them.",
                              "quantize the input with the software side first.")  # fmt: skip
    return None


def _harness(interface: Mapping[str, Any]) -> str:
    templates = Environment(
        loader=FileSystemLoader(data_folder("hls_templates") / "hls4ml" / "csim"),
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,
    )  # fmt: skip
    stream = interface["io_type"] == "io_stream"
    return templates.get_template("harness.cpp.j2").render(stream=stream, **interface)


def _write_inputs(
    folder: Path, interface: Mapping[str, Any], inputs: Mapping[str, IntArray]
) -> None:
    folder.mkdir(exist_ok=True)
    for number, port in enumerate(interface["inputs"]):
        inputs[port["tensor"]].astype("<i8").tofile(folder / f"{number}.bin")


def _read_results(
    chunks: list[Path], interface: Mapping[str, Any], graph: Graph
) -> dict[str, IntArray]:
    """Tensor name -> integers; a port's own value wins over the trace of the layer behind it."""
    shapes = {layer.output.name: layer.output.shape for layer in graph.layers}
    written = [*interface["outputs"], *interface["traces"]]
    values: dict[str, IntArray] = {}
    for number, record in enumerate(written):
        name = record["tensor"]
        if name not in values:
            parts = [np.fromfile(chunk / f"{number}.bin", dtype="<i8") for chunk in chunks]
            values[name] = np.concatenate(parts).astype(np.int64).reshape(-1, *shapes[name])
    return values


def _resolve_aliases(
    values: dict[str, IntArray], interface: Mapping[str, Any], graph: Graph
) -> None:
    """Reshaped tensors that share another's array or stream are that tensor's integers."""
    for layer in graph.layers:
        source = interface["aliases"].get(layer.output.name)
        if source is not None:
            values[layer.output.name] = values[source].reshape(-1, *layer.output.shape)
