"""Every rewrite keeps the function, and does what its name says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from fpgacomp.frontend import canonicalize
from fpgacomp.frontend.rewrites.absorb_pads import absorb_pads
from fpgacomp.frontend.rewrites.cancel_transposes import cancel_transposes
from fpgacomp.frontend.rewrites.explicit_pads import explicit_pads
from fpgacomp.frontend.rewrites.flatten_to_reshape import flatten_to_reshape
from fpgacomp.frontend.rewrites.float_parameters import float_parameters
from fpgacomp.frontend.rewrites.floor_mode_pools import floor_mode_pools
from fpgacomp.frontend.rewrites.fold_quantized_constants import fold_quantized_constants
from fpgacomp.frontend.rewrites.gemm_to_matmul import gemm_to_matmul
from fpgacomp.frontend.rewrites.global_pools import global_pools
from fpgacomp.frontend.rewrites.keep_batch_axis import keep_batch_axis
from fpgacomp.frontend.rewrites.merge_duplicates import merge_duplicates
from fpgacomp.frontend.rewrites.move_into_weights import move_into_weights
from fpgacomp.frontend.rewrites.nearest_resize import nearest_resize
from fpgacomp.frontend.rewrites.recognise_activations import recognise_activations
from fpgacomp.frontend.rewrites.relu_from_clip import relu_from_clip
from fpgacomp.frontend.rewrites.remove_no_ops import remove_no_ops
from fpgacomp.frontend.rewrites.softmax_axis import softmax_axis
from fpgacomp.frontend.rewrites.spell_perms import spell_perms
from fpgacomp.frontend.rewrites.split_conv_bias import split_conv_bias
from fpgacomp.frontend.rewrites.subtract_to_add import subtract_to_add
from fpgacomp.frontend.rewrites.upgrade_trunc import upgrade_trunc
from fpgacomp.network.drop_unused import drop_unused
from fpgacomp.network.editable import EditableGraph
from tests.support.frontend_runs import QONNX, Rewrite, build, execute, node, ops, quant, rewritten

RNG = np.random.default_rng(5)
SETTINGS = settings(deadline=None, max_examples=25)


def same(model: onnx.ModelProto, *rewrites: Rewrite, exact: bool = True) -> list[str]:
    """Operators after the rewrites, having found the function unchanged on random integers."""
    result = rewritten(model, *rewrites)
    onnx.checker.check_model(result)
    shape = [d.dim_value or 1 for d in model.graph.input[0].type.tensor_type.shape.dim]
    for _ in range(3):
        x = RNG.integers(-20, 21, shape).astype(np.float32) / 4
        for expected, found in zip(execute(model, x), execute(result, x), strict=True):
            assert expected.shape == found.shape
            if exact:
                np.testing.assert_array_equal(found, expected)
            else:
                np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    return ops(result)


def whole(*shape: int) -> np.ndarray:
    """Small whole numbers, so that sums in float32 are exact."""
    return RNG.integers(-4, 5, shape).astype(np.float32)


# ---- products


@pytest.mark.slow
@SETTINGS
@given(
    alpha=st.sampled_from([1.0, 0.5]),
    beta=st.sampled_from([1.0, 2.0, 0.0]),
    trans=st.booleans(),
    bias=st.sampled_from([None, (3,), (1, 3), ()]),
)
def test_gemm_to_matmul(
    alpha: float, beta: float, trans: bool, bias: tuple[int, ...] | None
) -> None:
    constants = {"w": whole(3, 5) if trans else whole(5, 3)}
    inputs = ["x", "w"]
    if bias is not None:
        constants["b"] = whole(*bias)
        inputs.append("b")
    gemm = node("Gemm", inputs, "y", alpha=alpha, beta=beta, transB=int(trans))
    found = same(build([gemm], [1, 5], constants), gemm_to_matmul)
    assert "Gemm" not in found
    assert found.count("Add") == int(bias is not None and beta != 0)


def test_gemm_of_a_quantized_weight_ends_in_its_initializer() -> None:
    nodes = [quant(["w", "s", "z", "b"], "q"), node("Gemm", ["x", "q"], "y", transB=1)]
    scale = np.array([[0.5], [1.0], [0.25]], np.float32)
    model = build(nodes, [1, 5], {"w": whole(3, 5), "s": scale, "z": 0.0, "b": 3.0})
    assert same(model, gemm_to_matmul, move_into_weights) == ["Quant", "MatMul"]


@pytest.mark.slow
@SETTINGS
@given(st.data())
def test_move_into_weights_keeps_per_channel_scales(data: st.DataObject) -> None:
    shape = (4, 2, 3, 1)
    per = data.draw(st.sampled_from([(), (4, 1, 1, 1), (2, 1, 1), (1, 2, 3, 1), (4, 2, 3, 1)]))
    perm = data.draw(st.permutations(range(4)))
    seed = data.draw(st.integers(0, 9))
    scale = np.random.default_rng(seed).choice([0.5, 0.25, 1.0], per).astype(np.float32)
    target = data.draw(st.sampled_from([(6, 4), (4, 6), (2, 12), (24, 1)]))
    nodes = [
        quant(["w", "s", "z", "b"], "q", narrow=1),
        node("Transpose", ["q"], "t", perm=perm),
        node("Reshape", ["t", "to"], "r"),
        node("MatMul", ["x", "r"], "y"),
    ]
    constants = {"w": whole(*shape), "s": scale, "z": 0.0, "b": 3.0, "to": np.array(target)}
    model = build(nodes, [1, target[0]], constants)
    assert same(model, move_into_weights) == ["Quant", "MatMul"]


def test_a_weight_used_in_two_ways_is_kept_for_both() -> None:
    nodes = [
        quant(["w", "s", "z", "b"], "q"),
        node("Transpose", ["q"], "t", perm=[1, 0]),
        node("MatMul", ["x", "q"], "a"),
        node("MatMul", ["a", "t"], "y"),
    ]
    model = build(nodes, [1, 5], {"w": whole(5, 3), "s": 0.5, "z": 0.0, "b": 4.0})
    assert same(model, move_into_weights) == ["Quant", "Quant", "MatMul", "MatMul"]


@pytest.mark.parametrize("rounding", ["ROUND", "FLOOR", "CEIL", "HALF_UP", "HALF_DOWN", "up"])
@pytest.mark.parametrize("flags", [{}, {"signed": 0}, {"narrow": 1}])
def test_a_quantized_bias_is_folded_as_it_executes(rounding: str, flags: dict[str, int]) -> None:
    attributes = {"signed": 1, "narrow": 0} | flags | {"rounding_mode": rounding}
    nodes = [quant(["c", "s", "z", "b"], "q", **attributes), node("Add", ["x", "q"], "y")]
    bias = np.arange(-40, 40) / 8
    model = build(nodes, [1, 80], {"c": bias, "s": 0.25, "z": 1.0, "b": 5.0})
    assert same(model, fold_quantized_constants) == ["Add"]


def test_bipolar_and_one_bit_constants_are_folded() -> None:
    nodes = [
        helper.make_node("BipolarQuant", ["c", "s"], ["p"], domain=QONNX),
        quant(["c", "s", "z", "b"], "q", signed=1, narrow=0),
        node("Add", ["x", "p"], "a"),
        node("Mul", ["a", "q"], "y"),
    ]
    constants = {"c": np.array([-1.0, 0, 2, -0.1]), "s": 0.5, "z": 0.0, "b": 1.0}
    assert same(build(nodes, [1, 4], constants), fold_quantized_constants) == ["Add", "Mul"]


# ---- convolution and pooling


@pytest.mark.slow
@SETTINGS
@given(
    size=st.integers(4, 9),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    auto=st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]),
    rank=st.integers(1, 2),
)
def test_explicit_pads_of_convolutions(
    size: int, kernel: int, stride: int, dilation: int, auto: str, rank: int
) -> None:
    if auto.startswith("SAME") and dilation > 1:
        dilation = 1  # ONNX Runtime itself refuses the two together
    attributes: dict[str, Any] = {"auto_pad": auto, "strides": [stride] * rank}
    attributes["dilations"] = [dilation] * rank
    conv = node("Conv", ["x", "w"], "y", **attributes)
    model = build([conv], [1, 2, *[size] * rank], {"w": whole(3, 2, *[kernel] * rank)})
    if (kernel - 1) * dilation + 1 > size:
        return
    result = rewritten(model, explicit_pads)
    same(model, explicit_pads)
    assert {a.name for a in result.graph.node[0].attribute} == {
        *("kernel_shape", "strides", "dilations", "group", "pads")
    }


@pytest.mark.slow
@SETTINGS
@given(
    size=st.integers(4, 9),
    kernel=st.integers(2, 3),
    stride=st.integers(1, 3),
    pad=st.integers(0, 1),
    ceil=st.booleans(),
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    auto=st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
)
def test_pools(
    size: int, kernel: int, stride: int, pad: int, ceil: bool, op: str, auto: str
) -> None:
    attributes: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    attributes |= {"auto_pad": auto, "ceil_mode": int(ceil and auto == "NOTSET")}
    if auto == "NOTSET":
        attributes["pads"] = [pad] * 4
    model = build([node(op, ["x"], "y", **attributes)], [1, 2, size, size])
    result = rewritten(model, explicit_pads, floor_mode_pools)
    same(model, explicit_pads, floor_mode_pools, exact=op == "MaxPool")
    (pool,) = result.graph.node
    assert {a.name: a.i for a in pool.attribute}["ceil_mode"] == 0


def test_conv_bias_is_an_add() -> None:
    conv = node("Conv", ["x", "w", "b"], "y")
    model = build([conv], [1, 2, 5, 5], {"w": whole(3, 2, 3, 3), "b": whole(3)})
    assert same(model, explicit_pads, split_conv_bias) == ["Conv", "Add"]
    sizes = [list(t.dims) for t in rewritten(model, split_conv_bias).graph.initializer]
    assert [1, 3, 1, 1] in sizes


@pytest.mark.slow
@SETTINGS
@given(
    pads=st.lists(st.integers(0, 2), min_size=4, max_size=4),
    between=st.sampled_from(["none", "Relu", "Quant", "Transpose", "Clip"]),
    reader=st.sampled_from(["Conv", "AveragePool", "MaxPool"]),
)
def test_absorb_pads(pads: list[int], between: str, reader: str) -> None:
    """The Pad sinks through what keeps zero and joins the pads of its reader, or becomes a Conv."""
    shape = [1, 5, 5, 2] if between == "Transpose" else [1, 2, 5, 5]
    top, left, bottom, right = pads
    full = [0, 0, top, left, 0, 0, bottom, right]
    if between == "Transpose":
        full = [0, top, left, 0, 0, bottom, right, 0]
    constants: dict[str, Any] = {"p": np.array(full), "w": whole(3, 2, 3, 3), "lo": -2.0}
    constants |= {"hi": 3.0, "s": 0.5, "z": 0.0, "b": 4.0}
    nodes = [node("Relu", ["x"], "r"), node("Pad", ["r", "p"], "padded")]
    last = "padded"
    if between != "none":
        inputs = {"Clip": [last, "lo", "hi"]}.get(between, [last])
        made = {
            "Quant": quant([last, "s", "z", "b"], "m", signed=0),
            "Transpose": node("Transpose", [last], "m", perm=[0, 3, 1, 2]),
        }
        nodes.append(made.get(between) or node(between, inputs, "m"))
        last = "m"
    if reader == "Conv":
        nodes.append(node("Conv", [last, "w"], "y"))
    else:
        attributes = {"count_include_pad": 1} if reader == "AveragePool" else {}
        nodes.append(node(reader, [last], "y", kernel_shape=[3, 3], **attributes))
    found = same(
        build(nodes, shape, constants),
        explicit_pads,
        absorb_pads,
        floor_mode_pools,
        exact=reader != "AveragePool",
    )
    absorbed = reader != "MaxPool" or between in ("none", "Relu", "Transpose", "Quant")
    assert "Pad" not in found or not any(pads)
    assert found.count("Conv") == (reader == "Conv") + (not absorbed) or not any(pads)


@pytest.mark.parametrize(("value", "mode"), [(1.0, "constant"), (0.0, "reflect"), (0.0, "edge")])
def test_other_pads_stay(value: float, mode: str) -> None:
    nodes = [node("Pad", ["x", "p", "v"], "a", mode=mode), node("Conv", ["a", "w"], "y")]
    constants = {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "v": value, "w": whole(3, 2, 3, 3)}
    found = same(build(nodes, [1, 2, 5, 5], constants), explicit_pads, absorb_pads)
    assert found == ["Pad", "Conv"]


@pytest.mark.slow
@SETTINGS
@given(
    op=st.sampled_from(["ReduceMean", "ReduceSum", "ReduceMax", "GlobalMaxPool"]),
    last=st.booleans(),
    keep=st.booleans(),
    rank=st.integers(1, 2),
    opset=st.sampled_from([11, 13, 18]),
)
def test_global_pools(op: str, last: bool, keep: bool, rank: int, opset: int) -> None:
    shape = [1, 4, 6, 3][: rank + 2] if not last else [1, 4, 6, 3][-rank - 2 :]
    shape[0] = 1
    axes = list(range(1, rank + 1)) if last else list(range(2, rank + 2))
    constants = {}
    if op == "GlobalMaxPool":
        made = node(op, ["x"], "y")
    elif opset >= (13 if op == "ReduceSum" else 18):
        constants["axes"] = np.array(axes)
        made = node(op, ["x", "axes"], "y", keepdims=int(keep))
    else:
        made = node(op, ["x"], "y", axes=[a - len(shape) for a in axes], keepdims=int(keep))
    found = same(build([made], shape, constants, opset=opset), global_pools, exact=False)
    pool = "MaxPool" if "Max" in op else "GlobalAveragePool"
    assert pool in found and op not in found


RESIZES = [
    ("half_pixel", "round_prefer_floor", 2, True),
    ("half_pixel", "round_prefer_ceil", 3, True),
    ("asymmetric", "floor", 3, True),
    ("asymmetric", "round_prefer_floor", 2, True),
    ("asymmetric", "round_prefer_floor", 3, False),
    ("asymmetric", "ceil", 2, False),
    ("align_corners", "round_prefer_floor", 2, True),
    ("align_corners", "round_prefer_floor", 3, False),
    ("pytorch_half_pixel", "floor", 2, False),
]


@pytest.mark.parametrize(("mode", "rounding", "factor", "whole_repeats"), RESIZES)
@pytest.mark.parametrize("by_size", [False, True])
def test_nearest_resize(
    mode: str, rounding: str, factor: int, whole_repeats: bool, by_size: bool
) -> None:
    inputs = ["x", "", "", "n"] if by_size else ["x", "", "n"]
    sizes = np.array([1, 2, 3 * factor, 3 * factor])
    constant = sizes if by_size else np.array([1, 1, factor, factor], np.float32)
    made = node("Resize", inputs, "y", coordinate_transformation_mode=mode, nearest_mode=rounding)
    result = rewritten(build([made], [1, 2, 3, 3], {"n": constant}), nearest_resize)
    same(build([made], [1, 2, 3, 3], {"n": constant}), nearest_resize)
    attributes = {a.name: helper.get_attribute_value(a) for a in result.graph.node[0].attribute}
    spelled = attributes == {
        "mode": b"nearest",
        "coordinate_transformation_mode": b"asymmetric",
        "nearest_mode": b"floor",
    }
    assert spelled == whole_repeats


@pytest.mark.parametrize("opset", [7, 9])
def test_upsample(opset: int) -> None:
    if opset == 7:
        made = node("Upsample", ["x"], "y", scales=[1.0, 1.0, 2.0, 2.0])
        constants = {}
    else:
        made = node("Upsample", ["x", "s"], "y")
        constants = {"s": np.array([1, 1, 2, 2], np.float32)}
    model = build([made], [1, 2, 3, 3], constants, opset=opset)
    assert same(model, nearest_resize) == ["Resize"]


# ---- elementwise


@pytest.mark.slow
@SETTINGS
@given(
    op=st.sampled_from(["Add", "Sub", "Mul", "Div"]),
    first=st.booleans(),
    value=st.sampled_from([2.0, 0.25, -8.0]),
)
def test_subtract_to_add(op: str, first: bool, value: float) -> None:
    if op == "Div" and first:
        return
    made = node(op, ["c", "x"] if first else ["x", "c"], "y")
    found = same(build([made], [1, 6], {"c": np.array([value] * 6)}), subtract_to_add)
    assert set(found) <= {"Add", "Mul"}
    result = rewritten(build([made], [1, 6], {"c": np.float32(value)}), subtract_to_add)
    constants = {t.name for t in result.graph.initializer}
    assert all(n.input[1] in constants for n in result.graph.node)


@pytest.mark.parametrize(("divisor", "op"), [(3.7, "Div"), (8.0, "Mul")])
def test_div_is_a_product_only_where_that_is_exact(divisor: float, op: str) -> None:
    model = build([node("Div", ["x", "c"], "y")], [1, 6], {"c": np.float32(divisor)})
    assert same(model, subtract_to_add) == [op]


def test_neg_sum_max_and_min() -> None:
    nodes = [
        node("Neg", ["x"], "n"),
        node("Sum", ["n", "x", "c"], "s"),
        node("Max", ["s", "lo"], "a"),
        node("Min", ["hi", "a"], "b"),
        node("Sub", ["b", "x"], "y"),
    ]
    constants = {"c": whole(6), "lo": np.float32(0), "hi": np.array([3.0])}
    found = same(build(nodes, [1, 6], constants), subtract_to_add, relu_from_clip)
    assert found == ["Mul", "Add", "Add", "Relu", "Clip", "Mul", "Add"]


@pytest.mark.parametrize("opset", [9, 13])
@pytest.mark.parametrize(("lo", "hi"), [(0.0, None), (0.0, 6.0), (None, 2.0), (-1.0, 1.0)])
def test_clip_and_relu(opset: int, lo: float | None, hi: float | None) -> None:
    limits = {"min": lo, "max": hi}
    given = {name: value for name, value in limits.items() if value is not None}
    if opset < 11:
        model = build([node("Clip", ["x"], "y", **given)], [1, 9], opset=opset)
    else:
        inputs: Sequence[str] = ["x", *(n if n in given else "" for n in limits)]
        model = build([node("Clip", inputs, "y")], [1, 9], given, opset=opset)
    assert same(model, relu_from_clip) == (["Relu"] if (lo, hi) == (0.0, None) else ["Clip"])


ROOT = np.float32(np.sqrt(0.5))
GELUS = [
    [("Mul", "x", "root"), ("Erf",), ("Add", 1, "one"), ("Mul", "x", 2), ("Mul", 3, "half")],
    [("Mul", "x", "root"), ("Erf",), ("Add", 1, "one"), ("Mul", 2, "half"), ("Mul", "x", 3)],
    [("Div", "x", "sqrt2"), ("Erf",), ("Add", "one", 1), ("Mul", "x", "half"), ("Mul", 3, 2)],
]


@pytest.mark.parametrize("steps", GELUS)
def test_gelu_is_recognised(steps: list[tuple[Any, ...]]) -> None:
    nodes = []
    for index, (op, *arguments) in enumerate(steps):
        names = [f"t{a}" if isinstance(a, int) else a for a in arguments or [index - 1]]
        nodes.append(node(op, names, f"t{index}"))
    constants = {"root": ROOT, "sqrt2": np.float32(np.sqrt(2)), "one": 1.0, "half": 0.5}
    model = build(nodes, [1, 9], constants)
    rewrites = (subtract_to_add, recognise_activations, drop_unused)
    assert same(model, *rewrites, exact=False) == ["Gelu"]


def test_silu_and_hard_swish_are_recognised() -> None:
    nodes = [
        node("Sigmoid", ["x"], "g"),
        node("Mul", ["g", "x"], "s"),
        node("HardSigmoid", ["s"], "h", alpha=1 / 6, beta=0.5),
        node("Mul", ["s", "h"], "y"),
    ]
    found = same(build(nodes, [1, 9]), recognise_activations, drop_unused, exact=False)
    assert found == ["Silu", "HardSwish"]


@pytest.mark.parametrize("early", [False, True])
def test_hard_swish_of_relu6_is_recognised(early: bool) -> None:
    nodes = [
        node("Add", ["x", "three"], "a"),
        node("Clip", ["a", "zero", "six"], "c"),
        node("Div", ["c", "six"] if early else ["d", "six"], "e"),
        node("Mul", ["x", "e"] if early else ["x", "c"], "d"),
    ]
    if not early:
        nodes[2:] = nodes[:1:-1]
    constants = {"zero": 0.0, "three": 3.0, "six": 6.0}
    model = build(nodes, [1, 9], constants)
    rewrites = (subtract_to_add, recognise_activations, drop_unused)
    assert same(model, *rewrites, exact=False) == ["HardSwish"]


def test_other_gates_are_left_alone() -> None:
    nodes = [
        node("HardSigmoid", ["x"], "h"),
        node("Mul", ["x", "h"], "a"),
        node("Sigmoid", ["a"], "g"),
        node("Mul", ["x", "g"], "y"),
    ]
    found = same(build(nodes, [1, 9]), recognise_activations, drop_unused)
    assert found == ["HardSigmoid", "Mul", "Sigmoid", "Mul"]


# ---- shapes and layout


@pytest.mark.slow
@SETTINGS
@given(first=st.permutations(range(4)), second=st.permutations(range(4)), tap=st.booleans())
def test_cancel_transposes(first: list[int], second: list[int], tap: bool) -> None:
    nodes = [
        node("Transpose", ["x"], "a", perm=first),
        node("Transpose", ["a"], "b", perm=second),
        node("Relu", ["b"], "y"),
    ]
    model = build(nodes, [1, 2, 3, 4], output="y")
    if tap:
        model.graph.output.append(helper.make_tensor_value_info("a", 1, None))
    found = same(model, spell_perms, cancel_transposes)
    identity = [first[axis] for axis in second] == [0, 1, 2, 3]
    assert found.count("Transpose") <= 1 + int(tap)
    assert not identity or tap or found == ["Relu"]


def test_transposes_that_undo_each_other_at_the_output() -> None:
    """The output's name must survive although the node that wrote it goes."""
    nodes = [
        node("Relu", ["x"], "r"),
        node("Transpose", ["r"], "a", perm=[0, 2, 1]),
        node("Transpose", ["a"], "y"),
    ]
    nodes[-1].attribute.append(helper.make_attribute("perm", [0, 2, 1]))
    assert same(build(nodes, [1, 2, 3]), spell_perms, cancel_transposes) == ["Relu"]


