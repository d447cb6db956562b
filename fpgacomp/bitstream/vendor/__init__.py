"""Bitstreams by AMD's tools: scripts for Vivado, Vitis HLS and v++, and their runs."""
