"""This machine: its tools and environment, the solver, progress, shipped data files."""
