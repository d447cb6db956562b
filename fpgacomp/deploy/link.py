"""The UART host link of a board without a processor: its top module, from hls_templates/link."""

from __future__ import annotations

from dataclasses import dataclass

from fpgacomp.deploy.link_memory import WINDOWS, LinkPort, window_of, with_spram
from fpgacomp.engines.stream.rtl.interface import RtlInterface
from fpgacomp.engines.stream.rtl.registers import RegisterMap
from fpgacomp.errors import UsageError
from fpgacomp.host.resources import data_folder
from fpgacomp.host.templates import templates
from fpgacomp.results.project import Project

TEMPLATES = data_folder("hls_templates") / "link"
# A single-port RAM as simulators see it; a tool that builds for one has its primitive instead.
SPRAM = "fpgacomp_link_spram.sv"
VERSION = 1  # of what is said on the line (hls_templates/link/README.md)
_PHASE = 1 << 16  # steps of the accumulator in fpgacomp_uart_tick
_OVERSAMPLES = (8, 4)  # samples a bit: the better one first
_MOST_ERROR = 0.01  # of the baud rate, which leaves as much for the other end of the line
_MOST_PORTS = 16  # a port has four bits of a packet's head
_PATIENCE_S = 1 / 16  # until a half-received packet is dropped: far above a pause of a USB bridge
_CRC_BYTES = 4


@dataclass(frozen=True)
class LinkTop:
    """Everything that the template of the top module reads.

    Args:
        accelerator: name of the module behind the link.
        identity: 32 hexadecimal digits of the accelerator.
        address_bits: of the accelerator's control registers.
        window: frames that may be under way, a power of two.
        patience: clock cycles after which a half-received packet is dropped, a power of two.
    """

    accelerator: str
    identity: str
    inputs: tuple[LinkPort, ...]
    outputs: tuple[LinkPort, ...]
    address_bits: int
    clock_hz: int
    baud: int
    oversample: int
    increment: int
    window: int
    patience: int

    @property
    def name(self) -> str:
        """Of the top module."""
        return f"{self.accelerator}_uart"

    @property
    def slot_bits(self) -> int:
        """Bits of a slot's number."""
        return self.window.bit_length() - 1

    @property
    def length_bits(self) -> int:
        """Bits of a packet's length, which stops at the highest number: no frame has that."""
        longest = max(port.frame_bytes for port in self.inputs) + _CRC_BYTES
        return (longest + 1).bit_length()

    @property
    def about(self) -> bytes:
        """What the answer to IDENTIFY holds."""
        counts = bytes([VERSION, len(self.inputs), len(self.outputs), self.window])
        sizes = [port.frame_bytes for port in (*self.inputs, *self.outputs)]
        words = b"".join(number.to_bytes(4, "little") for number in (self.clock_hz, *sizes))
        return counts + bytes.fromhex(self.identity) + words

    @property
    def about_hex(self) -> str:
        """The same as one number, its first byte the lowest."""
        return self.about[::-1].hex()


def link_top(
    interface: RtlInterface,
    clock_hz: int,
    baud: int,
    *,
    window: int | None = None,
    patience_cycles: int | None = None,
    spram: int = 0,
) -> Project:
    """The files of a UART host link around an accelerator.

    Args:
        interface: of the accelerator (rtl/interface.json).
        clock_hz: of the clock that both run on.
        baud: of the line, a quarter of the clock at most.
        window: frames that may be under way, a power of two from 2 to 16; as many as the smallest
            block RAM holds where it is None.
        patience_cycles: clock cycles after which a half-received packet is dropped, rounded up to
            a power of two; a sixteenth of a second where it is None.
        spram: single-port RAMs of the device, into which the largest buffers go.

    Returns:
        TOP_uart.sv and the modules of the link, one a file and all in one folder. The module
        TOP_uart has the ports clk, reset_n, rx, tx, led_busy and led_fault and holds the
        accelerator, whose files (rtl/TOP.sv, rtl/lib/) and tables are built with them.

    Raises:
        UsageError: the clock does not give the baud rate, or the design has too many ports.
    """
    top = top_of(
        interface, clock_hz, baud, window=window, patience_cycles=patience_cycles, spram=spram
    )
    files = {path.name: path.read_bytes() for path in sorted(TEMPLATES.glob("*.sv"))}
    if not any(port.spram for port in top.inputs):
        del files[SPRAM]
    files[f"{top.name}.sv"] = render("top.sv", top=top)
    return Project(files)


def timing_of(clock_hz: int, baud: int) -> tuple[int, int]:
    """Samples a bit, and the step of the accumulator that gives a tick for each of them.

    Raises:
        UsageError: no step gives the baud rate to 1 %.
    """
    for oversample in _OVERSAMPLES:
        increment = round(_PHASE * oversample * baud / clock_hz)
        if not 0 < increment <= _PHASE:
            continue
        error = abs(increment * clock_hz / (_PHASE * oversample * baud) - 1)
        if error <= _MOST_ERROR:
            return oversample, increment
    raise UsageError(
        "the UART link", f"{baud} baud cannot be made from a clock of {clock_hz} Hz to 1 %.",
        f"choose a rate from {_slowest(clock_hz)} to {clock_hz // _OVERSAMPLES[-1]} baud.",
    )  # fmt: skip


def _slowest(clock_hz: int) -> int:
    """The lowest rate whose step is so large that rounding it costs less than 1 %."""
    least = round(0.5 / _MOST_ERROR)
    return -(-least * clock_hz // (_PHASE * _OVERSAMPLES[0]))


def top_of(
    interface: RtlInterface,
    clock_hz: int,
    baud: int,
    *,
    window: int | None,
    patience_cycles: int | None,
    spram: int = 0,
) -> LinkTop:
    """What the template of the top module is told; see `link_top`."""
    inputs = tuple(LinkPort.of(port) for port in interface.inputs)
    outputs = tuple(LinkPort.of(port) for port in interface.outputs)
    for side, ports in (("inputs", inputs), ("outputs", outputs)):
        if len(ports) > _MOST_PORTS:
            why = f"the design has {len(ports)} {side}; a packet tells {_MOST_PORTS} apart."
            raise UsageError("the UART link", why, "join some of them in the network.")
    if window is not None and window not in WINDOWS:
        raise UsageError("the UART link", f"a window of {window} frames is none of "
                         f"{', '.join(map(str, WINDOWS))}.", "choose one of these.")  # fmt: skip
    oversample, increment = timing_of(clock_hz, baud)
    cycles = patience_cycles if patience_cycles is not None else round(clock_hz * _PATIENCE_S)
    registers = RegisterMap(
        interface.identity,
        tuple(port.name for port in inputs),
        tuple(port.name for port in outputs),
    )
    frames = window or window_of(inputs)
    return LinkTop(
        accelerator=interface.top,
        identity=interface.identity,
        inputs=with_spram(inputs, frames, spram),
        outputs=outputs,
        address_bits=registers.address_bits,
        clock_hz=clock_hz,
        baud=baud,
        oversample=oversample,
        increment=increment,
        window=frames,
        patience=1 << max(cycles - 1, 1).bit_length(),
    )


def render(template: str, /, **context: object) -> bytes:
    """The content of a file from `template`.j2; a field that the context lacks is an error."""
    return templates("link").get_template(f"{template}.j2").render(**context).encode()
