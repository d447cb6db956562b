"""The standard operators of the reference executor, each as ONNX defines it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import onnx

from fpgacomp.evidence.reference import functions as functions
from fpgacomp.evidence.reference import windows as windows
from fpgacomp.evidence.reference.node import Operands, ReferenceNode, operand, optional
from fpgacomp.ir.types import AnyArray

Result = AnyArray | tuple[AnyArray, ...]
OperatorFunction = Callable[[ReferenceNode, Operands], Result]


def _binary(function: Callable[[AnyArray, AnyArray], AnyArray]) -> OperatorFunction:
    return lambda node, operands: function(operand(operands, 0), operand(operands, 1))


def _unary(function: Callable[[AnyArray], AnyArray]) -> OperatorFunction:
    return lambda node, operands: function(operand(operands, 0))


def _ints(values: AnyArray | Sequence[int] | None) -> tuple[int, ...] | None:
    return None if values is None else tuple(int(v) for v in np.asarray(values).ravel())


def _axes(node: ReferenceNode, operands: Operands) -> tuple[int, ...] | None:
    """Axes: an attribute in older opsets, the second operand in newer ones."""
    return _ints(node.get("axes")) if "axes" in node.attributes else _ints(optional(operands, 1))


def _matmul(node: ReferenceNode, operands: Operands) -> AnyArray:
    a, b = operand(operands, 0), operand(operands, 1)
    if a.ndim > 2 and b.ndim == 2:  # one large product instead of many small ones
        rows = np.matmul(a.reshape(-1, a.shape[-1]), b)
        return np.asarray(rows.reshape(*a.shape[:-1], b.shape[-1]))
    return np.asarray(np.matmul(a, b))


def _gemm(node: ReferenceNode, operands: Operands) -> AnyArray:
    a, b, c = operand(operands, 0), operand(operands, 1), optional(operands, 2)
    a = a.T if node.get("transA", 0) else a
    b = b.T if node.get("transB", 0) else b
    product: AnyArray = node.number("alpha", 1.0) * np.matmul(a, b)
    return product if c is None else product + node.number("beta", 1.0) * c


def _batch_normalization(node: ReferenceNode, operands: Operands) -> AnyArray:
    x, gamma, beta, mean, variance = (operand(operands, index) for index in range(5))
    wide = (-1, *(1 for _ in x.shape[2:]))
    deviation = np.sqrt(variance + node.number("epsilon", 1e-5)).reshape(wide)
    normal = (x - mean.reshape(wide)) / deviation
    return normal * gamma.reshape(wide) + beta.reshape(wide)


def _reshape(node: ReferenceNode, operands: Operands) -> AnyArray:
    x = operand(operands, 0)
    target = list(_ints(optional(operands, 1)) or _ints(node.get("shape")) or ())
    if not node.get("allowzero", 0):
        target = [x.shape[i] if n == 0 else n for i, n in enumerate(target)]
    return _reshape_to(node, x, target)


def _flatten(node: ReferenceNode, operands: Operands) -> AnyArray:
    x = operand(operands, 0)
    axis = int(node.get("axis", 1)) % (x.ndim + 1)
    front = (1, *x.shape[1:]) if node.batched else x.shape
    return _reshape_to(node, x, [prod(front[:axis]), prod(front[axis:])])


def _squeeze(node: ReferenceNode, operands: Operands) -> AnyArray:
    x = operand(operands, 0)
    ones = tuple(i for i, n in enumerate(x.shape) if n == 1 and not (node.batched and i == 0))
    return np.squeeze(x, axis=_axes(node, operands) or ones)


def _unsqueeze(node: ReferenceNode, operands: Operands) -> AnyArray:
    return np.expand_dims(operand(operands, 0), _axes(node, operands) or ())


def _reshape_to(node: ReferenceNode, x: AnyArray, target: list[int]) -> AnyArray:
    """Reshape to a target that was written for a batch of 1."""
    if not node.batched or (target and target[0] == len(x)):
        return x.reshape(target)
    features = prod(x.shape[1:])
    known = prod(n for n in target if n != -1)
    first = features // known if target and target[0] == -1 and known else 0
    if not target or (target[0] != 1 and first != 1):
        raise node.unsupported(f"a reshape to {target} does not keep axis 0 as the batch.")
    return x.reshape(len(x), *target[1:])


def _transpose(node: ReferenceNode, operands: Operands) -> AnyArray:
    return np.transpose(operand(operands, 0), node.get("perm"))


def _concat(node: ReferenceNode, operands: Operands) -> AnyArray:
    return np.concatenate([part for part in operands if part is not None], axis=node.get("axis"))


def _pad(node: ReferenceNode, operands: Operands) -> AnyArray:
    x = operand(operands, 0)
    if node.get("mode", "constant") != "constant":
        raise node.unsupported(f"Pad mode {node.get('mode')} is not executed.")
    flat = _ints(node.get("pads") if "pads" in node.attributes else operand(operands, 1)) or ()
    value = optional(operands, 2)
    fill = float(node.get("value", 0.0)) if value is None else float(value.item())
    half = len(flat) // 2
    axes = _ints(optional(operands, 3)) or tuple(range(half))
    widths = [(0, 0)] * x.ndim
    for axis, before, after in zip(axes, flat[:half], flat[half:]):
        widths[axis] = (before, after)
    return np.pad(x, widths, constant_values=fill)


def _resize(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Resize and Upsample, nearest, by scales or by sizes."""
    x = operand(operands, 0)
    if node.get("mode", "nearest") != "nearest":
        raise node.unsupported(f"resize mode {node.get('mode')} is not executed.")
    old = node.proto.op_type == "Upsample" or node.opset < 11
    given = (
        node.get("scales") if "scales" in node.attributes else optional(operands, 1 if old else 2)
    )
    scales = [] if given is None else np.asarray(given, dtype=np.float64).ravel().tolist()
    sizes = None if old else _ints(optional(operands, 3))
    style = "old" if old else str(node.get("coordinate_transformation_mode", "half_pixel"))
    nearest = "floor" if old else str(node.get("nearest_mode", "round_prefer_floor"))
    for axis in range(1 if node.batched else 0, x.ndim):
        n = x.shape[axis]
        size = sizes[axis] if sizes else int(np.floor(n * scales[axis]))
        if size != n:
            scale = size / n if sizes else scales[axis]
            x = x.take(_nearest(node, n, size, scale, style, nearest), axis=axis)
    return x


