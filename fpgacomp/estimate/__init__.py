"""Latency and resources before synthesis."""
