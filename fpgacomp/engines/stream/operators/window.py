"""Window: an image's sliding windows, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

import numpy as np

from fpgacomp.engines.shared.terms import Terms, unit_terms
from fpgacomp.engines.stream.emit.calls import Buffer, Call, word_buffer
from fpgacomp.engines.stream.emit.tables import cpp_type
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms
from fpgacomp.engines.stream.operators.operator import CostKind, OneToOne
from fpgacomp.engines.stream.rtl.instance import Instance
from fpgacomp.engines.stream.shapes import Pair, Shape
from fpgacomp.engines.stream.storage import buffer_storage
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.engines.stream.timing.steps import Pattern, Steps

Order = Literal["channels_inner", "kernel_inner"]
_CPP_ORDER: dict[Order, str] = {
    "channels_inner": "ChannelsInner",
    "kernel_inner": "KernelInner",
}


@dataclass(frozen=True, kw_only=True)
class Window(OneToOne):
    """Writes every window of an image.

    Args:
        shape: of the input.
        order: of a window's words. channels_inner: for each tap all channels, as a
            MatrixVector reads them. kernel_inner: for each group of `lanes` channels all
            taps, as a VectorVector or a pool reads them. Where `parallel`, a window is
            one word, in channels_inner order, and comes from whole pixels.
    """

    cost_kind: ClassVar[CostKind] = "window"
    narrow: ClassVar[bool] = False

    shape: Shape
    kernel: Pair
    strides: Pair
    dilations: Pair
    order: Order

    @property
    def positions(self) -> Pair:
        """Windows down and across."""
        down, across = (
            (n - e) // s + 1 for n, e, s in zip(self.shape[:2], self.extent, self.strides)
        )
        return down, across

    @property
    def parallel(self) -> bool:
        """A whole window per word, a pixel a cycle; else one word of `lanes` channels a cycle."""
        return self.output.lanes > self.input.lanes

    @property
    def extent(self) -> Pair:
        """Rows and columns that a window spans."""
        down, across = (d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations))
        return down, across

    @property
    def groups(self) -> int:
        """Input words of a pixel."""
        return self.shape[2] // self.input.lanes

    @property
    def buffer_words(self) -> int:
        """Input words that the line buffer holds.

        They are one window's span in input order; where `parallel`, the whole rows above the
        current one.
        """
        rows, columns = self.extent
        if self.parallel:
            return max(1, rows - 1) * self.shape[1]
        return ((rows - 1) * self.shape[1] + columns) * self.groups

    @property
    def cycles(self) -> int:
        """Cycles per frame, exactly (hls_templates/stream/README.md explains the schedule)."""
        if self.parallel:
            return self.input.words
        groups, taps = self.groups, prod(self.kernel)
        (down, across), (rows, columns) = self.positions, self.strides
        width = self.shape[1]

        def slot(reads: int) -> int:
            return taps * groups + self._alone(reads)

        first = slot(self.buffer_words)
        following = slot(columns * groups)
        row = slot((width * rows - (across - 1) * columns) * groups)
        return first + down * (across - 1) * following + (down - 1) * row + self._tail

    @property
    def _tail(self) -> int:
        """Input words behind the last window."""
        (down, across), (rows, columns) = self.positions, self.strides
        before = ((down - 1) * rows * self.shape[1] + (across - 1) * columns) * self.groups
        return self.input.words - before - self.buffer_words

    def _alone(self, reads: int) -> int:
        """Cycles in which a window with so many new words reads and writes nothing."""
        return max(0, reads - self._ahead)

    @property
    def _ahead(self) -> int:
        """Words of a window's input that may still be missing when its first word is written."""
        taps = prod(self.kernel)
        return taps * self.groups if self.order == "channels_inner" else self.groups + taps - 1

    def steps(self, limit: int) -> Steps:
        """The slots of hls_templates/stream/include/fpgacomp/window.hpp."""
        if self.parallel:
            return self._parallel_steps()
        (down, across), (step_down, step_across) = self.positions, self.strides
        width, groups = self.shape[1], self.groups
        fine = self.cycles <= limit
        following = self._slot(step_across * groups, fine=fine)
        row = self._slot((width * step_down - (across - 1) * step_across) * groups, fine=fine)
        others = following.times(across - 1)
        frame = self._slot(self.buffer_words, fine=fine).then(others)
        frame = frame.then(row.then(others).times(down - 1))
        tail = self.input.words - int(frame.reads.sum())
        return frame.then(self._reading(tail, fine=fine)).steps()

    def _parallel_steps(self) -> Steps:
        """A pixel a step; the last pixel of a window's span writes the window."""
        height, width, _ = self.shape
        (down, across), (step_down, step_across) = self.positions, self.strides
        rows, columns = self.extent
        ends = np.zeros((height, width), dtype=np.int64)
        ends[rows - 1 :: step_down, columns - 1 :: step_across][:down, :across] = 1
        return Pattern.of([np.ones(height * width)], [ends.ravel()]).steps()

    def _slot(self, reads: int, *, fine: bool) -> Pattern:
        """One window: reads alone until the writes can no longer overtake them, then both."""
        writes = prod(self.kernel) * self.groups
        alone = self._alone(reads)
        rest = reads - alone
        if fine:
            both = Pattern.of([np.arange(writes) < rest], [np.ones(writes)])
        else:
            after = np.array([writes - max(rest, 1) + 1], dtype=np.int64)
            counts = (np.array([[rest]]), np.array([[writes]]), np.array([writes]))
            both = Pattern(*counts, after)
        return self._reading(alone, fine=fine).then(both)

    def _reading(self, words: int, *, fine: bool) -> Pattern:
        """Words that are read while none is written, one a step or a pixel a step."""
        size = 1 if fine else self.groups
        reads = np.full(-(-words // size), size, dtype=np.int64)
        if words:
            reads[-1] = words - size * (len(reads) - 1)
        after = np.ones_like(reads)
        return Pattern(reads[:, None], np.zeros_like(reads)[:, None], reads, after)

    def terms(self, port_bits: int) -> Terms:
        bits = self.input.bits
        rows, columns = self.extent
        control = window_control(self.shape[:2], self.kernel, self.groups, self.buffer_words)
        unit = window_terms(control, self.output.bits)
        if not self.parallel:
            return added(unit, buffer_terms(bits, self.buffer_words))
        kept = buffer_terms(bits * max(1, rows - 1), self.shape[1])
        return added(unit, kept, unit_terms({}, {"register": bits * rows * columns}))

    def call(self, streams: tuple[str, ...], tables: str, port_bits: int) -> Call:
        geometry = (*self.shape, *self.kernel, *self.strides, *self.dilations)
        if not self.parallel:
            buffer = word_buffer("buffer", self.input, self.buffer_words)
            parameters = (*geometry, _CPP_ORDER[self.order])
            return Call("sliding_window", parameters, (*streams, buffer.name), buffers=(buffer,))
        _, width, channels = self.shape
        above = max(1, self.extent[0] - 1) * channels
        storage = buffer_storage(above * element_bits(self.input.type), width)
        columns = Buffer("columns", f"Vec<{cpp_type(self.input.type)}, {above}>", width, storage)
        arguments = (*streams, columns.name)
        return Call("sliding_window_parallel", geometry, arguments, buffers=(columns,))

    def stages(self, port_bits: int) -> int:
        return 3 if self.parallel else 2

    def instance(self, tables: str, port_bits: int) -> Instance:
        height, width, _ = self.shape
        shared = {
            "WIDTH": width, "KERNEL_Y": self.kernel[0], "KERNEL_X": self.kernel[1],
            "DILATION_Y": self.dilations[0], "DILATION_X": self.dilations[1],
        }  # fmt: skip
        if self.parallel:
            own = {"BITS": self.input.bits, "HEIGHT": height,
                   "STRIDE_Y": self.strides[0], "STRIDE_X": self.strides[1]}  # fmt: skip
            return Instance("fpgacomp_window_parallel", shared | own)
        (down, across), (step_down, step_across) = self.positions, self.strides
        following = step_across * self.groups
        row = (width * step_down - (across - 1) * step_across) * self.groups
        return Instance(
            "fpgacomp_window",
            shared
            | {
                "BITS": self.input.bits, "GROUPS": self.groups, "ACROSS": across, "DOWN": down,
                "DEPTHWISE": int(self.order == "kernel_inner"), "DEPTH": self.buffer_words,
                "READS_NEXT": following, "READS_ROW": row, "READS_TAIL": self._tail,
                "START_FIRST": self._alone(self.buffer_words),
                "START_NEXT": self._alone(following), "START_ROW": self._alone(row),
            },
        )  # fmt: skip


def window_control(size: Pair, kernel: Pair, groups: int, words: int) -> int:
    """Bits of the counters of a window: image, kernel and channels, two addresses of its buffer.

    Args:
        size: rows and columns of the image.
        groups: input words of a pixel.
        words: that the line buffer holds.
    """
    counters = (*size, *kernel, groups, words, words)
    return sum((n - 1).bit_length() for n in counters)


def window_terms(control: int, output_bits: int) -> Terms:
    """A window without its line buffer; `control` as `window_control` counts it."""
    return unit_terms({"process": 1, "wire": output_bits, "window_control": control},
                      {"process": 1, "wire": output_bits, "window_control": control})  # fmt: skip
