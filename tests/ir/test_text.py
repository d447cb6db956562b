"""The text form loses nothing, and refuses what is wrong with line and remedy."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from functools import partial
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgacomp import zoo
from fpgacomp.errors import FpgacompError, ModelError
from fpgacomp.frontend import open_network
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.layers import Layer
from fpgacomp.ir.text import arrays_from_npz, arrays_to_npz, parse_graph, print_graph
from fpgacomp.ir.text.parse import READERS
from fpgacomp.ir.types import Ints
from fpgacomp.lower import lower
from fpgacomp.network.canonical import Network
from fpgacomp.passes import variants
from tests.support import builders
from tests.support.paths import EXAMPLES
from tests.support.random_networks import networks

BUILDERS: dict[str, Callable[[], Graph]] = {
    "mlp": builders.mlp,
    "cnn": builders.cnn,
    "windows over lines": partial(builders.windows, 1),
    "windows over pixels": partial(builders.windows, 2),
    "labels": builders.labels,
    "activations": builders.activations,
    "traps": builders.traps,
}
SMALL = """\
graph small

%x    = input                                                  : [4, 4, 2] i4
%c    = conv %x pads=1 weight=i3[3, 3, 2, 3]#{digest} : [4, 4, 3] i8(-126..124)
%act1 = thresholds %c thresholds=[[-2, 0, 3]]                  : [4, 4, 3] u2
%pool = maxpool %act1 kernel=2 strides=2                       : [2, 2, 3] u2

return %pool
"""


def assert_survives(graph: Graph) -> None:
    """Text and companion file give the graph back, and the graph the text."""
    text, arrays = print_graph(graph)
    read = parse_graph(text, arrays_from_npz(arrays_to_npz(arrays)))
    assert read == graph
    assert print_graph(read) == (text, arrays)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(networks(size=5))
def test_random_graphs_come_back_equal(model) -> None:
    try:
        graph = lower(Network("random", model, model, "qonnx", "random.onnx", "")).graph
    except FpgacompError:
        return
    for variant in variants(graph):
        assert_survives(variant)


@pytest.mark.parametrize("name", BUILDERS)
def test_every_layer_in_every_form_comes_back_equal(name: str) -> None:
    assert_survives(BUILDERS[name]())


@pytest.mark.parametrize(
    "name",
    [
        "digits",
        "tfc_w1a1",
        *(pytest.param(name, marks=pytest.mark.slow) for name in zoo.NAMES[2:]),
    ],
)
def test_the_zoo_comes_back_equal(name: str) -> None:
    assert_survives(lower(open_network(zoo.build(name))).graph)


def test_every_kind_of_layer_is_read_and_printed() -> None:
    kinds = {cls.__name__.lower() for cls in get_args(Layer)}
    assert set(READERS) == kinds
    printed = {
        type(layer).__name__.lower() for build in BUILDERS.values() for layer in build().layers
    }
    assert printed == kinds, "a builder of tests/support/builders.py should have the new layer"


def test_the_digits_network_fits_one_screen() -> None:
    graph = lower(open_network(EXAMPLES / "digits_cnn" / "model.onnx")).graph
    lines = print_graph(graph).text.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("%") for line in lines) == len(graph.layers)


def test_arrays_whose_digests_begin_alike_are_told_apart() -> None:
    b = builders.GraphBuilder("alike")
    x = b.input("x", (8,), 0, 3)
    graph = b.graph(b.dense("a", x, 8), b.dense("b", x, 8))
    first, second = (layer.weight for layer in graph.layers[1:])
    for weight, digest in ((first, "0" * 20 + "1" * 44), (second, "0" * 20 + "2" * 44)):
        object.__setattr__(weight, "_digest", digest)
    text, arrays = print_graph(graph)
    assert f"#{'0' * 20}1 " in text
    assert f"#{'0' * 20}2 " in text
    assert parse_graph(text, arrays) == graph


def test_an_array_under_another_digest_is_refused() -> None:
    """A dictionary made by hand must not put other weights under a network's names."""
    b = builders.GraphBuilder("forged")
    graph = b.graph(b.dense("a", b.input("x", (8,), 0, 3), 8))
    text, arrays = print_graph(graph)
    forged = {digest: Ints(values.array + 1) for digest, values in arrays.items()}
    with pytest.raises(ModelError, match=r"comes with an array .* whose digest is"):
        parse_graph(text, forged)


