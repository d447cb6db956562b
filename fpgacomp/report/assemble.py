"""Makes the parts of a report from what the stages of a run return."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Activation, Add, Layer, SumPool, WeightLayer, kind
from fpgacomp.ir.types import IntArray
from fpgacomp.results.distribution import Histogram
from fpgacomp.results.estimate import Estimate
from fpgacomp.results.measured import Measured
from fpgacomp.results.report import Exactness, LayerReport
from fpgacomp.results.target import Target

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def layer_reports(
    graph: Graph,
    folding: Mapping[str, DataclassInstance],
    estimate: Estimate,
    exactness: Exactness,
    *,
    fifos: Mapping[str, int],
    values: Mapping[str, IntArray],
) -> tuple[LayerReport, ...]:
    """One row for each layer that the hardware builds, in the graph's order.

    Args:
        folding: layer name -> what the engine chose for it.
        estimate: with a share for each layer that the hardware builds.
        exactness: what was compared.
        fifos: tensor name -> words of the FIFO behind it.
        values: tensor name -> its integers for the vectors; empty where none were run.
    """
    return tuple(
        LayerReport(
            name=layer.name,
            kind=kind(layer),
            shape=layer.output.shape,
            weight_bits=_weight_bits(layer),
            input_bits=max((t.type.bits for t in layer.inputs), default=None),
            accumulator_bits=_accumulator_bits(layer),
            folding=_folding(folding.get(layer.name)),
            estimate=estimate.layers[layer.name],
            exact=_exact(layer, exactness),
            inputs=tuple(graph.producer[tensor.name].name for tensor in layer.inputs),
            output_type=str(layer.output.type),
            fifo_depth=fifos.get(layer.output.name),
            weights=Histogram.of(layer.weight.array) if isinstance(layer, WeightLayer) else None,
            activations=_activations(layer, values),
        )
        for layer in graph.layers
        if layer.name in estimate.layers
    )


def _activations(layer: Layer, values: Mapping[str, IntArray]) -> Histogram | None:
    """How often the layer gave each integer; None where it was not run."""
    integers = values.get(layer.output.name)
    return None if integers is None or not integers.size else Histogram.of(integers)


def _weight_bits(layer: Layer) -> int | None:
    if isinstance(layer, WeightLayer):
        return layer.weight.type.bits
    return None


def _accumulator_bits(layer: Layer) -> int | None:
    return layer.output.type.bits if isinstance(layer, WeightLayer | SumPool | Add) else None


def _folding(folding: DataclassInstance | None) -> dict[str, object]:
    return {} if folding is None else asdict(folding)


def _exact(layer: Layer, exactness: Exactness) -> str:
    """Activations are proved: their integers equal the network's function on every input."""
    checked = exactness.csim_mismatches is not None
    code = f"C++ checked on {exactness.vectors} vectors" if checked else "C++ not run"
    if isinstance(layer, Activation):
        return f"proved; {code}"
    return code


def missed_bounds(
    target: Target, measured: Iterable[Measured], clock_mhz: float
) -> tuple[str, ...]:
    """A warning for each bound that the estimate keeps and a simulation of hardware does not."""
    found = []
    for one in measured:
        if target.fps is not None and one.interval_cycles and one.steady:
            rate = clock_mhz * 1e6 / one.interval_cycles
            if rate < target.fps:
                found.append(
                    f"RTL simulation measured {rate:,.0f} frames/s, and --fps asks for "
                    f"{target.fps:,g}: compile with a higher --fps."
                )
        latency_us = one.latency_cycles / clock_mhz
        if target.latency_us is not None and latency_us > target.latency_us:
            found.append(
                f"RTL simulation measured a latency of {latency_us:,.6g} us, and --latency-us asks "
                f"for {target.latency_us:,g}: compile with a lower --latency-us."
            )
    return tuple(found)


def unreached_warning(phrases: Sequence[str]) -> tuple[str, ...]:
    """A warning about activations whose smallest or largest value no vector reached."""
    if not phrases:
        return ()
    more = f" and {len(phrases) - 2} more" if len(phrases) > 2 else ""
    return (f"The vectors did not reach every extreme: {'; '.join(phrases[:2])}{more}.",)
