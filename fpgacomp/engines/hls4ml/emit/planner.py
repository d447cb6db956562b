"""Collects the exact list of hls4ml layers, helpers (clone, padding, repack) included.

Nothing is left to hls4ml's own rewrites: every tensor has one reader, padding is a layer of
its own in streams, and a reshape is either free or a layer of ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fpgacomp.engines.hls4ml.design import Hls4mlDesign, Hls4mlFolding
from fpgacomp.engines.hls4ml.emit.nodes import (
    EXTENSION,
    Attribute,
    Extension,
    Hls4mlNode,
    NodeWeights,
)
from fpgacomp.engines.shared.circuit.solve import AdderGraph
from fpgacomp.engines.shared.names import NameSpace
from fpgacomp.errors import InvalidGraph
from fpgacomp.ir.layers import Input, Layer, Tensor


@dataclass(frozen=True)
class Plan:
    """All nodes in topological order, and which of their outputs leave the hardware.

    Args:
        inputs: graph input tensor -> node output name, in the order of the top function.
        outputs: graph output tensor -> node output name, likewise.
        aliases: tensor that is no array or stream of its own -> the tensor it is.
    """

    nodes: tuple[Hls4mlNode, ...]
    inputs: dict[str, str]
    outputs: dict[str, str]
    aliases: dict[str, str]


class Planner:
    """Collects nodes layer by layer and hands each reader of a tensor its own copy.

    Args:
        reserved: names that no node may have.
        aliases: tensor that is no array or stream of its own -> the tensor it is.
    """

    def __init__(
        self, design: Hls4mlDesign, reserved: frozenset[str], aliases: dict[str, str]
    ) -> None:
        self.design = design
        self.stream = design.io_type == "io_stream"
        self.aliases = aliases
        self._names = NameSpace(reserved)
        self._nodes: list[Hls4mlNode] = []
        self._readers = self._count_readers()
        self._copies: dict[str, list[str]] = {}
        self._output_names = {tensor.name for tensor in design.graph.outputs}
        self._outputs: dict[str, str] = {}

    def folding(self, layer: Layer) -> Hls4mlFolding:
        """The layer's folding in the design."""
        return self.design.folding[layer.name]

    def finish(self) -> Plan:
        """The plan, once every layer has been added."""
        inputs = {
            node.traces: node.name
            for node in self._nodes
            if node.class_name == "Input" and node.traces is not None
        }
        outputs = {tensor.name: self._outputs[tensor.name] for tensor in self.design.graph.outputs}
        return Plan(tuple(self._nodes), inputs, outputs, self.aliases)

    def read(self, tensor: Tensor) -> str:
        """A copy of the tensor for one reader; kernels of ours state shapes themselves."""
        return self._copies[self._root(tensor.name)].pop()

    def read_shaped(self, tensor: Tensor) -> str:
        """The same for hls4ml's layers that take their shape from the variable they read."""
        source = self.read(tensor)
        if tensor.name not in self.aliases:
            return source
        name = self._names.unique(tensor.name)
        self._nodes.append(
            Hls4mlNode(
                name, "Reshape", tensor, (source,), (name,), {"target_shape": list(tensor.shape)}
            )
        )
        return name

    def hls4ml(
        self,
        class_name: str,
        output: Tensor,
        sources: tuple[str, ...],
        attributes: Mapping[str, Attribute],
        *,
        weights: Mapping[str, NodeWeights] | None = None,
        types: Mapping[str, str] | None = None,
        folding: Hls4mlFolding | None = None,
        traced: bool = True,
        wanted: str = "",
        sums: AdderGraph | None = None,
    ) -> str:
        """Add one of hls4ml's own layers; returns the name of its output."""
        name = self._names.unique(wanted or output.name)
        self._nodes.append(
            Hls4mlNode(
                name, class_name, output, sources, (name,), attributes, weights or {}, types or {},
                folding or Hls4mlFolding(), output.name if traced else None, sums,
            )
        )  # fmt: skip
        return name

    def call(
        self, layer: Layer, extension: Extension, weights: Mapping[str, NodeWeights] | None = None
    ) -> str:
        """Add the kernel call that is a whole layer; returns the name of its output."""
        sources = tuple(self.read(tensor) for tensor in layer.inputs)
        reuse_factor = self.folding(layer).reuse_factor
        return self.extension(
            extension, layer.output, sources, weights=weights, reuse_factor=reuse_factor
        )[0]

    def extension(
        self,
        extension: Extension,
        output: Tensor,
        sources: tuple[str, ...],
        *,
        weights: Mapping[str, NodeWeights] | None = None,
        reuse_factor: int = 1,
        traced: bool = True,
        copies: int = 1,
    ) -> tuple[str, ...]:
        """Add a call of one of our kernels; returns the names of its outputs."""
        name = self._names.unique(output.name if traced else f"{output.name}_{extension.kernel}")
        more = (self._names.unique(f"{name}_copy") for _ in range(copies - 1))
        outputs = (name, *more)
        self._nodes.append(
            Hls4mlNode(
                name, EXTENSION, output, sources, outputs, {"extension": extension}, weights or {},
                {}, Hls4mlFolding(reuse_factor=reuse_factor), output.name if traced else None,
            )
        )  # fmt: skip
        return outputs

    def publish(self, layer: Layer, name: str) -> None:
        """Make `name` the layer's output tensor: one copy for each reader, one for the host."""
        tensor = layer.output
        readers = self._readers[tensor.name]
        leaves = tensor.name in self._output_names
        copies = self._clones(tensor, name, readers + leaves)
        if leaves:
            own = copies.pop()
            if isinstance(layer, Input):  # the host's port is not the accelerator's
                own = self.repack(tensor, own, tensor, traced=False)
            self._outputs[tensor.name] = own
        self._copies[tensor.name] = copies

    def repack(self, before: Tensor, source: str, after: Tensor, *, traced: bool) -> str:
        """A copy of `source` in another shape."""
        extension = Extension("repack", "fpgacomp_repack.h", {"n_elements": before.size})
        return self.extension(extension, after, (source,), traced=traced)[0]

    def _clones(self, tensor: Tensor, name: str, readers: int) -> list[str]:
        if readers == 0:
            raise InvalidGraph(tensor.name, "no layer reads this tensor and it is no output.",
                               "this is a bug in fpgacomp: a pass left a dead layer.")  # fmt: skip
        extension = Extension(
            "clone",
            "fpgacomp_clone.h",
            {"n_pixels": tensor.pixels, "n_channels": tensor.channels},
        )
        free = [name]
        while len(free) < readers:
            free += self.extension(extension, tensor, (free.pop(0),), traced=False, copies=2)
        return free

    def _root(self, tensor: str) -> str:
        return self.aliases.get(tensor, tensor)

    def _count_readers(self) -> Counter[str]:
        """How many node inputs read each tensor that is an array or stream of its own."""
        return Counter(
            self._root(tensor.name)
            for layer in self.design.graph.layers
            if layer.output.name not in self.aliases
            for tensor in layer.inputs
        )
