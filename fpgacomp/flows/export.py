"""The network for engines in software: QDQ ONNX, which ONNX Runtime and TensorRT take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fpgacomp.errors import ToolError
from fpgacomp.evidence.software import to_integers, to_network_outputs
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.flows.batches import batch_size
from fpgacomp.flows.compression_result import check_destination
from fpgacomp.flows.files import Content, FileUse, Place, check_files, reads
from fpgacomp.flows.integers import Model, integer_graph
from fpgacomp.flows.options import Options, checked
from fpgacomp.flows.samples import load_samples, vectors_of
from fpgacomp.flows.show import refuse_front_options
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.whole_file import whole_file
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import AnyArray, IntArray, NamedArrays
from fpgacomp.network.canonical import input_shapes, unread_inputs
from fpgacomp.network.lowered import integer_name
from fpgacomp.network.runtime import open_session
from fpgacomp.qdq.network import Quantized, answer_name, quantized_network
from fpgacomp.qdq.whole import in_float32, joined, opset_of
from fpgacomp.report import folder
from fpgacomp.results.agreement import Mismatch


@dataclass(frozen=True)
class Exported:
    """A QDQ network, and how it was held against the integer graph.

    Args:
        model: the network in its own inputs and outputs, batch N.
        file: where it was written; None where only the model was asked for.
        samples: on how many samples ONNX Runtime gave every integer of every output as the
            integer graph does. A sample on which it does not is an error.
        moved: input values of these samples that float32 rounds to another integer than float64,
            because they lie on the border between two; None where the samples were integers.
        inputs: how many input values there were in all.
        outputs_differ: largest difference of an output in the network's own units from the
            software side in float64, over the largest output; None where `moved` is.
        int8: activations that are int8 in the file.
        wide: activations and inputs that stay float, as they do not fit int8.
        wide_products: layers that multiply in float for the same reason.
        curves: layers that are a table in the file.
    """

    model: onnx.ModelProto
    file: Path | None
    samples: int
    moved: int | None
    inputs: int
    outputs_differ: float | None
    int8: tuple[str, ...]
    wide: tuple[str, ...]
    wide_products: tuple[str, ...]
    curves: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Everything but the network itself, as plain values for JSON."""
        return {
            "file": None if self.file is None else str(self.file),
            "samples": self.samples,
            "mismatches": 0,
            "inputs": self.inputs,
            "inputs_moved_by_float32": self.moved,
            "outputs_differ": self.outputs_differ,
            "int8": list(self.int8),
            "wide": list(self.wide),
            "wide_products": list(self.wide_products),
            "tables": list(self.curves),
        }


@dataclass(frozen=True)
class ExportSource:
    """What is exported, and samples to check it with.

    Args:
        graph, before, after: see `fpgacomp.network.lowered.Lowered`.
        raw: the network's inputs; None where only integers can be made.
    """

    graph: Graph
    before: onnx.ModelProto
    after: onnx.ModelProto
    raw: NamedArrays | None


def export(
    source: Model,
    out: str | Path | None = None,
    *,
    options: Options | None = None,
    observer: Observer = silent,
) -> Exported:
    """Write a network as QDQ ONNX whose integers are those of the hardware.

    Args:
        source: a build directory, or a network as `compile` takes it.
        out: .onnx file to write; None writes none.
        options: what the front end is told, and the samples of the check: `inputs`, or `vectors`
            generated ones. Of a build directory, only the samples.
        observer: told each stage.

    Raises:
        UsageError: the folder is no build directory, or an option or the file does not go with it.
        FpgacompError, Problems: the network cannot be lowered, or a layer has no form in float32.
        ToolError: ONNX Runtime does not run the network, or computes other integers.
    """
    options, stages = checked(options), Stages(observer)
    file = None if out is None else Path(out)
    if file is not None:
        check_destination(file)
        target = Place("--out", file, FileUse.WRITE, Content.NETWORK)
        check_files((*reads("MODEL", source), *reads("--inputs", options.inputs), target))
    found = source_of(source, options, stages)
    with stages.step("export"):
        core = quantized_network(found.graph, opset_of(found.after))
        before, after = in_float32(found.before), in_float32(found.after)
        model = joined(found.graph, before, core.model, after)
    with stages.step("check"):
        if found.raw is None:
            result = _checked_on_integers(found, core, model, options)
        else:
            result = _checked_on_samples(found, core, model, before, options)
    if file is None:
        return result
    with whole_file(file) as scratch:
        onnx.save(model, scratch)
    return replace(result, file=file)


def source_of(source: Model, options: Options, stages: Stages) -> ExportSource:
    """The integer graph of a network or of a build directory, and samples for it.

    Raises:
        UsageError: the folder is no build directory, or an option does not go with it.
        FpgacompError, Problems: the network cannot be lowered.
    """
    if not (isinstance(source, str | Path) and Path(source).is_dir()):
        network, lowered = integer_graph(source, options, stages)
        raw = vectors_of(network, lowered, options).raw
        return ExportSource(lowered.graph, lowered.before, lowered.after, raw)
    refuse_front_options(options)
    build = folder.read_build(Path(source))
    if options.inputs is None:
        return ExportSource(build.graph, build.before, build.after, None)
    network_model = onnx.load_from_string(build.project.files["network.onnx"])
    samples = load_samples(
        options.inputs, options.labels, input_shapes(network_model), options.vectors,
        unread=unread_inputs(network_model),
    )  # fmt: skip
    return ExportSource(build.graph, build.before, build.after, samples.raw)


