"""FINN's Requant is used only where its float and its fixed-point form are exact everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgacomp.engines.finn.graph import build_finn
from fpgacomp.engines.finn.runtime import finn_session
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.infer import with_output
from fpgacomp.ir.interpreter import run
from fpgacomp.ir.layers import Requantize, Rounding
from fpgacomp.ir.types import Ints
from tests.support import finn_designs as fd
from tests.support.finn_designs import builders, sd

pytestmark = [pytest.mark.slow, fd.needs_finn]

EVERY = np.arange(-400, 401)


def every_input(seed: int, rounding: Rounding) -> Graph:
    """A Requantize of three channels whose frame holds every integer in range."""
    b = builders.GraphBuilder("requant", seed)
    x = b.input("x", (EVERY.size, 3), -400, 400)
    return b.graph(b.requantize("q", x, 0, 15, shift=6, rounding=rounding))


@pytest.mark.parametrize("rounding", list(Rounding))
def test_every_input_is_exact_in_float_and_in_fixed_point(rounding: Rounding) -> None:
    used = 0
    for seed in range(4):
        graph = every_input(seed, rounding)
        inputs = np.tile(EVERY[None, :, None], (1, 1, 3))
        design = sd.design(graph)
        model = build_finn(design)
        assert set(fd.mismatches(design, model=model, x=inputs).values()) == {0}
        for node in fd.operators(model, "Requant"):
            used += 1
            node.set_nodeattr("PE", 1)
            with finn_session():
                constants = node.decompose_params(model.model, 1)
            scale, bias, shift = (
                np.array(constants[key][0].tolist()) for key in ("scale", "bias", "shift")
            )
            fixed = np.clip((inputs * scale + bias) >> shift, 0, 15)
            assert np.array_equal(fixed, run(graph, {"x": inputs})["q"])
    if rounding is Rounding.FLOOR:
        assert used == 4


def test_a_multiplier_that_float32_cannot_hold_becomes_thresholds() -> None:
    graph = every_input(0, Rounding.FLOOR)
    layer = graph.layers[1]
    assert isinstance(layer, Requantize)
    wide = replace(layer, multiplier=Ints([(1 << 25) + 1] * 3), shift=31)
    wide = with_output(wide)
    graph = Graph("wide", (graph.layers[0], wide), (wide.output,))
    model = build_finn(sd.design(graph))
    assert not fd.operators(model, "Requant")
    inputs = np.tile(EVERY[None, :, None], (1, 1, 3))
    assert set(fd.mismatches(sd.design(graph), model=model, x=inputs).values()) == {0}
