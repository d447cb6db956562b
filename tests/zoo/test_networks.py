"""The zoo's networks: canonical, the same bytes each time, alive in every quantizer, exact."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fpgacomp import zoo
from fpgacomp.errors import UsageError
from fpgacomp.evidence.judge import judge
from fpgacomp.evidence.reference.network import Reference
from fpgacomp.evidence.reference.quantizers import QuantizedBatch
from fpgacomp.evidence.software import to_integers
from fpgacomp.frontend import read_network
from fpgacomp.ir import interpreter
from fpgacomp.lower import lower
from fpgacomp.network.lowered import Lowered
from fpgacomp.network.operators import QUANTIZERS

# Weights of the published topologies, biases and normalisation left out.
WEIGHTS = {
    "digits": 8 * 9 + 8 * 16 * 9 + 64 * 10,
    "tfc_w1a1": 784 * 64 + 2 * 64 * 64 + 64 * 10,
    "tfc_w1a2": 784 * 64 + 2 * 64 * 64 + 64 * 10,
    "tfc_w2a2": 784 * 64 + 2 * 64 * 64 + 64 * 10,
    "lfc_w1a1": 784 * 1024 + 2 * 1024 * 1024 + 1024 * 10,
    "cnv_w1a1": 1_542_848,
    "cnv_w2a2": 1_542_848,
    "resnet8_w4a4": 77_360,
    "dscnn_w4a4": 64 * 40 + 4 * (64 * 9 + 64 * 64) + 64 * 12,
    "autoencoder_w4a4": 2 * 640 * 128 + 6 * 128 * 128 + 2 * 128 * 8,
    "mobilenet025_w4a4": 208_112,
    "unet_w4a4": 118_000,
    "conv1d_w4a4": 6 * 32 * 5 + 32 * 64 * 5 + 64 * 64 * 3 + 64 * 6,
    "jet_w6a6": 16 * 64 + 64 * 32 + 32 * 32 + 32 * 5,
    "digits_mlp_w2a2": 64 * 32 + 32 * 10,
    "mlp14_w3a3": 196 * 32 + 32 * 32 + 32 * 10,
}
SHAPES = {
    "digits": ((1, 1, 8, 8), (1, 10)),
    "tfc_w1a1": ((1, 1, 28, 28), (1, 10)),
    "tfc_w1a2": ((1, 1, 28, 28), (1, 10)),
    "tfc_w2a2": ((1, 1, 28, 28), (1, 10)),
    "lfc_w1a1": ((1, 1, 28, 28), (1, 10)),
    "cnv_w1a1": ((1, 3, 32, 32), (1, 10)),
    "cnv_w2a2": ((1, 3, 32, 32), (1, 10)),
    "resnet8_w4a4": ((1, 3, 32, 32), (1, 10)),
    "dscnn_w4a4": ((1, 1, 49, 10), (1, 12)),
    "autoencoder_w4a4": ((1, 640), (1, 640)),
    "mobilenet025_w4a4": ((1, 3, 96, 96), (1, 2)),
    "unet_w4a4": ((1, 3, 32, 32), (1, 4, 32, 32)),
    "conv1d_w4a4": ((1, 6, 128), (1, 6)),
    "jet_w6a6": ((1, 16), (1, 5)),
    "digits_mlp_w2a2": ((1, 1, 8, 8), (1, 10)),
    "mlp14_w3a3": ((1, 1, 14, 14), (1, 10)),
}
ALIVE_SAMPLES = {"digits": 48, "conv1d_w4a4": 32, "autoencoder_w4a4": 64, "jet_w6a6": 256,
                 "digits_mlp_w2a2": 48, "mlp14_w3a3": 48}  # else by kind  # fmt: skip
slow = pytest.mark.slow
every_network = pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=slow) if n.startswith(("cnv", "lfc")) else n for n in zoo.NAMES],
)


@cache
def built(name: str) -> onnx.ModelProto:
    return zoo.build(name)


def quantized_weights(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Quantizer's output -> the initializer it quantizes."""
    initializers = {i.name: i for i in model.graph.initializer}
    return {
        node.output[0]: initializers[node.input[0]]
        for node in model.graph.node
        if node.op_type in QUANTIZERS and node.input[0] in initializers
    }


