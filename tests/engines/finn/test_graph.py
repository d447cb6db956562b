"""FINN's execution of our hardware graph equals the oracle, on every integer of every layer."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from fpgacomp import zoo
from fpgacomp.engines.finn.graph import build_finn, specialize
from fpgacomp.errors import Problems, UnsupportedLayer
from fpgacomp.frontend import read_network
from fpgacomp.ir.graph import Graph
from fpgacomp.lower import lower
from tests.engines.hls4ml.csim.test_random import RandomGraph
from tests.support import finn_designs as fd
from tests.support.depth import draws
from tests.support.finn_designs import builders, sd

pytestmark = [pytest.mark.slow, fd.needs_finn]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("graph", [builders.mlp(), builders.cnn(), fd.residual(), fd.falling()])
def test_small_networks(graph: Graph, seed: int) -> None:
    found = fd.mismatches(sd.design(graph, seed))
    assert set(found.values()) == {0}


def test_random_graphs_over_all_layers() -> None:
    """Everything that FINN carries at all; what it does not is refused, never wrong."""
    operators: Counter[str] = Counter()
    for seed in range(120):
        graph = RandomGraph(seed).finished()
        try:
            model = build_finn(sd.design(graph, seed))
        except (UnsupportedLayer, Problems):
            continue
        assert set(fd.mismatches(sd.design(graph, seed), model=model).values()) == {0}, seed
        operators.update(node.op_type for node in model.model.graph.node)
    assert set(operators) >= {
        "MVAU", "VVAU", "ConvolutionInputGenerator", "FMPadding", "Thresholding", "Requant",
        "Pool", "GlobalAccPool", "ElementwiseAdd", "ElementwiseMul", "DuplicateStreams",
        "StreamingConcat", "UpsampleNearestNeighbour", "Reshape", "LabelSelect",
    }  # fmt: skip


SMALL = ("digits", "tfc_w1a1", "tfc_w1a2", "tfc_w2a2", "conv1d_w4a4", "autoencoder_w4a4",
         "jet_w6a6", "digits_mlp_w2a2", "mlp14_w3a3")  # fmt: skip
LARGE = ("lfc_w1a1", "unet_w4a4", "resnet8_w4a4", "dscnn_w4a4", "mobilenet025_w4a4",
         "cnv_w1a1", "cnv_w2a2")  # fmt: skip


@pytest.mark.parametrize("name", SMALL + draws(LARGE[:3], LARGE))
def test_zoo_networks(name: str) -> None:
    graph = lower(read_network(zoo.build(name))).graph
    design = sd.design(graph)
    design = type(design)(
        graph=graph, board=builders.BOARD, clock_mhz=100.0,
        folding=sd.balanced_folding(graph, 100_000),
    )  # fmt: skip
    model = build_finn(design)
    assert set(fd.mismatches(design, 4 if name in SMALL else 2, model).values()) == {0}
    hardware = specialize(model, design)
    assert all(n.op_type.endswith(("_hls", "_rtl")) for n in hardware.model.graph.node)


def test_types_stay_as_they_are_under_finns_inference() -> None:
    """FINN's build infers data types again: ours must be what it infers."""
    from qonnx.transformation.infer_datatypes import InferDataTypes

    from fpgacomp.engines.finn.runtime import finn_session

    for graph in (fd.residual(), builders.cnn(), fd.joined()):
        model = build_finn(sd.design(graph, 1)).model
        before = {n: model.get_tensor_datatype(n) for n in model.get_all_tensor_names()}
        with finn_session():
            after = model.transform(InferDataTypes())
        assert {n: after.get_tensor_datatype(n) for n in before} == before


def test_execution_gives_integers() -> None:
    graph = fd.falling()
    design = sd.design(graph)
    found = fd.executed(design)
    assert all(values.dtype == np.int64 for values in found.values())
