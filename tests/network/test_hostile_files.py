"""Damaged and hostile ONNX models are refused with where and why, before memory is taken."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fpgacomp.errors import FpgacompError, ModelError
from fpgacomp.frontend import check_model, read_network
from fpgacomp.network import onnx_file
from fpgacomp.network.onnx_file import load_onnx
from fpgacomp.network.repair import repaired
from fpgacomp.network.scan import scan
from tests.support.hostile_onnx import (
    QONNX,
    call,
    doubling_activations,
    doubling_functions,
    function,
    in_branch,
    in_function,
    in_initializer,
    in_loop_of_function,
    plain,
    quant,
    weight,
)

PLACES = (in_initializer, in_function, in_branch, in_loop_of_function)


@pytest.mark.parametrize("build", PLACES)
@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("../secret.bin", "outside the model's folder"),
        ("link.bin", "outside the model's folder"),
        ("", "outside the model's folder"),
        ("absent.bin", "does not exist"),
        ("pipe", "not a regular file"),
        ("a\0b", "no name of a file"),
        ("a" * 5000, "no name of a file"),
        ("short.bin", "which is not"),
    ],
)
def test_values_outside_the_models_folder_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    build: Callable[[str], onnx.ModelProto],
    location: str,
    why: str,
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    os.mkfifo(folder / "pipe")
    if location == "short.bin":  # it lies where the program runs, not beside the model
        (tmp_path / "short.bin").write_bytes(bytes(32))
        monkeypatch.chdir(tmp_path)
        why = "does not exist"
    (folder / "m.onnx").write_bytes(build(location).SerializeToString())
    with pytest.raises(ModelError, match=why):
        load_onnx(folder / "m.onnx")


@pytest.mark.parametrize("build", [in_initializer, in_function])
def test_values_beside_the_model_are_read_wherever_they_are_used(
    tmp_path: Path, build: Callable[[str], onnx.ModelProto]
) -> None:
    np.full((4, 2), 0.5, np.float32).tofile(tmp_path / "w.bin")
    (tmp_path / "m.onnx").write_bytes(build("w.bin").SerializeToString())
    loaded = load_onnx(tmp_path / "m.onnx")
    constants = [numpy_helper.to_array(t) for t in loaded.model.graph.initializer]
    constants += [
        numpy_helper.to_array(n.attribute[0].t)
        for n in loaded.model.graph.node
        if n.op_type == "Constant"
    ]
    assert any(np.array_equal(c, np.full((4, 2), 0.5)) for c in constants)


def twice(constants: int = 1, inputs: int = 1, functions: int = 1) -> onnx.ModelProto:
    relu = function("f", helper.make_node("Relu", ["a"], ["r"]))
    model = plain(
        nodes=[call("f", "xq", "y"), helper.make_node("MatMul", ["y", "w"], ["p"])],
        constants=[weight()] * constants,
        functions=[relu] * functions,
        output="p",
    )
    for _ in range(inputs - 1):
        model.graph.input.append(model.graph.input[0])
    return model


def with_opset(version: int, domain: str = "") -> onnx.ModelProto:
    model = plain()
    next(e for e in model.opset_import if e.domain == domain).version = version
    return model


def without_output() -> onnx.ModelProto:
    model = attribute_twice()
    del model.graph.node[0].attribute[1:], model.graph.node[0].output[:]
    return model


def attribute_twice() -> onnx.ModelProto:
    model = plain()
    model.graph.node[0].attribute.append(model.graph.node[0].attribute[0])
    return model


def many_dimensions() -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40, 1 << 40])
    return plain(constants=[tensor])


REFUSED: dict[str, tuple[onnx.ModelProto, str]] = {
    "constant twice": (twice(constants=2), "lists the constant 'w' twice in g"),
    "input twice": (twice(inputs=2), "lists the input 'x' twice in g"),
    "function twice": (twice(functions=2), "defines the function f twice"),
    "no output": (without_output(), r"node 'Quant' has no output"),
    "attribute twice": (attribute_twice(), "states its attribute narrow twice"),
    "calls itself": (
        plain(nodes=[call("f", "xq", "y")], functions=[function("f", call("f", "a", "r"))]),
        "defines the function f, which ends up calling itself",
    ),
    "call each other": (
        plain(functions=[function("f", call("g", "a", "r")), function("g", call("f", "a", "r"))]),
        "which ends up calling itself",
    ),
    "doubling functions": (doubling_functions(40), r"has 549,755,813,888 nodes|nodes with its"),
    "opset of the future": (with_opset(9999), "written in opset 9999 of ai.onnx"),
    "opset below zero": (with_opset(-3), "written in opset -3 of ai.onnx"),
    "huge constant": (many_dimensions(), "constant w of shape 1099511627776 x"),
    "empty weight": (plain(constants=[weight(shape=(4, 0))]), r"constant w of shape \[4, 0\]"),
    "negative size": (
        plain(constants=[TensorProto(name="w", data_type=1, dims=[-1, 4])]),
        r"the constant w the shape \[-1, 4\]",
    ),
}


@pytest.mark.parametrize(("model", "why"), REFUSED.values(), ids=REFUSED)
def test_the_scan_refuses(model: onnx.ModelProto, why: str) -> None:
    with pytest.raises(ModelError, match=why) as refused:
        scan(model, "m.onnx")
    assert refused.value.where == "m.onnx" and refused.value.fix
    with pytest.raises(ModelError, match=why):
        load_onnx(model)


def test_functions_that_are_used_sensibly_pass() -> None:
    model = plain(
        nodes=[call("f", "xq", "y"), call("f", "y", "u"), quant("u", "uq")],
        functions=[function("f", helper.make_node("Relu", ["a"], ["r"]))],
        output="uq",
    )
    assert [n.op_type for n in load_onnx(model).model.graph.node].count("Relu") == 2


def resized() -> onnx.ModelProto:
    scales = numpy_helper.from_array(np.asarray([1, 1, 3000, 3000], np.float32), "scales")
    node = helper.make_node(
        "Resize", ["xq", "", "scales"], ["y"], mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    return plain((1, 1, 4, 4), nodes=[node, quant("y", "yq")], constants=[scales], output="yq")


def constant_of_shape() -> onnx.ModelProto:
    shape = numpy_helper.from_array(np.asarray([4, 100_000_000], np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["w"]),
        helper.make_node("MatMul", ["xq", "w"], ["y"]),
    ]
    return plain(nodes=nodes, constants=[shape], output="y")


HUGE: dict[str, tuple[onnx.ModelProto, str]] = {
    "input": (plain((1, 1_000_000_000)), "tensor x of shape 1 x 1000000000 takes about 14.9 GB"),
    "image": (plain((1, 1, 10**9, 10**9)), "tensor x of shape 1 x 1 x 1000000000 x 1000000000"),
    "resize": (resized(), "of shape 1 x 1 x 12000 x 12000 and all others take about 4.3 GB"),
    "doubling": (doubling_activations(40), "takes about 8.0 GB to work on; the budget is 4.0 GB"),
    "constant": (constant_of_shape(), "constant w of shape 4 x 100000000 takes about 23.8 GB"),
}


@pytest.mark.parametrize(("model", "why"), HUGE.values(), ids=HUGE)
def test_shapes_beyond_the_budget_are_refused(model: onnx.ModelProto, why: str) -> None:
    reasons = [finding.why for finding in check_model(model)]
    assert any(why in reason for reason in reasons), reasons
    with pytest.raises(FpgacompError, match=r"the budget is 4\.0 GB"):
        read_network(model)


@pytest.mark.parametrize(
    ("op", "shape"), [("Reshape", [1, 3]), ("Reshape", [1 << 40, 4]), ("Transpose", [])]
)
def test_a_shape_of_other_values_is_refused(op: str, shape: list[int]) -> None:
    target = numpy_helper.from_array(np.asarray(shape, np.int64), "target")
    if op == "Reshape":
        node = helper.make_node("Reshape", ["xq", "target"], ["y"])
    else:
        node = helper.make_node("Transpose", ["xq"], ["y"], perm=[0, 1, 1])
    model = plain((1, 2, 2), nodes=[node, quant("y", "yq")], constants=[target], output="yq")
    findings = [finding for finding in check_model(model) if finding.status == "unsupported"]
    assert findings and findings[0].op == op and findings[0].fix


def test_pipes_devices_and_absurd_sizes_are_no_models(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path / "pipe.onnx", Path("/dev/zero")):
        with pytest.raises(ModelError, match="is a pipe or a device, not a file"):
            load_onnx(path)
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(ModelError, match="an ONNX file has at most 2 GB"):
        load_onnx(tmp_path / "large.onnx")


def test_no_library_sees_what_the_scan_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: object) -> None:
        raise AssertionError("a library was asked to work on it")

    monkeypatch.setattr(onnx_file, "check_standard", reached)
    monkeypatch.setattr(onnx_file, "_inline", reached)
    for model, _ in REFUSED.values():
        with pytest.raises(ModelError):
            load_onnx(model)


def test_what_real_exports_leave_out_is_repaired() -> None:
    model = plain(output_shape=None)
    model.graph.output[0].type.Clear()
    del model.opset_import[1]
    model.graph.node[0].domain = "onnx.brevitas"
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model)
    before = model.SerializeToString(deterministic=True)
    onnx.checker.check_model(repaired(model))
    assert model.SerializeToString(deterministic=True) == before
    assert read_network(model).model.graph.node


def test_what_the_checker_refuses_after_the_repairs_is_refused() -> None:
    model = plain()
    model.graph.output[0].type.sequence_type.elem_type.tensor_type.elem_type = 1
    model.ir_version = 0
    with pytest.raises(ModelError, match=r"is not valid ONNX: .*ir_version"):
        check_model(model)


def on_host() -> onnx.ModelProto:
    """A quantizer that only the host computes, behind a Softmax."""
    nodes = [helper.make_node("Softmax", ["xq"], ["soft"], axis=1), quant("soft", "y")]
    return plain(nodes=nodes, output="y")


def of_a_weight() -> onnx.ModelProto:
    nodes = [quant("w", "wq"), helper.make_node("MatMul", ["xq", "wq"], ["y"])]
    return plain(nodes=nodes, constants=[weight()], output="y")


@pytest.mark.parametrize("build", [plain, on_host, of_a_weight])
@pytest.mark.parametrize(
    ("name", "value"),
    [*(("b", v) for v in (-np.inf, np.nan, 1e30, 1e10, 33.0, 0.0, 2.5)), ("z", -np.inf),
     ("z", np.nan)],
)  # fmt: skip
def test_impossible_quantizer_parameters_are_told(
    build: Callable[[], onnx.ModelProto], name: str, value: float
) -> None:
    model = build()
    tensor = next(t for t in model.graph.initializer if t.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(value, np.float32), name))
    told = [finding.why for finding in check_model(model)]
    assert any("is not one whole number" in why or "is not a number" in why for why in told)


@pytest.mark.parametrize(("op", "domain"), [("Silu", "fpgacomp"), ("Quant", ""), ("Trunc", QONNX)])
def test_an_operator_without_inputs_is_told(op: str, domain: str) -> None:
    """ONNX's checker does not know these operators, so that it lets them pass."""
    model = plain(nodes=[helper.make_node(op, [], ["y"], domain=domain)], output="y")
    told = [finding.why for finding in check_model(model)]
    assert "it has 0 inputs and 1 outputs; it needs one of each." in told


