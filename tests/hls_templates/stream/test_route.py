"""add, duplicate, concat, upsample, width conversion, argmax and AXI, under each header set."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.ir.types import BIPOLAR, IntArray, IntType
from tests.support import stream_harness as sh

pytestmark = pytest.mark.slow
U8 = IntType(0, 255)


def _body(streams: list[str], feeds: list[str], call: str, ends: list[str]) -> str:
    return "".join(streams) + "".join(feeds) + call * sh.FRAMES + "".join(ends)


def _multiplier(
    rng: np.random.Generator, name: str, groups: int, fold: int
) -> tuple[str, IntArray]:
    rows = int(rng.choice([1, groups]))
    values = rng.integers(-9, 10, size=(rows, fold))
    return sh.rom(name, values, IntType.of_values(values)), np.broadcast_to(values, (groups, fold))


def _add(rng: np.random.Generator, number: int) -> sh.Case:
    pixels, channels = int(rng.integers(1, 12)), int(rng.integers(1, 9))
    fold = sh.divisor(rng, channels)
    groups = channels // fold
    types = (BIPOLAR if number == 0 else sh.random_type(rng), sh.random_type(rng))
    a, b = (sh.draw(rng, t, (sh.FRAMES, pixels, groups, fold)) for t in types)
    constants = ""
    if number % 2:
        rom_a, ma = _multiplier(rng, "ma", groups, fold)
        rom_b, mb = _multiplier(rng, "mb", groups, fold)
        constants, y = f"{rom_a}\n{rom_b}", a * ma + b * mb
        call = f"scaled_add<{channels}, {pixels}>(a, b, out, ma, mb);\n"
    else:
        y = a + b
        call = f"add<{pixels * groups}>(a, b, out);\n"
    result = IntType(min(-1, int(y.min())), max(1, int(y.max())))
    streams = [sh.stream(n, sh.ctype(t), fold) for n, t in zip("ab", types)]
    streams.append(sh.stream("out", sh.ctype(result), fold))
    feeds = [f"feed({n}, {a.size // fold});\n" for n in "ab"]
    ends = ["drain(out); finished(a); finished(b);"]
    return sh.Case(_body(streams, feeds, call, ends), (a, b), (y,), constants)


def _duplicate(rng: np.random.Generator, number: int) -> sh.Case:
    words, fold, copies = (int(rng.integers(1, 8)) for _ in range(3))
    type_ = sh.random_type(rng)
    x = sh.draw(rng, type_, (sh.FRAMES, words, fold))
    names = [f"out{i}" for i in range(copies)]
    streams = [sh.stream(n, sh.ctype(type_), fold) for n in ["in", *names]]
    call = f"duplicate<{words}>(in, {', '.join(names)});\n"
    ends = [f"drain({n});" for n in names] + ["finished(in);"]
    body = _body(streams, [f"feed(in, {x.size // fold});\n"], call, ends)
    return sh.Case(body, (x,), (x,) * copies)


def _concat(rng: np.random.Generator, number: int) -> sh.Case:
    pixels, fold, parts = int(rng.integers(1, 8)), int(rng.integers(1, 4)), number % 4 + 1
    channels = [fold * int(rng.integers(1, 5)) for _ in range(parts)]
    types = [sh.random_type(rng) for _ in channels]
    result = IntType(min(t.lo for t in [*types, IntType(-1, 0)]), max(t.hi for t in types))
    xs = [sh.draw(rng, t, (sh.FRAMES, pixels, c)) for t, c in zip(types, channels)]
    names = [f"in{i}" for i in range(parts)]
    streams = [sh.stream(n, sh.ctype(t), fold) for n, t in zip(names, types)]
    streams.append(sh.stream("out", sh.ctype(result), fold))
    feeds = [f"feed({n}, {x.size // fold});\n" for n, x in zip(names, xs)]
    call = f"concat<{pixels}, {', '.join(map(str, channels))}>(out, {', '.join(names)});\n"
    ends = ["drain(out);"] + [f"finished({n});" for n in names]
    return sh.Case(_body(streams, feeds, call, ends), tuple(xs), (np.concatenate(xs, axis=-1),))


def _split(rng: np.random.Generator, number: int) -> sh.Case:
    pixels, fold, parts = int(rng.integers(1, 8)), int(rng.integers(1, 4)), number % 4 + 1
    channels = [fold * int(rng.integers(1, 5)) for _ in range(parts)]
    type_ = sh.random_type(rng)
    x = sh.draw(rng, type_, (sh.FRAMES, pixels, sum(channels)))
    names = [f"out{i}" for i in range(parts)]
    streams = [sh.stream(n, sh.ctype(type_), fold) for n in ["in", *names]]
    call = f"split<{pixels}, {', '.join(map(str, channels))}>(in, {', '.join(names)});\n"
    ends = [f"drain({n});" for n in names] + ["finished(in);"]
    body = _body(streams, [f"feed(in, {x.size // fold});\n"], call, ends)
    return sh.Case(body, (x,), tuple(np.split(x, np.cumsum(channels)[:-1], axis=-1)))


def _upsample(rng: np.random.Generator, number: int) -> sh.Case:
    h, w, c, fh, fw = (int(rng.integers(1, 5)) for _ in range(5))
    fold = sh.divisor(rng, c)
    type_ = BIPOLAR if number == 0 else sh.random_type(rng)
    element = sh.ctype(type_)
    x = sh.draw(rng, type_, (sh.FRAMES, h, w, c))
    streams = [sh.stream(n, element, fold) for n in ("in", "out")]
    streams.append(f"Vec<{element}, {fold}> row[{w * c // fold}];\n")
    call = f"upsample<{h}, {w}, {c}, {fh}, {fw}>(in, out, row);\n"
    feeds = [f"feed(in, {x.size // fold});\n"]
    body = _body(streams, feeds, call, ["drain(out); finished(in);"])
    return sh.Case(body, (x,), (x.repeat(fh, axis=1).repeat(fw, axis=2),))


def _width(rng: np.random.Generator, number: int) -> sh.Case:
    a, b = int(rng.integers(1, 13)), int(rng.integers(1, 13))
    if number % 3 == 0:
        b = a * int(rng.integers(1, 4))
    if number % 3 == 1:
        a = b * int(rng.integers(1, 4))
    elements = int(np.lcm(a, b)) * int(rng.integers(1, 5))
    type_ = sh.random_type(rng)
    x = sh.draw(rng, type_, (sh.FRAMES, elements))
    streams = [sh.stream("in", sh.ctype(type_), a), sh.stream("out", sh.ctype(type_), b)]
    call = f"convert_width<{elements}>(in, out);\n"
    body = _body(streams, [f"feed(in, {x.size // a});\n"], call, ["drain(out); finished(in);"])
    return sh.Case(body, (x,), (x,))


def _cast(rng: np.random.Generator, number: int) -> sh.Case:
    words, fold = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    type_ = BIPOLAR if number % 2 else sh.random_type(rng)
    wider = IntType(min(type_.lo, -1) * 2, type_.hi * 3 + 1)
    x = sh.draw(rng, type_, (sh.FRAMES, words, fold))
    streams = [sh.stream("in", sh.ctype(type_), fold), sh.stream("out", sh.ctype(wider), fold)]
    call = f"cast<{words}>(in, out);\n"
    body = _body(streams, [f"feed(in, {x.size // fold});\n"], call, ["drain(out); finished(in);"])
    return sh.Case(body, (x,), (x,))


def _argmax(rng: np.random.Generator, number: int) -> sh.Case:
    channels, pixels = int(rng.integers(1, 40)), 1 + number % 3
    fold = sh.divisor(rng, channels)
    type_ = BIPOLAR if number == 5 else sh.random_type(rng, 1, 5)  # narrow: ties are frequent
    x = sh.draw(rng, type_, (sh.FRAMES, pixels, channels))
    index = IntType(0, channels - 1)
    streams = [sh.stream("in", sh.ctype(type_), fold), sh.stream("out", sh.ctype(index), 1)]
    call = f"argmax<{channels}{f', {pixels}' if pixels > 1 else ''}>(in, out);\n"
    body = _body(streams, [f"feed(in, {x.size // fold});\n"], call, ["drain(out); finished(in);"])
    return sh.Case(body, (x,), (x.argmax(axis=-1),))


def _filled_width(rng: np.random.Generator, number: int) -> sh.Case:
    """Widths that do not divide the frame: the last word of one side, or of both, is filled up."""
    a, b = int(rng.integers(1, 13)), int(rng.integers(1, 13))
    if number % 3 == 0:
        b = a * int(rng.integers(1, 4))
    if number % 3 == 1:
        a = b * int(rng.integers(1, 4))
    elements = int(rng.integers(1, 4 * max(a, b)))
    type_ = sh.random_type(rng)
    x = sh.draw(rng, type_, (sh.FRAMES, elements))
    lanes = {"in": 1, "a": a, "b": b, "out": 1}
    streams = [sh.stream(name, sh.ctype(type_), n) for name, n in lanes.items()]
    call = "".join(
        f"convert_width<{elements}>({one}, {other});\n" for one, other in pairwise(lanes)
    )
    ends = ["drain(out); finished(in); finished(a); finished(b);"]
    return sh.Case(_body(streams, [f"feed(in, {x.size});\n"], call, ends), (x,), (x,))


def _axis(rng: np.random.Generator, number: int) -> sh.Case:
    """to_axis then from_axis, with TLAST and TKEEP looked at on the way."""
    container = int(rng.choice([8, 16, 32, 64]))
    lanes = 1 << int(rng.integers(0, (128 // container).bit_length()))
    elements = int(rng.integers(1, 9 * lanes))
    beats = -(-elements // lanes)
    type_ = BIPOLAR if number == 0 else sh.random_type(rng, 1, min(container, 40) + 1)
    x = sh.draw(rng, type_, (sh.FRAMES, elements))
    beat = f"Beat<{container}, {lanes}>"
    names = {"in": 1, "words": lanes, "back": lanes, "out": 1}
    streams = [sh.stream(name, sh.ctype(type_), n) for name, n in names.items()]
    streams += [f'hls::stream<{beat} > {n}("{n}");' for n in ("axis", "checked")]
    call = (
        f"convert_width<{elements}>(in, words);\n"
        f"to_axis<{elements}, {container}>(words, axis);\n"
        f"for (int b = 0; b < {beats}; ++b) {{ {beat} beat = axis.read(); write_number(beat.last);"
        f' if (!axis.empty() && beat.last == 1) fail("TLAST too early");'
        f" write_number((long long)(ap_uint<{container * lanes // 8}>(beat.keep)));"
        f" write_number((long long)(ap_int<{container}>(beat.data))); checked.write(beat); }}\n"
        f"from_axis<{elements}, {container}>(checked, back);\n"
        f"convert_width<{elements}>(back, out);\n"
    )
    last = np.zeros((sh.FRAMES, beats), dtype=np.int64)
    last[:, -1] = 1
    low = x[:, ::lanes]
    low = (
        np.where(low >= 1 << (container - 1), low - (1 << container), low)
        if container < 64
        else low
    )
    keep = np.full((sh.FRAMES, beats), (1 << container // 8 * lanes) - 1, dtype=np.int64)
    keep[:, -1] >>= container // 8 * (beats * lanes - elements)
    seen = np.stack([last, keep, low], axis=-1)
    ends = ["drain(out); finished(axis); finished(checked); finished(words); finished(back);"]
    body = _body(streams, [f"feed(in, {x.size});\n"], call, ends)
    return sh.Case(body, (x,), (seen, x))


def _wrong_frames(rng: np.random.Generator, number: int) -> sh.Case:
    """A short and a long frame by TLAST, each with a right one behind it."""
    lanes, beats = 1 << number % 3, int(rng.integers(2, 9))
    sent = (int(rng.integers(1, beats)), beats + int(rng.integers(1, 2 * beats)))
    x = sh.draw(rng, U8, (sh.FRAMES, sum(sent) + 2 * beats, lanes))
    beat = f"Beat<8, {lanes}>"
    streams = [sh.stream(name, sh.ctype(U8), lanes) for name in ("in", "out")]
    streams += [f'hls::stream<{beat} > axis("axis");']
    call = (
        "".join(
            f"for (int b = 0; b < {count}; ++b) {{ const auto word = in.read(); {beat} beat;"
            f" beat.data = 0; for (int i = 0; i < {lanes}; ++i)"
            f" beat.data = beat.data | (ap_uint<{8 * lanes}>(word[i]) << (8 * i));"
            f" beat.last = b == {count - 1}; axis.write(beat); }}\n"
            for count in (sent[0], beats, sent[1], beats)
        )
        + 4 * f"from_axis<{beats * lanes}, 8>(axis, out);\n"
    )
    found, at = [], 0
    for count in (sent[0], beats, sent[1], beats):
        taken = np.minimum(np.arange(beats), count - 1)  # filled up with the last beat
        found.append(x[:, at + taken])
        at += count
    body = _body(streams, [f"feed(in, {x.size // lanes});\n"], call,
                 ["drain(out); finished(in); finished(axis);"])  # fmt: skip
    return sh.Case(body, (x,), (np.concatenate(found, axis=1),))


MAKERS = [_add, _duplicate, _concat, _split, _upsample, _width, _filled_width, _cast, _argmax,
          _axis, _wrong_frames]  # fmt: skip


@pytest.mark.parametrize("variant", sh.VARIANTS)
def test_routing(variant: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(47)
    cases = []
    for make in MAKERS:
        count = sh.cases_of(variant, 14, kinds=6 if make is _argmax else 4)
        cases += [make(rng, number) for number in range(count)]
    sh.check(cases, variant, tmp_path)
