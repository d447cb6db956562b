"""cocotb testbench: every integer of the vectors, with pauses, wrong frames, and the registers.

interface.json describes the ports and registers, vectors/ holds frames with the answers that the
integer graph gives. Start it by `make` beside this file.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

HERE = Path(__file__).resolve().parent
INTERFACE = json.loads((HERE / "interface.json").read_text(encoding="utf-8"))
REGISTERS = {one["name"]: one["offset"] for one in INTERFACE["registers"]}
BITS = {
    f"{one['name']}.{bit['name']}": 1 << bit["bit"]
    for one in INTERFACE["registers"]
    for bit in one["bits"]
}
PERIOD_NS = 10  # of the simulation alone: cycles are what counts
PATIENCE_NS = PERIOD_NS * int(os.environ.get("PATIENCE", "10000000"))  # cycles until a frame is out


def frames_of(port: dict) -> list[bytes]:
    """The frames of a port in vectors/, as bytes on the bus."""
    size = port["size"] * port["container_bits"] // 8
    content = (HERE / "vectors" / port["file"]).read_bytes()
    return [content[at : at + size] for at in range(0, len(content), size)]


def integers(port: dict, frame: bytes) -> list[int]:
    """The integers in a frame."""
    step = port["container_bits"] // 8
    parts = (frame[at : at + step] for at in range(0, len(frame), step))
    return [int.from_bytes(part, "little", signed=port["signed"]) for part in parts]


class Bench:
    """The design with something at each of its ports."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.sources = {
            port["port"]: AxiStreamSource(
                AxiStreamBus.from_prefix(dut, port["port"]), dut.aclk, dut.aresetn, False
            )
            for port in INTERFACE["inputs"]
        }
        self.sinks = {
            port["port"]: AxiStreamSink(
                AxiStreamBus.from_prefix(dut, port["port"]), dut.aclk, dut.aresetn, False
            )
            for port in INTERFACE["outputs"]
        }
        bus = AxiLiteBus.from_prefix(dut, "s_axi_control")
        self.control = AxiLiteMaster(bus, dut.aclk, dut.aresetn, False)

    async def start(self) -> None:
        """The clock, and a reset."""
        cocotb.start_soon(Clock(self.dut.aclk, PERIOD_NS, unit="ns").start())
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 8)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 4)

    async def read(self, name: str) -> int:
        """What a register holds."""
        return await self.control.read_dword(REGISTERS[name])

    async def write(self, name: str, bits: str) -> None:
        """Write a 1 to a bit of a register."""
        await self.control.write_dword(REGISTERS[name], BITS[f"{name}.{bits}"])

    async def send(self, frame: int, cut=lambda content, beat: content) -> None:
        """Send a frame of the vectors to every input, whole or as `cut` leaves it."""
        for port in INTERFACE["inputs"]:
            beat = port["lanes"] * port["container_bits"] // 8
            content = cut(frames_of(port)[frame], beat)
            await self.sources[port["port"]].send(AxiStreamFrame(content))

    async def receive(self, frame: int | None) -> int:
        """Take a frame from every output; the number of integers compared with the vectors."""
        compared = 0
        for port in INTERFACE["outputs"]:
            found = await with_timeout(self.sinks[port["port"]].recv(), PATIENCE_NS, "ns")
            if frame is None:
                continue
            wanted = integers(port, frames_of(port)[frame])
            got = integers(port, bytes(found.tdata))
            assert len(got) == len(wanted), f"{port['port']}: {len(got)} integers in frame {frame}"
            for at, (one, other) in enumerate(zip(got, wanted)):
                assert one == other, (
                    f"{port['port']}, frame {frame}, integer {at}: {one} instead of {other}"
                )
            compared += len(got)
        return compared

    async def flags(self) -> list[int]:
        """The error flags of each input."""
        return [await self.read(f"IN{n}_ERRORS") for n in range(len(INTERFACE["inputs"]))]


