"""What a canonical network's quantizers do, for weights that are counted and for gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from fpgacomp.network.attributes import decode_attributes

Floats = npt.NDArray[np.float32]

# The names of the canonical network (fpgacomp.network.canonical).
ROUNDING: Mapping[str, Callable[[Floats], Floats]] = {
    "ROUND": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5)),
}


@dataclass(frozen=True, eq=False)
class NodeQuantizer:
    """A Quant or BipolarQuant node with its constants.

    Args:
        bits: number of bits of one value.
        scale: broadcasts against what is quantized.
        zero_point: broadcasts likewise.
        low: the smallest integer.
        high: the largest integer.
        rounding: a key of `ROUNDING`; "" where only the sign is kept (one bit, -1 or 1).
    """

    bits: int
    scale: Floats
    zero_point: Floats
    low: float
    high: float
    rounding: str

    @staticmethod
    def of(node: onnx.NodeProto, constants: Mapping[str, npt.NDArray[Any]]) -> NodeQuantizer:
        """Read a node of a canonical network.

        Args:
            node: a Quant or BipolarQuant.
            constants: the network's constants by name.

        Raises:
            KeyError: a parameter of the node is not among the constants.
        """
        scale = constants[node.input[1]].astype(np.float32)
        if node.op_type == "BipolarQuant":
            return NodeQuantizer(1, scale, np.float32(0) * scale, -1.0, 1.0, "")
        bits = int(constants[node.input[3]].item())
        zero_point = constants[node.input[2]].astype(np.float32)
        attributes = decode_attributes(node)
        signed, narrow = bool(attributes["signed"]), bool(attributes["narrow"])
        if signed and bits == 1:
            return NodeQuantizer(1, scale, zero_point, -1.0, 1.0, "")
        low = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
        high = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
        return NodeQuantizer(bits, scale, zero_point, low, high, attributes["rounding_mode"])

    def __call__(self, x: Floats) -> Floats:
        """Quantize values; the result is what the integers stand for, float32."""
        codes = x / self.scale + self.zero_point
        if self.rounding:
            codes = ROUNDING[self.rounding](np.clip(codes, self.low, self.high))
        else:
            codes = np.where(codes >= 0, np.float32(1), np.float32(-1))
        return np.asarray((codes - self.zero_point) * self.scale, np.float32)

    def limits(self) -> tuple[Floats, Floats]:
        """Lowest and highest result of the quantizer, in the shape of its scale."""
        low = (np.float32(self.low) - self.zero_point) * self.scale
        high = (np.float32(self.high) - self.zero_point) * self.scale
        return low, high
