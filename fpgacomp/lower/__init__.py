"""Canonical network to integer graph."""