def frame_count() -> int:
    """How many frames vectors/ holds."""
    return len(frames_of(INTERFACE["inputs"][0]))


async def all_frames(bench: Bench) -> None:
    """Send all frames one behind the other, and compare every answer."""
    for frame in range(frame_count()):
        await bench.send(frame)
    compared = [await bench.receive(frame) for frame in range(frame_count())]
    bench.dut._log.info("%d integers compared, all equal", sum(compared))


@cocotb.test()
async def every_integer(dut) -> None:
    """All frames at full speed; the registers say who it is and count the frames."""
    bench = Bench(dut)
    await bench.start()
    words = [await bench.read(f"IDENTITY_{n}") for n in range(4)]
    assert "".join(f"{word:08x}" for word in words) == INTERFACE["identity"]
    await all_frames(bench)
    await ClockCycles(dut.aclk, 4)
    for side in ("inputs", "outputs"):
        for number in range(len(INTERFACE[side])):
            name = f"{'IN' if side == 'inputs' else 'OUT'}{number}_FRAMES"
            assert await bench.read(name) == frame_count(), name
    assert not any(await bench.flags())


@cocotb.test()
async def every_integer_with_pauses(dut) -> None:
    """All frames while every port pauses at random and the registers are read all the time."""
    bench = Bench(dut)
    await bench.start()
    chance = random.Random(1)

    def pauses(longest: int):
        while True:
            pause = chance.random() < 0.5
            for _ in range(chance.randint(1, longest)):
                yield pause

    for end in (*bench.sources.values(), *bench.sinks.values()):
        end.set_pause_generator(pauses(8))
    channels = (bench.control.read_if.ar_channel, bench.control.read_if.r_channel)
    for channel in channels:
        channel.set_pause_generator(pauses(3))

    async def chatter() -> None:
        while True:
            await bench.control.read_dword(chance.choice(list(REGISTERS.values())))

    reader = cocotb.start_soon(chatter())
    await all_frames(bench)
    reader.cancel()


@cocotb.test()
async def wrong_frames(dut) -> None:
    """Frames that are too short or too long are flagged; the flag clears, the next is right."""
    bench = Bench(dut)
    await bench.start()
    cuts = {
        "SHORT": lambda content, beat: content[: max(beat, len(content) // 2 // beat * beat)],
        "LONG": lambda content, beat: content + content[:beat],
    }
    one_beat = any(
        port["beats"] == 1 for port in INTERFACE["inputs"]
    )  # such a frame cannot be too short
    for name, cut in cuts.items():
        if name == "SHORT" and one_beat:
            continue
        await bench.send(0, cut)
        await bench.receive(None)
        await bench.send(frame_count() - 1)
        await bench.receive(frame_count() - 1)
        assert await bench.flags() == [
            BITS[f"IN{n}_ERRORS.{name}"] for n in range(len(bench.sources))
        ]
        for number in range(len(bench.sources)):
            await bench.write(f"IN{number}_ERRORS", name)
        assert not any(await bench.flags())


@cocotb.test()
async def reset_in_mid_frame(dut) -> None:
    """A reset by the registers loses the frame in flight; the next one is right."""
    bench = Bench(dut)
    await bench.start()
    for end in (*bench.sources.values(), *bench.sinks.values()):
        end.pause = True
    await bench.send(0)
    for source in bench.sources.values():
        source.pause = False
    await ClockCycles(dut.aclk, 3)
    # The senders forget the rest of their frames, as a DMA does that is reset.
    for source in bench.sources.values():
        source.assert_reset()
    await ClockCycles(dut.aclk, 2)
    for source in bench.sources.values():
        source.assert_reset(False)
    await bench.write("CONTROL", "RESET")
    await ClockCycles(dut.aclk, 4)
    for end in (*bench.sources.values(), *bench.sinks.values()):
        end.pause = False
    for frame in reversed(range(frame_count())):
        await bench.send(frame)
        await bench.receive(frame)
