"""The table of operators against everything that must know all of them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.evidence.reference.network import execute
from fpgacomp.evidence.reference.operators import OPERATOR_FUNCTIONS
from fpgacomp.evidence.reference.quantizers import QUANTIZER_FUNCTIONS
from fpgacomp.evidence.software import to_integers, to_network_outputs
from fpgacomp.frontend import check, read_network
from fpgacomp.ir import interpreter
from fpgacomp.lower import lower
from fpgacomp.lower.rules import RULES
from fpgacomp.lower.scalar import FUNCTIONS as SCALAR_FUNCTIONS
from fpgacomp.network.operators import (
    FPGACOMP_DOMAIN,
    FUNCTIONS,
    HOST_ONLY,
    OPERATORS,
    QONNX_DOMAIN,
    QUANTIZERS,
    is_canonical,
    remedy,
)
from fpgacomp.network.standard_form import STANDARD_FORMS


def test_the_hardware_has_a_rule_for_whatever_is_not_the_hosts_alone() -> None:
    assert set(OPERATORS) - HOST_ONLY - set(QUANTIZERS) == set(RULES)


def test_the_reference_executes_every_operator() -> None:
    assert set(OPERATORS) <= {*OPERATOR_FUNCTIONS, *QUANTIZER_FUNCTIONS}


def test_every_function_is_known_to_lowering() -> None:
    assert set(FUNCTIONS) <= set(SCALAR_FUNCTIONS)


def test_every_function_of_our_domain_has_a_standard_form() -> None:
    ours = {name for name, spec in OPERATORS.items() if spec.domain == FPGACOMP_DOMAIN}
    assert ours == set(STANDARD_FORMS)


def test_an_operator_of_another_domain_is_not_canonical() -> None:
    assert is_canonical("Quant", QONNX_DOMAIN) and not is_canonical("Quant", "")
    assert is_canonical("Relu", "") and not is_canonical("Relu", QONNX_DOMAIN)
    assert not is_canonical("Silu", "")
    assert remedy("GRU") == "recurrent networks are not carried; use 1-D convolutions."


def _ending_in(function: str) -> onnx.ModelProto:
    """x -> Quant -> MatMul -> the function, as an exporter writes it."""
    weight = np.random.default_rng(0).integers(-3, 4, (8, 4))
    values = {"s": 0.125, "z": 0, "b": 8, "w": weight * 0.25, "ws": 0.25, "wb": 4}
    constants = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in values.items()]
    flags = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    ends = {
        "Silu": [
            helper.make_node("Sigmoid", ["m"], ["gate"]),
            helper.make_node("Mul", ["m", "gate"], ["y"]),
        ],
        "Gelu": [helper.make_node("Gelu", ["m"], ["y"])],
        "GeluTanh": [helper.make_node("Gelu", ["m"], ["y"], approximate="tanh")],
    }
    nodes = [
        helper.make_node("Quant", ["x", "s", "z", "b"], ["xq"], domain=QONNX_DOMAIN, **flags),
        helper.make_node("Quant", ["w", "ws", "z", "wb"], ["wq"], domain=QONNX_DOMAIN, **flags),
        helper.make_node("MatMul", ["xq", "wq"], ["m"]),
        *ends[function],
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        constants,
    )
    imports = [helper.make_opsetid("", 20), helper.make_opsetid(QONNX_DOMAIN, 2)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


@pytest.mark.parametrize("function", sorted(STANDARD_FORMS))
def test_the_host_computes_a_function_of_our_domain_behind_the_hardware(function: str) -> None:
    network = read_network(_ending_in(function))
    assert network.model.graph.node[-1].op_type == function
    lowered = lower(network)
    assert lowered.software_after == ("dequantize", function)
    inputs = {"x": np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)}
    integers = interpreter.run(lowered.graph, to_integers(lowered.before, inputs))
    found = to_network_outputs(
        lowered.after, {tensor.name: integers[tensor.name] for tensor in lowered.graph.outputs}
    )
    expected = execute(network.model, inputs)["y"]
    np.testing.assert_allclose(found["y"], expected, rtol=1e-5, atol=1e-6)


def test_check_says_what_runs_on_the_host() -> None:
    model = _ending_in("Gelu")
    model.graph.node.append(helper.make_node("Softmax", ["y"], ["p"], axis=1))
    model.graph.output[0].name = "p"
    statuses = {finding.op: finding.status for finding in check(model)}
    assert statuses == {
        "Quant": "supported",
        "MatMul": "supported",
        "Gelu": "supported",
        "Softmax": "software side",
    }
