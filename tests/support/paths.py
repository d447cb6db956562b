"""Where the repository's own files are, and the shared folder beside it (which may be absent)."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "fpgacomp"
EXAMPLES = REPOSITORY / "examples"
SHARED = REPOSITORY.parent / "shared"
MODELS = SHARED / "models"
SYNTHESIS = SHARED / "data" / "synthesis"
