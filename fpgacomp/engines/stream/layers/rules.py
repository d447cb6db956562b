"""What must be known of a layer to stream it: its foldings, its lanes, its operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from fpgacomp.devices.device import Device
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Layer, Tensor, with_inputs

# Most bits of one word: Vitis HLS takes no wider one. (FINN's operators would take 8,191.)
WIDEST_WORD = 4096


class LayerRules(Protocol):
    """The rules of one layer.

    `layers/__init__.py` has the class for each kind of layer. mypy names the class and the
    member that one of them lacks.
    """

    @property
    def foldable(self) -> bool:
        """Whether it takes a folding; Input and Reshape do not."""
        ...

    @property
    def stores_constants(self) -> bool:
        """Whether its folding's `memory` holds constants."""
        ...

    @property
    def exposure(self) -> float:
        """Share of its frame that a first frame waits for before the next layer can go on."""
        ...

    @property
    def price_key(self) -> object:
        """Equal for layers whose operators cost the same under the same folding."""
        ...

    def why_illegal(self, folding: StreamFolding) -> str:
        """A sentence on what a folding does not divide; "" where it is legal."""
        ...

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        """The foldings worth pricing on a device; all are legal."""
        ...

    def lanes_in(self, folding: StreamFolding) -> int:
        """Elements per word that its own operators read; 0 where they read none."""
        ...

    def lanes_out(self, folding: StreamFolding) -> int:
        """Elements per word that its own operators write; 0 where it has no operators."""
        ...

    def expand(self, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        """Place its operators, and return the stream that carries its output."""
        ...


def too_small(folding: StreamFolding) -> str:
    """Why a folding is illegal for every layer; "" where it is not."""
    if min(folding.pe, folding.simd) < 1:
        return f"pe {folding.pe} and simd {folding.simd} are not both 1 or more."
    return ""


def indivisible(folding: StreamFolding, channels: int) -> str:
    """Why a folding is illegal for a layer whose PE divides so many channels; "" if it is not."""
    if why := too_small(folding):
        return why
    if channels % folding.pe:
        return f"pe {folding.pe} does not divide its {channels} channels."
    return ""


def pixel_exposure(output: Tensor) -> float:
    """`exposure` of a layer that needs one pixel to write one: the whole frame of a vector."""
    return 1.0 / output.pixels


def window_exposure(input: Tensor, output: Tensor, kernel: tuple[int, ...]) -> float:
    """`exposure` of a layer with a window: what fills the window, and a pixel."""
    if output.pixels == 1:
        return 1.0
    rows = kernel[0] if len(kernel) > 1 else 0
    filled = rows / input.shape[0] if rows > 1 else kernel[-1] / input.pixels
    return min(1.0 / output.pixels + filled, 1.0)


def rewired(layer: Layer, inputs: Sequence[Tensor], name: str) -> Layer:
    """The same layer on other inputs, under another name, which is its output's too."""
    wired = with_inputs(layer, inputs)
    return replace(wired, name=name, output=replace(wired.output, name=name))


def nameless(layer: Layer) -> Layer:
    """The layer without any name, to compare layers by all else."""
    return rewired(layer, [replace(tensor, name="") for tensor in layer.inputs], "")
