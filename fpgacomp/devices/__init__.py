"""Boards and what their silicon is made of."""
