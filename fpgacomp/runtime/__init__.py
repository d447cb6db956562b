"""Placeholder until the runtime of main is merged."""
