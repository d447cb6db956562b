"""`python -m fpgacomp_runtime.service` serves predictions."""

from __future__ import annotations

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main())
