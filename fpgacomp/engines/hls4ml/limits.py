"""The limits of hls4ml and Vitis HLS that hold for every layer, and how breaking one is said.

The rules are those of hls4ml 1.3.0 and of Vitis' limit on unrolled and completely partitioned
arrays. What one kind of layer adds to them stands in operators/.
"""

from __future__ import annotations

from collections.abc import Iterator

from fpgacomp.ir.layers import Layer

# Beyond this the index table of nnet_dense_resource.h breaks the II of 1: 10,000 ran at one
# iteration per cycle, 39,200 at one per 21 (csynth reports of hls4ml_csynth_layers.csv).
MAX_REUSE = 16384
UNROLL_LIMIT = 4096  # elements: "Stop unrolling loop", config_array_partition -maximum_size

Complaint = tuple[str, str]  # (why, fix)


def beyond(what: str, fix: str) -> Complaint:
    """The complaint about more than UNROLL_LIMIT elements of something."""
    return f"{what}, beyond Vitis' limit of {UNROLL_LIMIT}.", fix


def partition_problems(layer: Layer) -> Iterator[Complaint]:
    """io_parallel partitions every tensor of a layer completely and unrolls over it."""
    tensors = {tensor.name: tensor for tensor in (*layer.inputs, layer.output)}
    for tensor in tensors.values():
        if tensor.size > UNROLL_LIMIT:
            what = f"tensor {tensor.name} has {tensor.size} elements to partition"
            yield beyond(what, "use io_stream.")


def word_problems(layer: Layer) -> Iterator[Complaint]:
    """io_stream moves all channels of a position in one word and unrolls over them."""
    widest = max(tensor.channels for tensor in (*layer.inputs, layer.output))
    if widest > UNROLL_LIMIT:
        yield beyond(f"one stream word has {widest} channels", "narrow the layer.")
