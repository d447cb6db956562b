"""Packets on a line of bytes, whatever happens to the bytes."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fpgacomp.runtime import framing
from fpgacomp.runtime.framing import Decoder, DeviceIdentity, LinkStatus, Packet
from tests.support.link_device import spoiled

MOST = 64
NIBBLE = st.integers(0, 15)
# Bytes that need an escape are as likely as the others together.
BODY = st.lists(st.one_of(st.sampled_from([0x7E, 0x7D, 0x5E, 0x5D]), st.integers(0, 255)),
                max_size=MOST).map(bytes)  # fmt: skip
PACKET = st.builds(Packet, NIBBLE, NIBBLE, st.integers(0, 255), BODY)


def pieces(data: bytes, chance: random.Random) -> list[bytes]:
    """Bytes as a line hands them on."""
    found = []
    while data:
        count = chance.randrange(1, 9)
        found.append(data[:count])
        data = data[count:]
    return found


@pytest.mark.slow
@given(st.lists(PACKET, max_size=6), st.randoms(use_true_random=False))
def test_packets_come_back_however_the_bytes_are_cut(
    packets: list[Packet], chance: random.Random
) -> None:
    decoder = Decoder(MOST)
    found = []
    for piece in pieces(framing.encode_all(packets), chance):
        found += decoder.feed(piece)
    assert found == packets and decoder.broken == 0


@pytest.mark.slow
@given(st.lists(PACKET, min_size=1, max_size=8), st.integers(0, 10_000))
def test_a_spoiled_line_gives_packets_that_were_sent_in_their_order(
    packets: list[Packet], seed: int
) -> None:
    """Nothing else comes out, and the next whole packet always does."""
    decoder = Decoder(MOST)
    found = decoder.feed(spoiled(framing.encode_all(packets), 0.05, random.Random(seed)))
    left = iter(packets)
    assert all(packet in left for packet in found)
    after = Packet(framing.STATUS, 0, 1)
    assert decoder.feed(after.encode())[-1:] == [after]


@given(st.binary(max_size=2000))
def test_no_bytes_make_the_decoder_hold_much(data: bytes) -> None:
    decoder = Decoder(MOST)
    for packet in decoder.feed(data * 3):
        assert len(packet.body) <= MOST
    assert len(decoder._held) <= MOST + 6


def test_a_packet_on_the_line_is_what_is_written_of_it() -> None:
    """A vector for other implementations: kind 1, port 2, sequence 7E, body 7D 20."""
    content = bytes([0x12, 0x7E, 0x7D, 0x20])
    assert zlib.crc32(content) == 0x24C42221
    line = bytes.fromhex("7e 12 7d5e 7d5d 20 2122c424 7e")
    assert Packet(1, 2, 0x7E, b"\x7d\x20").encode() == line
    assert Decoder(2).feed(line) == [Packet(1, 2, 0x7E, b"\x7d\x20")]
    # Too long for this one, and aborted.
    for decoder, data in ((Decoder(1), line), (Decoder(2), line[:-1] + b"\x7d\x7e")):
        assert decoder.feed(data) == [] and decoder.broken == 1


def test_a_doubled_escape_is_one() -> None:
    line = Packet(1, 0, 0, b"\x7e").encode()
    assert Decoder(1).feed(line.replace(b"\x7d", b"\x7d\x7d", 1)) == [Packet(1, 0, 0, b"\x7e")]


@pytest.mark.slow
@given(st.binary(max_size=80))
def test_bodies_of_answers_are_read_or_refused(body: bytes) -> None:
    identity = DeviceIdentity.parse(b"\x01" + body)
    if identity is not None:
        assert identity.window > 0  # else no frame would ever be sent
        assert len(body) == 23 + 4 * (len(identity.inputs) + len(identity.outputs))
    status = LinkStatus.parse(body)
    assert (status is None) == (len(body) != 3)