@pytest.mark.parametrize("opset", [9, 13])
def test_flatten_squeeze_unsqueeze(opset: int) -> None:
    if opset < 13:
        nodes = [
            node("Unsqueeze", ["x"], "a", axes=[1, -1]),
            node("Squeeze", ["a"], "b", axes=[1]),
            node("Flatten", ["b"], "y"),
        ]
        model = build(nodes, [1, 3, 4], opset=9)
    else:
        nodes = [
            node("Unsqueeze", ["x", "one"], "a"),
            node("Squeeze", ["a", "one"], "b"),
            node("Flatten", ["b"], "y"),
        ]
        model = build(nodes, [1, 3, 4], {"one": np.array([1])}, opset=13)
    if opset == 9:
        model.graph.node[0].attribute[0].ints[1] = 4
    assert same(model, flatten_to_reshape) == ["Reshape"] * 3
    assert ops(canonicalize(model)) == ["Reshape"]


def time_distributed(*between: onnx.NodeProto, last: str = "m") -> onnx.ModelProto:
    """A Dense on every position, as tf2onnx writes it."""
    nodes = [
        node("Reshape", ["x", "rows"], "r"),
        quant(["w", "s", "z", "b"], "q"),
        node("MatMul", ["r", "q"], "m"),
        *between,
        node("Reshape", [last, "back"], "y"),
    ]
    constants = {"rows": np.array([-1, 6]), "back": np.array([1, 4, 3]), "w": whole(6, 3)}
    constants |= {"s": 0.5, "z": 0.0, "b": 4.0, "c": whole(4, 3), "g": np.ones(3)}
    return build(nodes, [1, 4, 6], constants)


