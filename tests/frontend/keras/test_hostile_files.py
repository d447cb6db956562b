"""Keras files that carry code or lead to other files are refused before any framework sees them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.errors import ModelError, UnsupportedLayer
from fpgacomp.frontend.keras import loading
from fpgacomp.frontend.keras.allowed import MAX_DEPTH, check_configuration
from tests.support.keras_files import (
    Config,
    dense,
    entry,
    input_layer,
    sequential,
    write_hdf5,
    write_keras,
)

h5py = pytest.importorskip("h5py")


@pytest.fixture(autouse=True)
def no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """The framework's reader must not be reached."""

    def reached(*_: Any) -> None:
        raise AssertionError("the framework was asked to read a hostile file")

    monkeypatch.setattr(loading, "_load", reached)
    monkeypatch.setattr(loading, "tensorflow", reached)


def in_both_forms(folder: Path, config: Config) -> list[Path]:
    with write_hdf5(folder / "evil.h5", config):
        pass
    return [folder / "evil.h5", write_keras(folder / "evil.keras", config)]


def operation(name: str = "io.write_file") -> Config:
    """A TensorFlow function with constant inputs: it runs while the layer is built."""
    return entry("TFOpLambda", {"name": "op", "function": name})


HOSTILE: dict[str, Config] = {
    "function of TensorFlow": operation(),
    "slicing operation": entry("SlicingOpLambda", {"function": "__operators__.getitem"}),
    "lambda": entry("Lambda", {"function": ["4wEAAA==", None, None]}),
    "bare lambda": dense(kernel_regularizer=entry("__lambda__", {"value": "4wEAAA=="})),
    "inside a wrapper": entry("TimeDistributed", {"layer": operation()}),
    "inside a model": entry("Sequential", {"layers": [dense(), operation()]}),
    "initializer": dense(kernel_initializer=entry("OpenFile", {"name": "/etc/passwd"})),
    "regularizer": dense(bias_regularizer=entry("CustomRegularizer")),
    "quantizer": entry("QDense", {"kernel_quantizer": entry("get_quantizer", {})}),
    "quantizer of text": entry("QDense", {"kernel_quantizer": "safe_eval('os.system')"}),
    "activation of text": dense(activation="deserialize"),
    "activation object": dense(activation=entry("function", module="builtins", config="eval")),
    "attribute": dense(activation=entry("function", module="os", config="relu")),
    "saved model": entry("TFSMLayer", {"filepath": "saved-model"}),
    "vocabulary file": entry("StringLookup", {"vocabulary": "/etc/passwd"}),
    "module": entry("Dense", module="antigravity", registered_name=None),
    "module of the same start": entry("Dense", module="keras.src.utils.file_utils"),
    "other name": entry("Dense", module="keras.layers", registered_name="Custom>TFOpLambda"),
    "type": dense(dtype=entry("__typespec__", spec_name="x", module="os")),
    "class that is no text": dense(kernel_constraint={"class_name": ["Dense"], "config": {}}),
    "deep list": dense(where=[[[[operation()]]]]),
}


@pytest.mark.parametrize("layer", HOSTILE.values(), ids=HOSTILE)
def test_a_configuration_that_names_code_is_refused(tmp_path: Path, layer: Config) -> None:
    for path in in_both_forms(tmp_path, sequential(dense(), layer)):
        with pytest.raises(UnsupportedLayer) as refused:
            loading.load_keras(path)
        assert refused.value.where == str(path) and refused.value.fix


def test_fake_quantization_of_tfmot_has_a_remedy_of_its_own(tmp_path: Path) -> None:
    for path in in_both_forms(tmp_path, sequential(entry("QuantizeWrapperV2", {}))):
        with pytest.raises(UnsupportedLayer, match="QuantizeWrapperV2") as refused:
            loading.load_keras(path)
        assert "--calibration" in refused.value.fix


@pytest.mark.parametrize("version", ["2.15.0", "3.15.1"])
@pytest.mark.parametrize("layer", HOSTILE.values(), ids=HOSTILE)
def test_every_version_is_held_to_the_same_list(
    tmp_path: Path, version: str, layer: Config
) -> None:
    path = write_keras(tmp_path / "evil.keras", sequential(layer), version=version)
    with pytest.raises(UnsupportedLayer):
        loading.load_keras(path)


def test_a_configuration_without_end_is_refused(tmp_path: Path) -> None:
    nested: Any = dense()
    for _ in range(MAX_DEPTH):
        nested = [nested]
    with pytest.raises(ModelError, match="more than 200 levels deep"):
        check_configuration(sequential(dense(more=nested)), "deep.h5")
    deep = "[" * 100_000 + "]" * 100_000
    path = write_keras(tmp_path / "deep.keras", sequential(), **{"config.json": deep.encode()})
    with pytest.raises(ModelError, match="not a Keras model saved as a whole"):
        loading.load_keras(path)


