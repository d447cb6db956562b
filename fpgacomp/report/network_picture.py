"""Lays out the network as a picture: layers from top to bottom, wires with types and FIFO depths.

A layer stands one row below the lowest layer that it reads. A wire to the next row goes straight
through the gap between the rows; a longer one goes around, in a lane to the right of all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fpgacomp.report import wording
from fpgacomp.results.report import LayerReport

BOX_WIDTH, BOX_HEIGHT = 190, 42
COLUMN, ROW = BOX_WIDTH + 60, BOX_HEIGHT + 42
LEAVES, ARRIVES = 10, 12  # below a box and above the next one: where wires turn
LANE, MARGIN = 12, 4
_MOST_LETTERS = 24
# Room to the right of the last column for the type and FIFO that leave a box's middle.
_LABEL = 60


@dataclass(frozen=True)
class Box:
    """A layer: the corner of its box in pixels, what it is called, and what leaves it."""

    x: int
    y: int
    name: str
    detail: str
    output: str
    full: str


@dataclass(frozen=True)
class NetworkPicture:
    """The whole picture in pixels; `wires` are paths of SVG."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    wires: tuple[str, ...]
    summary: str


def draw_network(layers: Sequence[LayerReport]) -> NetworkPicture:
    """Place the layers, which are in topological order, and the wires between them."""
    rows = _rows(layers)
    places = _places(layers, rows)
    columns = max((x for x, _ in places.values()), default=0) // COLUMN + 1
    right = MARGIN + columns * COLUMN - (COLUMN - BOX_WIDTH) + _LABEL
    long = [
        (source, layer.name)
        for layer in layers
        for source in layer.inputs
        if source in rows and rows[layer.name] - rows[source] > 1
    ]
    lanes = _lanes(long, rows)
    wires = tuple(_wires(layers, places, lanes, right))
    used = max(lanes.values(), default=-1) + 1
    return NetworkPicture(
        width=right + used * LANE + MARGIN,
        height=(max(rows.values(), default=0) + 1) * ROW,
        boxes=tuple(_box(layer, *places[layer.name]) for layer in layers),
        wires=wires,
        summary=f"{len(layers)} layers and {len(wires)} wires between them",
    )


def _rows(layers: Sequence[LayerReport]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for layer in layers:
        above = [rows[name] for name in layer.inputs if name in rows]
        rows[layer.name] = max(above, default=-1) + 1
    return rows


def _places(layers: Sequence[LayerReport], rows: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Left upper corner of each layer's box; a row is filled from the left."""
    filled: dict[int, int] = {}
    places = {}
    for layer in layers:
        row = rows[layer.name]
        column = filled.get(row, 0)
        filled[row] = column + 1
        places[layer.name] = (MARGIN + column * COLUMN, MARGIN + row * ROW)
    return places


def _lanes(long: Sequence[tuple[str, str]], rows: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """The first lane that is free over all rows of a wire, the upper wires first."""
    free_from: list[int] = []  # by lane: the row from which it is free
    lanes = {}
    for wire in sorted(long, key=lambda wire: (rows[wire[0]], rows[wire[1]])):
        start, end = rows[wire[0]], rows[wire[1]]
        lane = next((n for n, row in enumerate(free_from) if row <= start), len(free_from))
        free_from[lane : lane + 1] = [end]
        lanes[wire] = lane
    return lanes


def _wires(
    layers: Sequence[LayerReport],
    places: Mapping[str, tuple[int, int]],
    lanes: Mapping[tuple[str, str], int],
    right: int,
) -> Iterator[str]:
    for layer in layers:
        for source in layer.inputs:
            if source not in places:
                continue
            (x0, y0), (x1, y1) = places[source], places[layer.name]
            x0, y0, x1 = x0 + BOX_WIDTH // 2, y0 + BOX_HEIGHT, x1 + BOX_WIDTH // 2
            turn = y1 - ARRIVES
            lane = lanes.get((source, layer.name))
            if lane is not None:
                aside = right + (lane + 1) * LANE
                yield f"M{x0} {y0}V{y0 + LEAVES}H{aside}V{turn}H{x1}V{y1}"
            elif x0 == x1:
                yield f"M{x0} {y0}V{y1}"
            else:
                yield f"M{x0} {y0}V{turn}H{x1}V{y1}"


def _box(layer: LayerReport, x: int, y: int) -> Box:
    kind = f"{layer.kind} {wording.shape_text(layer.shape)}"
    weights = f", {layer.weight_bits}-bit weights" if layer.weight_bits else ""
    output = layer.output_type.partition("[")[0]
    if layer.fifo_depth is not None:
        output += f", FIFO of {layer.fifo_depth:,}"
    return Box(
        x=x,
        y=y,
        name=_short(layer.name),
        detail=_short(kind),
        output=output,
        full=f"{layer.name}: {kind}{weights}, output {layer.output_type}",
    )


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
