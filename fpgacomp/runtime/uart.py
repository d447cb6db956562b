"""The host's side of the UART link: frames to a board without a processor, each answered once.

The device accepts a frame where its sequence is the expected one, and sends its results once
(hls_templates/link/README.md). This side keeps at most a window of frames under way and sends again
what was lost. Whatever goes wrong is mended in one way: stop sending, ask the device where it
is, and go on from there.

Only whole packets count as heard: what else is on the line, as the console of another device, makes
no wait longer.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any, Callable, Sequence

import numpy as np

from . import framing
from .deployment import Deployment
from .errors import DeviceError, DeviceTimeout, TransferError, WrongDesign
from .framing import Decoder, DeviceIdentity, LinkStatus, Packet
from .line import ByteLine, EmulatedLine, SerialLine
from .link_frames import LinkFrame, LinkJob
from .link_pace import ABOUT_BYTES, LinkPace
from .transport import count_frames

# How long a device and what lies between may take to answer, besides the time on the line: USB
# bridges collect bytes for up to 16 ms.
LATENCY_S = 0.1
# How often a request is sent before the device is taken to be gone.
ATTEMPTS = 12
_READ_BYTES = 4096
_WHERE = "the UART link"
_RESET = "reset the device, and send the frames again."
_LONGEST_PAUSE = 64  # times the latency, between two questions to a device that takes its time


def connect(deployment: Deployment, port: str, baud: int) -> UartTransport:
    """The way to a board at a serial port.

    Args:
        port: name of the serial port, as /dev/ttyUSB1.
        baud: of the line, as the bitstream was built for.

    Raises:
        DeviceError: see `SerialLine` and `UartTransport`.
    """
    line = SerialLine(port, baud)
    try:
        return UartTransport(line, deployment)
    except DeviceError:
        line.close()
        raise


def connect_emulated(deployment: Deployment, library: str | None = None) -> UartTransport:
    """The way to an emulated board at a serial line; see `EmulatedLine` for its library."""
    line = EmulatedLine(library)
    try:
        return UartTransport(line, deployment)
    except DeviceError:
        line.close()
        raise


class UartTransport:
    """A `Transport` over a line of bytes.

    Args:
        line: to the device, which is closed with the transport.
        deployment: what the device should hold.
        latency_s: seconds until the device answers, besides the time on the line.
        attempts: how often a request is sent before the device is taken to be gone.

    Raises:
        TransferError: nothing at the other end answers as a device of fpgacomp.
        WrongDesign: its frames are of other sizes.
    """

    def __init__(
        self,
        line: ByteLine,
        deployment: Deployment,
        *,
        latency_s: float = LATENCY_S,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._line = line
        self._inputs, self._outputs = deployment.inputs, deployment.outputs
        self._latency_s, self._attempts = latency_s, attempts
        self._pace = LinkPace(line.baud, deployment.outputs, latency_s, attempts)
        longest = max(port.frame_bytes for port in deployment.outputs)
        self._decoder = Decoder(max(longest, ABOUT_BYTES))
        self._labels = itertools.count(1)
        self._tokens = itertools.count(1)
        self._counts: dict[str, float] = dict.fromkeys(_COUNTED, 0)
        self._line_free = line.now()  # when the bytes that were written are on their way
        self._heard = line.now()
        self._asked: tuple[int, int] | None = None  # kind and label of the answer that is awaited
        self._act: Callable[[bytes], bool] = bool
        self._doubt = False  # whether the device is where it should be by what was sent
        self._foreign = False
        self._window = 1  # of a device that is not known yet
        self._forget()
        self._about = self._identify(deployment)
        self._window = self._about.window
        self.reset()

    def identity(self) -> str:
        """32 hexadecimal digits that the device answered with."""
        return self._about.identity

    @property
    def clock_hz(self) -> int:
        """What the device says that it runs on."""
        return self._about.clock_hz

    @property
    def window(self) -> int:
        """Frames that may be under way."""
        return self._about.window

    def start(self, frames: Sequence[np.ndarray[Any, Any]]) -> int:
        """Send frames; those beyond the window follow while `finish` waits.

        See `Transport.start`.
        """
        count = count_frames(frames, self._inputs)
        job = LinkJob(count, self._outputs)
        token = next(self._tokens)
        self._jobs[token] = job
        for index in range(count):
            bodies = [array[index].tobytes() for array in frames]
            self._waiting.append(LinkFrame(job, index, bodies))
        self._fill()
        return token

    def finish(self, token: int, timeout_s: float) -> list[np.ndarray[Any, Any]]:
        """Wait for the answers to what `start` sent; see `Transport.finish`."""
        job = self._jobs.get(token)
        if job is None:
            why = "these frames were answered already, or lost in a reset."
            raise TransferError(_WHERE, why, _RESET)
        until = self._line.now() + timeout_s
        pause = self._latency_s
        while job.missing:
            if self._doubt and self._settle(until):
                pause = self._latency_s
            self._fill()
            quiet = self._pace.quiet_at(self._line_free, self._heard, pause)
            heard = self._hear(min(until, quiet))
            if not job.missing:
                break
            if self._line.now() >= until:
                why = f"{job.missing} answers did not come within {timeout_s} s."
                raise DeviceTimeout(_WHERE, why, "allow more time, or reset the device.")
            if heard:
                pause = self._latency_s
            elif self._line.now() >= quiet:
                # Either something was lost, or the accelerator takes its time: ask less and less.
                self._doubt = True
                pause = min(2 * pause, _LONGEST_PAUSE * self._latency_s)
        del self._jobs[token]
        return list(job.results)

    def reset(self) -> None:
        """Lose everything in flight; the frame that is started next is answered right."""
        self._forget()
        self._restart(None)

    def close(self) -> None:
        """Give up the line."""
        self._line.close()

    def statistics(self) -> dict[str, float]:
        """Frames answered, bytes each way, what was lost, asked, and sent again."""
        return {**self._counts, "broken": self._decoder.broken}

    def _forget(self) -> None:
        """Begin anew: nothing is waiting or under way."""
        self._jobs: dict[int, LinkJob] = {}
        self._waiting: deque[LinkFrame] = deque()
        self._under_way: deque[LinkFrame] = deque()  # by sequence, without a gap
        self._first = 0  # sequence of the first that is under way
        self._doubt = False

    def _identify(self, deployment: Deployment) -> DeviceIdentity:
        found: list[DeviceIdentity] = []

        def read(body: bytes) -> bool:
            about = DeviceIdentity.parse(body)
            found.extend([] if about is None else [about])
            return about is not None

        self._request(framing.IDENTIFY, framing.IDENTITY, read, None)
        (about,) = found
        sizes = tuple(
            tuple(port.frame_bytes for port in ports)
            for ports in (deployment.inputs, deployment.outputs)
        )
        # Another design is found by its identity, which is told by whoever asks for it.
        if about.identity == deployment.identity and sizes != (about.inputs, about.outputs):
            raise WrongDesign(_WHERE, f"frames have {about.inputs} and {about.outputs} bytes "
                              f"instead of {sizes[0]} and {sizes[1]}.",
                              "load the bitstream of this package.")  # fmt: skip
        return about

    # What goes out.

    def _send(self, packets: Sequence[Packet]) -> None:
        data = framing.encode_all(packets)
        self._line.write(data)
        self._counts["bytes_sent"] += len(data)
        self._line_free = max(self._line_free, self._line.now()) + self._pace.seconds(len(data))

    def _fill(self) -> None:
        """Send what waits, as long as the window has room."""
        while self._waiting and len(self._under_way) < self._about.window and not self._doubt:
            self._under_way.append(self._waiting.popleft())
            self._send_frame(len(self._under_way) - 1, 0)

    def _send_frame(self, place: int, port: int) -> None:
        """Send a frame that is under way, from one of its ports on."""
        label = (self._first + place) & 255
        bodies = self._under_way[place].bodies
        self._send([
            Packet(framing.DATA, number, label, bodies[number])
            for number in range(port, len(bodies))
        ])  # fmt: skip

    # What comes in.

    def _hear(self, until: float) -> bool:
        """Take in what has come, packet by packet; wait for it until a time.

        Returns:
            Whether a whole packet came.
        """
        data = self._line.read(_READ_BYTES, until - self._line.now())
        if not data:
            return False
        self._counts["bytes_received"] += len(data)
        packets = self._decoder.feed(data)
        if packets:
            self._heard = self._line.now()
        for packet in packets:
            if packet.kind == framing.RESULT:
                self._take_result(packet)
            elif packet.kind == framing.ERROR:
                name = framing.ERRORS.get(packet.port, "unknown")
                self._counts[f"errors_{name}"] = self._counts.get(f"errors_{name}", 0) + 1
                self._doubt = True
            elif self._asked == (packet.kind, packet.label) and self._act(packet.body):
                self._asked = None
        return bool(packets)

    def _take_result(self, packet: Packet) -> None:
        place = (packet.label - self._first) & 255
        if place >= len(self._under_way) or packet.port >= len(self._outputs):
            self._counts["unexpected"] += 1
            return
        # Results come in order: what is not there of the frames before is not coming.
        self._give_up(place)
        frame = self._under_way[0]
        if len(packet.body) != self._outputs[packet.port].frame_bytes:
            raise WrongDesign(_WHERE, f"a result has {len(packet.body)} bytes.",
                              "load the bitstream of this package.")  # fmt: skip
        frame.results[packet.port] = packet.body
        if len(frame.results) == len(self._outputs):
            self._complete(frame)
        elif packet.port == len(self._outputs) - 1:
            self._give_up(1)

    def _complete(self, frame: LinkFrame) -> None:
        self._drop_first()
        for number, port in enumerate(self._outputs):
            values = np.frombuffer(frame.results[number], port.dtype)
            frame.job.results[number][frame.index] = values
        frame.job.missing -= 1
        self._counts["frames"] += 1

    def _give_up(self, count: int) -> None:
        """The results of the first frames were lost: they are computed again, as new frames."""
        lost = []
        for _ in range(count):
            frame = self._under_way[0]
            frame.results.clear()
            lost.append(frame)
            self._drop_first()
        self._waiting.extendleft(reversed(lost))
        self._counts["computed_again"] += count

    def _drop_first(self) -> None:
        self._under_way.popleft()
        self._first = (self._first + 1) & 255

    # When in doubt.

    def _settle(self, until: float) -> bool:
        """Ask the device where it is, and go on from there.

        Returns:
            Whether anything was lost.
        """
        before = self._lost()
        self._counts["settled"] += 1
        if self._request(framing.STATUS, framing.STATUS_IS, self._go_on, until) and self._foreign:
            self._restart(until)
        return self._lost() > before

    def _lost(self) -> float:
        return self._counts["sent_again"] + self._counts["computed_again"]

    def _go_on(self, body: bytes) -> bool:
        """Go on where the device is, unless it cannot be there by what was sent to it."""
        status = LinkStatus.parse(body)
        if status is None:
            return False
        accepted = (status.expected - self._first) & 255
        answered = (status.answered - self._first) & 255
        there = len(self._under_way)
        partly = (accepted == there and status.port > 0) or status.port >= len(self._inputs)
        self._foreign = partly or not answered <= accepted <= there
        if self._foreign:
            return True
        self._doubt = False
        self._give_up(answered)
        for place in range(accepted - answered, len(self._under_way)):
            self._send_frame(place, status.port if place == accepted - answered else 0)
            self._counts["sent_again"] += 1
        return True

    def _restart(self, until: float | None) -> None:
        """Begin at sequence 0, and send everything that is under way anew."""

        def begin(body: bytes) -> bool:
            if LinkStatus.parse(body) is None:
                return False
            self._give_up(len(self._under_way))
            self._first = 0
            self._doubt = False
            return True

        if self._request(framing.RESET, framing.RESET_DONE, begin, until):
            self._counts["resets"] += 1

    def _request(
        self, kind: int, answer: int, act: Callable[[bytes], bool], until: float | None
    ) -> bool:
        """Send a request until its answer comes.

        Args:
            act: called with the body of the answer, before anything behind it is taken in; false
                where it is none.
            until: when to give up, or None: by the attempts and their bound alone.

        Returns:
            Whether it came before that time.

        Raises:
            TransferError: no attempt was answered, or none within `LinkPace.patience_s`.
        """
        label = next(self._labels) & 255
        self._asked, self._act = (answer, label), act
        begun = self._line.now()
        # A device that says whatever else without end makes each wait longer, but not all of them.
        bound = max(self._line_free, begun) + self._pace.patience_s(self._window)
        last = bound if until is None else min(bound, until)
        asked = 0
        while asked < self._attempts and self._line.now() < last:
            self._send([Packet(kind, 0, label)])
            asked += 1
            while self._line.now() < (end := min(self._quiet_at(), last)):
                self._hear(end)
                if self._is_answered():
                    return True
            self._counts["asked_again"] += 1
        if until is not None and self._line.now() >= until:
            return False
        waited = self._line.now() - begun
        raise TransferError(_WHERE, f"the device did not answer {asked} requests in {waited:.3g} "
                            "s.", "check cable, baud rate and bitstream.")  # fmt: skip

    def _quiet_at(self) -> float:
        return self._pace.quiet_at(self._line_free, self._heard, self._latency_s)

    def _is_answered(self) -> bool:
        return self._asked is None


_COUNTED = (
    "frames", "bytes_sent", "bytes_received", "settled", "asked_again", "sent_again",
    "computed_again", "unexpected", "resets",
)  # fmt: skip