def external_storage(file: Any, secret: Path) -> None:
    file.create_dataset("w", (4,), "u1", external=[(str(secret), 0, 4)])


def virtual_dataset(file: Any, secret: Path) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="u1")
    layout[:] = h5py.VirtualSource(str(secret), "w", shape=(4,))
    file.create_virtual_dataset("w", layout)


def external_link(file: Any, secret: Path) -> None:
    file["model_weights"]["w"] = h5py.ExternalLink(str(secret), "/w")


def soft_link(file: Any, secret: Path) -> None:
    file["model_weights"]["w"] = h5py.SoftLink("/model_weights")


def hard_link_to_itself(file: Any, secret: Path) -> None:
    file["model_weights"]["again"] = file["model_weights"]


def too_large(file: Any, secret: Path) -> None:
    file.create_dataset("w", (1 << 20, 1 << 20), "f4", chunks=(256, 256))


def text_without_end(file: Any, secret: Path) -> None:
    file.create_dataset("w", (1 << 30,), h5py.string_dtype(), chunks=(1024,))


def reference(file: Any, secret: Path) -> None:
    file.create_dataset("w", (1,), h5py.ref_dtype)


def unknown_filter(file: Any, secret: Path) -> None:
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((4,))
    settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(file.id, b"w", h5py.h5t.NATIVE_UINT8, space, dcpl=settings)


def own_type(file: Any, secret: Path) -> None:
    file["type"] = np.dtype("f4")


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (external_storage, "keeps the values of /w in another file"),
        (virtual_dataset, "takes the values of /w from other files"),
        (external_link, "links /model_weights/w to"),
        (soft_link, "links /model_weights/w to"),
        (hard_link_to_itself, "twice, as no model does"),
        (too_large, r"asks 4398.0 GB for /w \(1048576 x 1048576\); the budget is 4.3 GB"),
        (text_without_end, "the budget is"),
        (reference, "not as numbers or text"),
        (unknown_filter, "compresses /w with filter 32015"),
        (own_type, "keeps a data type of its own"),
    ],
)
def test_hdf5_that_leads_elsewhere_is_refused(
    tmp_path: Path, put: Callable[[Any, Path], None], why: str
) -> None:
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"secret")
    with write_hdf5(tmp_path / "evil.h5", sequential(dense())) as file:
        put(file, secret)
    content = (tmp_path / "evil.h5").read_bytes()
    archive = write_keras(
        tmp_path / "evil.keras", sequential(dense()), **{"model.weights.h5": content}
    )
    for path in (tmp_path / "evil.h5", archive):
        with pytest.raises(ModelError, match=why):
            loading.load_keras(path)


@pytest.mark.parametrize("name", ["../../escaped.txt", "/etc/escaped", "assets/x", "a.weights.npz"])
def test_an_archive_holds_nothing_but_a_model(tmp_path: Path, name: str) -> None:
    path = write_keras(tmp_path / "evil.keras", sequential(dense()), **{name: b"x"})
    with pytest.raises(ModelError, match=r"a model is config\.json, metadata\.json"):
        loading.load_keras(path)


@pytest.mark.slow
@pytest.mark.parametrize("member", ["metadata.json", "config.json", "model.weights.h5"])
def test_a_zip_bomb_is_refused(tmp_path: Path, member: str) -> None:
    zeros = b" " * (65 << 20)
    path = write_keras(tmp_path / "evil.keras", sequential(), **{member: zeros})
    with pytest.raises(ModelError, match=rf"its {re.escape(member)} unpacks to 0\.07 GB"):
        loading.load_keras(path)


def test_a_file_that_is_two_things_is_refused(tmp_path: Path) -> None:
    """HDF5 with an archive behind it: each reader would see another model."""
    archive = write_keras(tmp_path / "fine.keras", sequential(dense())).read_bytes()
    with write_hdf5(tmp_path / "evil.h5", sequential(operation())):
        pass
    for name in ("both.h5", "both.keras"):
        (tmp_path / name).write_bytes((tmp_path / "evil.h5").read_bytes() + archive)
        with pytest.raises(ModelError, match="neither HDF5 nor a zip archive"):
            loading.load_keras(tmp_path / name)
    for name in ("archive.h5", "archive.KERAS"):
        (tmp_path / name).write_bytes(archive)
        with pytest.raises(ModelError, match=r"a zip archive has the suffix \.keras"):
            loading.load_keras(tmp_path / name)


def test_a_library_that_is_a_model_too_is_refused(tmp_path: Path) -> None:
    """HDF5 may begin behind a block of the user's own: native code, for instance."""
    with h5py.File(tmp_path / "library.h5", "w", userblock_size=512) as file:
        file.attrs["model_config"] = "{}"
    with (tmp_path / "library.h5").open("r+b") as file:
        file.write(b"\x7fELF")
    with pytest.raises(ModelError, match="neither HDF5 nor a zip archive"):
        loading.load_keras(tmp_path / "library.h5")


