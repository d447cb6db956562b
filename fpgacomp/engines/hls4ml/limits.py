"""What hls4ml and Vitis HLS accept: reuse factors, unroll and partition limits, stream forms.

The rules are those of hls4ml 1.3.0 (backends/fpga/fpga_backend.py and the nnet_utils
headers named below) and of Vitis' limit on unrolled and completely partitioned arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, prod

from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding, IoType
from fpgacomp.engines.hls4ml.lanes import (
    LaneLayer,
    LaneSchedule,
    divisors,
    has_lanes,
    lane_reuse_factors,
    lane_schedule,
)
from fpgacomp.engines.shared.terms import Strategy
from fpgacomp.errors import FpgacompError, UnsupportedLayer
from fpgacomp.ir.layers import (
    Conv,
    Dense,
    Layer,
    Lookup,
    Thresholds,
    WeightLayer,
)

# Beyond this the index table of nnet_dense_resource.h breaks the II of 1: 10,000 ran at one
# iteration per cycle, 39,200 at one per 21 (csynth reports of hls4ml_csynth_layers.csv).
MAX_REUSE = 16384
UNROLL_LIMIT = 4096  # elements: "Stop unrolling loop", config_array_partition -maximum_size


@lru_cache(maxsize=4096)
def valid_reuse_factors(n_in: int, n_out: int, strategy: Strategy) -> tuple[int, ...]:
    """Reuse factors of an n_in x n_out product, ascending.

    Resource: exactly those that hls4ml does not change (fpga_backend.py,
    _validate_reuse_factor). Latency: hls4ml takes any; the divisors of
    n_in * n_out are those that leave no multiplier idle.
    """
    candidates = divisors(n_in * n_out)
    if strategy == "latency":
        return candidates
    return tuple(rf for rf in candidates if _resource_accepts(n_in, n_out, rf))


def _resource_accepts(n_in: int, n_out: int, rf: int) -> bool:
    multipliers = ceil(n_in * n_out / min(n_in, rf))
    whole_outputs = multipliers % n_out == 0 or rf >= n_in
    whole_inputs = rf % n_in == 0 or rf < n_in
    return whole_outputs and whole_inputs and n_in * n_out % rf == 0


def window(layer: Conv) -> tuple[int, ...]:
    """The kernel as the hardware has it: dilation is zeros inserted into the kernel."""
    return tuple(d * (k - 1) + 1 for k, d in zip(layer.kernel, layer.dilations))


def matrix_shape(layer: WeightLayer) -> tuple[int, int]:
    """(n_in, n_out) of the product per output position.

    Groups are expanded to a dense matrix with zeros; a depthwise convolution stays one
    column per channel: (window * channels, channels) with window * channels products.
    """
    match layer:
        case Dense():
            n_in, n_out = layer.weight.shape
            return n_in, n_out
        case Conv():
            return prod(window(layer)) * layer.input.channels, layer.output.channels


def products(layer: WeightLayer) -> int:
    """Multiplications per output position, zeros of groups and dilation included."""
    n_in, n_out = matrix_shape(layer)
    return n_in if isinstance(layer, Conv) and layer.depthwise else n_in * n_out


def positions(layer: WeightLayer) -> int:
    """Output positions of one frame that share the weights."""
    return layer.output.pixels


def is_pointwise(layer: WeightLayer) -> bool:
    """hls4ml turns it into a PointwiseConv: a 1x1 kernel, or a Dense with positions."""
    if isinstance(layer, Dense):
        return layer.output.pixels > 1
    return prod(window(layer)) == 1 and not layer.depthwise


def strategies(layer: WeightLayer) -> tuple[Strategy, ...]:
    """Depthwise has Latency only: its Resource form aborts by a C assert in io_parallel."""
    if isinstance(layer, Conv) and layer.depthwise:
        return ("latency",)
    return ("latency", "resource")


def layer_reuse_factors(layer: WeightLayer, strategy: Strategy, io_type: IoType) -> tuple[int, ...]:
    """Valid reuse factors of this layer that also keep it within the unroll limit (may be empty).

    An io_parallel convolution under Resource needs RF <= n_in (nnet_conv2d_resource.h).
    """
    if strategy not in strategies(layer):
        return ()
    n_in, n_out = matrix_shape(layer)
    if isinstance(layer, Conv) and layer.depthwise:
        n_out = 1
    return tuple(
        rf
        for rf in valid_reuse_factors(n_in, n_out, strategy)
        if not any(_weight_problems(layer, Hls4mlFolding(strategy, rf), io_type))
    )


def problems(design: Hls4mlDesign) -> list[FpgacompError]:
    """Every layer of the design that hls4ml or Vitis would refuse or change."""
    found: list[FpgacompError] = []
    for layer in design.graph.layers:
        folding = design.folding.get(layer.name)
        if folding is None:
            found.append(UnsupportedLayer(layer.name, "it has no folding.",
                                          "give every layer of the graph one."))  # fmt: skip
            continue
        complaints = layer_problems(layer, folding, design.io_type)
        found += [UnsupportedLayer(layer.name, why, fix) for why, fix in complaints]
    return found


Complaint = tuple[str, str]  # (why, fix)


def layer_problems(layer: Layer, folding: Hls4mlFolding, io_type: IoType) -> list[Complaint]:
    """Every rule that this one layer breaks, as (why, fix)."""
    complaints = [*form_problems(layer, io_type)]
    if isinstance(layer, Dense | Conv):
        complaints += _weight_problems(layer, folding, io_type)
    elif has_lanes(layer):
        complaints += _lane_problems(layer, folding.reuse_factor, io_type)
    elif folding.reuse_factor < 1:
        complaints.append((f"reuse factor {folding.reuse_factor} is below 1.", "use 1."))
    return complaints


def form_problems(layer: Layer, io_type: IoType) -> Iterator[Complaint]:
    """Why this layer cannot be carried in this io type, whatever its folding."""
    yield from (_stream_form(layer) if io_type == "io_stream" else _parallel_form(layer))


def _parallel_form(layer: Layer) -> Iterator[Complaint]:
    """io_parallel partitions every tensor completely and unrolls over it."""
    fix = "use io_stream."
    for tensor in {tensor.name: tensor for tensor in (*layer.inputs, layer.output)}.values():
        if tensor.size > UNROLL_LIMIT:
            yield _beyond(f"tensor {tensor.name} has {tensor.size} elements to partition", fix)


def _stream_form(layer: Layer) -> Iterator[Complaint]:
    """io_stream: one word per position, and what the stream headers assert."""
    widest = max(tensor.channels for tensor in (*layer.inputs, layer.output))
    if widest > UNROLL_LIMIT:
        yield _beyond(f"one stream word has {widest} channels", "narrow the layer.")
    match layer:
        case Dense() | Conv():
            n_in, _ = matrix_shape(layer)
            if n_in > UNROLL_LIMIT:
                yield _beyond(f"{n_in} inputs per output are partitioned",
                              "split or narrow the layer.")  # fmt: skip
            if is_pointwise(layer) and products(layer) > UNROLL_LIMIT:
                yield _beyond(f"a pointwise stream layer partitions all {products(layer)} weights",
                              "use io_parallel, or narrow the layer.")  # fmt: skip


def lane_foldings(layer: LaneLayer, io_type: IoType) -> tuple[int, ...]:
    """Reuse factors of this layer within the unroll limit, ascending (may be empty)."""
    valid = lane_reuse_factors(layer.output, io_type)
    return tuple(rf for rf in valid if not any(_lane_problems(layer, rf, io_type)))


def _lane_problems(layer: LaneLayer, rf: int, io_type: IoType) -> Iterator[Complaint]:
    valid = lane_reuse_factors(layer.output, io_type)
    if rf not in valid:
        per = "channels" if io_type == "io_stream" else "elements"
        count = layer.output.channels if io_type == "io_stream" else layer.output.size
        yield (f"reuse factor {rf} does not leave whole lanes of {count} {per}.",
               f"use one of {', '.join(map(str, valid))}.")  # fmt: skip
        return
    unrolled, what = _unrolled(layer, lane_schedule(layer.output, rf, io_type))
    if unrolled > UNROLL_LIMIT:
        yield _beyond(f"{unrolled} {what}", "use a larger reuse factor, or fewer bits.")


def _unrolled(layer: LaneLayer, schedule: LaneSchedule) -> tuple[int, str]:
    """How much is compared or partitioned at once, beside the elements themselves."""
    match layer:
        case Thresholds():
            return schedule.lanes * layer.thresholds.shape[1], "comparisons are unrolled"
        case Lookup() if layer.table.shape[0] == 1 or schedule.groups == 1:
            return layer.table.array.size, "table entries are partitioned"
        case _:
            return 0, ""


def _weight_problems(
    layer: WeightLayer, folding: Hls4mlFolding, io_type: IoType
) -> Iterator[Complaint]:
    n_in, n_out = matrix_shape(layer)
    rf, at_once = folding.reuse_factor, folding.parallelization
    if folding.strategy not in strategies(layer):
        yield ("a depthwise convolution under Resource aborts in C-simulation.",
               "use the Latency strategy.")  # fmt: skip
        return
    if folding.strategy == "resource" and rf not in valid_reuse_factors(n_in, n_out, "resource"):
        valid = ", ".join(map(str, valid_reuse_factors(n_in, n_out, "resource")))
        yield f"reuse factor {rf} is not valid for {n_in}x{n_out}.", f"use one of {valid}."
    elif rf > MAX_REUSE:
        yield f"reuse factor {rf} is beyond {MAX_REUSE}.", "choose a smaller one."
    elif not 1 <= rf <= products(layer):
        yield f"reuse factor {rf} is not within 1..{products(layer)}.", "choose one that is."
    if folding.strategy == "resource" and rf > n_in and _many(layer) and io_type == "io_parallel":
        yield (f"reuse factor {rf} exceeds the {n_in} inputs of an io_parallel convolution.",
               f"use at most {n_in}.")  # fmt: skip
    yield from _position_problems(layer, at_once, io_type)
    if rf >= 1 and at_once >= 1:
        yield from _unroll_problems(layer, folding, io_type)


def is_dataflow(design: Hls4mlDesign) -> bool:
    """hls4ml's pipeline_style pass: DATAFLOW, or one PIPELINE over everything.

    A PIPELINE unrolls every loop below it, so lanes shared over time need DATAFLOW, too.
    """
    if design.io_type == "io_stream":
        return True
    return any(_is_shared(layer, design.folding[layer.name]) for layer in design.graph.layers)


def _is_shared(layer: Layer, folding: Hls4mlFolding) -> bool:
    """Whether hardware of this layer works several times per frame, in a loop."""
    if isinstance(layer, Dense | Conv):
        return folding.strategy == "resource" or positions(layer) > folding.parallelization
    return has_lanes(layer) and folding.reuse_factor > 1


def _many(layer: WeightLayer) -> bool:
    return isinstance(layer, Conv) or layer.output.pixels > 1


def _position_problems(layer: WeightLayer, at_once: int, io_type: IoType) -> Iterator[Complaint]:
    if io_type == "io_stream" and at_once != 1:
        yield f"parallelization {at_once} in io_stream, which takes one pixel at a time.", "use 1."
    elif at_once < 1 or positions(layer) % at_once:
        yield (f"parallelization {at_once} does not divide {positions(layer)} output positions.",
               "use a divisor.")  # fmt: skip


def _unroll_problems(
    layer: WeightLayer, folding: Hls4mlFolding, io_type: IoType
) -> Iterator[Complaint]:
    """Latency unrolls and partitions all products, Resource one block of them per cycle."""
    per_pixel = products(layer)
    if folding.strategy == "resource":
        per_pixel = ceil(per_pixel / folding.reuse_factor)
    unrolled = per_pixel * folding.parallelization
    if unrolled > UNROLL_LIMIT:
        fix = "use the Resource strategy with a larger reuse factor."
        yield _beyond(f"{unrolled} products are unrolled", fix)
    buffered = matrix_shape(layer)[0] * folding.parallelization
    if io_type == "io_parallel" and _many(layer) and buffered > UNROLL_LIMIT:
        yield _beyond(f"{buffered} window elements are partitioned", "lower the parallelization.")


def _beyond(what: str, fix: str) -> Complaint:
    return f"{what}, beyond Vitis' limit of {UNROLL_LIMIT}.", fix
