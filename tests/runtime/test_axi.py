"""Frames through AXI DMA and back: in batches, overlapping, and after whatever went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.runtime.axi import AxiTransport
from fpgacomp.runtime.emulated import EmulatedPlatform
from fpgacomp.runtime.errors import DeviceTimeout, SampleError, TransferError
from fpgacomp.runtime.transport import Transport
from tests.support.emulators import (
    IDENTITY,
    IN0,
    IN1,
    MAP,
    OUT0,
    answers,
    device,
    frames_library,
)

pytestmark = pytest.mark.slow

SHORT_S, LONG_S = 2e-4, 0.1


@pytest.fixture
def library() -> Path:
    return frames_library()


def transport_of(platform: EmulatedPlatform) -> AxiTransport:
    return AxiTransport(platform, (IN0, IN1), (OUT0,), MAP)


@contextmanager
def opened(library: Path, **values: int) -> Iterator[tuple[EmulatedPlatform, AxiTransport]]:
    with device(library, patience_cycles=5000, **values) as platform:
        yield platform, transport_of(platform)


def samples(count: int, seed: int = 0) -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (count, size)).astype(np.uint8) for size in (5, 10)]


def is_right(transport: Transport, count: int = 4, seed: int = 1) -> bool:
    given = samples(count, seed)
    (found,) = transport.finish(transport.start(given), LONG_S)
    return bool((found == answers(*given)).all())


def test_batches_come_back_in_order_whoever_asks_first(library: Path) -> None:
    with opened(library) as (_, transport):
        assert transport.identity() == IDENTITY
        given = [samples(count, count) for count in (7, 1, 0, 40)]
        tokens = [transport.start(frames) for frames in given]
        for number in (3, 0, 2, 1):
            (found,) = transport.finish(tokens[number], LONG_S)
            assert found.shape == (len(given[number][0]), 10)
            assert (found == answers(*given[number])).all()
        with pytest.raises(TransferError, match="these frames were answered already, or lost"):
            transport.finish(tokens[0], LONG_S)
        counts = transport.statistics()
        assert counts["frames"] == 48 and counts["errors"] == 0
        for port in ("input.in0", "input.in1", "output.out0"):
            assert counts[f"{port}.frames"] == 48


def test_frames_overlap(library: Path) -> None:
    """A frame of a batch takes far less than one that waits for the answer before it."""
    with opened(library) as (_, transport):
        for _ in range(50):
            transport.finish(transport.start(samples(1)), LONG_S)
        alone = transport.statistics()
        transport.finish(transport.start(samples(50)), LONG_S)
        both = transport.statistics()
        assert both["frames"] == 2 * alone["frames"] == 100
        together_s = both["seconds"] - alone["seconds"]
        assert together_s < 0.8 * alone["seconds"]
        assert both["frames_per_second"] == pytest.approx(100 / both["seconds"])


def test_seconds_are_cycles_of_the_designs_clock(library: Path) -> None:
    """A slower memory costs each lone frame the same cycles, no more and no fewer."""
    seconds = []
    for latency in (30, 130):
        with opened(library, memory_latency_cycles=latency, read_cycles=1) as (_, transport):
            for _ in range(10):
                transport.finish(transport.start(samples(1)), LONG_S)
            seconds.append(transport.statistics()["seconds"])
    # Twice a frame: for the data, and for the answer's last write; polls blur it by some cycles.
    assert seconds[1] - seconds[0] == pytest.approx(10 * 2 * 100 / 100e6, rel=0.1)


def test_a_design_that_stands_still_is_late_and_right_after_a_reset(library: Path) -> None:
    for fault in ("fault_stalled_inputs", "fault_stalled_outputs"):
        with opened(library, **{fault: 1}) as (platform, transport):
            tokens = [transport.start(samples(2)), transport.start(samples(1))]
            told = r"the accelerator: 2 of 2 answers did not come in 0\.0002 s"
            with pytest.raises(DeviceTimeout, match=told):
                transport.finish(tokens[0], SHORT_S)
            with pytest.raises(TransferError, match=r"frames in flight were lost.*call reset"):
                transport.finish(tokens[1], SHORT_S)
            with pytest.raises(TransferError, match=r"frames in flight were lost.*call reset"):
                transport.start(samples(1))
            platform.set(fault, 0)
            transport.reset()
            assert is_right(transport)
            assert transport.statistics()["errors"] == 1


def test_a_missing_tlast_is_told_from_a_missing_answer(library: Path) -> None:
    with opened(library, fault_missing_tlast=1) as (platform, transport):
        told = r"DMA 0, S2MM from output out0: .*its end \(TLAST\) did not come"
        with pytest.raises(DeviceTimeout, match=told):
            transport.finish(transport.start(samples(1)), SHORT_S)
        transport.reset()
        with pytest.raises(TransferError, match=r"more than 10 bytes, or no TLAST"):
            transport.finish(transport.start(samples(2)), SHORT_S)
        platform.set("fault_missing_tlast", 0)
        transport.reset()
        assert is_right(transport)


@pytest.mark.parametrize("cycles", [1, 40, 55, 60, 80, 100, 110, 130])
def test_a_reset_in_mid_frame_spoils_no_later_one(library: Path, cycles: int) -> None:
    with opened(library, read_cycles=1, write_cycles=1) as (platform, transport):
        token = transport.start(samples(3))
        platform.sleep(cycles / 100e6)
        transport.reset()
        with pytest.raises(TransferError, match="these frames were answered already, or lost"):
            transport.finish(token, LONG_S)
        assert is_right(transport, 5)
        assert transport.statistics()["output.out0.frames"] == 5


@pytest.mark.parametrize(("size", "told"), [(4, "too short"), (6, "too long")])
def test_a_frame_of_the_wrong_length_is_told(library: Path, size: int, told: str) -> None:
    """The driver sends none, unless the bitstream has other ports than the description."""
    wrong = replace(IN0, shape=(size,), beats=size)
    with device(library, patience_cycles=5000) as platform:
        transport = AxiTransport(platform, (wrong, IN1), (OUT0,), MAP)
        token = transport.start([np.zeros((1, size), np.uint8), np.zeros((1, 10), np.uint8)])
        with pytest.raises(
            TransferError, match=f"DMA 0, MM2S to input in0: a frame arrived {told}"
        ):
            transport.finish(token, LONG_S)
        assert is_right(transport_of(platform))


def test_a_bus_error_loses_what_is_in_flight_and_no_more(library: Path) -> None:
    with opened(library) as (platform, transport):
        token = transport.start(samples(50))
        platform.set("fault_slave_error_at", transport._senders[1]._buffers[0].address)
        with pytest.raises(TransferError, match=r"DMA 1, MM2S to input in1: .*slave error"):
            transport.finish(token, LONG_S)
        platform.set("fault_slave_error_at", 0)
        transport.reset()
        assert is_right(transport)


def test_bits_that_are_read_wrong_are_noticed(library: Path) -> None:
    """In a register by the identity, in a frame by whoever knows the answer."""
    told = "MAGIC reads 0x46504643 instead of 0x46504743"
    with (
        device(library, fault_register_bits=0x100) as board,
        pytest.raises(TransferError, match=told),
    ):
        transport_of(board)
    with opened(library) as (platform, transport):
        given = samples(1)
        platform.set("fault_memory_bits", 4)
        (found,) = transport.finish(transport.start(given), LONG_S)
        assert (found != answers(*given)).any()
        assert is_right(transport)


@pytest.mark.parametrize(
    ("values", "ports", "told"),
    [
        ({"fault_register_bits": 1}, ((IN0, IN1), (OUT0,)), "MAGIC reads 0x46504742 instead of"),
        ({}, ((IN0,), (OUT0,)), "has 2 inputs and 1 outputs instead of 1 and 1"),
    ],
)
def test_what_is_not_this_accelerator_is_refused(
    library: Path, values: dict[str, int], ports: Any, told: str
) -> None:
    with device(library, **values) as platform:
        with pytest.raises(TransferError, match=told):
            AxiTransport(platform, *ports, MAP)
        assert transport_of(platform).identity() == IDENTITY


def test_another_design_has_another_identity(library: Path) -> None:
    with opened(library, fault_identity_bits=0xFFFFFFFF) as (_, transport):
        assert transport.identity() == "fedcba98" + IDENTITY[8:]


def test_frames_of_another_shape_or_type_are_refused(library: Path) -> None:
    with opened(library) as (_, transport):
        first, second = samples(3)
        for wrong, told in (
            ([first], "1 arrays were given for 2 inputs"),
            ([first, second[:2]], r"in1: got uint8 \[2, 10\], expected contiguous uint8 \[3, 10\]"),
            ([first[:, :4], second], r"in0: got uint8 \[3, 4\]"),
            ([first.astype(np.int8), second], r"in0: got int8 \[3, 5\]"),
            ([np.asfortranarray(first), second], r"in0: got uint8 \[3, 5\], expected contiguous"),
        ):
            with pytest.raises(SampleError, match=told):
                transport.start(wrong)
        assert is_right(transport)


def test_memory_is_given_back_when_closing_or_failing(library: Path) -> None:
    with device(library) as platform:
        whole = list(platform._free)
        large = replace(IN0, shape=(1 << 19,), beats=1 << 19)
        with pytest.raises(Exception, match="bytes of memory left"):
            AxiTransport(platform, (large, IN1), (OUT0,), MAP)
        assert platform._free == whole
        transport = transport_of(platform)
        transport.start(samples(9))
        transport.close()
        assert platform._free == whole
        transport.close()
        with pytest.raises(TransferError, match="were lost: the device was closed"):
            transport.start(samples(1))


@pytest.mark.parametrize("seed", range(6))
def test_whatever_an_application_does_the_next_answers_are_right(library: Path, seed: int) -> None:
    """Batches, waits in any order, pauses, faults and resets at random."""
    rng = np.random.default_rng(seed)
    faults = ("fault_stalled_inputs", "fault_stalled_outputs", "fault_missing_tlast")
    waiting: dict[int, list[np.ndarray[Any, Any]]] = {}
    with opened(library) as (platform, transport):
        for step in range(60):
            what = rng.integers(10)
            if what < 4:
                given = samples(int(rng.integers(0, 9)), int(rng.integers(1000)))
                waiting[transport.start(given)] = given
            elif what < 7 and waiting:
                token = int(rng.choice(list(waiting)))
                given = waiting.pop(token)
                (found,) = transport.finish(token, LONG_S)
                assert (found == answers(*given)).all(), step
            elif what < 8:
                platform.sleep(float(rng.integers(1, 300)) / 100e6)
            elif what < 9:
                transport.reset()
                waiting.clear()
            else:
                fault = str(rng.choice(faults))
                platform.set(fault, int(rng.integers(1, 4)))
                waiting.clear()
                with suppress(DeviceTimeout, TransferError):
                    transport.finish(transport.start(samples(2)), SHORT_S)
                platform.set(fault, 0)
                transport.reset()
        assert is_right(transport)
        assert platform.get("misused_transfers") == platform.get("bus_errors") == 0
