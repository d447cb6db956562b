"""Fits every engine's coefficients to published synthesis results.

    python -m fpgacomp.engines.refit FOLDER

A developer's tool; it needs the folder with the published tables.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.published import Published, fitted, rebuilt, table_of
from fpgacomp.engines.shared.rows import read_csv
from fpgacomp.engines.stream.estimate import coefficients as stream


def published(folder: Path) -> Published:
    """What can be rebuilt of all tables in a folder that are known."""
    tables = []
    for path in sorted(folder.glob("*.csv")):
        lines = read_csv(path)
        table = table_of(lines[0]) if lines else None
        if table is not None:
            tables.append((table, lines))
    return rebuilt(tables)


def main(folder: Path) -> None:
    """Write each engine's coefficients.json."""
    found = published(folder)
    _write(hls4ml.PATH, fitted("hls4ml", found.of("hls4ml")))
    _write(stream.PATH, fitted("stream", found.of("stream")))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
