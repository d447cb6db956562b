"""The typed interface of a project: written and read back, refused where it is another's."""

from __future__ import annotations

import json

import pytest

from fpgacomp.engines.hls4ml.interface import Hls4mlInterface, Trace, VariablePort
from fpgacomp.engines.shared.interface import Interface
from fpgacomp.engines.stream.interface import AxiPort, StreamInterface
from fpgacomp.errors import InputDataError

SHARED = {"tensor": "x", "shape": (4, 3), "size": 12, "bits": 5, "signed": True, "file": "x.dat"}
VARIABLE = VariablePort(**SHARED, variable="x", type="input_t")
AXI = AxiPort(**SHARED, port="in0_x", bipolar=False, container_bits=8, lanes=4, beats=3)
INTERFACES = (
    Hls4mlInterface(top="net", io_type="io_stream", inputs=(VARIABLE,), outputs=(VARIABLE,),
                    traces=(Trace(node="fc", tensor="y", size=5),), aliases={"flat": "x"}),
    StreamInterface(top="net", io_type="axi_stream", inputs=(AXI,), outputs=(AXI, AXI),
                    taps=("y", "z"), aliases={}),
)  # fmt: skip


@pytest.mark.parametrize("interface", INTERFACES)
def test_what_is_written_is_read_back(interface: Interface) -> None:
    assert type(interface).from_json(interface.to_json()) == interface


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_text_has_sorted_keys_and_ends_with_a_line(interface: Interface) -> None:
    text = interface.to_json().decode()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert text.endswith("}\n")


def changed(**fields: object) -> bytes:
    """The hls4ml interface with some fields of its JSON replaced."""
    return json.dumps({**json.loads(INTERFACES[0].to_json()), **fields}).encode()


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (changed(taps=[]), "taps: Unexpected keyword argument"),
        (changed(io_type="axi_stream"), "io_type: Input should be 'io_parallel' or 'io_stream'"),
        (changed(top=3), "top: Input should be a valid string"),
        (changed(traces=[{"node": "fc", "tensor": "y"}]), "traces.0.size: Field required"),
        (b"{", "the file: Invalid JSON"),
    ],
)
def test_another_interface_is_refused_where_it_differs(content: bytes, where: str) -> None:
    with pytest.raises(InputDataError) as caught:
        Hls4mlInterface.from_json(content)
    assert where in str(caught.value)
    assert "emit the project again" in str(caught.value)


def test_the_other_engines_interface_is_refused() -> None:
    with pytest.raises(InputDataError):
        StreamInterface.from_json(INTERFACES[0].to_json())
