"""A streaming design as SystemVerilog, and its simulation cycle by cycle."""