def _nearest(
    node: ReferenceNode, n: int, size: int, scale: float, style: str, nearest: str
) -> AnyArray:
    """Which input position each output position copies."""
    out = np.arange(size)
    position: AnyArray
    index: AnyArray
    match style:
        case "old" | "asymmetric":
            position = out / scale
        case "half_pixel":
            position = (out + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            position = (out + 0.5) / scale - 0.5 if size > 1 else out * 0.0
        case "align_corners":
            position = out * (n - 1) / (size - 1) if size > 1 else out * 0.0
        case _:
            raise node.unsupported(f"coordinate transformation {style} is not executed.")
    match nearest:
        case "floor":
            index = np.floor(position)
        case "ceil":
            index = np.ceil(position)
        case "round_prefer_floor":
            index = np.ceil(position - 0.5)
        case "round_prefer_ceil":
            index = np.floor(position + 0.5)
        case _:
            raise node.unsupported(f"nearest mode {nearest} is not executed.")
    return np.clip(index, 0, n - 1).astype(np.int64)


def _reduce_mean(node: ReferenceNode, operands: Operands) -> AnyArray:
    kept = bool(node.get("keepdims", 1))
    return np.asarray(operand(operands, 0).mean(axis=_axes(node, operands), keepdims=kept))


def _arg_max(node: ReferenceNode, operands: Operands) -> AnyArray:
    x, axis = operand(operands, 0), int(node.get("axis", 0))
    if node.get("select_last_index", 0):
        best = x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis=axis, keepdims=True)
    else:
        best = np.argmax(x, axis=axis, keepdims=True)
    return np.asarray(best if node.get("keepdims", 1) else np.squeeze(best, axis=axis))


def _top_k(node: ReferenceNode, operands: Operands) -> tuple[AnyArray, ...]:
    """The k largest (or smallest) in order; of equal values the first comes first."""
    x, axis = operand(operands, 0), int(node.get("axis", -1))
    k = int(node.get("k", 0)) or int(operand(operands, 1).item())
    order = np.argsort(-x if node.get("largest", 1) else x, axis=axis, kind="stable")
    index = order.take(np.arange(k), axis=axis)
    return np.take_along_axis(x, index, axis=axis), index


def _gather(node: ReferenceNode, operands: Operands) -> AnyArray:
    index = operand(operands, 1).astype(np.int64)
    return np.asarray(operand(operands, 0).take(index, axis=int(node.get("axis", 0))))


def _slice(node: ReferenceNode, operands: Operands) -> AnyArray:
    x = operand(operands, 0)
    starts = _ints(node.get("starts") if "starts" in node.attributes else operand(operands, 1))
    ends = _ints(node.get("ends") if "ends" in node.attributes else operand(operands, 2))
    given = node.get("axes") if "axes" in node.attributes else optional(operands, 3)
    axes = _ints(given) or tuple(range(len(starts or ())))
    steps = _ints(optional(operands, 4)) or (1,) * len(axes)
    cut = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts or (), ends or (), steps):
        low = -x.shape[axis] - 1  # an end this far left, under a negative step, means "all"
        cut[axis] = slice(start, None if step < 0 and end < low else end, step)
    return x[tuple(cut)]


