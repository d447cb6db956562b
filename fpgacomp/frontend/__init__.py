"""Readers and the rewrites that turn what comes in into the canonical network."""