def test_notes_and_remarks_are_comments() -> None:
    graph, arrays = small()
    text, _ = print_graph(graph, notes=["on a test"], remarks={"act1": "pe=3"})
    assert "// on a test" in text
    assert "u2 // pe=3" in " ".join(text.split())
    assert parse_graph(text, arrays) == graph


def test_names_that_are_no_identifiers() -> None:
    graph = builders.traps()
    odd = Graph('a "name" // with = all', graph.layers, graph.outputs)
    assert_survives(odd)


# ---- refusals


def small() -> tuple[Graph, dict[str, Ints]]:
    text, arrays = small_text()
    return parse_graph(text, arrays), arrays


def small_text() -> tuple[str, dict[str, Ints]]:
    weight = Ints(np.arange(54).reshape(3, 3, 2, 3) % 8 - 4)
    text = SMALL.replace("{digest}", weight.digest[:8])
    weights = weight.array.reshape(-1, 3)
    low = (weights.clip(0).sum(0) * -8 + weights.clip(None, 0).sum(0) * 7).min()
    high = (weights.clip(0).sum(0) * 7 + weights.clip(None, 0).sum(0) * -8).max()
    bits = max(int(-low - 1).bit_length(), int(high).bit_length()) + 1
    return text.replace("i8(-126..124)", f"i{bits}({low}..{high})"), {weight.digest: weight}


def test_the_small_text_is_right() -> None:
    graph, arrays = small()
    assert [layer.name for layer in graph.layers] == ["x", "c", "act1", "pool"]
    assert parse_graph(*print_graph(graph)) == graph
    assert print_graph(graph).arrays == arrays


