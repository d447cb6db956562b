"""The inputs and results of a C-simulation, the same for every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fpgacomp.errors import FpgacompError, InputDataError, raise_all
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Tensor
from fpgacomp.ir.types import IntArray
from fpgacomp.results.measured import Measured

# Called as progress(what, done, total), with samples for done and total.
Progress = Callable[[str, int, int], None]


def samples_done(progress: Progress, total: int) -> Callable[[int], None]:
    """A function that tells `progress` how many of `total` samples were simulated."""
    return lambda done: progress("simulating", done, total)


@dataclass(frozen=True)
class CsimResult:
    """The integers that the emitted code computed, and the time that took.

    Args:
        values: tensor name -> int64 [N, *shape], every tensor of the graph.
        compile_s: seconds that g++ took.
        run_s: seconds that the samples took.
        measured: cycles and FIFOs, of a simulation of hardware; None of one of C++.
    """

    values: Mapping[str, IntArray]
    compile_s: float
    run_s: float
    measured: Measured | None = None


def check_inputs(graph: Graph, inputs: Mapping[str, IntArray]) -> int:
    """Check the inputs of a simulation and return their number of samples.

    Args:
        inputs: input tensor name -> integers [N, *shape], each within the tensor's range.

    Raises:
        InputDataError: an input is missing, of the wrong type or shape, or out of range, or
            the inputs have different numbers of samples or none.
    """
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
