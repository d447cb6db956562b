"""From a compiled design to the bitstream of its board."""
