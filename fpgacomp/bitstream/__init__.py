"""From a build to a bitstream: projects for the tools of the FPGA's maker, and their runs."""
