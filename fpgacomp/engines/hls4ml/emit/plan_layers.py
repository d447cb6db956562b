"""How each layer of the integer graph becomes nodes of hls4ml: one function per layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

import numpy as np

from fpgacomp.engines.hls4ml.design import Hls4mlDesign
from fpgacomp.engines.hls4ml.emit.nodes import Extension, ap_type, parameter, signed_ap_type
from fpgacomp.engines.hls4ml.emit.plan import Plan, Planner, joined
from fpgacomp.engines.hls4ml.emit.plan_conv import conv, dense
from fpgacomp.engines.hls4ml.emit.plan_pool import plane, pool_extension
from fpgacomp.engines.hls4ml.lanes import LaneLayer, lane_schedule
from fpgacomp.ir.infer import round_shift
from fpgacomp.ir.layers import (
    Add,
    ArgMax,
    Concat,
    Conv,
    Dense,
    Input,
    Layer,
    Lookup,
    MaxPool,
    Requantize,
    Reshape,
    Rounding,
    SumPool,
    Tensor,
    Thresholds,
    Upsample,
)
from fpgacomp.ir.types import IntArray, IntType


def plan(design: Hls4mlDesign, reserved: frozenset[str] = frozenset()) -> Plan:
    """The hls4ml layers of a design.

    Args:
        reserved: names that no node may have (hls4ml's attribute names).

    Raises:
        InvalidGraph: a tensor that nothing reads.
    """
    planner = Planner(design, reserved)
    for layer in design.graph.layers:
        if layer.output.name not in planner.aliases:
            planner.publish(layer, _node(planner, layer))
    return planner.finish()


def _node(p: Planner, layer: Layer) -> str:
    match layer:
        case Input():
            attributes = {"input_shape": list(layer.output.shape)}
            return p.hls4ml("Input", layer.output, (), attributes)
        case Dense():
            return dense(p, layer)
        case Conv():
            return conv(p, layer)
        case MaxPool() | SumPool():
            return _pool(p, layer)
        case Add():
            return _add(p, layer)
        case Concat():
            return _concat(p, layer)
        case Reshape():
            return p.repack(layer.input, p.read(layer.input), layer.output, traced=True)
        case Upsample():
            return _upsample(p, layer)
        case Requantize():
            return _requantize(p, layer)
        case Thresholds():
            return _thresholds(p, layer)
        case Lookup():
            return _lookup(p, layer)
        case ArgMax():
            return _argmax(p, layer)
        case _:
            assert_never(layer)


def _elements(tensor: Tensor) -> dict[str, int | bool | str]:
    return {"n_pixels": tensor.pixels, "n_channels": tensor.channels}


def _lanes(p: Planner, layer: LaneLayer) -> tuple[str, dict[str, int | bool | str]]:
    """Suffix of the kernel's name and constants of its schedule; none at reuse factor 1."""
    factor = p.folding(layer).reuse_factor
    if factor == 1:
        return "", {}
    schedule = lane_schedule(layer.output, factor, p.design.io_type)
    return "_folded", {
        "n_lanes": schedule.lanes, "n_groups": schedule.groups, "n_passes": schedule.passes,
    }  # fmt: skip


def _pool(p: Planner, layer: MaxPool | SumPool) -> str:
    extension, weights = pool_extension(layer)
    return p.extension(extension, layer.output, (p.read(layer.input),), weights=weights,
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _add(p: Planner, layer: Add) -> str:
    weights = {
        "multiplier_a": parameter(layer.multiplier_a.array),
        "multiplier_b": parameter(layer.multiplier_b.array),
    }
    constants = _elements(layer.output) | {
        f"{name}_rows": weight.values.size for name, weight in weights.items()
    }
    extension = Extension("add", "fpgacomp_add.h", constants, {}, tuple(weights))
    sources = (p.read(layer.a), p.read(layer.b))
    return p.extension(extension, layer.output, sources, weights=weights,
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _concat(p: Planner, layer: Concat) -> str:
    """Two at a time; the last step writes the layer's own tensor."""
    first = layer.parts[0]
    source = p.read(first)
    for position, part in enumerate(layer.parts[1:], start=1):
        last = position == len(layer.parts) - 1
        constants: dict[str, int | bool | str] = {
            "n_pixels": first.pixels, "channels_a": first.channels, "channels_b": part.channels,
        }  # fmt: skip
        extension = Extension("concat", "fpgacomp_concat.h", constants)
        first = layer.output if last else joined(first, part, layer.output.name)
        source = p.extension(extension, first, (source, p.read(part)), traced=last,
                             reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip
    if len(layer.parts) == 1:
        return p.repack(first, source, layer.output, traced=True)
    return source


def _upsample(p: Planner, layer: Upsample) -> str:
    height, width = plane(layer.input.shape)
    down, across = plane((*layer.factors, 1))
    constants: dict[str, int | bool | str] = {
        "in_height": height, "in_width": width, "n_channels": layer.input.channels,
        "factor_height": down, "factor_width": across,
    }  # fmt: skip
    extension = Extension("upsample", "fpgacomp_upsample.h", constants)
    return p.extension(extension, layer.output, (p.read(layer.input),),
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _argmax(p: Planner, layer: ArgMax) -> str:
    typedefs = {"value_t": ap_type(layer.input.type), "index_t": ap_type(layer.output.type)}
    extension = Extension("argmax", "fpgacomp_argmax.h", _elements(layer.input), typedefs)
    return p.extension(extension, layer.output, (p.read(layer.input),),
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _requantize(p: Planner, layer: Requantize) -> str:
    folded, lanes = _lanes(p, layer)
    weights = {
        "multiplier": parameter(layer.multiplier.array),
        "offset": parameter(layer.offset.array),
    }
    ends = [
        end * layer.multiplier.array + layer.offset.array
        for end in (layer.input.type.lo, layer.input.type.hi)
    ]
    low, high = int(np.min(ends)), int(np.max(ends))
    rounded = round_shift(np.array([low, high]), layer.shift, layer.rounding)
    # A bound beyond everything reachable costs no comparator, and must not widen the product.
    clip_lo, clip_hi = bool(layer.lo > rounded[0]), bool(layer.hi < rounded[1])
    lo, hi = layer.lo if clip_lo else 0, layer.hi if clip_hi else 0
    addend = 0 if layer.rounding is Rounding.FLOOR else (1 << layer.shift) - 1
    constants = _elements(layer.output) | {
        "multiplier_rows": layer.multiplier.array.size, "offset_rows": layer.offset.array.size,
        "shift": layer.shift, "rounding": f"fpgacomp::round_{layer.rounding.value}",
        "clip_lo": clip_lo, "clip_hi": clip_hi, "lo": lo, "hi": hi, "zero_point": layer.zero_point,
    }  # fmt: skip
    product = signed_ap_type(low, high + addend, lo, hi, layer.zero_point)
    extension = Extension(f"requantize{folded}", "fpgacomp_requantize.h", constants | lanes,
                          {"product_t": product}, tuple(weights))  # fmt: skip
    return p.extension(extension, layer.output, (p.read(layer.input),), weights=weights,
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _thresholds(p: Planner, layer: Thresholds) -> str:
    folded, lanes = _lanes(p, layer)
    table, data = layer.thresholds.array, layer.input.type
    if table.shape[1] == 0:  # a constant: C++ has no empty arrays, so one that never fires
        table = np.full((len(table), 1), data.hi + 1)
    # One type holds data and thresholds: one that never fires is the data's hi + 1.
    held = IntType(min(int(table.min()), data.lo), max(int(table.max()), data.hi))
    weights = {
        "thresholds": replace(parameter(table), type=ap_type(held)),
        "base": parameter(layer.base.array),
        "step": parameter(layer.step.array),
    }
    constants = _elements(layer.output) | {
        "n_thresholds": table.shape[1], "threshold_rows": len(table),
        "base_rows": layer.base.array.size, "step_rows": layer.step.array.size,
    }  # fmt: skip
    typedefs = {"count_t": ap_type(IntType(0, table.shape[1]))}
    extension = Extension(f"thresholds{folded}", "fpgacomp_thresholds.h", constants | lanes,
                          typedefs, tuple(weights))  # fmt: skip
    return p.extension(extension, layer.output, (p.read(layer.input),), weights=weights,
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _lookup(p: Planner, layer: Lookup) -> str:
    rows, entries = layer.table.shape
    folded, lanes = _lanes(p, layer)
    weights = {"table": parameter(_interleaved(layer.table.array, lanes))}
    constants = _elements(layer.output) | {
        "n_entries": entries, "table_rows": rows, "data_lo": layer.input.type.lo,
    }  # fmt: skip
    typedefs = {"index_t": ap_type(IntType(0, entries - 1))}
    extension = Extension(
        f"lookup{folded}", "fpgacomp_lookup.h", constants | lanes, typedefs, tuple(weights)
    )
    return p.extension(extension, layer.output, (p.read(layer.input),), weights=weights,
                       reuse_factor=p.folding(layer).reuse_factor)[0]  # fmt: skip


def _interleaved(table: IntArray, lanes: Mapping[str, int | bool | str]) -> IntArray:
    """[channels, entries] -> [groups, entries, lanes]: each lane's tables are one bank."""
    groups = int(lanes.get("n_groups", 1))
    if len(table) == 1 or groups == 1:
        return table
    return table.reshape(groups, -1, table.shape[1]).transpose(0, 2, 1)