def dims(info: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(d.dim_value for d in info.type.tensor_type.shape.dim)


def test_names_are_those_of_the_issue() -> None:
    assert set(zoo.NAMES) == set(WEIGHTS) == set(SHAPES)


@pytest.mark.slow
@every_network
def test_topology(name: str) -> None:
    graph = built(name).graph
    weights = quantized_weights(built(name))
    assert sum(int(np.prod(w.dims)) for w in weights.values()) == WEIGHTS[name]
    assert (dims(graph.input[0]), dims(graph.output[0])) == SHAPES[name]
    onnx.checker.check_model(built(name))


@pytest.mark.slow
@every_network
def test_is_canonical_as_it_is(name: str) -> None:
    network = read_network(built(name))
    assert network.format == "qonnx"
    assert network.warnings == ()
    ops = [[node.op_type for node in m.graph.node] for m in (built(name), network.model)]
    assert ops[0] == ops[1]
    named = {info.name for info in built(name).graph.value_info}
    assert {o for n in built(name).graph.node for o in n.output} - named == {
        built(name).graph.output[0].name
    }


@dataclass
class Levels:
    """How often each integer of a quantizer occurs; its range is the node's own."""

    lo: int
    hi: int
    counts: dict[int, int]

    @property
    def largest_share(self) -> float:
        return max(self.counts.values()) / sum(self.counts.values())


def activation_levels(model: onnx.ModelProto, inputs: np.ndarray) -> dict[str, Levels]:
    constants = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    nodes = {node.output[0]: node for node in model.graph.node}
    found: dict[str, Levels] = {}

    def see(name: str, done: QuantizedBatch) -> None:
        values, counts = np.unique(np.asarray(done.codes), return_counts=True)
        node = nodes[name]
        lo, hi = -1, 1
        if node.op_type == "Quant":
            attributes = {a.name: a.i for a in node.attribute if a.name != "rounding_mode"}
            bits = int(constants[node.input[3]])
            hi = (1 << (bits - attributes["signed"])) - 1
            lo = 0 if not attributes["signed"] else attributes["narrow"] - hi - 1
        found[name] = Levels(lo, hi, {int(v): int(c) for v, c in zip(values, counts)})

    Reference(model).run({model.graph.input[0].name: inputs}, on_quantized=see)
    return found


@pytest.mark.slow
@every_network
def test_no_activation_is_dead_or_saturated(name: str) -> None:
    count = ALIVE_SAMPLES.get(name, 48 if "fc_" in name else 8)
    levels = activation_levels(built(name), zoo.samples(name, count, seed=99))
    activations = len([n for n in built(name).graph.node if n.op_type in QUANTIZERS])
    assert len(levels) == activations - len(quantized_weights(built(name)))
    for tensor, seen in levels.items():
        assert min(seen.counts) == seen.lo, f"{tensor}: lowest level {seen.lo} never occurs"
        assert max(seen.counts) == seen.hi, f"{tensor}: highest level {seen.hi} never occurs"
        assert seen.largest_share <= 0.9, f"{tensor}: {seen.largest_share:.0%} are one level"


@every_network
def test_weights_use_their_levels(name: str) -> None:
    model = built(name)
    reference = Reference(model)
    for tensor, raw in quantized_weights(model).items():
        values = np.unique(np.sign(np.asarray(reference.constants[tensor])))
        assert {-1.0, 1.0} <= set(values), f"{tensor} has one sign only"
        assert np.all(np.isfinite(numpy_helper.to_array(raw)))


@pytest.mark.slow
@every_network
def test_integers_equal_the_network_and_outputs_differ(name: str) -> None:
    network = read_network(built(name))
    lowered: Lowered = lower(network)
    inputs = {built(name).graph.input[0].name: zoo.samples(name, 4, seed=5)}
    integers = interpreter.run(lowered.graph, to_integers(lowered.before, inputs))
    judged = judge(lowered, network.model, inputs, integers)
    assert judged.mismatches == 0, judged.first
    assert sum(layer.compared for layer in judged.per_layer.values()) > 0
    outputs = np.concatenate(
        [integers[tensor.name].reshape(4, -1) for tensor in lowered.graph.outputs], axis=1
    )
    assert len(np.unique(outputs, axis=0)) == 4


def digest(name: str) -> str:
    return hashlib.sha256(built(name).SerializeToString(deterministic=True)).hexdigest()


@pytest.mark.slow
@every_network
def test_bytes_are_the_same_again(name: str) -> None:
    assert zoo.build(name).SerializeToString() == built(name).SerializeToString()


@slow
def test_bytes_do_not_depend_on_threads_or_process() -> None:
    names = ("tfc_w1a2", "resnet8_w4a4", "dscnn_w4a4", "autoencoder_w4a4", "unet_w4a4")
    code = (
        "import hashlib; from fpgacomp import zoo\n"
        f"for name in {names!r}:\n"
        "    data = zoo.build(name).SerializeToString(deterministic=True)\n"
        "    print(hashlib.sha256(data).hexdigest())"
    )
    # One thread and another kernel of the BLAS: sums are made in another order.
    changed = {"OPENBLAS_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Nehalem", "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **changed}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [digest(name) for name in names]


def test_bit_widths_decide_the_kind_of_quantizer() -> None:
    kinds = {
        name: {node.op_type for node in built(name).graph.node} & set(QUANTIZERS)
        for name in ("tfc_w1a1", "tfc_w1a2", "tfc_w2a2")
    }
    assert kinds == {
        "tfc_w1a1": {"BipolarQuant"},
        "tfc_w1a2": {"BipolarQuant", "Quant"},
        "tfc_w2a2": {"Quant"},
    }


@pytest.mark.parametrize("call", [zoo.build, lambda name: zoo.samples(name, 1, 0)])
def test_an_unknown_name_is_told_with_the_nearest(call: object) -> None:
    with pytest.raises(UsageError, match=r"'tfc_w2a3': is not in the zoo\. Fix: .*tfc_w2a2"):
        call("tfc_w2a3")  # type: ignore[operator]
    with pytest.raises(UsageError, match=r"use one of digits, tfc_w1a1, .*conv1d_w4a4"):
        call("@")  # type: ignore[operator]
