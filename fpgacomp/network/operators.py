"""The operators of the canonical network: where each one runs, and what to do about all others.

This is the only list of them. Readers, lowering, calibration and the checks ask it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

QONNX_DOMAIN = "qonnx.custom_op.general"
FPGACOMP_DOMAIN = "fpgacomp"
CANONICAL_DOMAINS = (QONNX_DOMAIN, FPGACOMP_DOMAIN)
"""Operator sets beside ONNX's own that a canonical network may use."""

OperatorKind = Literal["quantizer", "product", "pool", "arithmetic", "function", "move", "choice"]
"""What an operator does:

quantizer   rounds to the levels of an integer type
product     multiplies by weights
pool        summarizes windows of positions
arithmetic  adds, or multiplies by, another tensor or a constant per channel
function    computes every output value from the input value at the same place
move        puts values in another order or shape, without computing
choice      compares the values along an axis: only the host does that, except a final ArgMax
"""


@dataclass(frozen=True)
class OperatorSpec:
    """One operator of the canonical network.

    Args:
        name: the ONNX or QONNX operator type.
        kind: what it does.
        domain: the operator set it belongs to; "" is ONNX's own.
        host: whether the host computes it where only network outputs lie behind it.
        form_fix: remedy where the operator itself is carried, but not in this form;
            "" where `remedy` has the answer.
    """

    name: str
    kind: OperatorKind
    domain: str = ""
    host: bool = False
    form_fix: str = ""


def _quantizers() -> Iterator[OperatorSpec]:
    fixes = {
        "Quant": "give a constant positive scale, one bit width and a constant zero point.",
        "BipolarQuant": "give a constant positive scale.",
        "Trunc": "give constant parameters.",
        "MultiThreshold": "give constant thresholds.",
    }
    for name, fix in fixes.items():
        yield OperatorSpec(name, "quantizer", QONNX_DOMAIN, form_fix=fix)


def _products_and_pools() -> Iterator[OperatorSpec]:
    fix = "products of two activations (attention) are not carried; use a constant weight."
    yield OperatorSpec("MatMul", "product", form_fix=fix)
    fix = "use a 1-D or 2-D Conv with a constant weight."
    yield OperatorSpec("Conv", "product", form_fix=fix)
    fix = "use a MaxPool without dilation and without the second output."
    yield OperatorSpec("MaxPool", "pool", form_fix=fix)
    yield OperatorSpec("AveragePool", "pool", form_fix="use ceil_mode 0 and no dilation.")
    yield OperatorSpec("GlobalAveragePool", "pool")


def _arithmetic() -> Iterator[OperatorSpec]:
    yield OperatorSpec("Add", "arithmetic", host=True)
    yield OperatorSpec("Mul", "arithmetic", host=True)
    fix = "divide by a constant."
    yield OperatorSpec("Div", "arithmetic", host=True, form_fix=fix)
    fix = "give constant statistics."
    yield OperatorSpec("BatchNormalization", "arithmetic", host=True, form_fix=fix)