def _checked_on_integers(
    source: ExportSource, core: Quantized, model: onnx.ModelProto, options: Options
) -> Exported:
    integers = integer_vectors(source.graph, options.vectors, options.seed)
    run = _Check(source.graph, core)
    for part in batches(integers, source.graph, options):
        run.compare(part)
    return _exported(core, model, run)


def _checked_on_samples(
    source: ExportSource,
    core: Quantized,
    model: onnx.ModelProto,
    before: onnx.ModelProto,
    options: Options,
) -> Exported:
    assert source.raw is not None
    run, whole = _Check(source.graph, core), _Session(model)
    names = {given.name for given in model.graph.input}
    kinds = {given.name: given.type.tensor_type.elem_type for given in model.graph.input}
    moved, differ, largest = 0, 0.0, 0.0
    for part in batches(source.raw, source.graph, options):
        exact, rounded = to_integers(source.before, part), to_integers(before, part)
        moved += sum(int((exact[name] != rounded[name]).sum()) for name in exact)
        answers = run.compare(rounded)
        wanted = to_network_outputs(source.after, answers)
        given = {
            name: array.astype(onnx.helper.tensor_dtype_to_np_dtype(kinds[name]))
            for name, array in part.items()
            if name in names
        }
        got = whole.run([value.name for value in model.graph.output], given)
        for value, array in zip(model.graph.output, got):
            reference = wanted[value.name].astype(np.float64)
            largest = max(largest, float(abs(reference).max(initial=0.0)))
            differ = max(differ, float(abs(array - reference).max(initial=0.0)))
    return _exported(core, model, run, moved=moved, differ=differ / largest if largest else differ)


class _Session:
    """ONNX Runtime with a network of ours; whatever it raises is a ToolError."""

    def __init__(self, model: onnx.ModelProto) -> None:
        try:
            self._session = open_session(model, exact_products=True)
        except Exception as error:
            raise _unrunnable(error) from error

    def run(self, names: Sequence[str], given: NamedArrays) -> list[AnyArray]:
        """The outputs of these names."""
        try:
            found: list[AnyArray] = self._session.run(list(names), dict(given))
        except Exception as error:
            raise _unrunnable(error) from error
        return found


class _Check:
    """ONNX Runtime's integers beside the integer graph's."""

    def __init__(self, graph: Graph, core: Quantized) -> None:
        self.graph, self.samples, self.inputs = graph, 0, 0
        self._session = _Session(core.model)

    def compare(self, integers: NamedArrays) -> dict[str, IntArray]:
        """Run a batch on both; returns the outputs.

        Raises:
            ToolError: they differ, or ONNX Runtime does not run the network.
        """
        tensors = tuple(dict.fromkeys(self.graph.outputs))
        expected = interpreter.run(self.graph, integers)
        given = {integer_name(layer.output.name): integers[layer.output.name]
                 for layer in self.graph.inputs}  # fmt: skip
        found = self._session.run([answer_name(tensor.name) for tensor in tensors], given)
        for tensor, array in zip(tensors, found):
            if not np.array_equal(array, expected[tensor.name]):
                at = tuple(int(i) for i in np.argwhere(array != expected[tensor.name])[0])
                first = Mismatch(
                    tensor.name, at[0], at[1:], int(expected[tensor.name][at]), int(array[at])
                )
                raise ToolError(
                    "the exported network", f"ONNX Runtime computes other integers: {first}.",
                    "this is a bug in fpgacomp: please report it with the network.",
                )  # fmt: skip
        self.samples += len(next(iter(integers.values())))
        self.inputs += sum(array.size for array in given.values())
        return {tensor.name: expected[tensor.name] for tensor in tensors}


def _unrunnable(error: Exception) -> ToolError:
    why = f"ONNX Runtime does not run it: {' '.join(str(error).split())[:300]}"
    fix = "this is a bug in fpgacomp: please report it with the network."
    return ToolError("the exported network", why, fix)


def batches(arrays: NamedArrays, graph: Graph, options: Options) -> Iterator[NamedArrays]:
    """Samples in parts that fit the memory that the options state."""
    size, samples = batch_size(graph, options.memory_gb), len(next(iter(arrays.values())))
    for start in range(0, samples, size):
        yield {name: array[start : start + size] for name, array in arrays.items()}


def _exported(
    core: Quantized,
    model: onnx.ModelProto,
    run: _Check,
    *,
    moved: int | None = None,
    differ: float | None = None,
) -> Exported:
    return Exported(
        model, None, run.samples, moved, run.inputs, differ, core.tensors, core.wide,
        core.wide_products, core.curves,
    )  # fmt: skip
