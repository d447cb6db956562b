"""The network as int8 TFLite with the hardware's integers, where TFLite's kernels give them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fpgacomp.errors import ToolError
from fpgacomp.evidence.software import to_integers
from fpgacomp.evidence.vectors import integer_vectors
from fpgacomp.flows.compression_result import check_destination
from fpgacomp.flows.export import batches, source_of
from fpgacomp.flows.files import Content, FileUse, Place, check_files, reads
from fpgacomp.flows.integers import Model
from fpgacomp.flows.options import Options, checked
from fpgacomp.flows.stages import Stages
from fpgacomp.host.progress import Observer, silent
from fpgacomp.host.tflite import KERNEL_SETS, LiteSession, require_tensorflow, tflite_bytes
from fpgacomp.host.whole_file import whole_file
from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import NamedArrays
from fpgacomp.qdq.tflite import LiteNetwork, lite_network
from fpgacomp.results.agreement import Mismatch

SUFFIX = ".tflite"


@dataclass(frozen=True)
class ExportedLite:
    """A TFLite network, and how it was held against the integer graph.

    Args:
        content: the file's bytes.
        file: where it was written; None where only the bytes were asked for.
        samples: on how many samples every set of kernels gave every integer of every output as
            the integer graph does. A sample on which one does not is an error.
        zeros: what is added to the hardware's integers of each input to get the file's codes.
        int8: inputs and activations that are int8 in the file.
        wide_products: layers that multiply in float32, as their sums are outputs.
    """

    content: bytes
    file: Path | None
    samples: int
    zeros: dict[str, int]
    int8: tuple[str, ...]
    wide_products: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Everything but the bytes themselves, as plain values for JSON."""
        return {
            "file": None if self.file is None else str(self.file),
            "samples": self.samples,
            "mismatches": 0,
            "kernels": list(KERNEL_SETS),
            "input_zero_points": dict(self.zeros),
            "int8": list(self.int8),
            "wide_products": list(self.wide_products),
        }


def export_tflite(
    source: Model,
    out: str | Path | None = None,
    *,
    options: Options | None = None,
    observer: Observer = silent,
) -> ExportedLite:
    """Write a network as int8 TFLite whose integers are those of the hardware.

    The file takes the hardware's integers as int8 and gives the hardware's integers as int32.

    Args:
        source: a build directory, or a network as `compile` takes it.
        out: .tflite file to write; None writes none.
        options: what the front end is told, and the samples of the check: `inputs`, or `vectors`
            generated ones. Of a build directory, only the samples.
        observer: told each stage.

    Raises:
        UsageError: the folder is no build directory, or an option or the file does not go with it.
        FpgacompError, Problems: the network cannot be lowered, or TFLite's kernels do not compute
            a layer exactly.
        ToolError: TensorFlow is not installed, or it computes other integers.
    """
    options, stages = checked(options), Stages(observer)
    file = None if out is None else Path(out)
    if file is not None:
        check_destination(file, SUFFIX)
        target = Place("--out", file, FileUse.WRITE, Content.LITE)
        check_files((*reads("MODEL", source), *reads("--inputs", options.inputs), target))
    require_tensorflow()
    found = source_of(source, options, stages)
    with stages.step("export"):
        network = lite_network(found.graph)
        content = tflite_bytes(network.graph)
    with stages.step("check"):
        check = _Check(found.graph, network, content)
        if found.raw is None:
            integers = integer_vectors(found.graph, options.vectors, options.seed)
            for part in batches(integers, found.graph, options):
                check.compare(part)
        else:
            for part in batches(found.raw, found.graph, options):
                check.compare(to_integers(found.before, part))
    if file is not None:
        with whole_file(file) as scratch:
            scratch.write_bytes(content)
    return ExportedLite(
        content, file, check.samples, network.zeros, network.tensors, network.sums
    )  # fmt: skip


class _Check:
    """Each set of TFLite's kernels beside the integer graph."""

    def __init__(self, graph: Graph, network: LiteNetwork, content: bytes) -> None:
        self.graph, self.network, self.samples = graph, network, 0
        self._sessions = {kernels: LiteSession(content, kernels) for kernels in KERNEL_SETS}

    def compare(self, integers: NamedArrays) -> None:
        """Run a batch on all of them.

        Raises:
            ToolError: one differs, or does not run the network.
        """
        expected = interpreter.run(self.graph, integers)
        codes = {
            name: (integers[name] + zero).astype(np.int8)
            for name, zero in self.network.zeros.items()
        }
        for kernels, session in self._sessions.items():
            outputs = session.run(codes)
            for name, found in zip(dict.fromkeys(t.name for t in self.graph.outputs), outputs):
                wrong = np.argwhere(found != expected[name])
                if len(wrong):
                    at = tuple(int(i) for i in wrong[0])
                    first = Mismatch(name, at[0], at[1:], int(expected[name][at]), int(found[at]))
                    raise ToolError(
                        "the exported network",
                        f"TFLite's {kernels} kernels compute other integers: {first}.",
                        "export it as ONNX (--out FILE.onnx), and please report this with the "
                        "network and the processor: these kernels are taken for exact.",
                    )
        self.samples += len(next(iter(integers.values())))
