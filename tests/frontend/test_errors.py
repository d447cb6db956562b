"""What bad input gets: one clear sentence each, with where, why and a remedy, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from fpgacomp.errors import FpgacompError, InvalidGraph, ModelError, Problems, UnsupportedLayer
from fpgacomp.frontend import NodeFinding, check, read_network
from fpgacomp.frontend.canonicalize import apply
from fpgacomp.network.editable import EditableGraph
from tests.support.frontend_runs import MODELS, QONNX, build, node, ops, quant

WEIGHT = np.ones((3, 2), np.float32)
PARAMETERS = {"z": np.float32(0), "b": np.float32(4)}


def message(source: Any, exit_code: int = 1) -> str:
    with pytest.raises(FpgacompError) as caught:
        read_network(source)
    assert isinstance(caught.value, ModelError | Problems)
    assert caught.value.exit_code == exit_code
    return str(caught.value)


def linear(**constants: Any) -> onnx.ModelProto:
    return build([node("MatMul", ["x", "w"], "y")], [1, 3], {"w": WEIGHT} | constants)


# ---- files


def test_missing_file_folder_and_empty_file(tmp_path: Path) -> None:
    absent = message(tmp_path / "no.onnx", exit_code=2)
    assert absent.endswith("no.onnx: does not exist. Fix: check the path.")
    assert "is a folder, not a file." in message(tmp_path)
    (tmp_path / "empty.onnx").touch()
    assert "is empty." in message(tmp_path / "empty.onnx")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"this is not a network at all", "is not an ONNX file, or it is cut off."),
        (b"\x89HDF\r\n\x1a\n0000", "is a Keras HDF5 file, not an ONNX file."),
        (b"PK\x03\x04rest", "is a zip archive (Keras or PyTorch), not an ONNX file."),
        (b"\x20\x00\x00\x00TFL3rest", "is a TensorFlow Lite file, not an ONNX file."),
        (b"\x08\x08", "is not a complete ONNX model"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert told in message(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_truncated_file(tmp_path: Path, share: float) -> None:
    whole = linear(more=np.ones(1000, np.float32)).SerializeToString()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(len(whole) * share)])
    assert "cut.onnx" in message(path)


def external(folder: Path, location: str) -> Path:
    model = linear()
    convert_model_to_external_data(model, location="data.bin", size_threshold=0)
    onnx.save(model, folder / "model.onnx")
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = location if entry.key == "location" else entry.value
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


def test_external_data_is_read(tmp_path: Path) -> None:
    model = read_network(external(tmp_path, "data.bin")).model
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), WEIGHT)


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret.bin", "a/../../secret.bin"])
def test_external_data_outside_the_folder(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(b"0" * 100)
    inner = tmp_path / "model"
    inner.mkdir()
    told = message(external(inner, location))
    assert f"keeps the values of w in '{location}', outside the model's folder." in told


def test_external_data_behind_a_link_outside(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"0" * 100)
    inner = tmp_path / "model"
    inner.mkdir()
    (inner / "link.bin").symlink_to(tmp_path / "secret.bin")
    assert "outside the model's folder" in message(external(inner, "link.bin"))


def test_external_data_absent_or_short(tmp_path: Path) -> None:
    path = external(tmp_path, "data.bin")
    (tmp_path / "data.bin").write_bytes(b"short")
    assert "which is shorter" in message(path)
    (tmp_path / "data.bin").unlink()
    assert "which does not exist. Fix: copy the data file beside the model." in message(path)


def test_external_data_without_a_number(tmp_path: Path) -> None:
    path = external(tmp_path, "data.bin")
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = "many" if entry.key == "length" else entry.value
    path.write_bytes(model.SerializeToString())
    assert "gives no number where the values of w begin or end" in message(path)


def test_a_constant_beyond_all_measure() -> None:
    nodes = [node("ConstantOfShape", ["shape"], "c"), node("Add", ["x", "c"], "y")]
    told = message(build(nodes, [1, 1], {"shape": np.array([10**6, 10**6])}))
    assert "its constant c of shape 1000000 x 1000000 takes about 59,604.6 GB to work on" in told


def test_external_data_of_a_model_in_memory(tmp_path: Path) -> None:
    model = onnx.load(external(tmp_path, "data.bin"), load_external_data=False)
    assert "keeps the values of w in another file" in message(model)


# ---- the graph


def test_an_undefined_tensor_and_a_missing_output() -> None:
    assert "node MatMul_0 reads w, which nothing before it writes." in message(
        build([node("MatMul", ["x", "w"], "y")], [1, 3])
    )
    assert "output other is written by nothing." in message(
        build([node("Relu", ["x"], "y")], [1, 3], output="other")
    )


def test_a_tensor_written_twice() -> None:
    nodes = [node("Relu", ["x"], "y"), node("Tanh", ["x"], "y")]
    assert "y is written twice, the second time by node Tanh_1." in message(build(nodes, [1, 3]))


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (["N", 3, "H", 8], "has a dimension that is not known: [?, 3, ?, 8]."),
        ([3], "has shape [3], without a batch axis in front."),
        ([], "has shape [], without a batch axis in front."),
    ],
)
def test_shapes_that_cannot_be_static(shape: list[Any], told: str) -> None:
    assert f"input x: {told}".replace("x: ", "x: ") in message(
        build([node("Relu", ["x"], "y")], shape)
    )


def test_shapes_that_do_not_go_together() -> None:
    told = message(build([node("MatMul", ["x", "w"], "y")], [1, 5], {"w": WEIGHT}))
    assert "node MatMul_0 (MatMul): the shapes of its inputs do not go together" in told
    assert "x [1, 5], w [3, 2]" in told


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT16", "INT64"])
def test_other_types(kind: str) -> None:
    told = message(
        build([node("Relu", ["x"], "y")], [1, 3], dtype=TensorProto.DataType.Value(kind))
    )
    assert f"input x: is {kind.lower()}. Fix: export the model with a float32 input." in told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.nan, "node MatMul_0 (MatMul): its constant w holds NaN (1 of 6 values)."),
        (np.inf, "node MatMul_0 (MatMul): its constant w holds an infinity (1 of 6 values)."),
    ],
)
def test_weights_that_are_no_numbers(value: float, told: str) -> None:
    weight = WEIGHT.copy()
    weight[1, 1] = value
    assert told in message(linear(w=weight))


CONV = {"w": np.ones((4, 2, 3, 3)), "b": np.ones(4)}
MISFITS = [
    (node("Conv", ["x", "w"], "y"), {"w": np.ones((4, 3, 3, 3))}, "its weight [4, 3, 3, 3] in 1"),
    (node("Conv", ["x", "w", "b"], "y"), CONV | {"b": np.ones(3)}, "its bias has the shape [3]"),
    (node("Conv", ["x", "w"], "y"), {"w": np.ones((4, 2, 3))}, "not have as many axes"),
    (node("MaxPool", ["x"], "y", kernel_shape=[2]), {}, "not have as many axes"),
    (node("PRelu", ["x", "w"], "y"), {"w": np.ones((3, 1, 1))}, "its slope [3, 1, 1] does not"),
    (
        node("BatchNormalization", ["x", *"gbmv"], "y"),
        {name: np.ones(3) for name in "gbmv"},
        "do not fit 2 channels",
    ),
    (
        helper.make_node("MultiThreshold", ["x", "w"], ["y"], domain=QONNX, out_dtype="INT2"),
        {"w": np.ones((3, 1))},
        "its thresholds [3, 1] do not fit [1, 2, 5, 5] (NCHW).",
    ),
    (
        node("DequantizeLinear", ["x", "s", "z"], "y"),
        {"s": np.ones(3), "z": np.zeros(3, np.uint8)},
        "it has 3 scales and 3 zero points for 2 channels.",
    ),
]


@pytest.mark.parametrize(("made", "constants", "told"), MISFITS)
def test_parameters_that_do_not_fit(
    made: onnx.NodeProto, constants: dict[str, Any], told: str
) -> None:
    dtype = TensorProto.UINT8 if made.op_type == "DequantizeLinear" else TensorProto.FLOAT
    assert told in message(build([made], [1, 2, 5, 5], constants, dtype=dtype))


def control_flow() -> onnx.ModelProto:
    branch = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["b"])],
        "branch",
        [],
        [helper.make_tensor_value_info("b", 1, [1, 3])],
    )
    nodes = [
        node("ReduceSum", ["x"], "s", keepdims=0),
        node("Cast", ["s"], "c", to=TensorProto.BOOL),
        node("If", ["c"], "y", then_branch=branch, else_branch=branch),
    ]
    return build(nodes, [1, 3])


def test_control_flow() -> None:
    told = message(control_flow())
    assert "node If_2 (If): operator If is not supported." in told
    assert "no control flow may depend on the input" in told


UNSUPPORTED = [
    ("LayerNormalization", ["x", "g"], {}, "use BatchNormalization"),
    ("Asin", ["x"], {}, "replace it by operators that are supported"),
    ("Pow", ["g", "x"], {}, "use a constant exponent"),
    ("ReduceMean", ["x"], {"axes": [1]}, "it reduces other axes"),
    ("Cast", ["x"], {"to": TensorProto.INT32}, "keep every tensor float32"),
]


@pytest.mark.parametrize(("op", "inputs", "attributes", "told"), UNSUPPORTED)
def test_unsupported_operators(
    op: str, inputs: list[str], attributes: dict[str, Any], told: str
) -> None:
    model = build([node(op, inputs, "y", **attributes)], [1, 3], {"g": np.ones(3)}, opset=17)
    with pytest.raises(UnsupportedLayer) as caught:
        read_network(model)
    assert str(caught.value).startswith(f"node {op}_0 ({op}):")
    assert told in str(caught.value)


def test_attention_is_refused() -> None:
    nodes = [node("Transpose", ["x"], "t", perm=[0, 2, 1]), node("MatMul", ["x", "t"], "y")]
    assert "products of two activations (attention)" in message(build(nodes, [1, 3, 4]))


def test_pad_that_no_layer_takes() -> None:
    nodes = [node("Pad", ["x", "p", "v"], "a"), node("Conv", ["a", "w"], "y")]
    constants = {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "v": 1.0, "w": np.ones((1, 1, 3, 3))}
    told = message(build(nodes, [1, 1, 5, 5], constants))
    assert "pads with something else than zeros" in told
    assert "pad positions only" in told


def test_linear_resize_and_three_dimensional_convolution() -> None:
    resize = node("Resize", ["x", "", "s"], "y", mode="linear")
    scales = {"s": np.array([1, 1, 2, 2], np.float32)}
    assert "mode nearest" in message(build([resize], [1, 1, 4, 4], scales))
    conv = node("Conv", ["x", "w"], "y")
    told = message(build([conv], [1, 1, 4, 4, 4], {"w": np.ones((1, 1, 2, 2, 2))}))
    assert "it is a 3-D convolution" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"s": -0.5}, "its scale -0.5 is not a positive number."),
        ({"s": np.nan}, "its scale nan is not a positive number."),
        ({"b": 2.5}, "its bit width 2.5 (to 2.5) is not one whole number from 1 to 32."),
        ({"b": np.array([[2.0, 3.0, 4.0]])}, "its bit width 2.0 (to 4.0) is not one"),
        ({"z": np.nan}, "its zero point nan is not a number."),
        (
            {"s": np.ones(7)},
            "its parameters of shapes [7], [], [] do not broadcast to its input [1, 3].",
        ),
    ],
)
def test_malformed_quantizers(changes: dict[str, Any], told: str) -> None:
    constants = {"s": 0.5, "z": 0.0, "b": 4.0} | changes
    assert told in message(build([quant(["x", "s", "z", "b"], "y")], [1, 3], constants))


def test_unknown_rounding_mode_and_missing_inputs() -> None:
    constants = {"s": 0.5, "z": 0.0, "b": 4.0}
    made = quant(["x", "s", "z", "b"], "y", rounding_mode="SOMEHOW")
    assert "its rounding mode SOMEHOW is unknown." in message(build([made], [1, 3], constants))
    told = message(build([quant(["x", "s"], "y")], [1, 3], constants))
    assert "it has 2 inputs where Quant takes 4." in told


@pytest.mark.parametrize(
    ("attribute", "told"),
    [
        ({"signed": [1, 0]}, "its attribute signed has type list, not int."),
        ({"narrow": 0.0}, "its attribute narrow has type float, not int."),
        ({"signed": 7}, "its attribute signed is 7, where only 0 and 1 have a meaning."),
        ({"rounding_mode": 3}, "its attribute rounding_mode has type int, not str."),
    ],
)
def test_attributes_of_quantizers(attribute: dict[str, Any], told: str) -> None:
    """onnx.checker does not know these operators: nobody else looks at their attributes."""
    made = helper.make_node("Quant", ["x", "s", "z", "b"], ["y"], domain=QONNX, **attribute)
    assert told in message(build([made], [1, 3], {"s": 0.5, "z": 0.0, "b": 4.0}))


def test_scale_from_the_input() -> None:
    nodes = [node("Relu", ["x"], "s"), quant(["x", "s", "z", "b"], "y")]
    told = message(build(nodes, [1, 3], {"z": 0.0, "b": 4.0}))
    assert "its scale, zero point or bit width is computed from the input." in told


def test_a_rewrite_that_breaks_the_graph_is_named() -> None:
    def cut(graph: EditableGraph) -> None:
        graph.remove(graph.nodes[-1])

    def crash(graph: EditableGraph) -> None:
        graph.shape("nowhere")

    graph = EditableGraph.from_model(linear())
    with pytest.raises(InvalidGraph, match="rewrite cut: output y is written by nothing"):
        apply(graph, (cut,))
    with pytest.raises(InvalidGraph, match="rewrite crash: failed with KeyError: 'nowhere'"):
        apply(graph, (crash,))


def many_problems() -> onnx.ModelProto:
    foreign = helper.make_node("Magic", ["b"], ["m"], domain="acme", name="wand")
    nodes = [
        node("Asin", ["x"], "a"),
        node("MatMul", ["a", "w"], "b"),
        foreign,
        node("Flatten", ["m"], "f"),
        node("ReduceProd", ["f"], "y", keepdims=1),
    ]
    weight = WEIGHT.copy()
    weight[0, 0] = np.nan
    return build(nodes, [1, 3], {"w": weight})


def test_all_problems_at_once() -> None:
    with pytest.raises(Problems) as caught:
        read_network(many_problems())
    assert [problem.where for problem in caught.value.problems] == [
        *("node Asin_0 (Asin)", "node MatMul_1 (MatMul)", "node wand (Magic)"),
        "node ReduceProd_4 (ReduceProd)",
    ]
    assert str(caught.value).startswith("4 problems:\n  - node Asin_0 (Asin): operator Asin is not")


def test_one_line_per_cause() -> None:
    """Six Pads of different sizes have one cause; the NaN beside them is another one."""
    pads = [node("Pad", [f"t{i}", f"p{i}"], f"t{i + 1}", mode="edge") for i in range(6)]
    constants = {f"p{i}": np.array([0, 0, 1, 1, 0, 0, 1, i]) for i in range(6)}
    nodes = [node("Relu", ["x"], "t0"), *pads, node("Conv", ["t6", "w"], "y")]
    weight = np.full((1, 1, 2, 2), np.nan)
    told = message(build(nodes, [1, 1, 5, 5], constants | {"w": weight}))
    assert told.startswith("7 problems:\n") and len(told.splitlines()) == 3
    assert "(The same: node Pad_2 (Pad), node Pad_3 (Pad), node Pad_4 (Pad) and 2 more.)" in told


# ---- check


def test_check_tells_every_node() -> None:
    found = check(many_problems())
    assert [(f.node, f.status) for f in found] == [
        ("Asin_0", "unsupported"),
        ("MatMul_1", "unsupported"),
        ("wand", "unsupported"),
        ("Flatten_3", "supported"),
        ("ReduceProd_4", "unsupported"),
    ]
    assert all(bool(f.fix) == (f.status == "unsupported") for f in found)


def test_check_tells_inputs_and_the_software_side() -> None:
    nodes = [
        node("Mul", ["x", "two"], "a"),
        quant(["a", "s", "z", "b"], "q"),
        node("MatMul", ["q", "w"], "m"),
        node("Softmax", ["m"], "y"),
    ]
    constants = {"two": 2.0, "s": 0.5, "z": 0.0, "b": 4.0, "w": WEIGHT}
    assert [f.status for f in check(build(nodes, [1, 3], constants))] == [
        *("software side", "supported", "supported", "software side")
    ]
    first, *_ = check(build(nodes, [1, "T"], constants))
    assert (first.node, first.op, first.status) == ("x", "input", "unsupported")


@pytest.mark.skipif(not MODELS.is_dir(), reason="the collected models are not here")
def test_check_of_a_real_network() -> None:
    found = check(MODELS / "tfc_2w2a_brevitas.onnx")
    assert found[0] == NodeFinding("Shape_0", "Shape", "software side")
    assert {f.status for f in found} == {"supported", "software side"}
    names = {f.node for f in found if f.status == "software side"}
    assert {"Mul_7", "Sub_9"} <= names and "MatMul_20" not in names


@pytest.mark.slow
def test_reading_needs_no_framework() -> None:
    """Which modules reading a file loads: the estimate of a network must start at once."""
    import subprocess
    import sys

    program = (
        "import sys; from fpgacomp.frontend import read_network;"
        "print([m for m in ('torch', 'tensorflow', 'hls4ml', 'qonnx', 'finn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_names_are_identifiers(tmp_path: Path) -> None:
    path = tmp_path / "2nd model-v1.0.onnx"
    onnx.save(linear(), path)
    network = read_network(path)
    assert network.name == "n_2nd_model_v1_0"
    assert read_network(path, name="mine").name == "mine"
    assert (network.file, len(network.sha256)) == (str(path), 64)
    assert ops(network.original) == ["MatMul"] and network.format == "float"
    assert QONNX not in {entry.domain for entry in network.model.opset_import}


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_gemm_of_matrices_that_cannot_be_multiplied(transposed: int) -> None:
    """ONNX's own inference gives such a product a shape."""
    gemm = node("Gemm", ["x", "w"], "y", transB=transposed)
    told = message(build([gemm], [1, 6], {"w": np.ones((5, 4), np.float32)}))
    rows = [4, 5] if transposed else [5, 4]
    assert f"Gemm_0 (Gemm): its weight {rows} does not fit [1, 6]" in told


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_a_pool_whose_padding_reaches_past_its_window(op: str) -> None:
    """Such a window would see padding alone, of which there is no maximum and no mean."""
    pool = node(op, ["x"], "y", kernel_shape=[1], pads=[1, 2], strides=[1])
    told = message(build([pool], [1, 3, 8]))
    assert "its padding [1, 2] reaches past its window [1]" in told


