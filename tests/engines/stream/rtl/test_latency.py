"""The latency that each SystemVerilog module states is the one that its operator's file states."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.engines.stream.expand import expand
from fpgacomp.engines.stream.operators.matrix_vector import tree_stages
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
    "bank", "cast", "control", "count", "counter", "dot", "element", "fifo", "levels", "rom", "sum",
    "ternary_add", "value",
}  # fmt: skip


def levels_of_three(numbers: int) -> int:
    """Levels of a tree whose nodes have three branches."""
    return next(levels for levels in range(99) if 3**levels >= numbers)


CALLED = {"clog2": lambda n: (n - 1).bit_length(), "levels_of_three": levels_of_three}


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


@pytest.mark.slow
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
    file = LIBRARY / "fpgacomp_matvec.sv"
    kinds = {"IN_KIND": 1, "WEIGHT_KIND": 1, "PACKED": 1, "TERNARY": 0}
    found = latency(file, {"SIMD": terms, **kinds})
    assert found == 3 + (levels + 1) // 2 == 3 + tree_stages(terms, ternary=False)
    assert latency(file, {"SIMD": terms, **kinds, "PACKED": 2}) == found + 1
    found = latency(file, {"SIMD": terms, **kinds, "TERNARY": 1})
    assert found == 3 + levels_of_three(terms) == 3 + tree_stages(terms, ternary=True)


def latency(module: Path, parameters: Mapping[str, object]) -> int:
    """The localparam Latency of a module with these parameters."""
    text = module.read_text("utf-8")
    values = {key: p for key, p in parameters.items() if not isinstance(p, Bits | str)}
    constants = dict(re.findall(r"^  localparam (?:int|bit) (\w+) = ([^;]+);", text, re.MULTILINE))

    def value(name: str) -> object:
        return values[name] if name in values else evaluated(constants[name])

    def evaluated(expression: str) -> object:
        python = re.sub(r"^(.+?) \? (.+?) : (.+)$", r"(\2) if (\1) else (\3)", expression)
        for verilog, same in (("$clog2", "clog2"), ("/", "//"), ("&&", "and")):
            python = python.replace(verilog, same)
        tree = ast.parse(python, mode="eval")
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - CALLED.keys()
        scope = {name: value(name) for name in names}
        return eval(  # of our own source, in a test
            compile(tree, str(module), "eval"), CALLED | scope
        )

    found = value("Latency")
    assert isinstance(found, int)
    return found
