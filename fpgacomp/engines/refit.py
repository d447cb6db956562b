"""Fits every engine's coefficients to published synthesis results.

    python -m fpgacomp.engines.refit FOLDER

A developer's tool; it needs scipy and the folder with the published tables.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fpgacomp.engines.hls4ml.estimate import coefficients as hls4ml
from fpgacomp.engines.hls4ml.estimate.fit import error_markdown, fit_all
from fpgacomp.engines.stream.estimate import coefficients as stream
from fpgacomp.engines.stream.estimate.fit import stream_content, stream_markdown


def main(folder: Path) -> None:
    """Write each engine's coefficients.json and print the tables of their errors."""
    print(error_markdown(_written(hls4ml.PATH, fit_all(folder))))
    print(stream_markdown(_written(stream.PATH, stream_content(folder))))


def _written(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    path.write_text(text, encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


if __name__ == "__main__":
    main(Path(sys.argv[1]))