def functional(*layers: Config) -> Config:
    named = [{**layer, "name": layer["config"]["name"]} for layer in layers]
    inputs = [{**input_layer(), "name": "x", "inbound_nodes": []}]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["b", 0, 0]]}
    return entry("Functional", {"name": "net", "layers": [*inputs, *named], **ends})


def test_layers_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    """Keras would go round without end."""

    def call(name: str, source: str, node: int = 0) -> Config:
        return dense(name=name) | {"inbound_nodes": [[[source, node, 0, {}]]]}

    def call_3(name: str, source: str) -> Config:
        tensor = entry("__keras_tensor__", {"keras_history": [source, 0, 0]})
        return dense(name=name) | {"inbound_nodes": [{"args": [tensor], "kwargs": {}}]}

    circles = [
        functional(call("a", "b"), call("b", "a")),
        functional(call("a", "x"), call("b", "a", 1)),
        functional(call_3("a", "b"), call_3("b", "a")),
    ]
    for config in circles:
        for path in in_both_forms(tmp_path, config):
            with pytest.raises(ModelError, match="reads what no layer before it answers"):
                loading.load_keras(path)
    for config in (functional(call("b", "a"), call("a", "x")), functional(call_3("b", "x"))):
        check_configuration(config, "fine.h5")


def test_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    for path in (tmp_path / "pipe.h5", Path("/dev/zero"), tmp_path):
        with pytest.raises(ModelError, match="not a file"):
            loading.load_keras(path)


def test_an_honest_file_reaches_the_framework(tmp_path: Path) -> None:
    quantized = entry("QDense", {"kernel_quantizer": "quantized_bits(4, 0, alpha='auto_po2')"})
    constrained = dense(kernel_constraint=entry("Clip", {}, module="qkeras.qlayers"))
    config = {**sequential(quantized, constrained), "compile_config": {"loss": entry("Own")}}
    for path in in_both_forms(tmp_path, config):
        with pytest.raises(AssertionError, match="the framework was asked"):
            loading.load_keras(path)


def test_hdf5_is_read_from_memory_too() -> None:
    content = io.BytesIO()
    with write_hdf5(content, sequential(dense())) as file:
        file.create_dataset("w", data=np.zeros((3, 4), np.float32), compression="gzip")
    from fpgacomp.frontend.keras.hdf5 import check_hdf5

    check_hdf5(content, "memory")


@pytest.mark.parametrize(
    "quantizer",
    [
        entry("ternary", {"alpha": "auto", "number_of_unrolls": 1 << 31}),
        "ternary(number_of_unrolls=2147483648)",
    ],
)
def test_a_loop_of_the_framework_has_a_bound(tmp_path: Path, quantizer: Config | str) -> None:
    path = tmp_path / "net.h5"
    write_hdf5(path, sequential(entry("QDense", {"kernel_quantizer": quantizer}))).close()
    with pytest.raises(ModelError, match="2147483648 unrolls; at most 100 are made"):
        loading.load_keras(path)


@pytest.mark.parametrize(
    "source",
    [
        ["second", 0, 0, {}],
        ["nobody", 0, 0, {}],
        ["x", 1, 0, {}],
        ["x", 1e308, 0, {}],
        ["x", -1, 0, {}],
        ["x", "0", 0, {}],
        ["x", None, 0, {}],
        ["x", 0, [], {}],
    ],
)
def test_layers_that_wait_for_ever_are_refused(tmp_path: Path, source: list[Any]) -> None:
    """Keras goes round until every layer is called, and these never are."""
    relu = {"activation": "relu"}
    layers = [
        {**input_layer(), "name": "x", "inbound_nodes": []},
        {**entry("Activation", relu), "name": "first", "inbound_nodes": [[source]]},
        {**entry("Activation", relu), "name": "second", "inbound_nodes": [[["first", 0, 0, {}]]]},
    ]
    path = tmp_path / "net.h5"
    write_hdf5(path, entry("Functional", {"name": "net", "layers": layers})).close()
    with pytest.raises(ModelError, match="its layer first reads what no layer before it answers"):
        loading.load_keras(path)


def test_a_layer_that_does_not_say_what_it_reads_is_refused(tmp_path: Path) -> None:
    """The others are looked at all the same."""
    config = functional(dense(name="a"), dense(name="b") | {"inbound_nodes": [[["x", 0, 0, {}]]]})
    for path in in_both_forms(tmp_path, config):
        with pytest.raises(ModelError, match="some of its layers do not say what they read"):
            loading.load_keras(path)


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Half a character, as an escape or as bytes that are not UTF-8, breaks what writes it."""
    for path in in_both_forms(tmp_path, sequential(dense(name="den\udcf4se"))):
        with pytest.raises(ModelError, match="surrogates not allowed"):
            loading.load_keras(path)
