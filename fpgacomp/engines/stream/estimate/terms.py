"""What a streaming operator is made of, in countable terms (see `terms`).

The same terms are built from the operators of a dataflow and, by the fit, from published
synthesis reports of FINN's operators.
"""

from __future__ import annotations

from math import ceil, log2, prod
from typing import assert_never

import numpy as np

from fpgacomp.engines.shared.digits import signed_digits
from fpgacomp.engines.shared.terms import (
    DSP_MIN_CONSTANT_PRODUCT,
    DSP_MIN_DIGITS,
    DSP_MIN_OPERAND,
    DSP_MIN_PRODUCT,
    Amounts,
    Terms,
    unit_terms,
)
from fpgacomp.engines.stream.dataflow import (
    Activate,
    Convert,
    Duplicate,
    Join,
    Label,
    MatrixVector,
    MaxOver,
    Operator,
    Pad,
    Repeat,
    ScaledAdd,
    Sink,
    Source,
    SumAll,
    SumOver,
    VectorVector,
    Window,
)
from fpgacomp.engines.stream.design import Memory
from fpgacomp.engines.stream.estimate.memory import added, buffer_terms, rom_terms
from fpgacomp.engines.stream.streams import element_bits
from fpgacomp.ir.layers import Lookup, Requantize, Thresholds
from fpgacomp.ir.types import IntArray, Ints


def operator_terms(operator: Operator, port: int) -> Terms:
    """Terms of an operator without its FIFOs.

    Args:
        port: width in bits of the wider port of the device's DSP multiplier.
    """
    match operator:
        case Source() | Sink():
            (stream,) = (*operator.inputs, *operator.outputs)
            return unit_terms(
                {"process": 1, "wire": stream.bits}, {"process": 1, "wire": stream.bits}
            )
        case MatrixVector():
            return _matrix(operator, port)
        case VectorVector():
            return _vector(operator)
        case Activate():
            return _activate(operator)
        case Window():
            return _window(operator)
        case Pad() | Join() | Duplicate():
            return _process(operator.outputs[0].bits)
        case Repeat():
            row = operator.shape[1] * operator.shape[2] // operator.input.lanes
            return added(_process(operator.output.bits), buffer_terms(operator.output.bits, row))
        case Convert():
            return converter_terms(operator.input.bits, operator.output.bits)
        case MaxOver():
            # A comparator and a selector per bit.
            return _process(operator.output.bits, adder=1.5 * operator.output.bits)
        case Label():
            # Each lane is compared and selected once, with its index.
            bits = operator.input.bits + operator.input.lanes * operator.output.bits
            return _process(operator.output.bits, adder=1.5 * bits)
        case SumOver():
            return _sum_over(operator)
        case SumAll():
            bits = operator.output.bits
            sums = buffer_terms(bits, operator.output.words)
            return added(_process(bits, adder=bits), sums)
        case ScaledAdd():
            return _scaled_add(operator)
        case _:
            assert_never(operator)


def _process(bits: float, *, adder: float = 0.0) -> Terms:
    """A state machine that moves words of so many bits."""
    lut: Amounts = {"process": 1, "wire": bits}
    if adder:
        lut["adder"] = adder
    return unit_terms(lut, {"process": 1, "wire": bits})


# ---------------------------------------------------------------- products


def lut_product(weight_bits: int, input_bits: int, product_bits: int) -> float:
    """LUTs of one product in fabric and of its share of the adder tree behind it.

    Products of up to five input bits are tables (two outputs a LUT6), of six one output a
    LUT; wider ones rows of adders, two partial products a LUT and bit. A tree of ternary
    adders takes about half a LUT for each bit of its inputs and two more.
    """
    narrow, wide = sorted((weight_bits, input_bits))
    if narrow == 1:
        multiplier = wide / 2
    elif narrow + wide <= 5:
        multiplier = product_bits / 2
    elif narrow + wide == 6:
        multiplier = product_bits
    else:
        multiplier = narrow * (wide + 1)
    return multiplier + (product_bits + 2) / 2


def product_array(
    count: int, weight_bits: int, input_bits: int, *, dsp: float = 0, bipolar: bool = False
) -> Terms:
    """`count` products at once and their adder trees; on `dsp` blocks where there are some."""
    bits = weight_bits + input_bits - (weight_bits > 1)
    if bipolar:
        return unit_terms({"xnor": count}, {"xnor": count})
    if dsp:
        tree = count * (bits + 2) / 2
        terms = unit_terms({"product": tree}, {"product": tree})
        return terms | {"dsp": {"product": dsp}}
    luts = count * lut_product(weight_bits, input_bits, bits)
    return unit_terms({"product": luts}, {"product": luts})


