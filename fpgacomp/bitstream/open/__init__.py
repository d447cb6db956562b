"""Bitstreams by open tools: Yosys, nextpnr, and the packers of the families."""
