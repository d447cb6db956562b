"""The environment variables of a device: the only module of the runtime that reads them."""

from __future__ import annotations

import os


def wanted_key() -> str:
    """File of the public key that packages must be signed by (FPGACOMP_PACKAGE_KEY), or ""."""
    return os.environ.get("FPGACOMP_PACKAGE_KEY", "")