def matrix_terms(
    *, pe: int, simd: int, weight_bits: int, input_bits: int, acc_bits: int, reads: int,
    rows: int, dsp: float = 0, bipolar: bool = False, memory: Memory = "auto",
) -> Terms:  # fmt: skip
    """A matrix-vector unit.

    Args:
        reads: input words a vector (MW / SIMD); more than one takes accumulators.
        rows: output words a vector (MH / PE); more than one takes an input buffer.
    """
    products = product_array(pe * simd, weight_bits, input_bits, dsp=dsp, bipolar=bipolar)
    # Constant weights need no multiplier proper; about half of one is what synthesis leaves.
    if reads * rows == 1 and not dsp:
        products = {r: {t: a / 2 for t, a in amounts.items()} for r, amounts in products.items()}
    lut: Amounts = {"matrix": 1, "input": simd * input_bits}
    if reads > 1:
        lut["adder"] = pe * acc_bits
    unit = unit_terms(lut, {"matrix": 1, "input": simd * input_bits, "register": 2 * pe * acc_bits})
    store = rom_terms(pe * simd * weight_bits, reads * rows, memory)
    kept = buffer_terms(simd * input_bits, reads) if rows > 1 else unit_terms({})
    return added(unit, products, store, kept)


def _matrix(operator: MatrixVector, port: int) -> Terms:
    weight = operator.weight.stored_type
    mw, mh = operator.weight.shape
    bipolar = weight.bipolar and operator.input.type.bipolar
    dsp = 0
    if operator.arithmetic == "dsp" and not bipolar:
        lanes, _ = operator.packing(port)
        dsp = ceil(operator.pe / lanes) * operator.simd
    return matrix_terms(
        pe=operator.pe, simd=operator.simd, weight_bits=element_bits(weight),
        input_bits=element_bits(operator.input.type), acc_bits=operator.output.type.bits,
        reads=mw // operator.simd, rows=mh // operator.pe, dsp=dsp, bipolar=bipolar,
        memory=operator.memory,
    )  # fmt: skip