def test_positions_leave_the_batch_axis() -> None:
    between = [node("Add", ["m", "c"], "a"), node("Relu", ["a"], "n")]
    model = time_distributed(*between, last="n")
    same(model, flatten_to_reshape, keep_batch_axis)
    assert ops(canonicalize(model)) == ["Quant", "MatMul", "Add", "Relu"]


def test_positions_stay_where_another_operator_would_notice() -> None:
    found = same(
        time_distributed(node("Softmax", ["m"], "n", axis=0), last="n"),
        flatten_to_reshape,
        keep_batch_axis,
        exact=False,
    )
    assert found == ["Reshape", "Quant", "MatMul", "Softmax", "Reshape"]


@pytest.mark.parametrize("op", ["Resize", "Expand"])
def test_a_batch_frozen_into_other_shapes_is_thawed(op: str) -> None:
    sizes = {"n": np.array([8, 2, 6, 6] if op == "Resize" else [8, 2, 3, 3])}
    inputs = ["x", "", "", "n"] if op == "Resize" else ["x", "n"]
    nodes = [node(op, inputs, "a"), node("Relu", ["a"], "y")]
    canonical = canonicalize(build(nodes, [8, 2, 3, 3], sizes))
    assert ops(canonical) == (["Resize", "Relu"] if op == "Resize" else ["Relu"])
    assert canonical.graph.output[0].type.tensor_type.shape.dim[0].dim_value == 1