REFUSED = [
    ("graph small", "grapf small", r"line 1: has 'grapf' where `graph` should stand"),
    ("graph small", "graph small 3", r"line 1: goes on with '3'"),
    ("input  ", "imput  ", r"line 3: has a layer of kind 'imput'.*write one of input, dense"),
    ("conv %x", "conv %z", r"line 4: reads %z, which no earlier line writes"),
    ("conv %x", "conv %x %x", r"line 4: reads 2 tensors.*its layer reads 1"),
    ("pads=1", "pads=1 pads=1", r"line 4: gives pads twice"),
    ("pads=1", "padding=1", r"line 4: .*field 'padding'.*write only layer, strides, dilations"),
    ("pads=1", "pads=[1, 1]", r"line 4: has a pads of another form"),
    ("pads=1", "pads=0", r"line 4: c has shape \(4, 4, 3\), its inputs give \(2, 2, 3\)"),
    ("pads=1", "pads=99999999999999999999", r"line 4: .*beyond 64 signed bits"),
    ("pads=1", "strides=0 pads=1", r"line 4: c has strides \(0, 0\)"),
    ("weight=i3", "weight=i4", r"line 4: says that weight is i4\[3, 3, 2, 3\].*is i3"),
    (
        "weight=i3[3, 3, 2, 3]#",
        "weight=i3[3, 3, 2, 3]#ffffffff",
        r"line 4: .*#ffffffff[0-9a-f]+ no companion array",
    ),
    ("i4\n", "i4(-8..8)\n", r"line 3: says i4 for the range -8..8.*write i5\(-8..8\)"),
    ("i4\n", "i4(3..-3)\n", r"line 3: has an empty range"),
    ("i4\n", "i99\n", r"line 3: has 'i99' where a type should stand"),
    ("[4, 4, 2]", "[4000000, 4000000, 2]", r"line 3: has a shape .*that no layer"),
    ("[[-2, 0, 3]]", "[[-2, 0], [3]]", r"line 5: has thresholds whose rows differ"),
    ("[[-2, 0, 3]]", "[[3, 0, -2]]", r"line 5: act1 has thresholds that do not ascend"),
    ("[[-2, 0, 3]]", "[" * 90 + "]" * 90, r"line 5: has lists more than 6 deep"),
    ("[[-2, 0, 3]]", "[-2, 0, 3]", r"line 5: has thresholds of shape \[3\].*2 dimensions"),
    ("%act1 =", "%c =", r"line 5: writes %c a second time"),
    ("kernel=2", "layer=c kernel=2", r"line 6: is the second layer c"),
    ("kernel=2 ", "", r"line 6: has no kernel.*add kernel="),
    ("strides=2", "strides=two", r"line 6: has a strides of another form"),
    ("maxpool", "$maxpool", r"line 6: has '\$' at column"),
    ("return %pool", "return %puol", r"line 8: reads %puol"),
    ("return %pool", "return", r"line 8: outputs the graph has none"),
    ("return %pool", "%pool", r"line 8: has '%pool' where `return` should stand"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, message: str) -> None:
    text, arrays = small_text()
    assert old in text
    with pytest.raises(ModelError, match=message) as refusal:
        parse_graph(text.replace(old, new, 1), arrays)
    assert refusal.value.fix


@pytest.mark.parametrize("text", ["", "\n// nothing\n", "graph x"])
def test_nothing_is_no_graph(text: str) -> None:
    with pytest.raises(ModelError, match="holds no graph"):
        parse_graph(text)


def test_an_array_that_is_not_there_is_named() -> None:
    text, _ = small_text()
    with pytest.raises(ModelError, match=r"line 4: .* no companion array has.*--arrays"):
        parse_graph(text)


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_text_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    text, arrays = small_text()
    characters = "%=[]().,:#0123456789-ix \n\"'/abcu"
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = min(len(text), start + data.draw(st.integers(0, 6)))
        text = text[:start] + data.draw(st.text(characters, max_size=6)) + text[stop:]
    try:
        graph = parse_graph(text, arrays)
    except FpgacompError as refusal:
        assert refusal.fix
    else:
        assert parse_graph(*print_graph(graph)) == graph


# ---- companion files


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return pytest.fail, ("the file was unpickled",)


FILES = [
    b"",
    b"no zip",
    pickle.dumps(Trap()),
    zipped(a=b"no array"),
    zipped(a=npy(np.array([Trap()], dtype=object))),
    zipped(a=npy(np.array([0.5]))),
    zipped(a=npy(np.array([2**63], dtype=np.uint64))),
    zipped(a=npy(np.zeros(4, np.int8)).replace(b"(4,), }  ", b"(400,), }")),
    zipped(a=npy(np.zeros(4, np.int8))),
]


@pytest.mark.parametrize("content", FILES)
def test_files_of_strangers_are_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match=r"x\.npz"):
        arrays_from_npz(content, source="x.npz")


def test_a_file_that_unpacks_to_too_much_is_refused_unread(monkeypatch) -> None:
    values = Ints(np.zeros((1000, 1000)))
    content = arrays_to_npz({values.digest: values})
    assert len(content) < 10_000
    assert arrays_from_npz(content) == {values.digest: values}
    monkeypatch.setattr("fpgacomp.ir.text.arrays.MOST_BYTES", 100_000)
    with pytest.raises(ModelError, match="unpacks to"):
        arrays_from_npz(content)


def test_a_damaged_file_is_refused_or_the_same() -> None:
    values = Ints(np.arange(100) % 7)
    content = arrays_to_npz({values.digest: values})
    refused = 0
    for place in range(len(content)):
        for flip in (0x01, 0xFF):
            damaged = content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]
            try:
                assert arrays_from_npz(damaged) in ({values.digest: values}, {})
            except ModelError:
                refused += 1
    assert refused > len(content)
