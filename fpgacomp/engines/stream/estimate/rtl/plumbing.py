"""What FIFOs, converters, windows and ports are made of."""

from __future__ import annotations

from math import ceil

from fpgacomp.engines.stream.estimate.rtl.reading import Reading, width_of
from fpgacomp.engines.stream.estimate.rtl.tally import Tally


def fifo(x: Reading, count: Tally) -> None:
    """A FIFO: its counters and flags, its words, and the word at its output."""
    bits, stored = x["BITS"], x["DEPTH"] - 1
    count.shell(0, bits)
    count.ffs(control=1 + stored.bit_length() + 2 * width_of(stored))
    count.luts(counter=2 * width_of(stored) + stored.bit_length(), word=bits, deep=stored > 1)
    if x["BLOCK"]:
        blocks = min(ceil(bits / b) * ceil(stored / w) for w, b in count.device.block_ram.shapes)
        count.whole["bram18"] += blocks
        count.ffs(word=bits, control=1)
        return
    if stored > 1:
        count.ffs(control=width_of(stored))  # where a word is read, kept once more
    count.fifo_words(bits, stored)


def convert(x: Reading, count: Tally) -> None:
    """A width converter."""
    one, other, unit = x["IN_BITS"], x["OUT_BITS"], x["UNIT"]
    filled = x.get("STEPS", 0) > 0
    count.shell(0, other)
    if filled:
        _filled(x, count, one, other, unit)
    elif other % one == 0:
        count.counter(other // one)
    elif one % other == 0:
        count.counter(one // other)
        count.ffs(control=1, rest=one - other)
        count.luts(select=one - other)
    else:
        _any(count, one, other, unit)


def _any(count: Tally, one: int, other: int, unit: int) -> None:
    """Two words in a row, into which one is shifted."""
    room = (one + other) // unit - 1
    held = room.bit_length()
    places = (other - 1) // unit + 1
    count.ffs(control=held, rest=room * unit)
    count.luts(held=held, shifted=one * max(places - 1, 1), select=room * unit)


def _filled(x: Reading, count: Tally, one: int, other: int, unit: int) -> None:
    if other % one == 0:
        count.counter(other // one, x["IN_WORDS"])
        count.luts(parts=other // one)
        return
    count.counter(x["IN_WORDS"], x["STEPS"])
    count.ffs(control=1)
    if one % other == 0:
        room = (one + other) // unit - 1
        count.ffs(control=room.bit_length(), rest=one - other)
        count.luts(held=room.bit_length(), select=one)
    else:
        _any(count, one, other, unit)


def window(x: Reading, count: Tally) -> None:
    """Windows in words, from a line buffer."""
    bits, depth, groups = x["BITS"], x["DEPTH"], x["GROUPS"]
    kernel = x["KERNEL_Y"], x["KERNEL_X"]
    writes = kernel[0] * kernel[1] * groups
    longest = depth + x["READS_ROW"] + x["READS_TAIL"] + x["READS_NEXT"] + writes
    cycle, place = longest.bit_length(), (2 * depth).bit_length()
    count.shell(1, 0)
    count.counter(groups, *kernel)
    across, down = x["ACROSS"].bit_length(), x["DOWN"].bit_length()
    address = width_of(depth)
    count.ffs(control=across + down, cycle=3 * cycle, place=2 * place + 2 * address)
    order = "place_inner" if x["DEPTHWISE"] else "place"
    count.luts(across=across + down, cycle=cycle, **{order: place + address})
    count.ram(bits, depth)


def window_parallel(x: Reading, count: Tally) -> None:
    """A window a word: the rows above in a memory, the window in registers."""
    bits, width, height = x["BITS"], x["WIDTH"], x["HEIGHT"]
    down = x["DILATION_Y"] * (x["KERNEL_Y"] - 1) + 1
    across = x["DILATION_X"] * (x["KERNEL_X"] - 1) + 1
    taps = x["KERNEL_Y"] * x["KERNEL_X"]
    count.shell(2, taps * bits)
    count.counter(width, height)
    nexts = (width + x["STRIDE_X"]).bit_length() + (height + x["STRIDE_Y"]).bit_length()
    count.luts(across=nexts)
    count.ffs(control=nexts + width_of(width) + 2, word=bits, rows=down * across * bits)
    if down > 1:
        count.ram((down - 1) * bits, width)


def pad(x: Reading, count: Tally) -> None:
    """A border around images."""
    rows, columns = (
        sum(x[name] for name in names)
        for names in (("TOP", "HEIGHT", "BOTTOM"), ("LEFT", "WIDTH", "RIGHT"))
    )
    count.shell(0, x["BITS"])
    count.counter(x["GROUPS"], rows, columns)
    count.luts(select=x["BITS"] if x["FILL"] else 0)


def repeat(x: Reading, count: Tally) -> None:
    """Pixels and rows once more."""
    bits, words = x["BITS"], x["WIDTH"] * x["GROUPS"]
    count.shell(1, bits)
    count.counter(x["GROUPS"], x["ACROSS"], x["WIDTH"], x["DOWN"])
    count.ffs(control=3 + width_of(words), word=bits)
    count.luts(select=bits, address=width_of(words))
    count.ram(bits, words, one_address=True)


def join(x: Reading, count: Tally) -> None:
    """Channels of several inputs, one after the other."""
    parts, word = x["PARTS"], x["LANES"] * x["OUT_BITS"]
    count.shell(0, word)
    count.ffs(control=width_of(parts) + 32)
    count.luts(select=word * (parts - 1), counter=32, parts=parts)


def duplicate(x: Reading, count: Tally) -> None:
    """Copies of each word."""
    count.shell(x["COPIES"] - 1, x["BITS"])
    count.luts(copies=x["COPIES"])


def source(x: Reading, count: Tally) -> None:
    """Words from an AXI4-Stream."""
    count.shell(5, x["LANES"] * x["BITS"])
    count.counter(x["BEATS"])
    if x["KIND"] == 2:
        count.luts(select=x["LANES"] * x["CONTAINER"])


def sink(x: Reading, count: Tally) -> None:
    """Words to an AXI4-Stream."""
    count.shell(1, x["LANES"] * min(x["BITS"], x["CONTAINER"]))
    count.counter(x["BEATS"])
    rest = x["LANES"] - x.get("REST", x["LANES"])
    count.ffs(control=rest > 0)


def control(x: Reading, count: Tally) -> None:
    """AXI4-Lite registers: those of the design, and three of each port."""
    ports = x["INPUTS"] + x["OUTPUTS"]
    count.luts(registers=1, port=ports)
    count.ffs(registers=100, port=64 * ports)