def _functions() -> Iterator[OperatorSpec]:
    fixes = {
        "PRelu": "use a constant slope.",
        "Clip": "use constant limits.",
        "Pow": "use a constant exponent.",
    }
    for name in (
        *("Relu", "LeakyRelu", "PRelu", "Clip", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh"),
        *("Selu", "Elu", "Celu", "ThresholdedRelu", "Softplus", "Softsign", "Mish", "Exp", "Log"),
        *("Sqrt", "Reciprocal", "Pow", "Abs", "Sign", "Floor", "Ceil", "Round", "Sin", "Cos"),
        "Erf",
    ):
        yield OperatorSpec(name, "function", host=True, form_fix=fixes.get(name, ""))
    # ONNX has these only in opsets that not every runtime knows: canonical networks spell
    # them in a domain of our own, and the host computes them from standard operators.
    for name in ("Silu", "Gelu", "GeluTanh"):
        yield OperatorSpec(name, "function", FPGACOMP_DOMAIN, host=True)


def _moves_and_choices() -> Iterator[OperatorSpec]:
    fix = "export with batch 1, and reshape, squeeze or flatten only the axes behind the batch."
    yield OperatorSpec("Reshape", "move", host=True, form_fix=fix)
    for name in ("Transpose", "Concat"):
        yield OperatorSpec(name, "move", host=True)
    yield OperatorSpec("Resize", "move")
    for name in ("Softmax", "LogSoftmax", "ArgMax", "TopK"):
        yield OperatorSpec(name, "choice", host=True)


OPERATORS: dict[str, OperatorSpec] = {
    spec.name: spec
    for part in (_quantizers, _products_and_pools, _arithmetic, _functions, _moves_and_choices)
    for spec in part()
}


def names_of(*kinds: OperatorKind) -> tuple[str, ...]:
    """Return the operator types of these kinds, in the order of the table."""
    return tuple(spec.name for spec in OPERATORS.values() if spec.kind in kinds)


QUANTIZERS = names_of("quantizer")
WEIGHT_QUANTIZERS = ("Quant", "BipolarQuant")
"""Quantizers that a canonical network keeps in front of a MatMul's or Conv's weight."""
PRODUCTS = names_of("product")
FUNCTIONS = names_of("function")
HOST_ONLY = frozenset(names_of("choice"))
"""Operators that no layer of the hardware computes (a final ArgMax may be asked for)."""
HOST_AT_THE_END = frozenset(spec.name for spec in OPERATORS.values() if spec.host)
"""Operators that stay on the host where nothing behind them needs the hardware."""

HOST_EXTRAS = frozenset(
    (
        *("Split", "Slice", "Gather", "DepthToSpace", "SpaceToDepth", "Tile", "Expand"),
        *("Neg", "Sub", "Div", "Max", "Min", "Mean", "Sum"),
        *("Where", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
        *("Equal", "Not", "And", "Or", "ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum"),
        *("ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare"),
        *("Pad", "LayerNormalization", "InstanceNormalization", "LRN", "GatherElements", "CumSum"),
        *("Hardmax", "LpNormalization", "LpPool", "GlobalMaxPool", "Einsum"),
    )
)
"""ONNX operators that no canonical network holds but behind its last integer, where ONNX Runtime
computes them on the host as they stand."""


def is_canonical(op: str, domain: str) -> bool:
    """Return whether a canonical network may hold this operator."""
    spec = OPERATORS.get(op)
    return spec is not None and spec.domain == domain


def form_remedy(op: str) -> str:
    """Return what the user can do about a supported operator in an unsupported form."""
    spec = OPERATORS.get(op)
    return (spec.form_fix if spec else "") or remedy(op)


def remedy(op: str, domain: str = "") -> str:
    """Return what the user can do about an operator that is not carried."""
    if op.startswith("Dynamic"):
        return _STATIC_FIX
    if op.startswith(_QOPERATOR):
        return _QDQ_FIX
    return next((fix for start, fix in _BY_DOMAIN.items() if domain.startswith(start)), "") or (
        _BY_OPERATOR.get(op, _GENERAL)
    )


_GENERAL = "replace it by operators that are supported, or cut it off the network."
_RECURRENT = "recurrent networks are not carried; use 1-D convolutions."
_NORMALIZATION = "use BatchNormalization, whose statistics are constants."
_PICK = "pick along the channels or the last axis, or crop an image (x[:, :, 1:5, 2:6])."
_BY_OPERATOR = {
    "Gather": _PICK,
    "Slice": _PICK,
    "ConvTranspose": "use Upsample (nearest) followed by a Conv.",
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "RNN": _RECURRENT,
    "If": "export with the branch resolved: no control flow may depend on the input.",
    "Loop": "unroll it before the export.",
    "Scan": "unroll it before the export.",
    "LayerNormalization": _NORMALIZATION,
    "InstanceNormalization": _NORMALIZATION,
    "GroupNormalization": _NORMALIZATION,
    "LRN": _NORMALIZATION,
    "Resize": "use mode nearest, coordinates asymmetric, nearest_mode floor and whole factors.",
    "Pad": "pad positions only, in mode constant with 0 (or -inf in front of a MaxPool).",
    "Cast": "keep every tensor float32.",
    "FloatQuant": "quantize to integers.",
}
_BY_DOMAIN = {
    "finn": "give the network as it was before FINN's transformations.",
    "qonnx": "give the network as it was exported, before any transformation of it.",
    "com.microsoft": "export without ONNX Runtime's graph optimizations.",
    "ai.onnx.ml": "only neural networks are carried.",
}
_QOPERATOR = ("QLinear", "ConvInteger", "MatMulInteger", "QGemm")
_STATIC_FIX = (
    "its scale depends on each input, which hardware cannot know: quantize statically, with "
    "calibration data (onnxruntime.quantization.quantize_static)."
)
_QDQ_FIX = "quantize statically with quant_format=QDQ, which keeps the operators float."
