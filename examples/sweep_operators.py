"""Yosys on a few hundred random instances of our SystemVerilog, and the estimate's fit to them.

    python -m examples.sweep_operators [--board BOARD]... [--module MODULE]... [--fit]

Needs pyosys (pip install pyosys==0.70). The instances are those of random layers under random
foldings (examples/sweep_networks.py); each distinct one is mapped by itself, as `compile --area
yosys` maps it. What they took goes to fpgacomp/engines/stream/estimate/rtl/measured.json, by the
device family of the board, beside the terms that the estimate counts. With --module those of the
other modules are kept as they were measured before. With --fit nothing is measured: terms are
counted anew, and the costs in rtl/costs.json are fitted to what was measured.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.sweep_networks import MOST, drawn
from fpgacomp.bitstream.open.area import measured_area
from fpgacomp.devices.board import Board
from fpgacomp.devices.read import load_board
from fpgacomp.engines.engine import HardwareUnit
from fpgacomp.engines.stream.estimate.rtl.fit import family_content
from fpgacomp.engines.stream.estimate.rtl.measured import (
    FIRST,
    PATH,
    content,
    of_family,
    terms_of,
)
from fpgacomp.engines.stream.estimate.rtl.modules import tally
from fpgacomp.engines.stream.estimate.rtl.prices import PATH as COSTS
from fpgacomp.engines.stream.estimate.rtl.prices import family_of
from fpgacomp.engines.stream.rtl.parts import RtlPart
from fpgacomp.engines.stream.rtl.project import LIBRARY
from fpgacomp.host.toolchain import find_yosys
from fpgacomp.results.project import Project

SEED = 20261129
BOARDS = ("pynq-z2", "zcu104", "ulx3s-85f", "ice40-hx8k-evn", "tang-nano-9k")
COUNTED = ("lut", "lutram", "ff", "dsp", "bram18")


def distinct(board: Board, seed: int = SEED) -> dict[str, RtlPart]:
    """Digest -> instance, each once, and no more of what comes with every layer than MOST."""
    found: dict[str, RtlPart] = {}
    taken: Counter[str] = Counter()
    for part in drawn(board, seed):
        key = digest(part)
        known = key in found or taken[part.module] >= MOST.get(part.module, sys.maxsize)
        if not known and not (part.module == "fpgacomp_repeat" and part.layer != "x"):
            found[key] = part
            taken[part.module] += 1
    return found


def digest(part: RtlPart) -> str:
    """Of module, parameters and tables; tables count by their content."""
    whole = hashlib.sha256(part.module.encode())
    for name, value in sorted(part.parameters.items()):
        content = part.files[value] if isinstance(value, str) and value in part.files else b""
        whole.update(f"\0{name}={'' if content else value}".encode() + content)
    return whole.hexdigest()[:16]


def measure(board: Board, parts: dict[str, RtlPart]) -> dict[str, dict[str, float]]:
    """Digest -> what Yosys made of each instance."""
    files = {f"rtl/lib/{path.name}": path.read_bytes() for path in LIBRARY.glob("*.sv")}
    units = []
    for key, part in parts.items():
        files |= {f"rtl/{key}_{name}": content for name, content in part.files.items()}
        units.append(HardwareUnit(key, part.module, tuple(_texts(key, part)), layer=key))
    found: dict[str, dict[str, float]] = {}
    planned = {unit.layer for unit in units if ("DSP", "1") in unit.parameters}
    for some in (planned, parts.keys() - planned):
        chosen = [unit for unit in units if unit.layer in some]
        if chosen:
            area = measured_area(board, Project(files), chosen, find_yosys("the sweep"), _told)
            found |= {key: dict(amounts) for key, amounts in area.layers.items()}
    return found


def _texts(key: str, part: RtlPart) -> Iterator[tuple[str, str]]:
    for name, value in part.parameters.items():
        is_file = isinstance(value, str) and value in part.files
        text = f'"{key}_{value}"' if is_file else f'"{value}"'
        yield name, text if isinstance(value, str) else str(value)


def _told(share: float) -> None:
    print(f"\r{share:.0%} ", end="", file=sys.stderr, flush=True)


def measure_all(boards: Sequence[str], modules: Sequence[str], seed: int, most: int) -> None:
    """Measure the instances of each board's family, and keep what was measured of the others.

    Args:
        modules: whose instances are measured; all unless given.
    """
    whole = json.loads(PATH.read_text()) if PATH.exists() else {"families": {}}
    whole |= {"seed": seed, "tools": {"pyosys": find_yosys("the sweep").version}}
    for name in boards:
        board = load_board(name)
        every = distinct(board, seed)
        chosen = [key for key in sorted(every) if not modules or every[key].module in modules]
        parts = {key: every[key] for key in chosen[:most]}
        found = measure(board, parts)
        family = family_of(board.device)
        before = whole["families"].get(family, {"instances": []})["instances"]
        instances = [one for one in before if modules and one["module"] not in modules]
        instances += [_entry(key, parts[key], board, found[key]) for key in parts]
        instances.sort(key=lambda one: (one["module"], one["key"]))
        whole["families"][family] = {"board": name, "instances": instances}
        _write(PATH, whole)


def _entry(key: str, part: RtlPart, board: Board, found: Mapping[str, float]) -> dict[str, Any]:
    measured = _rounded({name: found[name] for name in COUNTED})
    return {"key": key, "module": part.module, "measured": measured, "terms": terms(part, board)}


def recount(seed: int) -> None:
    """Count the terms of what was measured anew."""
    whole = json.loads(PATH.read_text())
    for family in whole["families"].values():
        board = load_board(family["board"])
        parts = distinct(board, seed)
        for one in family["instances"]:
            one["terms"] = terms(parts[one["key"]], board)
    _write(PATH, whole)


def terms(part: RtlPart, board: Board) -> dict[str, dict[str, float]]:
    """What the estimate counts of an instance."""
    counted = terms_of(tally(part, board.device))
    return {r: _rounded(amounts) for r, amounts in counted.items() if amounts}


def _rounded(amounts: Mapping[str, float]) -> dict[str, float]:
    return {name: round(amount, 2) for name, amount in sorted(amounts.items()) if amount}


def fit() -> None:
    """Fit costs.json to measured.json: families beside the first start from its costs."""
    families: dict[str, dict[str, Any]] = {}
    for family in json.loads(PATH.read_text())["families"]:
        first = of_family(FIRST) if family != FIRST else ()
        families[family] = family_content(of_family(family), first)
    _write(COSTS, {"families": families})


def _write(path: Path, content: dict[str, Any]) -> None:
    """JSON, an instance or a module a line."""
    text = json.dumps(content, indent=1, sort_keys=True)
    path.write_text(re.sub(r"\n {5,}|\n {4}(?=[}\]])", "", text) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--board", action="append", help="measure for this one; all unless given")
    parser.add_argument("--module", action="append", help="measure this one; all unless given")
    parser.add_argument("--fit", action="store_true", help="measure nothing: count and fit")
    parser.add_argument("--seed", type=int, default=SEED, help="of the random layers")
    parser.add_argument("--most", type=int, default=sys.maxsize, help="instances of a family")
    options = parser.parse_args()
    if options.fit:
        recount(options.seed)
    else:
        measure_all(options.board or BOARDS, options.module or (), options.seed, options.most)
    content.cache_clear()
    fit()


if __name__ == "__main__":
    main()