def test_integer_parameters_become_float() -> None:
    made = quant(["x", "s", "z", "b"], "y")
    model = build([made], [1, 9], {"s": 0.5, "z": np.array(1), "b": np.array(4)})
    assert same(model, float_parameters) == ["Quant"]
    kinds = {t.data_type for t in canonicalize(model).graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT}


def test_shape_chains_become_constants() -> None:
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "zero"], "batch", axis=0),
        node("Unsqueeze", ["batch"], "row", axes=[0]),
        node("Concat", ["row", "minus"], "to", axis=0),
        node("Reshape", ["x", "to"], "r"),
        node("Relu", ["r"], "y"),
    ]
    constants = {"zero": np.array(0), "minus": np.array([-1])}
    model = build(nodes, [1, 2, 3], constants, opset=11)
    assert same(model, remove_no_ops) == ["Reshape", "Relu"]
    for batch in ("N", 0, 64):
        dim = model.graph.input[0].type.tensor_type.shape.dim[0]
        dim.Clear()
        setattr(dim, "dim_param" if isinstance(batch, str) else "dim_value", batch)
        assert ops(canonicalize(model)) == ["Reshape", "Relu"]


def test_a_batch_frozen_into_a_reshape_is_thawed() -> None:
    nodes = [node("Reshape", ["x", "to"], "r"), node("Relu", ["r"], "y")]
    model = build(nodes, [64, 2, 3], {"to": np.array([64, 6])})
    canonical = canonicalize(model)
    assert [d.dim_value for d in canonical.graph.output[0].type.tensor_type.shape.dim] == [1, 6]


