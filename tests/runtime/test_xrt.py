"""The transport through XRT, on a fake pyxrt with a card of the integer graph behind it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.bitstream.vendor.design import PackagedIp, VendorDesign
from fpgacomp.bitstream.vendor.ports import StreamPort
from fpgacomp.bitstream.vendor.project import kernel_of, movers_of, render
from fpgacomp.bitstream.vendor.shells import shell_of
from fpgacomp.devices.read import load_board
from fpgacomp.engines.shared.interface import software_port
from fpgacomp.ir import codec, interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.ir.types import AnyArray
from fpgacomp.runtime import transports, xrt
from fpgacomp.runtime.deployment import Deployment, FramePort
from fpgacomp.runtime.errors import (
    DeviceError,
    DeviceTimeout,
    NotInstalled,
    SampleError,
    TransferError,
    WrongDesign,
)
from fpgacomp.runtime.movers import mover_name
from fpgacomp.runtime.xrt import XrtTransport
from tests.support.builders import GraphBuilder
from tests.support.c_drivers import deployment
from tests.support.xrt_card import Card, FakePyxrt, State

OWN, OTHER = "11111111-own", "22222222-other"


def network(seed: int = 0) -> Graph:
    b = GraphBuilder("joined", seed)
    first = b.dense("left", b.input("a", (6,), -8, 7), 5)
    second = b.dense("right", b.input("b", (10,), 0, 200), 5)
    return b.graph(b.add_two("sum", first, second))


def ports_of(graph: Graph) -> tuple[tuple[FramePort, ...], tuple[FramePort, ...]]:
    """Two of the three end with a beat that the frame does not fill."""
    a, b = (layer.output for layer in graph.inputs)
    (out,) = graph.outputs
    inputs = (software_port(a, "in0_a", 8, lanes=4, beats=2),
              software_port(b, "in1_b", 8, lanes=1, beats=10))  # fmt: skip
    return inputs, (software_port(out, "out0_sum", 16, lanes=2, beats=3),)


def stream_port(port: FramePort, *, input: bool) -> StreamPort:
    return StreamPort(name=port.port, tensor=port.tensor, input=input, size=port.size,
                      container_bits=port.container_bits, lanes=port.lanes,
                      beats=port.beats)  # fmt: skip


def vendor_design(graph: Graph) -> VendorDesign:
    inputs, outputs = ports_of(graph)
    ports = (*(stream_port(p, input=True) for p in inputs),
             *(stream_port(p, input=False) for p in outputs))  # fmt: skip
    board = load_board("alveo-u50")
    ip = PackagedIp(top="joined", inner="", stream=False, source="rtl", ports=ports,
                    identity=codec.identity(graph))  # fmt: skip
    return VendorDesign(title="joined", board=board, clock_mhz=300.0, accelerator=ip,
                        shell=shell_of(board))  # fmt: skip


def card_of(graph: Graph) -> Card:
    """A card with the kernels that the vendor build links."""
    design = vendor_design(graph)
    movers = movers_of(design)
    widths = [
        sorted({m.port.tdata_bits for m in movers if m.port.input is way}) for way in (True, False)
    ]
    link = render("link.cfg", kernel=kernel_of(design), movers=movers).decode()
    cpp = render("movers.cpp", name="joined", to_card=widths[0], from_card=widths[1]).decode()
    return Card(graph, *ports_of(graph), link, cpp)


GRAPH = network()


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    found = card_of(GRAPH)
    monkeypatch.setitem(sys.modules, "pyxrt", FakePyxrt(found, {"own": OWN, "other": OTHER}))
    monkeypatch.setattr(xrt, "_DRAIN_S", 0.01)
    return found


@pytest.fixture
def version(tmp_path: Path) -> Path:
    (tmp_path / "bitstream").mkdir()
    (tmp_path / "bitstream" / "joined.xclbin").write_text("own")
    return tmp_path


@pytest.fixture
def described() -> Deployment:
    return deployment(*ports_of(GRAPH), name="joined", identity=codec.identity(GRAPH))


@pytest.fixture
def transport(card: Card, version: Path, described: Deployment) -> XrtTransport:
    found = transports.connect("xrt:0", described, version)
    assert isinstance(found, XrtTransport)
    return found


def frames(count: int, seed: int = 0) -> list[AnyArray]:
    rng = np.random.default_rng(seed)
    return [
        rng.integers(port.lowest, port.highest + 1, (count, port.size)).astype(port.dtype)
        for port in ports_of(GRAPH)[0]
    ]


def oracle(given: list[AnyArray]) -> AnyArray:
    (out,) = ports_of(GRAPH)[1]
    return interpreter.run(GRAPH, {"a": given[0], "b": given[1]})[out.tensor].astype(out.dtype)


def right(transport: XrtTransport, count: int = 9, seed: int = 7) -> bool:
    given = frames(count, seed)
    (found,) = transport.finish(transport.start(given), 5.0)
    return bool((found == oracle(given)).all()) and found.dtype == np.dtype("<i2")


def test_answers_are_those_of_the_oracle(card: Card, transport: XrtTransport) -> None:
    assert transport.identity() == codec.identity(GRAPH)
    for count in (1, 0, 70):
        assert right(transport, count, seed=count)
    assert {unit.holders for unit in card.units.values()} == {1}
    figures = transport.statistics()
    assert (figures["frames"], figures["runs"], figures["errors"]) == (71.0, 2.0, 0.0)
    assert figures["seconds"] > 0
    transport.close()
    transport.close()
    assert {unit.holders for unit in card.units.values()} == {0} and card.memory == 0


def test_batches_overlap_and_large_ones_are_cut(
    card: Card, version: Path, described: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xrt, "_RUN_BYTES", 48)  # 4 frames of 12 bytes, the largest port's
    transport = XrtTransport(described, version / "bitstream" / "joined.xclbin")
    batches = [frames(count, seed) for seed, count in enumerate((3, 11, 1, 4))]
    tokens = [transport.start(batch) for batch in batches]
    assert card.deepest == 2  # a run waits behind the one that is under way
    for token, batch in reversed(list(zip(tokens, batches, strict=True))):
        (found,) = transport.finish(token, 5.0)
        assert (found == oracle(batch)).all()
    assert transport.statistics()["runs"] == 1 + 3 + 1 + 1
    with pytest.raises(TransferError, match="answered already"):
        transport.finish(tokens[0], 1.0)


def test_frames_of_another_form_are_refused(transport: XrtTransport) -> None:
    first, second = frames(3)
    for given, told in (
        ([first], "1 arrays were given for 2 inputs"),
        ([first, second[:2]], r"in1_b: got uint8 \[2, 10\], expected contiguous uint8 \[3, 10\]"),
        ([first.astype(np.int64), second], r"in0_a: got int64 \[3, 6\], expected contiguous int8"),
    ):
        with pytest.raises(SampleError, match=told):
            transport.start(given)
    assert right(transport)


def test_what_comes_late_is_waited_for_in_a_reset(card: Card, transport: XrtTransport) -> None:
    card.stalled = True
    token = transport.start(frames(5))
    with pytest.raises(DeviceTimeout, match=r"card 0: 5 of 5 answers did not come in 0\.01 s"):
        transport.finish(token, 0.01)
    with pytest.raises(TransferError, match=r"were lost: card 0: 5 of 5 .* call reset\(\)"):
        transport.start(frames(1))
    with pytest.raises(TransferError, match=r"call reset\(\)"):
        transport.finish(token, 1.0)
    card.stalled = False
    transport.reset()
    assert right(transport)
    assert transport.statistics()["errors"] == 1.0


def test_a_mover_that_waits_for_ever_is_told(card: Card, transport: XrtTransport) -> None:
    card.stalled = True
    token = transport.start(frames(5))
    try:
        transport.finish(token, 0.01)
    except DeviceTimeout:
        # While the error is held, and with it the frames of the call, kernels must be given up.
        for stalled in (True, False):  # what is in the accelerator would be answered later
            card.stalled = stalled
            with pytest.raises(DeviceTimeout, match=r"card 0: .* was not reset.*xbutil reset"):
                transport.reset()
            assert {unit.holders for unit in card.units.values()} == {0} and card.memory == 0
            with pytest.raises(TransferError, match=r"were lost in a reset.*call reset\(\)"):
                transport.start(frames(1))
    else:
        raise AssertionError("no time-out")
    card.reset()
    transport.reset()
    assert right(transport)


@pytest.mark.parametrize("state", [State.ERT_CMD_STATE_ERROR, State.ERT_CMD_STATE_TIMEOUT])
def test_a_run_that_ends_badly(card: Card, transport: XrtTransport, state: State) -> None:
    card.fails = state  # that of the first run that ends
    token = transport.start(frames(2))
    with pytest.raises(TransferError, match=rf"in0_a: its data mover ended in .*{state.name}"):
        transport.finish(token, 1.0)
    with pytest.raises(DeviceTimeout, match="did not come to a good end"):
        transport.reset()
    card.reset()
    transport.reset()
    assert right(transport)


def test_a_run_that_is_not_taken(card: Card, transport: XrtTransport) -> None:
    card.refuses = 2  # that of the output is taken
    with pytest.raises(TransferError, match=r"card 0: XRT says: Invalid argument: exec buf"):
        transport.start(frames(2))
    with pytest.raises(DeviceTimeout, match="did not come to a good end"):
        transport.reset()
    card.reset()
    transport.reset()
    assert right(transport)


def test_where_no_run_was_taken_nothing_is_left(card: Card, transport: XrtTransport) -> None:
    card.refuses = 1
    with pytest.raises(TransferError, match="exec buf"):
        transport.start(frames(2))
    transport.reset()
    assert right(transport)


def test_a_mover_that_another_process_left_waiting(
    card: Card, transport: XrtTransport, version: Path, described: Deployment
) -> None:
    card.stalled = True
    transport.start(frames(1))
    transport.close()
    with pytest.raises(DeviceTimeout, match=r"out0_sum: its data mover takes no run.*xbutil"):
        transports.connect("xrt", described, version)
    card.reset()
    assert right(XrtTransport(described, version / "bitstream" / "joined.xclbin"))


def test_a_closed_transport_says_so(card: Card, transport: XrtTransport) -> None:
    token = transport.start(frames(2))
    transport.close()
    assert card.memory == 0
    for call in (lambda: transport.finish(token, 1.0), lambda: transport.start(frames(1)),
                 transport.reset):  # fmt: skip
        with pytest.raises(TransferError, match="was closed"):
            call()
    assert transport.statistics()["frames"] == 0.0


def test_a_card_is_one_process_s(transport: XrtTransport, version: Path) -> None:
    with pytest.raises(WrongDesign, match=r"busy.*end what else uses the card"):
        transports.connect("xrt", transport._deployment, version)
    assert right(transport)


def test_another_network_is_refused(card: Card, version: Path, described: Deployment) -> None:
    other = replace(described, identity=codec.identity(network(1)))
    with pytest.raises(WrongDesign, match=r"joined\.xclbin: fpgacomp_mm2s_32.*No compute units"):
        transports.connect("xrt", other, version)
    card.loaded = f"locked {OTHER}"
    with pytest.raises(WrongDesign, match=rf"card 0: runs locked {OTHER} instead of {OWN}"):
        transports.connect("xrt", described, version)
    assert {unit.holders for unit in card.units.values()} == {0}


def test_what_is_missing_is_told(card: Card, version: Path, described: Deployment) -> None:
    with pytest.raises(DeviceError, match=r"card 3: XRT says: Could not open device.*xbutil"):
        transports.connect("xrt:3", described, version)
    for name in ("xrt:", "xrt:one", "xrt:-1", "xrt:²", "xrt:4294967296"):
        with pytest.raises(transports.UnknownTransport, match=r"give one of .*xrt:INDEX"):
            transports.connect(name, described, version)
    card.most_memory = 1 << 20
    with pytest.raises(DeviceError, match="memory of card 0: XRT says: std::bad_alloc") as held:
        transports.connect("xrt", described, version)
    assert held.value and card.memory == 0
    assert {unit.holders for unit in card.units.values()} == {0}
    xclbin = version / "bitstream" / "joined.xclbin"
    xclbin.write_text("cut off")
    with pytest.raises(DeviceError, match=r"joined\.xclbin: XRT says: Invalid xclbin"):
        transports.connect("xrt", described, version)
    xclbin.unlink()
    with pytest.raises(DeviceError, match=r"holds 0 \.xclbin files instead of one"):
        transports.connect("xrt", described, version)
    with pytest.raises(DeviceError, match=r"joined\.xclbin: is missing"):
        XrtTransport(described, xclbin)


def test_without_pyxrt_the_remedy_is_told(
    monkeypatch: pytest.MonkeyPatch, version: Path, described: Deployment
) -> None:
    monkeypatch.setitem(sys.modules, "pyxrt", None)
    with pytest.raises(NotInstalled, match=r"pyxrt: is not installed.*source /opt/xilinx"):
        transports.connect("xrt", described, version)


def test_names_fit_into_an_xclbin() -> None:
    """`ip_data.m_name` of xclbin.h has 64 bytes for kernel:unit, the last of them 0."""
    wide = replace(ports_of(GRAPH)[0][0], lanes=2048)
    name = mover_name(wide, 7, "0" * 32, sends=True)
    assert len(name.replace("{", "").replace("}", "")) <= 63