def _vector(operator: VectorVector) -> Terms:
    taps, channels = operator.weight.shape
    weight, kind = operator.weight.stored_type, operator.input.type
    bipolar = weight.bipolar and kind.bipolar
    bits = element_bits(weight)
    dsp = operator.pe if operator.arithmetic == "dsp" and not bipolar else 0
    products = product_array(operator.pe, bits, element_bits(kind), dsp=dsp, bipolar=bipolar)
    acc = operator.pe * operator.output.type.bits
    unit = unit_terms({"process": 1, "wire": operator.input.bits, "adder": acc},
                      {"process": 1, "wire": operator.input.bits, "register": 2 * acc})  # fmt: skip
    store = rom_terms(operator.pe * bits, taps * (channels // operator.pe), operator.memory)
    return added(unit, products, store)


def scaling_terms(factors: Ints, lanes: int, channels: int, in_bits: int) -> Terms:
    """`lanes` products a cycle of a value and its channel's factor.

    One factor per lane is a constant; else it comes from a table and the product is a real
    one, which the tools put into a DSP where it is wide enough (see `terms`).
    """
    values: IntArray = np.abs(factors.array.ravel())
    digits = signed_digits(values)
    if not np.any(digits > 1) and (values.size == 1 or np.all(values == values[0])):
        return unit_terms({})  # a shift
    bits = max(int(values.max()).bit_length(), 1)
    constant = values.size == 1 or lanes == channels
    if constant:
        each = np.resize(digits, lanes)
        wide = bits + in_bits >= DSP_MIN_CONSTANT_PRODUCT and min(bits, in_bits) >= DSP_MIN_OPERAND
        in_dsp = int(np.count_nonzero(each >= DSP_MIN_DIGITS)) if wide else 0
        kept = each[each < DSP_MIN_DIGITS] if wide else each
        adders = int(np.maximum(kept - 1, 0).sum()) * (bits + in_bits)
        return unit_terms({"adder": adders}) | {"dsp": {"scale": _blocks(bits, in_bits) * in_dsp}}
    table = rom_terms(lanes * bits, channels // lanes, "lutram")
    if min(bits, in_bits) >= DSP_MIN_OPERAND and bits + in_bits >= DSP_MIN_PRODUCT:
        scale: Terms = unit_terms({}) | {"dsp": {"scale": _blocks(bits, in_bits) * lanes}}
    else:
        narrow, wide_bits = sorted((bits, in_bits))
        scale = unit_terms({"adder": lanes * narrow * (wide_bits + 1)})
    return added(table, scale)


def _blocks(a: int, b: int) -> int:
    """DSP blocks of a product of these widths."""
    narrow, wide = sorted((a, b))
    return ceil(max(narrow - 1, 1) / 17) * ceil(max(wide - 1, 1) / 26)


# ---------------------------------------------------------------- activations


def thresholds_terms(
    *, lanes: int, channels: int, rows: int, count: int, in_bits: int, levels: int, memory: Memory
) -> Terms:
    """`count` comparators a lane, or `levels` of them that search a table.

    Args:
        rows: 1 where all channels share their thresholds.
    """
    groups = channels // lanes if rows > 1 else 1
    lut: Amounts = {"thresholds": 1, "thresholds_lane": lanes * in_bits}
    ff: Amounts = {"thresholds": 1, "thresholds_lane": lanes * in_bits}
    if not levels:
        lut["comparator"] = lanes * count * in_bits
        lut["adder"] = lanes * max(count - 1, 0)
        table = rom_terms(lanes * count * in_bits, groups, memory)
        return added(unit_terms(lut, ff), table)
    lut["comparator"] = lanes * levels * in_bits
    ff["register"] = lanes * levels * (in_bits + levels / 2)
    tables = [_banks_terms(lanes, in_bits, groups << level, memory) for level in range(levels)]
    return added(unit_terms(lut, ff), *tables)


def _banks_terms(lanes: int, width: int, depth: int, memory: Memory) -> Terms:
    """A table with a port per lane."""
    one = rom_terms(width, depth, memory)
    return {r: {t: a * lanes for t, a in amounts.items()} for r, amounts in one.items()}


def _activate(operator: Activate) -> Terms:
    layer, lanes = operator.function, operator.input.lanes
    channels, in_bits = layer.output.channels, element_bits(operator.input.type)
    match layer:
        case Thresholds():
            rows, count = layer.thresholds.shape
            return thresholds_terms(
                lanes=lanes, channels=channels, rows=rows, count=count, in_bits=in_bits,
                levels=operator.search_levels, memory=operator.memory,
            )  # fmt: skip
        case Lookup():
            rows, entries = layer.table.shape
            depth = entries * (channels // lanes if rows > 1 else 1)
            table = _banks_terms(lanes, element_bits(operator.output.type), depth, operator.memory)
            return added(_process(operator.input.bits), table)
        case Requantize():
            return _requantize(operator, layer)
        case _:
            assert_never(layer)


def _requantize(operator: Activate, layer: Requantize) -> Terms:
    lanes, channels = operator.input.lanes, layer.output.channels
    in_bits = element_bits(operator.input.type)
    scale = scaling_terms(layer.multiplier, lanes, channels, in_bits)
    factor = int(np.abs(layer.multiplier.array).max()).bit_length()
    offset = max(int(np.abs(layer.offset.array).max()).bit_length() + 1, 1)
    wide = max(in_bits + factor, offset)
    rows = layer.offset.array.size
    table = rom_terms(lanes * offset, channels // lanes if rows > 1 else 1, "lutram")
    out_bits = operator.output.bits
    adder = 0.0 if not layer.offset.array.any() else float(lanes * wide)
    # Saturation: a comparison of the bits above the output at either end, and a selector.
    clip = lanes * max(wide - layer.shift, 0) / 2 + out_bits
    return added(_process(operator.input.bits, adder=adder + clip), scale, table,
                 unit_terms({}, {"register": lanes * wide}))  # fmt: skip


# ---------------------------------------------------------------- windows and plumbing


def _window(operator: Window) -> Terms:
    bits = operator.input.bits
    unit = unit_terms({"window": 1, "wire": operator.output.bits},
                      {"window": 1, "wire": operator.output.bits})  # fmt: skip
    if not operator.parallel:
        return added(unit, buffer_terms(bits, operator.buffer_words))
    rows, columns = operator.extent
    kept = buffer_terms(bits * max(1, rows - 1), operator.shape[1])
    return added(unit, kept, unit_terms({}, {"register": bits * rows * columns}))


def converter_terms(from_bits: int, to_bits: int) -> Terms:
    """A register of the wider word; an odd ratio also needs a shifter over both."""
    narrow, wide = sorted((from_bits, to_bits))
    if wide % narrow:
        both = from_bits + to_bits
        select = both * log2(max(wide / narrow, 2)) + both
        return unit_terms({"converter": 1, "converter_select": select},
                          {"converter": 1, "converter_keep": 2 * both})  # fmt: skip
    lut: Amounts = {"converter": 1}
    ff: Amounts = {"converter": 1, "converter_keep": from_bits + to_bits}
    if to_bits < from_bits:
        lut["converter_select"] = max(to_bits, (from_bits - to_bits) / 2)
        ff["converter_keep"] += to_bits
    return unit_terms(lut, ff)


def _sum_over(operator: SumOver) -> Terms:
    bits = operator.output.bits
    terms = _process(bits, adder=bits)
    if operator.multiplier is None:
        return terms
    pixels = prod(operator.multiplier.shape)
    sums = operator.output.type.bits
    factor = int(operator.multiplier.array.max()).bit_length()
    lanes = operator.output.lanes
    product = unit_terms({"adder": lanes * factor * (sums + 1)})
    return added(terms, product, rom_terms(factor, pixels, "auto"))


def _scaled_add(operator: ScaledAdd) -> Terms:
    add, lanes = operator.add, operator.output.lanes
    channels = operator.output.words * lanes // max(add.output.pixels, 1)
    sides = [
        scaling_terms(factors, lanes, channels, element_bits(stream.type))
        for factors, stream in ((add.multiplier_a, operator.a), (add.multiplier_b, operator.b))
    ]
    return added(_process(operator.output.bits, adder=operator.output.bits), *sides)
