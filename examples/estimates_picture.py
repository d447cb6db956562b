"""The picture of docs/estimates.md: predicted beside measured, on logarithmic axes, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from fpgacomp.engines.judging_rtl import JudgedInstance, families

SIDE, EDGE = 300, 44  # of a square in pixels, and what is left of it for its labels
DECADES = 4  # from 1 to 10,000
SPANS = {"lut": 0.15, "ff": 0.20}  # beside the diagonal
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd")


def picture(some: Sequence[JudgedInstance]) -> str:
    """A square for LUTs and one for flip-flops; a dot for each instance, a colour a family."""
    width, height = 2 * (SIDE + EDGE) + EDGE, SIDE + 2 * EDGE
    squares = [
        f'<g transform="translate({EDGE + index * (SIDE + EDGE)},{EDGE // 2})">'
        + _square(some, resource, span)
        + "</g>"
        for index, (resource, span) in enumerate(SPANS.items())
    ]
    names = [
        f'<text x="{EDGE + 80 * index}" y="{height - 6}" fill="{colour}">{family}</text>'
        for index, (family, colour) in enumerate(zip(families(), COLOURS))
    ]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>', *squares, *names, "</svg>", "",
    ])  # fmt: skip


def _square(some: Sequence[JudgedInstance], resource: str, span: float) -> str:
    parts = [f'<rect width="{SIDE}" height="{SIDE}" fill="none" stroke="#888"/>']
    for decade in range(DECADES + 1):
        at = SIDE * decade / DECADES
        label = f"{10**decade:,}"
        parts += [
            f'<text x="{at:.0f}" y="{SIDE + 13}" text-anchor="middle">{label}</text>',
            f'<text x="-4" y="{SIDE - at + 4:.0f}" text-anchor="end">{label}</text>',
        ]
    for factor, dash in ((1.0, "none"), (1 + span, "4 3"), (1 / (1 + span), "4 3")):
        shift = SIDE * log10(factor) / DECADES
        low, high = max(-shift, 0.0), min(SIDE - shift, SIDE)
        parts.append(
            f'<path d="M{low:.1f} {SIDE - low - shift:.1f}L{high:.1f} {SIDE - high - shift:.1f}" '
            f'stroke="#888" stroke-dasharray="{dash}"/>'
        )
    for family, colour in zip(families(), COLOURS):
        dots = "".join(_dot(one, resource) for one in some if one.silicon == family)
        parts.append(
            f'<path d="{dots}" stroke="{colour}" stroke-width="3" stroke-linecap="round" '
            'stroke-opacity="0.5"/>'
        )
    title = f"{resource.upper()} by Yosys; upwards: predicted"
    parts.append(f'<text x="{SIDE / 2:.0f}" y="{SIDE + 28}" text-anchor="middle">{title}</text>')
    return "".join(parts)


def _dot(one: JudgedInstance, resource: str) -> str:
    across, up = one.row.actual[resource], one.figures[resource].value
    if min(across, up) < 1:
        return ""
    x, y = (min(SIDE * log10(amount) / DECADES, SIDE) for amount in (across, up))
    return f"M{x:.1f} {SIDE - y:.1f}h0"