def test_scales_computed_in_the_graph() -> None:
    nodes = [
        node("Pow", ["two", "exponent"], "p"),
        node("Div", ["p", "three"], "s"),
        quant(["x", "s", "z", "b"], "y", signed=1, narrow=0),
    ]
    constants = {"two": 2.0, "exponent": -2.0, "three": 3.0, "z": 0.0, "b": 8.0}
    assert same(build(nodes, [1, 50], constants)) == ["Quant"]


def test_no_ops_are_removed() -> None:
    nodes = [
        node("Identity", ["x"], "a"),
        node("Dropout", ["a"], "b"),
        node("Cast", ["b"], "c", to=1),
        node("Pad", ["c", "p"], "d"),
        node("Reshape", ["d", "to"], "e"),
        node("Transpose", ["e"], "f", perm=[0, 1, 2]),
        node("Concat", ["f"], "g", axis=1),
        node("Add", ["g", "zero"], "h"),
        node("Mul", ["h", "one"], "i"),
        node("Relu", ["i"], "j"),
        node("Identity", ["j"], "y"),
    ]
    constants = {"p": np.zeros(6, np.int64), "to": np.array([1, 2, -1]), "zero": 0.0, "one": 1.0}
    assert same(build(nodes, [1, 2, 3], constants), remove_no_ops) == ["Relu"]