def _cast(node: ReferenceNode, operands: Operands) -> AnyArray:
    """Real numbers keep the executor's own type; a cast to an integer truncates."""
    x = operand(operands, 0)
    wanted = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(node.get("to")))
    if wanted.kind == "f":
        return x if x.dtype.kind == "f" else x.astype(np.float64)
    return x.astype(wanted)


def _shape(node: ReferenceNode, operands: Operands) -> AnyArray:
    return np.array(operand(operands, 0).shape, dtype=np.int64)


def _first(node: ReferenceNode, operands: Operands) -> AnyArray:
    return operand(operands, 0)


def _quantize_linear(node: ReferenceNode, operands: Operands) -> AnyArray:
    x, scale, zero = operand(operands, 0), operand(operands, 1), optional(operands, 2)
    wide = _per_axis(node, x)
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    limits = np.iinfo(kind)
    offset = 0.0 if zero is None else zero.astype(x.dtype).reshape(wide(zero))
    code = np.rint(x / scale.reshape(wide(scale))) + offset
    return np.asarray(np.clip(code, limits.min, limits.max).astype(kind))


def _dequantize_linear(node: ReferenceNode, operands: Operands) -> AnyArray:
    x, scale, zero = operand(operands, 0), operand(operands, 1), optional(operands, 2)
    wide = _per_axis(node, x)
    code = x.astype(scale.dtype)
    offset = 0.0 if zero is None else zero.astype(scale.dtype).reshape(wide(zero))
    return (code - offset) * scale.reshape(wide(scale))


def _per_axis(node: ReferenceNode, x: AnyArray) -> Callable[[AnyArray], tuple[int, ...]]:
    """The shape under which a per-axis parameter broadcasts against x."""
    axis = int(node.get("axis", 1))

    def wide(parameter: AnyArray) -> tuple[int, ...]:
        if parameter.size == 1:
            return ()
        return tuple(-1 if i == axis % x.ndim else 1 for i in range(x.ndim))

    return wide


OPERATOR_FUNCTIONS: dict[str, OperatorFunction] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Conv": windows.conv,
    "MaxPool": windows.max_pool,
    "AveragePool": windows.average_pool,
    "GlobalAveragePool": windows.global_average_pool,
    "GlobalMaxPool": windows.global_max_pool,
    "BatchNormalization": _batch_normalization,
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(np.divide),
    "Pow": _binary(np.power),
    "Min": _binary(np.minimum),
    "Max": _binary(np.maximum),
    "Sqrt": _unary(np.sqrt),
    "Exp": _unary(np.exp),
    "Log": _unary(np.log),
    "Neg": _unary(np.negative),
    "Abs": _unary(np.abs),
    "Sign": _unary(np.sign),
    "Floor": _unary(np.floor),
    "Ceil": _unary(np.ceil),
    "Round": _unary(np.rint),
    "Reciprocal": _unary(np.reciprocal),
    "Relu": _unary(functions.relu),
    "Sigmoid": _unary(functions.sigmoid),
    "Tanh": _unary(np.tanh),
    "Erf": _unary(functions.erf),
    "Silu": _unary(functions.silu),
    "HardSwish": _unary(functions.hard_swish),
    "Softplus": _unary(functions.softplus),
    "Softsign": _unary(functions.softsign),
    "LeakyRelu": functions.leaky_relu,
    "PRelu": functions.prelu,
    "Clip": functions.clip,
    "HardSigmoid": functions.hard_sigmoid,
    "Selu": functions.selu,
    "Elu": functions.elu,
    "Gelu": functions.gelu,
    "GeluTanh": _unary(functions.gelu_tanh),
    "Celu": functions.celu,
    "ThresholdedRelu": functions.thresholded_relu,
    "Mish": _unary(functions.mish),
    "Sin": _unary(np.sin),
    "Cos": _unary(np.cos),
    "Softmax": functions.softmax,
    "LogSoftmax": functions.log_softmax,
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "ReduceMean": _reduce_mean,
    "ArgMax": _arg_max,
    "TopK": _top_k,
    "Gather": _gather,
    "Slice": _slice,
    "Shape": _shape,
    "Cast": _cast,
    "Identity": _first,
    "Dropout": _first,
    "QuantizeLinear": _quantize_linear,
    "DequantizeLinear": _dequantize_linear,
}
