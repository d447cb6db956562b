"""A card for tests of the transport through XRT, and a module with the names of pyxrt around it.

The module has what pyxrt.cpp binds in sources of XRT from 2021 to 2026, with the same numbers of
arguments. The card has the compute units of a link.cfg, which take the arguments of a movers.cpp,
and computes with the integer graph.
"""

from __future__ import annotations

import enum
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from fpgacomp.ir import interpreter
from fpgacomp.ir.graph import Graph
from fpgacomp.runtime.deployment import FramePort


class State(enum.Enum):
    """ert_cmd_state of ert.h, of which pyxrt names all but RUNNING."""

    ERT_CMD_STATE_NEW = 1
    ERT_CMD_STATE_QUEUED = 2
    RUNNING = 3
    ERT_CMD_STATE_COMPLETED = 4
    ERT_CMD_STATE_ERROR = 5
    ERT_CMD_STATE_ABORT = 6
    ERT_CMD_STATE_SUBMITTED = 7
    ERT_CMD_STATE_TIMEOUT = 8
    ERT_CMD_STATE_NORESPONSE = 9


class Direction(enum.Enum):
    """xclBOSyncDirection."""

    XCL_BO_SYNC_BO_TO_DEVICE = 0
    XCL_BO_SYNC_BO_FROM_DEVICE = 1


@dataclass
class Command:
    """What a compute unit was told to do: carry `frames` frames of `beats` beats."""

    memory: Any
    beats: int
    frames: int
    carried: int = 0
    state: State = State.ERT_CMD_STATE_QUEUED


@dataclass
class Unit:
    """A compute unit: a data mover, with the commands that wait for it."""

    kernel: str
    stream: str
    group: int
    queue: deque[Command] = field(default_factory=deque)
    holders: int = 0


class Card:
    """A card that can be told to fail.

    Args:
        graph: that the accelerator computes.
        inputs, outputs: its ports, in order.
        link: content of link.cfg.
        movers: content of movers.cpp.
    """

    def __init__(
        self, graph: Graph, inputs: tuple[FramePort, ...], outputs: tuple[FramePort, ...],
        link: str, movers: str,
    ) -> None:  # fmt: skip
        self.graph, self.inputs, self.outputs = graph, inputs, outputs
        self.arguments = arguments_of(movers)
        streams = dict(re.findall(r"stream_connect=(\w+)\.to:accelerator\.(\w+)", link))
        streams |= {
            unit: stream
            for stream, unit in re.findall(r"stream_connect=accelerator\.(\w+):(\w+)\.from", link)
        }
        found = [(k, unit) for k, unit in re.findall(r"nk=(\w+):1:(\w+)", link) if unit in streams]
        self.units = {
            f"{kernel}:{{{unit}}}": Unit(kernel, streams[unit], group)
            for group, (kernel, unit) in enumerate(found)
        }
        self.loaded = ""  # UUID
        self.stalled = False  # the accelerator takes no frame
        self.fails: State | None = None  # in which the next command ends
        self.refuses = 0  # commands that are taken before one is refused; 0: none is
        self.deepest = 0
        self.memory = 0  # bytes of buffers
        self.most_memory = 1 << 40
        self._streams: dict[str, deque[bytes]] = {}
        self.reset()

    def reset(self) -> None:
        """What `xbutil reset` does."""
        self.loaded, self.stalled = "", False
        for unit in self.units.values():
            unit.queue.clear()
        self._streams = {port.port: deque() for port in (*self.inputs, *self.outputs)}

    def take(self, unit: Unit, command: Command) -> None:
        """Put a command into a unit's queue."""
        if self.refuses:
            self.refuses -= 1
            if not self.refuses:
                raise RuntimeError("Invalid argument: exec buf submission failed")
        unit.queue.append(command)
        self.deepest = max(self.deepest, len(unit.queue))

    def run(self) -> None:
        """Let everything happen that can."""
        while any([*(self._step(unit) for unit in self.units.values()), self._compute()]):
            pass

    def _step(self, unit: Unit) -> bool:
        if not unit.queue:
            return False
        command, stream = unit.queue[0], self._streams[unit.stream]
        command.state = State.RUNNING
        sends = unit.stream in {port.port for port in self.inputs}
        bits = int(unit.kernel.rpartition("_")[2])
        size = command.beats * bits // 8
        moved = False
        while command.carried < command.frames and (sends or stream):
            place = slice(command.carried * size, (command.carried + 1) * size)
            if sends:
                stream.append(bytes(command.memory[place]))
            else:
                command.memory[place] = stream.popleft()
            command.carried += 1
            moved = True
        if command.carried == command.frames:
            unit.queue.popleft()
            command.state, self.fails = self.fails or State.ERT_CMD_STATE_COMPLETED, None
            moved = True
        return moved

    def _compute(self) -> bool:
        count = min(len(self._streams[port.port]) for port in self.inputs)
        if self.stalled or not count:
            return False
        given = {}
        for port in self.inputs:
            rows = [self._streams[port.port].popleft() for _ in range(count)]
            assert {len(row) for row in rows} == {row_of(port)}
            values = np.stack([np.frombuffer(row, port.dtype)[: port.size] for row in rows])
            given[port.tensor] = values.astype(np.int64).reshape(count, *port.shape)
        for tensor, port in zip(self.graph.outputs, self.outputs, strict=True):
            values = interpreter.run(self.graph, given)[tensor.name].reshape(count, -1)
            rows = np.full((count, row_of(port)), 0xA5, np.uint8)
            rows[:, : port.frame_bytes] = values.astype(port.dtype).view(np.uint8)
            self._streams[port.port].extend(row.tobytes() for row in rows)
        return True