def test_equal_quantizers_are_merged() -> None:
    parameters = ["s", "z", "b"]
    nodes = [
        quant(["x", *parameters], "a", signed=1, narrow=0),
        quant(["x", *parameters], "b2", signed=1, narrow=0),
        quant(["x", *parameters], "c", signed=1, narrow=1),
        node("Add", ["a", "b2"], "d"),
        node("Add", ["d", "c"], "y"),
    ]
    model = build(nodes, [1, 9], {"s": 0.5, "z": 0.0, "b": 3.0})
    assert same(model, merge_duplicates) == ["Quant", "Quant", "Add", "Add"]


def test_dangling_nodes_and_constants_go() -> None:
    nodes = [node("Relu", ["x"], "y"), node("Add", ["x", "c"], "dangling")]
    model = build(nodes, [1, 3], {"c": whole(3), "unused": whole(3)}, output="y")
    result = rewritten(model, drop_unused)
    assert ops(result) == ["Relu"] and not result.graph.initializer


@pytest.mark.parametrize(("shape", "axis"), [([1, 6], 1), ([1, 4, 1, 1], 1), ([1, 2, 4], 2)])
def test_softmax_of_old_opsets(shape: list[int], axis: int) -> None:
    model = build([node("Softmax", ["x"], "y", axis=axis)], shape, opset=9)
    assert same(model, softmax_axis, exact=False) == ["Softmax"]


