"""Turns the canonical network into the integer graph and the software side around it."""

from fpgacomp.lower.lower import lower

__all__ = ["lower"]
