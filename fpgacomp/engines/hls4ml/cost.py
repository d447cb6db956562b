"""What simulating an hls4ml design beyond its C-simulation costs, in processor time.

Measured on one machine, on six designs of 3,000 to 58 million multiplications a frame; another
machine may be twice as slow or fast. The costs decide what a compile runs by itself, nothing else.
"""

from __future__ import annotations

from fpgacomp.engines.engine import FurtherCheck
from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.ir.layers import Conv, Dense

# g++ on the arbitrary-precision types: seconds, for each weight; then for each product that runs.
_OPEN_S, _OPEN_WEIGHT_S, _OPEN_PRODUCT_S = 4.0, 1e-5, 1e-7


def further_checks(design: Hls4mlDesign, frames: int) -> tuple[FurtherCheck, ...]:
    """The C++ on the types that a vendor's tool reads it with, on so many frames."""
    matrices = [layer for layer in design.graph.layers if isinstance(layer, (Dense, Conv))]
    weights = sum(layer.weight.array.size for layer in matrices)
    products = sum(layer.macs for layer in matrices)
    frame_s = products * _OPEN_PRODUCT_S
    cost_s = _OPEN_S + weights * _OPEN_WEIGHT_S + frames * frame_s
    return (FurtherCheck("hls", "C++ on arbitrary-precision types", cost_s, frame_s),)
