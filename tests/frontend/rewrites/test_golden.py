"""Every rewrite on one small network, as text before and after: golden/NAME.txt.

A change of a rewrite is a diff of its golden file; `pytest --update-golden` writes them anew.
Numbers are exact in float32, so that no processor's arithmetic shows in the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from fpgacomp.frontend.canonicalize import AS_READ, REDUCED, SPELLED
from fpgacomp.network.text import print_network
from tests.support.frontend_runs import QONNX, build, node, quant, rewritten

GOLDEN = Path(__file__).parent / "golden"
REWRITES = {rewrite.__name__: rewrite for rewrite in (*AS_READ, *SPELLED, *REDUCED)}


@dataclass(frozen=True)
class Case:
    """A network for one rewrite.

    Args:
        behind: rewrites that run in front of it, as they do in the front end.
        spelled: opset, shapes and constants are settled before, as for most rewrites.
    """

    model: onnx.ModelProto
    behind: Sequence[str] = field(default=())
    spelled: bool = True


def whole(*shape: int) -> np.ndarray:
    """-4..4 over and over."""
    return (np.arange(np.prod(shape)).reshape(shape) * 5 % 9 - 4).astype(np.float32)


def net(
    nodes: Sequence[onnx.NodeProto], shape: Sequence[int], behind: Sequence[str] = (),
    spelled: bool = True, **constants: Any,
) -> Case:  # fmt: skip
    return Case(build(nodes, shape, constants), behind, spelled)


CHANNELS_LAST = "qonnx.custom_op.channels_last"
MICROSOFT = "com.microsoft"
GRID = {"s": 0.5, "z": 0.0, "b": 4.0}
POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}
CONV = {"kernel_shape": [3, 3], "strides": [1, 1], "dilations": [1, 1], "group": 1}


def qdq() -> Case:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], "q"),
        node("DequantizeLinear", ["q", "s", "z"], "d"),
        node("DequantizeLinear", ["w", "t"], "v"),
        node("MatMul", ["d", "v"], "y"),
    ]
    weights = whole(4, 2).astype(np.int8)
    return net(nodes, [1, 4], s=0.5, z=np.array(3, np.uint8), w=weights, t=0.25)


def constant_output() -> Case:
    model = build([node("Relu", ["x"], "y")], [1, 4], {"scale": 0.5})
    model.graph.output.append(helper.make_tensor_value_info("scale", TensorProto.FLOAT, []))
    return Case(model)


def integer_input() -> Case:
    nodes = [node("Cast", ["x"], "f", to=TensorProto.FLOAT), node("Relu", ["f"], "y")]
    return Case(build(nodes, [1, 4], dtype=TensorProto.UINT8))


def declared_integers() -> Case:
    thresholds = helper.make_node(
        "MultiThreshold", ["m", "t"], ["y"], domain=QONNX, out_dtype="UINT2"
    )
    nodes = [node("MatMul", ["x", "w"], "m"), thresholds]
    constants = {"w": whole(4, 2), "t": np.array([[-1, 0, 3], [0, 2, 5]])}
    model = build(nodes, [1, 4], constants)
    for tensor, kind in {"w": "INT4", "x": "UINT8"}.items():
        entry = model.graph.quantization_annotation.add(tensor_name=tensor)
        entry.quant_parameter_tensor_names.add(key="finn_datatype", value=kind)
    return Case(model)


def first_trunc() -> Case:
    trunc = helper.make_node(
        "Trunc", ["x", "s", "z", "i", "o"], ["y"], domain=QONNX, rounding_mode="FLOOR"
    )
    model = build([trunc], [1, 4], {"s": 0.25, "z": 0.0, "i": 8.0, "o": 5.0})
    for entry in model.opset_import:
        entry.version = 1 if entry.domain else entry.version
    return Case(model)


def layout() -> Case:
    thresholds = helper.make_node(
        "MultiThreshold", ["x", "t"], ["y"], domain=QONNX, out_dtype="UINT2"
    )
    return net([thresholds], [1, 2, 3], t=np.array([[-1, 0, 3]], np.float32))


def shape_chain() -> Case:
    nodes = [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "zero"], "batch", axis=0),
        node("Unsqueeze", ["batch", "zeros"], "row"),
        node("Concat", ["row", "minus"], "to", axis=0),
        node("Reshape", ["x", "to"], "y"),
    ]
    constants = {"zero": np.array(0), "zeros": np.array([0]), "minus": np.array([-1])}
    return net(nodes, [1, 2, 3], spelled=False, **constants)


def time_distributed() -> Case:
    nodes = [
        node("Reshape", ["x", "rows"], "r"),
        node("MatMul", ["r", "w"], "m"),
        node("Reshape", ["m", "back"], "y"),
    ]
    constants = {"rows": np.array([-1, 6]), "back": np.array([1, 4, 3]), "w": whole(6, 3)}
    return net(nodes, [1, 4, 6], ["flatten_to_reshape"], **constants)


def gates() -> Case:
    nodes = [
        node("Sigmoid", ["x"], "g"),
        node("Mul", ["g", "x"], "s"),
        node("Add", ["s", "three"], "a"),
        node("Clip", ["a", "zero", "six"], "c"),
        node("Mul", ["s", "c"], "d"),
        node("Div", ["d", "six"], "y"),
    ]
    return net(nodes, [1, 4], ["subtract_to_add"], zero=0.0, three=3.0, six=6.0)


CASES: dict[str, Callable[[], Case]] = {
    "absorb_pads": lambda: net(
        [node("Pad", ["x", "p"], "a"), node("Relu", ["a"], "r"), node("Conv", ["r", "w"], "y")],
        [1, 2, 4, 4], ["explicit_pads"], p=np.array([0, 0, 1, 0, 0, 0, 1, 2]), w=whole(3, 2, 3, 3),
    ),
    "cancel_transposes": lambda: net(
        [
            node("Transpose", ["x"], "a", perm=[0, 2, 3, 1]),
            node("Relu", ["a"], "r"),
            node("Transpose", ["r"], "b", perm=[0, 2, 1, 3]),
            node("Transpose", ["b"], "y", perm=[0, 3, 2, 1]),
        ],
        [1, 2, 3, 4],
    ),
    "channels_first": lambda: Case(
        build(
            [
                helper.make_node("Conv", ["x", "w"], ["c"], domain=CHANNELS_LAST, **CONV),
                node("Relu", ["c"], "r"),
                helper.make_node("MaxPool", ["r"], ["y"], domain=CHANNELS_LAST, **POOL),
            ],
            [1, 6, 6, 2], {"w": whole(3, 3, 3, 2)},
        ),
        spelled=False,
    ),
    "convert_qdq": qdq,
    "drop_constant_outputs": constant_output,
    "drop_unused": lambda: Case(
        build(
            [node("Relu", ["x"], "y"), node("Add", ["x", "c"], "dangling")],
            [1, 3], {"c": whole(3), "unused": whole(2)}, output="y",
        )
    ),
    "explicit_pads": lambda: net(
        [
            node("Conv", ["x", "w"], "c", auto_pad="SAME_UPPER", strides=[2, 2]),
            node("MaxPool", ["c"], "y", kernel_shape=[2, 2]),
        ],
        [1, 2, 6, 6], w=whole(3, 2, 3, 3),
    ),
    "flatten_to_reshape": lambda: net(
        [
            node("Flatten", ["x"], "f"),
            node("Unsqueeze", ["f", "one"], "u"),
            node("Squeeze", ["u", "one"], "y"),
        ],
        [1, 2, 3], one=np.array([1]),
    ),
    "float_inputs": integer_input,
    "float_parameters": lambda: net(
        [quant(["x", "s", "z", "b"], "y")], [1, 4], s=0.5, z=np.array(1), b=np.array(4)
    ),
    "floor_mode_pools": lambda: net(
        [node("MaxPool", ["x"], "y", ceil_mode=1, pads=[0, 0, 0, 0], **POOL)], [1, 2, 5, 5],
        ["explicit_pads"],
    ),
    "fold_constants": shape_chain,
    "fold_quantized_constants": lambda: net(
        [quant(["c", "s", "z", "b"], "q"), node("Add", ["x", "q"], "y")],
        [1, 4], c=np.array([0.25, 0.75, -9.0, 3.0]), **GRID,
    ),
    "gemm_to_matmul": lambda: net(
        [node("Gemm", ["x", "w", "c"], "y", transB=1, alpha=0.5, beta=2.0)],
        [1, 4], w=whole(2, 4), c=whole(2),
    ),
    "global_pools": lambda: net(
        [
            node("GlobalMaxPool", ["x"], "m"),
            node("Add", ["m", "x"], "a"),
            node("ReduceMean", ["a"], "y", axes=[2, 3], keepdims=0),
        ],
        [1, 2, 4, 4],
    ),
    "inference_batchnorm": lambda: Case(
        build(
            [
                helper.make_node(
                    "BatchNormalization", ["x", "g", "h", "m", "v"], ["y", "rm", "rv"],
                    momentum=0.5, epsilon=0.5,
                )
            ],
            [1, 2, 3, 3], {"g": whole(2), "h": whole(2), "m": whole(2), "v": np.ones(2)},
        ),
        spelled=False,
    ),
    "keep_batch_axis": time_distributed,
    "merge_duplicates": lambda: net(
        [
            quant(["x", "s", "z", "b"], "q"),
            quant(["x", "s", "z", "b"], "r"),
            node("Add", ["q", "r"], "y"),
        ],
        [1, 4], **GRID,
    ),
    "modernize_opset": lambda: Case(
        build(
            [
                node("Clip", ["x"], "c", min=0.0, max=6.0),
                node("Unsqueeze", ["c"], "u", axes=[1]),
                node("Dropout", ["u"], "d", ratio=0.5),
                node("Softmax", ["d"], "y"),
            ],
            [1, 4], opset=9,
        ),
        spelled=False,
    ),
    "move_into_weights": lambda: net(
        [
            quant(["w", "s", "z", "b"], "q"),
            node("Transpose", ["q"], "t", perm=[1, 0]),
            node("MatMul", ["x", "t"], "y"),
        ],
        [1, 4], w=whole(2, 4), s=np.array([[0.5], [0.25]]), z=0.0, b=4.0,
    ),
    "nearest_resize": lambda: net(
        [node("Resize", ["x", "", "", "n"], "y", coordinate_transformation_mode="half_pixel",
              nearest_mode="round_prefer_floor")],
        [1, 2, 3, 3], n=np.array([1, 2, 6, 6]),
    ),
    "normalize_quantizers": lambda: Case(
        build(
            [helper.make_node("IntQuant", ["x", "s", "z", "b"], ["y"], domain="onnx.brevitas")],
            [1, 4], GRID,
        ),
        spelled=False,
    ),
    "pairs_of_tensors": lambda: net(
        [
            node("Abs", ["x"], "a"),
            node("Div", ["x", "a"], "d"),
            node("Max", ["x", "a"], "m"),
            node("Min", ["x", "a"], "l"),
            node("Relu", ["l"], "r"),
            quant(["r", "s", "z", "b"], "q"),
            node("Mean", ["d", "m", "q"], "n"),
            node("MatMul", ["n", "w"], "y"),
        ],
        [1, 4], w=whole(4, 2), **GRID,
    ),
    "quantize_declared_integers": declared_integers,
    "quantizers_on_host": lambda: net(
        [
            quant(["x", "s", "z", "b"], "q"),
            node("Softmax", ["q"], "p", axis=1),
            quant(["p", "s", "z", "b"], "y"),
        ],
        [1, 4], **GRID,
    ),
    "recognise_activations": gates,
    "relu_from_clip": lambda: net(
        [node("Clip", ["x", "zero"], "c"), node("Clip", ["c", "zero", "six"], "y")],
        [1, 4], zero=0.0, six=6.0,
    ),
    "remove_no_ops": lambda: net(
        [
            node("Identity", ["x"], "a"),
            node("Pad", ["a", "p"], "b"),
            node("Reshape", ["b", "to"], "c"),
            node("Mul", ["c", "one"], "d"),
            node("Relu", ["d"], "y"),
        ],
        [1, 2, 3], p=np.zeros(6, np.int64), to=np.array([1, 2, -1]), one=1.0,
    ),
    "set_batch_to_one": lambda: Case(
        build([node("Reshape", ["x", "to"], "y")], [64, 2, 3], {"to": np.array([64, 6])}),
        spelled=False,
    ),
    "softmax_axis": lambda: Case(build([node("Softmax", ["x"], "y", axis=1)], [1, 1, 4], opset=9)),
    "spell_layout": layout,
    "spell_perms": lambda: net([node("Transpose", ["x"], "y")], [1, 2, 3]),
    "split_conv_bias": lambda: net(
        [node("Conv", ["x", "w", "c"], "y", pads=[0, 0, 0, 0], **CONV)],
        [1, 2, 4, 4], w=whole(3, 2, 3, 3), c=whole(3),
    ),
    "sink_depth_to_space": lambda: net(
        [
            node("DepthToSpace", ["x"], "d", blocksize=2),
            node("Relu", ["d"], "r"),
            quant(["r", "s", "z", "b"], "y"),
        ],
        [1, 4, 2, 2], **GRID,
    ),
    "dequantize_before_moves": lambda: net(
        [
            node("QuantizeLinear", ["x", "s", "c"], "q"),
            node("Reshape", ["q", "to"], "r"),
            node("Transpose", ["r"], "t", perm=[0, 2, 1]),
            node("DequantizeLinear", ["t", "s", "c"], "y"),
        ],
        [1, 4], c=np.array(3, np.uint8), to=np.array([1, 2, 2]), s=0.5,
    ),
    "microsoft_activations": lambda: Case(
        build(
            [
                helper.make_node("BiasGelu", ["x", "b"], ["g"], domain=MICROSOFT),
                helper.make_node("FastGelu", ["g"], ["f"], domain=MICROSOFT),
                helper.make_node("QuickGelu", ["f"], ["y"], domain=MICROSOFT),
            ],
            [1, 4], {"b": whole(4)},
        ),
        spelled=False,
    ),
    "picks_to_products": lambda: net(
        [
            helper.make_node("Split", ["x", "parts"], ["a", "b"], axis=1),
            node("Gather", ["b", "places"], "g", axis=1),
            node("Slice", ["g", "one", "four", "two"], "s"),
            node("Concat", ["a", "a"], "k", axis=1),
            node("Conv", ["k", "w"], "c", pads=[0, 0, 0, 0], **CONV),
            node("Conv", ["s", "w"], "d", pads=[0, 0, 0, 0], **CONV),
            node("Gather", ["d", "last"], "r", axis=3),
            node("Gather", ["r", "first"], "t", axis=1),
            node("Flatten", ["c"], "e"),
            node("Flatten", ["t"], "f"),
            node("Concat", ["e", "f"], "h", axis=1),
            node("MatMul", ["h", "u"], "y"),
        ],
        [1, 3, 4, 4], last=np.array(-1), first=np.array(0), parts=np.array([1, 2]),
        places=np.array([1, 0]), one=np.array([1]),
        four=np.array([4]), two=np.array([2]), w=whole(1, 2, 3, 3), u=whole(5, 2),
    ),
    "qoperators_to_qdq": lambda: Case(
        build(
            [
                node("QuantizeLinear", ["x", "s", "c"], "q"),
                node("QLinearConv", ["q", "s", "c", "w", "ws", "wc", "t", "c", "b"], "k"),
                node("DequantizeLinear", ["k", "t", "c"], "y"),
            ],
            [1, 2, 3, 3],
            {
                "s": 0.5, "t": 2.0, "c": np.array(3, np.uint8), "wc": np.array([0, 0], np.int8),
                "w": whole(2, 2, 2, 2).astype(np.int8), "ws": np.array([0.5, 0.25]),
                "b": np.array([4, -8], np.int32),
            },
        ),
        spelled=False,
    ),
    "standard_qdq": lambda: Case(
        build(
            [
                helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], domain=MICROSOFT),
                helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], domain=MICROSOFT),
            ],
            [1, 4], {"s": 0.5, "z": np.array(3, np.int16)},
        ),
        spelled=False,
    ),
    "subtract_to_add": lambda: net(
        [
            node("Sub", ["x", "c"], "a"),
            node("Div", ["a", "four"], "d"),
            node("Neg", ["d"], "n"),
            node("Max", ["zero", "n"], "y"),
        ],
        [1, 4], c=whole(4), four=4.0, zero=0.0,
    ),
    "upgrade_old_opsets": lambda: Case(
        build(
            [
                node("Add", ["x", "c"], "a", broadcast=1, axis=1, consumed_inputs=[0, 0]),
                node("Reshape", ["a"], "r", shape=[1, -1]),
                node("PRelu", ["r", "slope"], "y"),
            ],
            [1, 2, 2, 2], {"c": whole(2), "slope": np.array([0.5])}, opset=1,
        ),
        spelled=False,
    ),
    "upgrade_trunc": first_trunc,
}  # fmt: skip


def test_every_rewrite_has_a_case() -> None:
    assert set(CASES) == set(REWRITES)


@pytest.mark.parametrize("name", sorted(REWRITES))
def test_rewrite(name: str, golden: Callable[[Path, str], None]) -> None:
    case = CASES[name]()
    behind = [REWRITES[other] for other in case.behind]
    before = print_network(rewritten(case.model, *behind, spelled=case.spelled))
    after = print_network(rewritten(case.model, *behind, REWRITES[name], spelled=case.spelled))
    assert before != after, "the case gives the rewrite nothing to do"
    golden(GOLDEN / f"{name}.txt", f"// before {name}\n{before}\n// after {name}\n{after}")
