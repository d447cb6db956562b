"""requantize, thresholds and lookup against the oracle, under each header set."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fpgacomp.ir.infer import unknown_output, with_output
from fpgacomp.ir.interpreter import execute
from fpgacomp.ir.layers import Activation, Lookup, Requantize, Rounding, Tensor, Thresholds
from fpgacomp.ir.types import BIPOLAR, IntArray, Ints, IntType
from tests.support import stream_harness as sh

pytestmark = pytest.mark.slow

MODES = {
    Rounding.FLOOR: "RoundFloor",
    Rounding.ROUND: "RoundEven",
    Rounding.HALF_UP: "RoundHalfUp",
    Rounding.HALF_DOWN: "RoundHalfDown",
    Rounding.UP: "RoundUp",
    Rounding.DOWN: "RoundDown",
}


def _grouped(values: IntArray, fold: int) -> IntArray:
    """[C] as one row per group, or [1] as one row repeated over the lanes."""
    return np.repeat(values, fold)[None] if values.size == 1 else values.reshape(-1, fold)


def _case(layer: Activation, x: IntArray, fold: int, constants: list[str], call: str) -> sh.Case:
    body = (
        sh.stream("in", sh.ctype(layer.input.type), fold)
        + sh.stream("out", sh.ctype(layer.output.type), fold)
        + f"feed(in, {x.size // fold});\n{call * sh.FRAMES}drain(out); finished(in);"
    )
    return sh.Case(body, (x,), (execute(layer, [x]),), "\n".join(constants))


def _input(rng: np.random.Generator, type_: IntType, pixels: int) -> tuple[Tensor, int, IntArray]:
    channels = int(rng.integers(1, 9))
    if rng.integers(8) == 0:
        channels = int(rng.choice([12, 16, 31, 33, 64, 70]))  # around a vector's lanes
    tensor = Tensor("x", (pixels, channels), type_)
    return tensor, sh.divisor(rng, channels), sh.draw(rng, type_, (sh.FRAMES, *tensor.shape))


def _per_channel(rng: np.random.Generator, tensor: Tensor, lo: int, hi: int) -> IntArray:
    """One value for all channels, or one each."""
    size = 1 if rng.integers(3) == 0 else tensor.channels
    drawn: IntArray = rng.integers(lo, hi, size=size, endpoint=True)
    return drawn


def _requantize(rng: np.random.Generator, number: int) -> sh.Case:
    wide = number % 5 == 0
    tensor, fold, x = _input(rng, sh.random_type(rng, *((20, 30) if wide else (1, 11))), 40)
    shift = int(rng.integers(0, 40 if wide else 9))
    reach = 1 << (25 if wide else 6)
    lo = int(rng.integers(-200, 100))
    # Odd multiples of half a unit make ties frequent.
    layer = with_output(
        Requantize(
            name="r",
            output=unknown_output("y"),
            input=tensor,
            multiplier=Ints(_per_channel(rng, tensor, -reach if number % 4 == 0 else 0, reach)),
            offset=Ints(_per_channel(rng, tensor, -(1 << shift), 1 << shift)),
            shift=shift,
            lo=lo,
            hi=lo + int(rng.integers(0, 300)),
            zero_point=int(rng.integers(-20, 20)),
            rounding=list(MODES)[number % 6],
        )
    )
    m, o = layer.multiplier.array, layer.offset.array
    largest = tensor.type.magnitude * int(abs(m).max()) + int(abs(o).max()) + (1 << shift)
    bits = max(IntType(-largest, largest).bits, IntType(layer.lo, layer.hi).bits, 10, shift + 2)
    parameters = [
        f"{tensor.channels}, {tensor.pixels}, {bits}, {shift}, {MODES[layer.rounding]}",
        f"{layer.lo}, {layer.hi}, {layer.zero_point}",
    ]
    constants = [
        sh.rom("multiplier", _grouped(m, fold), IntType.of_values(m)),
        sh.rom("offset", _grouped(o, fold), IntType.of_values(o)),
    ]
    call = f"requantize<{', '.join(parameters)}>(in, out, multiplier, offset);\n"
    return _case(layer, x, fold, constants, call)


def _thresholds_layer(rng: np.random.Generator, tensor: Tensor, count: int) -> Thresholds:
    rows = 1 if rng.integers(3) == 0 else tensor.channels
    low, high = tensor.type.lo - 1, tensor.type.hi + 1
    table = np.sort(rng.integers(low, high, size=(rows, count), endpoint=True), axis=1)
    if count == 1 and rng.integers(2):
        step = rng.choice([-2, 2], size=tensor.channels)
        base = -np.sign(step)
    else:
        step = _per_channel(rng, tensor, 0, 1) * 2 - 1
        base = _per_channel(rng, tensor, -4, 4)
    return with_output(
        Thresholds(
            name="t",
            output=unknown_output("y"),
            input=tensor,
            thresholds=Ints(table),
            base=Ints(base),
            step=Ints(step),
        )
    )


def _levels(layer: Thresholds, fold: int, constants: list[str]) -> str:
    """SameLevels where all channels agree, tables otherwise."""
    base, step = layer.base.array, layer.step.array
    if base.size == step.size == 1:
        return f"SameLevels<{base[0]}, {step[0]}>()"
    constants.append(sh.rom("base", _grouped(base, fold), IntType.of_values(base)))
    constants.append(sh.rom("step", _grouped(step, fold), IntType.of_values(step)))
    return "levels(base, step)"


def _rows(table: IntArray, groups: int, fold: int) -> IntArray:
    """[rows, n] thresholds as [1 or groups, fold, n]."""
    if len(table) == 1:
        return np.repeat(table[None], fold, axis=1)
    return table.reshape(groups, fold, -1)


def _thresholds(rng: np.random.Generator, number: int) -> sh.Case:
    type_ = BIPOLAR if number == 0 else sh.random_type(rng, 1, 12)
    tensor, fold, x = _input(rng, type_, 20)
    layer = _thresholds_layer(rng, tensor, int(rng.choice([1, 1, 2, 3, 7, 15, 20])))
    table = layer.thresholds.array
    rows = _rows(table, tensor.channels // fold, fold)
    type_ = IntType.of_values(table)
    constants = [sh.rom("table", rows.reshape(len(rows), -1), type_)]
    levels = _levels(layer, fold, constants)
    call = (
        f"thresholds<{tensor.channels}, {tensor.pixels}, {table.shape[1]}>"
        f"(in, out, table, {levels});\n"
    )
    return _case(layer, x, fold, constants, call)


def _search(rng: np.random.Generator, number: int) -> sh.Case:
    tensor, fold, x = _input(rng, sh.random_type(rng, 1, 12), 20)
    layer = _thresholds_layer(rng, tensor, int(rng.choice([1, 2, 3, 6, 7, 15, 31, 255])))
    table = layer.thresholds.array
    depth = int(table.shape[1]).bit_length()
    never = tensor.type.hi + 1
    missing = (1 << depth) - 1 - table.shape[1]
    table = np.pad(table, ((0, 0), (0, missing)), constant_values=never)
    rows = _rows(table, tensor.channels // fold, fold)  # [groups, fold, n]
    type_ = IntType.of_values(table)
    constants, names = [], []
    for level in range(depth):
        first, stride = (1 << (depth - level - 1)) - 1, 1 << (depth - level)
        bank = rows[:, :, first::stride].transpose(1, 0, 2).reshape(fold, -1)
        constants.append(sh.banks(f"level{level}", bank, type_))
        names.append(f"level{level}")
    levels = _levels(layer, fold, constants)
    call = (
        f"thresholds_search<{tensor.channels}, {tensor.pixels}, {sh.ctype(type_)}>"
        f"(in, out, {levels}, {', '.join(names)});\n"
    )
    return _case(layer, x, fold, constants, call)


def _lookup(rng: np.random.Generator, number: int) -> sh.Case:
    lo = int(rng.integers(-40, 20))
    type_ = BIPOLAR if number == 0 else IntType(lo, lo + int(rng.integers(0, 60)))
    tensor, fold, x = _input(rng, type_, 20)
    rows = 1 if number % 3 == 0 else tensor.channels
    values = BIPOLAR if number == 4 else sh.random_type(rng)
    table = sh.draw(rng, values, (rows, type_.count))
    layer = with_output(
        Lookup(name="l", output=unknown_output("y"), input=tensor, table=Ints(table))
    )
    bank = _rows(table, tensor.channels // fold, fold).transpose(1, 0, 2).reshape(fold, -1)
    constants = [sh.banks("table", bank, layer.output.type)]
    call = (
        f"lookup<{tensor.channels}, {tensor.pixels}, {type_.lo}, {type_.count}>(in, out, table);\n"
    )
    return _case(layer, x, fold, constants, call)


# All operators of a variant are one program: g++ reads the headers once. Thresholds have code for
# each vector unit.
@pytest.mark.parametrize(
    ("makers", "variant"),
    [((_requantize, _thresholds, _search, _lookup), variant) for variant in sh.VARIANTS]
    + [((_thresholds, _search), variant) for variant in sh.OTHER_UNITS],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_activations(makers, variant: str, tmp_path: Path) -> None:
    cases: list[sh.Case] = []
    for make in makers:
        rng = np.random.default_rng(31)
        cases += [make(rng, number) for number in range(sh.cases_of(variant, 24))]
    sh.check(cases, variant, tmp_path)


def test_search_levels_cover_every_threshold_once() -> None:
    for depth in range(1, 9):
        picked = [
            np.arange((1 << depth) - 1)[(1 << (depth - level - 1)) - 1 :: 1 << (depth - level)]
            for level in range(depth)
        ]
        assert sorted(np.concatenate(picked).tolist()) == list(range((1 << depth) - 1))
        assert all(len(b) == 2 * len(a) for a, b in pairwise(picked))
