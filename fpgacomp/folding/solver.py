"""scipy's integer program solver, kept silent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_solver() -> Iterator[None]:
    """Nothing that native code prints reaches standard output.

    HiGHS prints a debug line on some problems whatever it is told, and `--json` promises
    one document and nothing else there.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(sink)
