"""The C side of the UART link: the packets of the Python codec, and every frame answered once."""

from __future__ import annotations

import ctypes
import random
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgacomp.deploy.c.project import TEMPLATES
from fpgacomp.runtime import framing, uart
from fpgacomp.runtime.errors import TransferError
from fpgacomp.runtime.framing import Decoder, Packet
from fpgacomp.runtime.line import SerialLine
from tests.runtime.test_uart import DEPLOYMENT, NoisyLine, computed, device, noises, noisy, samples
from tests.support import c_drivers
from tests.support.c_drivers import COMPILERS, PROGRAMS, SANITIZERS, WARNINGS
from tests.support.link_device import ModelDevice, at_a_port, spoiled

pytestmark = c_drivers.needs_gcc

DRIVER = TEMPLATES / "driver"
SOURCES = [DRIVER / "fpgacomp_framing.c", DRIVER / "fpgacomp_link.c"]
MOST = 64


def build(folder: Path, compiler: str, target: str, *flags: str, sources: list[Path]) -> Path:
    (folder / "fpgacomp_config.h").write_text("#define FPGACOMP_MAX_ARRAYS 4\n")
    command = [compiler, *WARNINGS, *flags, f"-I{folder}", f"-I{TEMPLATES}", f"-I{DRIVER}",
               *map(str, sources), "-o", target]  # fmt: skip
    c_drivers.run(command, folder)
    return folder / target


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("link")
    return build(
        folder,
        "gcc",
        "link",
        *SANITIZERS,
        sources=[PROGRAMS / "link.c", *SOURCES, DRIVER / "line_linux.c"],
    )


@pytest.mark.slow
@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_compiler_warns_and_nothing_but_string_h_is_needed(
    compiler: str, tmp_path: Path
) -> None:
    build(tmp_path, compiler, "all.so", "-O2", "-shared", "-fPIC", sources=SOURCES)
    for source in SOURCES:
        text = source.read_text("utf-8")
        included = {line.split()[1] for line in text.splitlines() if line.startswith("#include")}
        assert included <= {"<string.h>", '"fpgacomp_link.h"', '"fpgacomp_framing.h"'}


def packets(chance: random.Random, count: int) -> list[Packet]:
    """Packets of any head, many of whose bytes need an escape."""
    special = bytes([0x7E, 0x7D, 0x5E, 0x5D, *range(0, 256, 17)])
    return [
        Packet(chance.randrange(16), chance.randrange(16), chance.randrange(256),
               bytes(chance.choices(special, k=chance.randrange(MOST + 1))))
        for _ in range(count)
    ]  # fmt: skip


class CPacket(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_uint8), ("port", ctypes.c_uint8), ("label", ctypes.c_uint8),
        ("body", ctypes.c_void_p), ("bytes", ctypes.c_size_t),
    )  # fmt: skip


class CDecoder(ctypes.Structure):
    _fields_ = (
        ("bytes", ctypes.c_void_p), ("room", ctypes.c_size_t), ("held", ctypes.c_size_t),
        ("crc", ctypes.c_uint32), ("escaped", ctypes.c_uint8), ("lost", ctypes.c_uint8),
        ("broken", ctypes.c_uint32),
    )  # fmt: skip


SINK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def test_the_codec_is_pythons_on_any_line(tmp_path: Path) -> None:
    """The same bytes for the same packets, and the same packets and drops for the same bytes."""
    library = ctypes.CDLL(
        str(build(tmp_path, "gcc", "codec.so", "-O2", "-shared", "-fPIC", sources=SOURCES[:1]))
    )
    library.fpgacomp_decoder_init.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    encoded = bytearray()

    @SINK
    def sink(_: Any, data: int, count: int) -> int:
        encoded.extend(ctypes.string_at(data, count))
        return 0

    for seed in range(60):
        chance = random.Random(seed)
        sent = packets(chance, 8)
        encoded.clear()
        for packet in sent:
            body = ctypes.create_string_buffer(packet.body, max(len(packet.body), 1))
            head = CPacket(packet.kind, packet.port, packet.label, ctypes.addressof(body),
                           len(packet.body))  # fmt: skip
            assert library.fpgacomp_packet_encode(ctypes.byref(head), sink, None) == 0
        assert bytes(encoded) == framing.encode_all(sent)
        line = spoiled(bytes(encoded), (0.0, 0.02, 0.2)[seed % 3], chance)
        most = chance.randrange(MOST + 1)
        room = ctypes.create_string_buffer(most + 6)
        decoder, found, packet_found = CDecoder(), [], CPacket()
        library.fpgacomp_decoder_init(ctypes.byref(decoder), room, most + 6)
        for byte in line:
            if library.fpgacomp_decode(ctypes.byref(decoder), byte, ctypes.byref(packet_found)):
                body_found = ctypes.string_at(packet_found.body, packet_found.bytes)
                found.append(Packet(packet_found.kind, packet_found.port, packet_found.label,
                                    body_found))  # fmt: skip
        python = Decoder(most)
        assert found == python.feed(line)
        assert decoder.broken == python.broken


