"""Simulation and comparison, layer by layer."""