# ---- QONNX's own


@pytest.mark.parametrize("domain", ["", "onnx.brevitas", "finn.custom_op.general", QONNX])
@pytest.mark.parametrize("op", ["Quant", "IntQuant"])
def test_domains_and_names_of_quantizers(domain: str, op: str) -> None:
    made = helper.make_node(op, ["x", "s", "z", "b"], ["y"], domain=domain)
    canonical = canonicalize(build([made], [1, 9], {"s": 0.5, "z": 0.0, "b": 3.0}))
    (found,) = canonical.graph.node
    attributes = {a.name: helper.get_attribute_value(a) for a in found.attribute}
    assert (found.op_type, found.domain) == ("Quant", QONNX)
    assert attributes == {"signed": 1, "narrow": 0, "rounding_mode": b"ROUND"}


@pytest.mark.parametrize("rounding", ["FLOOR", "ROUND", "CEIL"])
def test_the_first_trunc_as_the_second(rounding: str) -> None:
    trunc = helper.make_node(
        "Trunc", ["x", "s", "z", "i", "o"], ["y"], domain=QONNX, rounding_mode=rounding
    )
    model = build([trunc], [1, 200], {"s": 0.25, "z": 0.0, "i": 8.0, "o": 5.0})
    for entry in model.opset_import:
        entry.version = 1 if entry.domain else entry.version
    result = rewritten(model, upgrade_trunc)
    assert ops(result) == ["Trunc", "Mul"]
    x = (RNG.integers(-200, 200, (1, 200)) / 4).astype(np.float32)
    np.testing.assert_array_equal(execute(result, x)[0], execute(model, x)[0])


