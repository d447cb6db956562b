"""From a build directory to a bitstream, and what the tools on that way report."""
