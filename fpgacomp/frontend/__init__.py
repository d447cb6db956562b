"""Reads networks of every supported form and rewrites them into the canonical network."""

from __future__ import annotations

from fpgacomp.frontend.end_in_labels import end_in_labels
from fpgacomp.frontend.open import check_model, open_network
from fpgacomp.frontend.outputs import forms_of, output_forms
from fpgacomp.frontend.read import NodeFinding, canonicalize, check, read_network
from fpgacomp.frontend.summary import facts

__all__ = [
    "NodeFinding",
    "canonicalize",
    "check",
    "check_model",
    "end_in_labels",
    "facts",
    "forms_of",
    "open_network",
    "output_forms",
    "read_network",
]
