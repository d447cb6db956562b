"""mvau and vvau against the oracle, under each header set."""

from pathlib import Path

import numpy as np
import pytest

from fpgacomp.ir.types import BIPOLAR, IntType
from tests.support import stream_harness as sh

pytestmark = pytest.mark.slow
STYLES = ("MulAuto", "MulLut", "MulDsp")


def _mvau(rng: np.random.Generator, inputs: IntType, weights: IntType) -> sh.Case:
    mw, mh, vectors = (int(rng.integers(1, 25)) for _ in range(3))
    if rng.integers(3) == 0:
        mw = int(rng.choice([63, 64, 65, 128, 150]))  # around the words that bits are counted in
    simd, pe = sh.divisor(rng, mw), sh.divisor(rng, mh)
    x = sh.draw(rng, inputs, (sh.FRAMES, vectors, mw))
    w = sh.draw(rng, weights, (mw, mh))
    y = x @ w
    acc = IntType(min(int(y.min()), -1), max(int(y.max()), 1))
    tiles = w.reshape(mw // simd, simd, mh // pe, pe).transpose(2, 0, 3, 1)
    style = STYLES[rng.integers(3)]
    bipolar = inputs.bipolar or weights.bipolar
    if rng.integers(2) and not bipolar and min(inputs.bits, weights.bits) > 1:
        style = _packed(rng, inputs, weights)
    call = f"mvau<{mw}, {mh}, {vectors}, {style}>(in, out, weights);\n"
    body = (
        sh.stream("in", sh.ctype(inputs), simd)
        + sh.stream("out", sh.ctype(acc), pe)
        + f"feed(in, {x.size // simd});\n{call * sh.FRAMES}drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (y,), sh.rom("weights", tiles.reshape(-1, pe * simd), weights))


def _packed(rng: np.random.Generator, inputs: IntType, weights: IntType) -> str:
    """Several lanes in one DSP, as close together as the products allow."""
    products = [a * b for a in (inputs.lo, inputs.hi) for b in (weights.lo, weights.hi)]
    shift = IntType(min(*products, -1), max(products)).bits
    return f"MulDspPacked<{rng.integers(2, 4)}, {shift}>"


def _vvau(rng: np.random.Generator, inputs: IntType, weights: IntType) -> sh.Case:
    channels, kernel, vectors = (int(rng.integers(1, 13)) for _ in range(3))
    pe = sh.divisor(rng, channels)
    fold = channels // pe
    x = sh.draw(rng, inputs, (sh.FRAMES, vectors, fold, kernel, pe))
    w = sh.draw(rng, weights, (kernel, fold, pe))
    y = np.einsum("nvfkp,kfp->nvfp", x, w)
    acc = IntType(min(int(y.min()), -1), max(int(y.max()), 1))
    call = f"vvau<{channels}, {kernel}, {vectors}, {STYLES[rng.integers(3)]}>(in, out, weights);\n"
    body = (
        sh.stream("in", sh.ctype(inputs), pe)
        + sh.stream("out", sh.ctype(acc), pe)
        + f"feed(in, {x.size // pe});\n{call * sh.FRAMES}drain(out); finished(in);"
    )
    table = w.transpose(1, 0, 2).reshape(fold * kernel, pe)
    return sh.Case(body, (x,), (y,), sh.rom("weights", table, weights))


def _frame(rng: np.random.Generator, number: int) -> sh.Case:
    """More outputs and vectors than the blocks of any processor, and sums that wrap."""
    signs, twos, bytes_ = IntType(-1, 1), IntType(-2, 1), IntType(-128, 127)
    kinds = [
        (signs, signs), (twos, signs), (signs, twos), (twos, twos), (BIPOLAR, BIPOLAR),
        (IntType(0, 1), signs), (bytes_, twos), (bytes_, bytes_),
        (IntType(-(1 << 15), (1 << 15) - 1),) * 2,
    ]  # fmt: skip
    inputs, weights = kinds[number % len(kinds)]
    mw, mh, vectors = (int(rng.integers(1, most)) for most in (140, 140, 12))
    simd, pe = sh.divisor(rng, mw), sh.divisor(rng, mh)
    x = sh.draw(rng, inputs, (sh.FRAMES, vectors, mw))
    if number % 2 and inputs == twos:
        x[0] = np.maximum(x[0], -1)  # a frame of signs in a type that also holds -2
    w = sh.draw(rng, weights, (mw, mh))
    y = x @ w
    exact = IntType(min(int(y.min()), -1), max(int(y.max()), 1)).bits
    acc = IntType.of_bits(min(32, max(2, exact - int(rng.integers(3)))), signed=True)
    wrapped = (y - acc.lo) % (acc.hi - acc.lo + 1) + acc.lo
    tiles = w.reshape(mw // simd, simd, mh // pe, pe).transpose(2, 0, 3, 1)
    body = (
        sh.stream("in", sh.ctype(inputs), simd)
        + sh.stream("out", sh.ctype(acc), pe)
        + f"feed(in, {x.size // simd});\n"
        + f"mvau<{mw}, {mh}, {vectors}, MulAuto>(in, out, weights);\n" * sh.FRAMES
        + "drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (wrapped,), sh.rom("weights", tiles.reshape(-1, pe * simd), weights))


def _types(rng: np.random.Generator, number: int) -> tuple[IntType, IntType]:
    """Bipolar on both sides, on one, and integers up to 20 bits."""
    kinds = [
        (BIPOLAR, BIPOLAR),
        (sh.random_type(rng), BIPOLAR),
        (BIPOLAR, sh.random_type(rng, 2)),
        (sh.random_type(rng, 10, 21), sh.random_type(rng, 10, 21)),
        (sh.random_type(rng, 1, 4), sh.random_type(rng, 1, 4)),
        (sh.random_type(rng, 1, 3), sh.random_type(rng, 1, 3)),
    ]
    return kinds[number] if number < len(kinds) else (sh.random_type(rng), sh.random_type(rng))


# Of factors that are as wide as some here, packed products take more than the 64 bits that our
# integers compute with; no DSP block has as many, so only the vendor's types run those loops.
@pytest.mark.parametrize(
    ("make", "variant"),
    [(_mvau, variant) for variant in (*sh.VARIANTS, *sh.OTHER_UNITS) if variant != sh.LOOPS]
    + [(_vvau, variant) for variant in sh.VARIANTS],
)
def test_products(make, variant: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    count = sh.cases_of(variant, 24, kinds=10)
    cases = [make(rng, *_types(rng, number % 10)) for number in range(count)]
    if make is _mvau:
        assert any("Packed" in case.body for case in cases)
    sh.check(cases, variant, tmp_path)


@pytest.mark.parametrize("variant", [sh.LIGHT, *sh.OTHER_UNITS])
def test_products_of_whole_frames_on_every_vector_unit(variant: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    sh.check([_frame(rng, number) for number in range(27)], variant, tmp_path)
