"""What the instances of our own SystemVerilog take by Yosys, from their parameters and tables."""