def row_of(port: FramePort) -> int:
    """Bytes of the beats of a frame."""
    return port.beats * port.lanes * port.container_bits // 8


def arguments_of(movers: str) -> dict[str, list[str]]:
    """The arguments of each kernel of a movers.cpp."""
    found = {}
    for kernel, text in re.findall(r"^void (\w+)\((.*?)\) \{", movers, re.MULTILINE | re.DOTALL):
        while "<" in text:
            text = re.sub(r"<[^<>]*>", "", text)
        found[kernel] = [re.findall(r"\w+", argument)[-1] for argument in text.split(",")]
    return found


class FakePyxrt(ModuleType):
    """pyxrt of a machine with one card."""

    def __init__(self, card: Card, uuids: Mapping[str, str]) -> None:
        """
        Args:
            card: number 0.
            uuids: of each .xclbin, by its content.
        """
        super().__init__("pyxrt")
        self.ert_cmd_state, self.xclBOSyncDirection = State, Direction

        class uuid:  # noqa: N801
            def __init__(self, text: str) -> None:
                self.text = text

            def to_string(self) -> str:
                return self.text

        class xclbin:  # noqa: N801
            def __init__(self, filename: str) -> None:
                content = Path(filename).read_text(encoding="utf-8")
                if content not in uuids:
                    raise RuntimeError("Invalid xclbin")
                self.uuid = uuids[content]

            def get_uuid(self) -> uuid:
                return uuid(self.uuid)

        class device:  # noqa: N801
            def __init__(self, index: int) -> None:
                if index != 0:
                    raise RuntimeError(f"Could not open device with index '{index}'")

            def load_xclbin(self, image: xclbin) -> uuid:
                held = any(unit.holders for unit in card.units.values())
                if card.loaded and card.loaded != image.uuid and held:
                    raise RuntimeError("Device or resource busy")
                card.loaded = card.loaded if card.loaded.startswith("locked") else image.uuid
                return image.get_uuid()

            def get_xclbin_uuid(self) -> uuid:
                return uuid(card.loaded)

        class kernel:  # noqa: N801
            class cu_access_mode(enum.Enum):  # noqa: N801
                exclusive = 0
                shared = 1
                none = 2

            def __init__(self, on: device, which: uuid, name: str, mode: Any) -> None:
                self.unit: Unit | None = None
                assert which.text == card.loaded
                if name not in card.units:
                    raise RuntimeError(f"No compute units matching '{name}'")
                unit = card.units[name]
                if mode is not self.cu_access_mode.exclusive or unit.holders:
                    raise RuntimeError("Device or resource busy")
                self.unit = unit
                unit.holders += 1

            def __del__(self) -> None:
                if self.unit is not None:
                    self.unit.holders -= 1

            def group_id(self, argument: int) -> int:
                assert self.unit is not None
                assert card.arguments[self.unit.kernel][argument] == "memory"
                return self.unit.group

        class bo:  # noqa: N801
            class flags(enum.Enum):  # noqa: N801
                normal = 0

            def __init__(self, on: device, size: int, flags: Any, group: int) -> None:
                self.group, self.there, self.here = group, bytearray(), bytearray()
                if card.memory + size > card.most_memory:
                    raise MemoryError("std::bad_alloc")
                self.here, self.there = bytearray(size), bytearray(b"\xee") * size
                card.memory += size

            def __del__(self) -> None:
                card.memory -= len(self.there)

            def map(self) -> memoryview:
                return memoryview(self.here)

            def sync(self, direction: Direction, size: int, offset: int) -> None:
                place = slice(offset, offset + size)
                assert offset >= 0 and offset + size <= len(self.here)
                if direction is Direction.XCL_BO_SYNC_BO_TO_DEVICE:
                    self.there[place] = self.here[place]
                else:
                    self.here[place] = self.there[place]

        class run:  # noqa: N801
            def __init__(self, of: kernel) -> None:
                self.kernel, self.given = of, dict[str, Any]()
                self.command: Command | None = None

            def set_arg(self, index: int, value: Any) -> None:
                assert self.kernel.unit is not None
                name = card.arguments[self.kernel.unit.kernel][index]
                assert isinstance(value, bo) == (name == "memory")
                assert name == "memory" or (type(value) is int and 0 <= value < 1 << 31)
                self.given[name] = value

            def start(self) -> None:
                unit = self.kernel.unit
                assert unit is not None and self.given["memory"].group == unit.group
                there = self.given["memory"].there
                self.command = Command(there, self.given["beats"], self.given["frames"])
                card.take(unit, self.command)

            def state(self) -> State:
                card.run()
                return State.ERT_CMD_STATE_NEW if self.command is None else self.command.state

            def wait(self, timeout_ms: int) -> State:
                state = self.state()
                assert state.value > 3 and state.value != 7, "this may never return"
                return state

        self.device, self.xclbin, self.kernel, self.bo, self.run = device, xclbin, kernel, bo, run