def test_batch_normalization_in_training_form() -> None:
    made = helper.make_node(
        "BatchNormalization", ["x", "g", "b", "m", "v"], ["y", "rm", "rv", "sm", "sv"], momentum=0.9
    )
    constants = {"g": whole(3), "b": whole(3), "m": whole(3), "v": np.ones(3)}
    canonical = canonicalize(build([made], [1, 3, 2, 2], constants, opset=9, output="y"))
    (found,) = canonical.graph.node
    assert list(found.output) == ["y"]
    assert [a.name for a in found.attribute] == ["epsilon"]


def test_an_output_given_twice_keeps_both_names() -> None:
    nodes = [node("Relu", ["x"], "y"), node("Identity", ["y"], "twice")]
    model = build(nodes, [1, 3], output="y")
    model.graph.output.append(helper.make_tensor_value_info("twice", 1, None))
    canonical = canonicalize(model)
    assert [value.name for value in canonical.graph.output] == ["y", "twice"]
    assert ops(canonical) == ["Relu", "Reshape"]
    x = whole(1, 3)
    first, second = execute(canonical, x)
    np.testing.assert_array_equal(first, np.maximum(x, 0))
    np.testing.assert_array_equal(second, first)


def test_bypass_keeps_a_network_of_nothing() -> None:
    graph = EditableGraph.from_model(build([node("Identity", ["x"], "y")], [1, 3]))
    assert not graph.bypass(graph.nodes[0])
