"""Whole networks as circuits of shared additions: every position at once, a frame a cycle."""