@pytest.mark.parametrize("size", [(1, 1, 4), (3, 4), (5, 1, 3, 4)])
def test_a_quantizer_whose_parameters_enlarge_its_input(size: tuple[int, ...]) -> None:
    of_weight = quant(["w", "s", "z", "b"], "wq")
    constants = {"w": WEIGHT, "s": np.full((2, 3, 2), 0.5, np.float32), **PARAMETERS}
    told = message(build([of_weight, node("MatMul", ["x", "wq"], "y")], [1, 3], constants))
    assert "its parameters make the shape [2, 3, 2] of its input [3, 2]" in told
    of_input = quant(["x", "s", "z", "b"], "y")
    constants = {"s": np.full(size, 0.5, np.float32), **PARAMETERS}
    assert "of its input [1, 4]" in message(build([of_input], [1, 4], constants))


@pytest.mark.parametrize("name", ["nearest_mode", "coordinate_transformation_mode"])
def test_an_attribute_with_a_word_that_means_nothing(name: str) -> None:
    scales = {"s": np.float32([1, 1, 2, 2])}
    resize = node("Resize", ["x", "", "s"], "y", mode="nearest", **{name: "SAME_UPPER"})
    told = message(build([resize], [1, 3, 4, 4], scales))
    assert f"its {name} SAME_UPPER is none of " in told
