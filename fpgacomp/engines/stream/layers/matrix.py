"""Rules that Dense and Conv share: both multiply vectors with a matrix of weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from fpgacomp.devices.device import Device
from fpgacomp.engines.shared.divisors import divisors
from fpgacomp.engines.stream.design import StreamFolding
from fpgacomp.engines.stream.layers.rules import WIDEST_WORD, indivisible
from fpgacomp.engines.stream.layers.weights import weight_arithmetics, weight_memories
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.shared_matrix import SharedMatrix
from fpgacomp.engines.stream.plumbing import Plumbing
from fpgacomp.engines.stream.streams import Stream
from fpgacomp.ir.layers import Conv, Dense
from fpgacomp.ir.types import Ints

PACES = 20  # most values of PE x SIMD that are priced; they are thinned out on a log scale
SHAPES = 3  # most pairs (PE, SIMD) that are priced of the same PE x SIMD


@dataclass(frozen=True)
class MatrixRules(ABC):
    """A layer that is a matrix: PE of its outputs and SIMD of its products a cycle.

    PE divides the output channels. SIMD divides the products of an output, in whole pixels
    or in equal parts of a pixel.
    """

    layer: Dense | Conv

    @property
    def foldable(self) -> bool:
        return True

    @property
    def stores_constants(self) -> bool:
        return True

    @property
    @abstractmethod
    def width(self) -> int:
        """Products of one output."""

    @property
    @abstractmethod
    def matrix(self) -> Ints:
        """Its weights as [products of an output, outputs], zeros where groups have none."""

    def why_illegal(self, folding: StreamFolding) -> str:
        if why := indivisible(folding, self.layer.output.channels):
            return why
        if not self._folds(folding.simd):
            inputs = self.layer.input.channels
            return f"simd {folding.simd} does not fold {inputs} channels of {self.width} products."
        unfolded = (folding.pe, folding.simd) == (self.unfolded.pe, self.unfolded.simd)
        if folding.arithmetic == "adders" and not unfolded:
            return f"arithmetic adders shares additions of all {self.width} products at once."
        return ""

    def foldings(self, device: Device) -> Iterable[StreamFolding]:
        products = self.width * self.layer.output.channels
        return tuple(
            StreamFolding(pe, simd, memory, arithmetic)
            for pe, simd in self._shapes()
            for memory in weight_memories(products // (pe * simd))
            for arithmetic in weight_arithmetics(self.layer, device)
        )

    def lanes_out(self, folding: StreamFolding) -> int:
        return folding.pe

    @property
    def unfolded(self) -> StreamFolding:
        """Every product with hardware of its own, in additions that the outputs share."""
        return StreamFolding(self.layer.output.channels, self.width, "lutram", "adders")

    @property
    def widest_weights(self) -> int:
        """Bits of all weights of the matrix, which are one word where it is unfolded."""
        return self.width * self.layer.output.channels * self.layer.weight.type.bits

    @property
    def widest_stream(self) -> int:
        """Bits of the wider one of the words that it reads and writes unfolded."""
        layer = self.layer
        return max(self.width * layer.input.type.bits,
                   layer.output.channels * layer.output.type.bits)  # fmt: skip

    def _folds(self, simd: int) -> bool:
        inputs = self.layer.input.channels
        return self.width % simd == 0 and (inputs % simd == 0 or simd % inputs == 0)

    def _shapes(self) -> list[tuple[int, int]]:
        """The pairs (PE, SIMD) worth pricing: for each of PACES products the most even ones."""
        found: dict[int, list[tuple[int, int]]] = {}
        for simd in filter(self._folds, divisors(self.width)):
            for pe in divisors(self.layer.output.channels):
                if self._widest_word(pe, simd) <= WIDEST_WORD:
                    found.setdefault(pe * simd, []).append((pe, simd))
        return [
            shape
            for pace in _thinned(sorted(found))
            for shape in sorted(found[pace], key=lambda s: (abs(log2(s[0] / s[1])), s))[:SHAPES]
        ]

    def _widest_word(self, pe: int, simd: int) -> int:
        """Bits of the widest word among weights, input and output."""
        layer = self.layer
        weights = pe * simd * layer.weight.type.bits
        return max(weights, simd * layer.input.type.bits, pe * layer.output.type.bits)

    def _multiply(self, source: Stream, folding: StreamFolding, plumbing: Plumbing) -> Stream:
        """Place the matrix behind its vectors."""
        layer = self.layer
        output = plumbing.output(layer.output, folding.pe)
        if folding.arithmetic == "adders":
            plumbing.add(
                SharedMatrix(
                    name=layer.name, layer=layer.name, input=source, output=output,
                    weight=self.matrix, vectors=layer.output.pixels, ternary=plumbing.ternary,
                )
            )  # fmt: skip
            return output
        plumbing.add(
            MatrixVector(
                name=layer.name, layer=layer.name, input=source, output=output,
                weight=self.matrix, vectors=layer.output.pixels, pe=folding.pe, simd=folding.simd,
                memory=folding.memory, arithmetic=folding.arithmetic,
                ternary=plumbing.ternary,
            )
        )  # fmt: skip
        return output


def _thinned(values: Sequence[int]) -> list[int]:
    """At most PACES of ascending values, the first and the last kept, evenly by logarithm."""
    if len(values) <= PACES:
        return list(values)
    span = log2(values[-1] / values[0])
    wanted = [values[0] * 2 ** (span * i / (PACES - 1)) for i in range(PACES)]
    return sorted({min(values, key=lambda v: abs(log2(v / w))) for w in wanted})
