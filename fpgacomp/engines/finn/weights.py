"""Weights as FINN takes them: type, implementation style, signs of falling channels."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.engines.finn.tensors import Wire
from fpgacomp.engines.finn.types import finn_type
from fpgacomp.engines.stream.operators.matrix_vector import MatrixVector
from fpgacomp.engines.stream.operators.vector_vector import VectorVector
from fpgacomp.ir.types import IntArray, IntType


@dataclass(frozen=True)
class FinnWeights:
    """What an MVAU or VVAU node states about its weights.

    Args:
        values: in the operator's shape, falling channels negated.
        sign: [C] by which the sums differ from ours, None where all are +1.
        style: "rtl" where FINN's RTL takes it, "hls" otherwise.
        matches: FINN counts equal bits (bipolar times bipolar).
    """

    values: IntArray
    type: str
    sign: IntArray | None
    style: str
    matches: bool


def weights_of(
    op: MatrixVector | VectorVector, source: Wire, sign: IntArray | None, part: str
) -> FinnWeights:
    """Weights for the part.

    Args:
        sign: [C] of the activation that alone reads the sums; None where something else does.
    """
    values = op.weight.array
    flips = sign if sign is not None and (sign < 0).any() else None
    if flips is not None:
        values = values * flips
    bipolar = bool((abs(values) == 1).all())
    matches = bipolar and source.type == "BIPOLAR" and sign is not None
    if isinstance(op, MatrixVector) and op.arithmetic == "dsp":
        kind = _rtl_type(values, source, op.output.type.bits, part)
        if kind is not None:
            return FinnWeights(values, kind, flips, "rtl", matches=False)
    # Bipolar sums that something else than an activation reads are summed, not counted.
    one_bit = matches or (bipolar and source.type != "BIPOLAR")
    one_bit = one_bit and isinstance(op, MatrixVector)
    kind = "BIPOLAR" if one_bit else finn_type(_range(values))
    return FinnWeights(values, kind, flips, "hls", matches=matches and one_bit)


def _range(values: IntArray) -> IntType:
    return IntType(min(int(values.min()), -1), max(int(values.max()), 0))


def _rtl_type(values: IntArray, source: Wire, sum_bits: int, part: str) -> str | None:
    """Type under which FINN's RTL matrix unit takes the weights, None where it does not.

    Signed, at least two bits, on DSP48E1 never the type's lowest value; activations of at
    least two bits within the DSP's ports (FINN falls back to HLS with no more than a warning).
    """
    from finn.util.basic import get_dsp_block, get_dsp_datapath_limits

    if source.type == "BIPOLAR":
        return None
    block = get_dsp_block(part)  # what FINN takes the part to have chooses its RTL
    most_x, most_w, most_sum = get_dsp_datapath_limits(block)
    bits = max(2, _range(values).bits)
    if block == "DSP48E1" and int(values.min()) == -(1 << (bits - 1)):
        bits += 1
    x_bits, signed = int(source.type.lstrip("UINT")), source.type.startswith("INT")
    fits = x_bits - int(signed) < most_x and bits <= most_w and sum_bits < most_sum
    return f"INT{bits}" if fits else None
