"""Canonical network to integer graph."""

from fpgacomp.lower.lower import lower

__all__ = ["lower"]
