"""Packages: a build as one signed, reproducible archive for devices."""