@pytest.mark.slow
def test_the_codec_is_clean_under_sanitizers(program: Path) -> None:
    chance = random.Random(1)
    sent = packets(chance, 300)
    heads = b"".join(
        struct.pack(">BBBH", p.kind, p.port, p.label, len(p.body)) + p.body for p in sent
    )
    done = subprocess.run([program, "encode"], input=heads, capture_output=True, check=True)
    assert done.stdout == framing.encode_all(sent) and not done.stderr
    for most in (0, 1, MOST):
        for rate in (0.0, 0.1):
            line = spoiled(done.stdout, rate, chance)
            run = subprocess.run(
                [program, "decode", str(most + 6)], input=line, capture_output=True, check=True
            )
            python = Decoder(most)
            wanted = [f"{p.kind} {p.port} {p.label} {p.body.hex()}" for p in python.feed(line)]
            found = run.stdout.decode().splitlines()
            assert found == [*wanted, f"broken {python.broken}"] and not run.stderr


class Driven:
    """The program `link drive` with a device at the other end of its line."""

    def __init__(
        self, program: Path, line: ModelDevice, sent: list[np.ndarray[Any, Any]], *port: str
    ) -> None:
        self.line, self.sent = line, sent
        self.results: list[bytes] = []
        command = [str(program), "drive", str(len(sent[0])), *port]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        frame = 0
        while (what := self._read(1)) not in (b"E", b""):
            if what == b"W":
                line.write(self._read(int.from_bytes(self._read(2), "big")))
            elif what == b"R":
                most, wait = struct.unpack(">H", self._read(2))[0], self._read(8)
                data = line.read(most, min(int.from_bytes(wait, "little") / 1e6, 3600.0))
                self._write(struct.pack(">H", len(data)) + data)
            elif what == b"N":
                self._write(int(line.now() * 1e6).to_bytes(8, "little"))
            elif what == b"I":
                self._write(b"".join(array[frame].tobytes() for array in sent))
                frame += 1
            else:
                assert what == b"O"
                self.results.append(self._read(14))
        assert self.process.stdout is not None and self.process.stdin is not None
        self.status, *self.counts = map(int, self.process.stdout.read().split())
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0

    def _read(self, count: int) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.read(count)

    def _write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_frame_is_answered_once_and_right(seed: int, program: Path) -> None:
    """More frames than there are sequences, on lines from quiet to noisy, under sanitizers."""
    rate = (0.0, 0.002, 0.01, 0.02)[seed]
    line = device(rate=rate, seed=seed, lazy=0.1 * (seed % 3), window=(2, 4, 16)[seed % 3])
    sent = samples(300, seed)
    driven = Driven(program, line, sent)
    wanted = [b"".join(array[n].tobytes() for array in computed(*sent)) for n in range(300)]
    assert driven.status == 0 and driven.results == wanted
    frames, sent_again, computed_again = driven.counts
    assert frames == 300 and len(line.accepted) == 300 + computed_again
    assert (sent_again > 0) == (rate > 0)


def test_a_serial_port_of_linux_is_a_line(program: Path) -> None:
    """A pseudo-terminal in its place, with a device behind it that errs."""
    line, sent = device(rate=0.001, seed=1), samples(50)
    with at_a_port(line) as port:
        driven = Driven(program, line, sent, port)
    wanted = [b"".join(array[n].tobytes() for array in computed(*sent)) for n in range(50)]
    assert driven.status == 0 and driven.results == wanted
    assert Driven(program, line, sent, "/dev/nothing").status == 3


def test_a_serial_port_that_another_program_has_is_refused(program: Path) -> None:
    """Both would get answers to what the other one sent; Python's driver holds the same lock."""
    pytest.importorskip("serial", reason="pyserial is not installed")
    sent = samples(2)
    with at_a_port(line := device()) as port:
        transport = uart.connect(DEPLOYMENT, port, ModelDevice.baud)
        assert Driven(program, line, sent, port).status == 29
        with pytest.raises(TransferError, match="no other program does"):
            SerialLine(port, ModelDevice.baud)
        found = transport.finish(transport.start(sent), 60.0)
        assert [a.tolist() for a in found] == [a.tolist() for a in computed(*sent)]
        transport.close()
        assert Driven(program, line, sent, port).status == 0


def test_errors_of_the_other_end_have_their_status(program: Path) -> None:
    sent = samples(2)
    assert Driven(program, device(rate=1.0), sent).status == 41  # it does not answer
    assert Driven(program, device(identity="f" * 32), sent).status == 10  # another design
    other = device()
    other.outputs = [12, 3]
    assert Driven(program, other, sent).status == 9  # with other frames


@pytest.mark.slow
@noises
def test_a_line_that_never_stops_is_given_up(noise: bytes, program: Path) -> None:
    line = noisy(noise)
    line.silent = True
    assert Driven(program, line, samples(2)).status == 41

    class GoesSilent(NoisyLine):
        """Silent as soon as it took a frame."""

        def _take_data(self, packet: Packet) -> None:
            super()._take_data(packet)
            self.silent = True

    gone = device(GoesSilent)
    assert isinstance(gone, NoisyLine)
    gone.noise = noise
    assert Driven(program, gone, samples(2)).status == 41
