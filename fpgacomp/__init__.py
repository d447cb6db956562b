"""FPGA hardware/software co-design compiler for neural networks."""
