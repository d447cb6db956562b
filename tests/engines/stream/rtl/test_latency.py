"""The latency that each SystemVerilog module states is the one that its operator's file states."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.operator import Operator
from fpgacomp.engines.stream.rtl.instance import Bits
from fpgacomp.engines.stream.rtl.project import LIBRARY
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.verify import verify
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.support import builders, stream_networks
from tests.support import stream_designs as sd

PORT_BITS = 25
# Modules that no operator is an instance of.
PARTS = {
    "bank", "cast", "control", "counter", "element", "fifo", "levels", "rom", "sum", "ternary_add",
    "value",
}  # fmt: skip


def graphs() -> list[Graph]:
    unet = stream_networks.unet()
    outputs = unet.graph_outputs  # type: ignore[attr-defined]
    return [
        verify(stream_networks.residual().graph()), verify(unet.graph(*outputs)),
        verify(stream_networks.binary().graph()), verify(stream_networks.sequence().graph()),
        builders.labels(), builders.activations(), *(RandomGraph(n).finished() for n in range(6)),
    ]  # fmt: skip


def operators() -> list[Operator]:
    made = [sd.design(graph, seed, most=32) for seed, graph in enumerate(graphs())]
    return [operator for design in made for operator in expand(design).operators]


def test_modules_and_operators_state_the_same_latency() -> None:
    seen: dict[str, set[int]] = {}
    for operator in operators():
        instance = operator.instance("table", PORT_BITS)
        stated = latency(LIBRARY / f"{instance.module}.sv", instance.parameters)
        assert stated == operator.stages(PORT_BITS), (operator.name, instance.module)
        seen.setdefault(instance.module.removeprefix("fpgacomp_"), set()).add(stated)
    assert (
        seen.keys() == {path.stem.removeprefix("fpgacomp_") for path in LIBRARY.iterdir()} - PARTS
    )
    assert len(seen["matvec"]) > 2 and len(seen["thresholds_search"]) > 1


@pytest.mark.parametrize("terms", [1, 2, 3, 4, 5, 8, 9, 16, 17, 64, 65])
def test_the_latency_of_a_tree_of_adders(terms: int) -> None:
    levels = int(np.ceil(np.log2(terms)))
    found = latency(LIBRARY / "fpgacomp_matvec.sv", {"SIMD": terms, "PACKED": 1})
    assert found == 3 + (levels + 1) // 2
    assert latency(LIBRARY / "fpgacomp_matvec.sv", {"SIMD": terms, "PACKED": 2}) == found + 1


def latency(module: Path, parameters: Mapping[str, object]) -> int:
    """The localparam Latency of a module with these parameters."""
    text = module.read_text("utf-8")
    values = {key: p for key, p in parameters.items() if not isinstance(p, Bits | str)}
    constants = dict(re.findall(r"^  localparam int (\w+) = ([^;]+);", text, re.MULTILINE))

    def value(name: str) -> object:
        return values[name] if name in values else evaluated(constants[name])

    def evaluated(expression: str) -> object:
        python = re.sub(r"^(.+?) \? (.+?) : (.+)$", r"(\2) if (\1) else (\3)", expression)
        tree = ast.parse(python.replace("$clog2", "clog2").replace("/", "//"), mode="eval")
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {"clog2"}
        scope = {name: value(name) for name in names}
        return eval(  # of our own source, in a test
            compile(tree, str(module), "eval"), {"clog2": lambda n: (n - 1).bit_length()} | scope
        )

    found = value("Latency")
    assert isinstance(found, int)
    return found