def test_a_constant_that_is_cast_to_text_is_told() -> None:
    cast = helper.make_node("Cast", ["w"], ["t"], to=TensorProto.STRING)
    product = helper.make_node("MatMul", ["xq", "t"], ["y"])
    model = plain(nodes=[cast, product], constants=[weight()], output="y")
    told = " ".join(finding.why for finding in check_model(model))
    assert "a cast to text gives no numbers" in told or "not valid ONNX" in told
    with pytest.raises(FpgacompError):
        read_network(model)


@pytest.mark.parametrize("kind", [np.bool_, np.complex64])
def test_a_quantizer_of_no_numbers_is_told(kind: type) -> None:
    constant = numpy_helper.from_array(np.ones((4, 2), kind), "w")
    nodes = [quant("w", "wq"), helper.make_node("MatMul", ["xq", "wq"], ["y"])]
    model = plain(nodes=nodes, constants=[constant], output="y")
    told = " ".join(finding.why for finding in check_model(model))
    assert "its input w is of type" in told


def test_a_name_that_is_not_utf_8_is_refused() -> None:
    flatten = helper.make_node("Flatten", ["xq"], ["y"], axis=1)
    content = plain(nodes=[flatten], output="y").SerializeToString().replace(b"axis", b"\xe1xis")
    with pytest.raises(ModelError, match="which is not UTF-8"):
        load_onnx(onnx.load_model_from_string(content))


def test_any_text_that_is_not_utf_8_is_refused() -> None:
    """Wherever it stands; only what nobody reads may be anything."""
    model = in_initializer("there.bin")
    model.graph.node[0].doc_string = "a doc string"
    content = model.SerializeToString()
    broken = onnx.load_model_from_string(content.replace(b"there.bin", b"\xe1here.bin"))
    with pytest.raises(ModelError, match="which is not UTF-8"):
        scan(broken, "model")
    scan(onnx.load_model_from_string(content.replace(b"a doc string", b"\xe1 doc string")), "model")


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_samples_in_place_of_a_network_are_called_so(tmp_path: Path, name: str) -> None:
    save = np.save if name.endswith("y") else np.savez
    save(tmp_path / name, np.zeros(3))
    with pytest.raises(ModelError, match=r"is NumPy arrays, not an ONNX file\. Fix: name the net"):
        load_onnx(tmp_path / name)
