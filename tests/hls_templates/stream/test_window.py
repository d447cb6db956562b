"""pad, sliding_window and the pools against numpy and the oracle, under each header set."""

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from fpgacomp.ir.infer import unknown_output, window_counts, with_output
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import MaxPool, SumPool, Tensor
from fpgacomp.ir.types import BIPOLAR, Ints, IntType
from tests.support import stream_harness as sh

pytestmark = pytest.mark.slow


def _pad(rng: np.random.Generator, number: int) -> sh.Case:
    h, w, c = (int(rng.integers(1, 7)) for _ in range(3))
    fold = sh.divisor(rng, c)
    top, bottom, left, right = (int(rng.integers(0, 3)) for _ in range(4))
    inputs = BIPOLAR if number == 0 else sh.random_type(rng)
    fill = 0 if number % 2 == 0 else inputs.lo
    outputs = IntType(min(inputs.lo, fill), inputs.hi)
    x = sh.draw(rng, inputs, (sh.FRAMES, h, w, c))
    pads = ((0, 0), (top, bottom), (left, right), (0, 0))
    y = np.pad(x, pads, constant_values=fill)
    call = f"pad<{h}, {w}, {c}, {top}, {bottom}, {left}, {right}, {fill}>(in, out);\n"
    body = (
        sh.stream("in", sh.ctype(inputs), fold)
        + sh.stream("out", sh.ctype(outputs), fold)
        + f"feed(in, {x.size // fold});\n{call * sh.FRAMES}drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (y,))


def _geometry(rng: np.random.Generator, number: int) -> tuple[list[int], ...]:
    """Kernel, stride, dilation and input extents (1-D every third time)."""
    kernel, stride, dilation = (rng.integers(1, hi, size=2) for hi in (5, 4, 4))
    if number % 3 == 0:
        kernel[0] = stride[0] = dilation[0] = 1
    if number == 5:
        kernel[:], stride[:] = 1, 3
    extent = dilation * (kernel - 1) + 1
    size = extent + rng.integers(0, 7, size=2)
    if number % 3 == 0:
        size[0] = 1
    return tuple(array.tolist() for array in (kernel, stride, dilation, size))


def window_cycles(
    size: list[int],
    kernel: list[int],
    stride: list[int],
    dilation: list[int],
    words: int,
    depthwise: bool,
) -> int:
    """README's formula for the cycles of a sliding window."""
    (h, w), (sh_, sw) = size, stride
    eh, ew = (d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    oh, ow = (h - eh) // sh_ + 1, (w - ew) // sw + 1
    taps = kernel[0] * kernel[1]
    span = ((eh - 1) * w + ew) * words

    def slot(reads: int) -> int:
        late = reads - words - (taps - 1) if depthwise else reads - taps * words
        return taps * words + max(0, late)

    tail = (h * w - (oh - 1) * sh_ * w - (ow - 1) * sw) * words - span
    row = (w * sh_ - (ow - 1) * sw) * words
    return slot(span) + oh * (ow - 1) * slot(sw * words) + (oh - 1) * slot(row) + tail


def _window(rng: np.random.Generator, number: int) -> sh.Case:
    kernel, stride, dilation, size = _geometry(rng, number)
    c = int(rng.integers(1, 7))
    fold = sh.divisor(rng, c)
    words = c // fold
    depthwise = bool(number % 2)
    inputs = BIPOLAR if number == 1 else sh.random_type(rng)
    x = sh.draw(rng, inputs, (sh.FRAMES, *size, c))
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    view = sliding_window_view(x, extent, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    view = view[..., :: dilation[0], :: dilation[1]]  # [N, oh, ow, C, kh, kw]
    oh, ow = view.shape[1:3]
    y = view.reshape(sh.FRAMES, oh, ow, words, fold, -1)
    y = y.transpose(0, 1, 2, 3, 5, 4) if depthwise else y.transpose(0, 1, 2, 5, 3, 4)
    order = "KernelInner" if depthwise else "ChannelsInner"
    geometry = ", ".join(str(v) for v in (*size, c, *kernel, *stride, *dilation))
    element = sh.ctype(inputs)
    window = f"Window<{geometry}, {order}, {fold}>"
    call = f"sliding_window<{geometry}, {order}>(in, out, buffer);\n"
    body = (
        sh.stream("in", element, fold)
        + sh.stream("out", element, fold)
        + f"static Vec<{element}, {fold}> buffer[{window}::DEPTH];\n"
        + f"feed(in, {x.size // fold});\n{call * sh.FRAMES}drain(out); finished(in);\n"
        + f"write_number({window}::CYCLES);"
    )
    cycles = window_cycles(size, kernel, stride, dilation, words, depthwise)
    return sh.Case(body, (x,), (y, np.array([cycles])))


def _parallel(rng: np.random.Generator, number: int) -> sh.Case:
    kernel, stride, dilation, size = _geometry(rng, number)
    c = int(rng.integers(1, 5))
    inputs = BIPOLAR if number == 1 else sh.random_type(rng)
    x = sh.draw(rng, inputs, (sh.FRAMES, *size, c))
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    view = sliding_window_view(x, extent, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    view = view[..., :: dilation[0], :: dilation[1]]  # [N, oh, ow, C, kh, kw]
    geometry = ", ".join(str(v) for v in (*size, c, *kernel, *stride, *dilation))
    element = sh.ctype(inputs)
    body = (
        sh.stream("in", element, c)
        + sh.stream("out", element, kernel[0] * kernel[1] * c)
        + f"static Vec<{element}, {max(1, extent[0] - 1) * c}> columns[{size[1]}];\n"
        + f"feed(in, {x.size // c});\n"
        + f"sliding_window_parallel<{geometry}>(in, out, columns);\n" * sh.FRAMES
        + "drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (view.transpose(0, 1, 2, 4, 5, 3),))


def _pool_case(rng: np.random.Generator, number: int) -> sh.Case:
    """A padded pool as the backend builds it: pad, sliding_window, max_pool or sum_pool."""
    kernel = rng.integers(1, 4, size=2).tolist()
    stride = rng.integers(1, 4, size=2).tolist()
    pads = tuple((int(rng.integers(0, k)), int(rng.integers(0, k))) for k in kernel)
    size = [int(rng.integers(k, 8)) for k in kernel]
    c = int(rng.integers(1, 7))
    fold = sh.divisor(rng, c)
    inputs = BIPOLAR if number % 6 == 3 else sh.random_type(rng, 1, 7)
    tensor = Tensor("x", (*size, c), inputs)
    shared = {"kernel": tuple(kernel), "strides": tuple(stride), "pads": pads, "input": tensor}
    kind = number % 3
    layer: MaxPool | SumPool
    multiplier, constants = "", ""
    if kind == 0:
        layer = with_output(MaxPool(name="p", output=unknown_output("y"), **shared))
    else:
        layer = with_output(SumPool(name="p", output=unknown_output("y"), **shared))
        if kind == 2:
            counts = window_counts(layer)
            factors = np.lcm.reduce(counts.ravel()) // counts
            layer = with_output(
                SumPool(name="p", output=unknown_output("y"), multiplier=Ints(factors), **shared)
            )
            factor_type = IntType.of_values(factors)
            constants = sh.rom("factors", factors.reshape(-1, 1), factor_type)
            multiplier = ", factors"
    x = sh.draw(rng, inputs, (sh.FRAMES, *size, c))
    y = execute(layer, [x])
    fill = inputs.lo if kind == 0 else 0
    (top, bottom), (left, right) = pads
    ph, pw = size[0] + top + bottom, size[1] + left + right
    taps, pixels = kernel[0] * kernel[1], layer.output.pixels
    geometry = f"{ph}, {pw}, {c}, {kernel[0]}, {kernel[1]}, {stride[0]}, {stride[1]}, 1, 1"
    pool = (
        f"max_pool<{taps}, {pixels * c // fold}>(windows, out);"
        if kind == 0
        else f"sum_pool<{taps}, {c}, {pixels}>(windows, out{multiplier});"
    )
    source, result = sh.ctype(inputs), sh.ctype(layer.output.type)
    if kind == 0:
        result = source
    call = (
        f"pad<{size[0]}, {size[1]}, {c}, {top}, {bottom}, {left}, {right}, {fill}>(in, padded);\n"
        f"sliding_window<{geometry}, KernelInner>(padded, windows, buffer);\n{pool}\n"
    )
    body = (
        "".join(sh.stream(name, source, fold) for name in ("in", "padded", "windows"))
        + sh.stream("out", result, fold)
        + f"Vec<{source}, {fold}> buffer[Window<{geometry}, KernelInner, {fold}>::DEPTH];\n"
        + f"feed(in, {x.size // fold});\n{call * sh.FRAMES}drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (y,), constants)


def _global_sum(rng: np.random.Generator, number: int) -> sh.Case:
    pixels, c = int(rng.integers(1, 20)), int(rng.integers(1, 9))
    fold = sh.divisor(rng, c)
    inputs = BIPOLAR if number == 0 else sh.random_type(rng)
    x = sh.draw(rng, inputs, (sh.FRAMES, pixels, c))
    total = IntType(min(0, inputs.lo * pixels), inputs.hi * pixels)
    body = (
        sh.stream("in", sh.ctype(inputs), fold)
        + sh.stream("out", sh.ctype(total), fold)
        + f"Vec<{sh.ctype(total)}, {fold}> sums[{c // fold}];\nfeed(in, {x.size // fold});\n"
        + f"global_sum<{c}, {pixels}>(in, out, sums);\n" * sh.FRAMES
        + "drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (x.sum(axis=1),))


# How many cases of each. All are one program: g++ reads the headers once.
MAKERS = {_pad: 15, _window: 36, _parallel: 36, _pool_case: 15, _global_sum: 15}


@pytest.mark.parametrize("variant", sh.VARIANTS)
def test_window_operators(variant: str, tmp_path: Path) -> None:
    cases: list[sh.Case] = []
    for make, count in MAKERS.items():
        rng = np.random.default_rng(23)
        cases += [make(rng, number) for number in range(sh.cases_of(variant, count))]
    sh.check(cases, variant, tmp_path)
