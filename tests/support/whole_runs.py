"""Runs a small network through check and compile, and holds its answers against the original."""

from __future__ import annotations

import numpy as np
import onnx

from fpgacomp.evidence.judge import NetworkJudgement, judge
from fpgacomp.evidence.software import to_integers, to_network_outputs
from fpgacomp.flows.check import check
from fpgacomp.flows.compile import compile
from fpgacomp.flows.integers import integer_graph
from fpgacomp.flows.options import Options
from fpgacomp.flows.stages import Stages
from fpgacomp.ir import interpreter
from fpgacomp.ir.types import AnyArray
from fpgacomp.network.lowered import Lowered

VECTORS = 12
BOARD = "zcu104"


def answers(
    model: onnx.ModelProto, inputs: dict[str, AnyArray], options: Options | None = None
) -> dict[str, AnyArray]:
    """The network's outputs as the integer graph and the software side compute them."""
    _, lowered = integer_graph(model, options or Options(), Stages())
    integers = interpreter.run(lowered.graph, to_integers(lowered.before, inputs))
    outputs = {tensor.name: integers[tensor.name] for tensor in lowered.graph.outputs}
    return to_network_outputs(lowered.after, outputs)


def assert_carried(
    model: onnx.ModelProto, options: Options | None = None, *, board: str = BOARD
) -> None:
    """Check accepts the network, and compile carries it without one wrong integer."""
    options = options or Options()
    found = check(model, options=options)
    refused = [f"{f.node}: {f.why}" for f in found.findings if f.status == "unsupported"]
    assert found.ok, [*refused, *map(str, found.problems)]
    few = Options(
        vectors=VECTORS, csim=False, calibration=options.calibration, argmax=options.argmax,
        input_bits=options.input_bits, quantization=options.quantization,
    )  # fmt: skip
    report = compile(model, board, options=few)
    assert report.status == "ok"
    assert report.exactness.network_mismatches == 0


def assert_exact(
    model: onnx.ModelProto, options: Options | None = None
) -> tuple[Lowered, NetworkJudgement]:
    """Check accepts the network, and its integers are those of the network in float64.

    As `assert_carried`, but no design is made, which takes a second or more.
    """
    options = options or Options()
    found = check(model, options=options)
    refused = [f"{f.node}: {f.why}" for f in found.findings if f.status == "unsupported"]
    assert found.ok, [*refused, *map(str, found.problems)]
    network, lowered = integer_graph(model, options, Stages())
    inputs = {name: values for name, values in random_inputs(model, 40).items()
              if name in {port.name for port in lowered.ports}}  # fmt: skip
    integers = interpreter.run(lowered.graph, to_integers(lowered.before, inputs))
    judgement = judge(lowered, network.model, inputs, integers)
    assert judgement.mismatches == 0, judgement.first
    return lowered, judgement


def random_inputs(model: onnx.ModelProto, samples: int = VECTORS) -> dict[str, AnyArray]:
    """Seeded numbers on a grid of 1/16, so that float32 sums of products are exact."""
    rng = np.random.default_rng(7)
    constants = {initializer.name for initializer in model.graph.initializer}
    found = {}
    for value in model.graph.input:
        if value.name not in constants:
            shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]
            found[value.name] = (rng.integers(-40, 41, (samples, *shape)) / 16).astype(np.float32)
    return found
